package export

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/otlptranslator"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// OpenMetrics writes the totals of the run, warm-up included, as OpenMetrics
// text (1.0), each with the instant the last interval ended. Names and labels
// are those of schload's Prometheus endpoint. A histogram has those edges of its
// own buckets that any series of the metric needs: counts are exact at each.
func OpenMetrics(w io.Writer, b *bundle.Bundle, s compare.Summary) error {
	all, err := readSums(b, s)
	if err != nil {
		return err
	}
	out := &exposition{Writer: bufio.NewWriter(w), at: timestamp(b.Run.Started.Add(all.To)), run: []label{
		{"schload_run_id", b.Run.ID}, {"schload_upgrade", b.Run.Upgrade.Name},
	}}
	for from := 0; from < len(all.all); {
		to := from + 1
		for to < len(all.all) && all.all[to].Name == all.all[from].Name {
			to++
		}
		if err := out.family(all.all[from:to]); err != nil {
			return err
		}
		from = to
	}
	fmt.Fprintln(out, "# EOF")
	return out.Flush()
}

type label struct{ name, value string }

type exposition struct {
	*bufio.Writer
	at  string
	run []label
}

// kinds are how metrics are told to whom decides their names.
var kinds = map[string]otlptranslator.MetricType{
	record.Counter:       otlptranslator.MetricTypeMonotonicCounter,
	record.UpDownCounter: otlptranslator.MetricTypeNonMonotonicCounter,
	record.Gauge:         otlptranslator.MetricTypeGauge,
	record.Histogram:     otlptranslator.MetricTypeExponentialHistogram,
}

// family writes all series of one metric.
func (e *exposition) family(all []series) error {
	m := all[0].Metric
	namer := otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
	name, err := namer.Build(otlptranslator.Metric{Name: m.Name, Unit: m.Unit, Type: kinds[m.Kind]})
	if err != nil {
		return err
	}
	name, kind := strings.TrimSuffix(name, "_total"), m.Kind // a family's name lacks the suffix of its samples
	if kind == record.UpDownCounter {
		kind = record.Gauge
	}
	fmt.Fprintf(e, "# TYPE %s %s\n", name, kind)
	if m.Unit == "s" && strings.HasSuffix(name, "_seconds") {
		fmt.Fprintf(e, "# UNIT %s seconds\n", name)
	}
	fmt.Fprintf(e, "# HELP %s %s\n", name, escape(m.Description))
	edges := edgesOf(all)
	for _, x := range all {
		labels, err := e.labels(x)
		if err != nil {
			return err
		}
		switch {
		case x.times != nil:
			e.histogram(name, labels, x.times, edges)
		case kind == record.Counter:
			e.sample(name+"_total", labels, x.value)
		default:
			e.sample(name, labels, x.value)
		}
	}
	return nil
}

func (e *exposition) labels(x series) ([]label, error) {
	labels := slices.Clone(e.run)
	if x.arm != "" {
		labels = append(labels, label{"schload_arm", x.arm})
	}
	namer := otlptranslator.LabelNamer{}
	for _, a := range x.attrs {
		name, err := namer.Build(a.Key)
		if err != nil {
			return nil, err
		}
		labels = append(labels, label{name, a.Value})
	}
	return labels, nil
}

func (e *exposition) histogram(name string, labels []label, h *histogram.Histogram, edges []int) {
	offset, counts := h.Buckets()
	below, next := h.Zero(), 0
	for _, edge := range edges {
		for ; next < len(counts) && int(offset)+next-firstIndex <= edge; next++ {
			below += counts[next]
		}
		e.sample(name+"_bucket", append(slices.Clip(labels), label{"le", canonical(histogram.Upper(edge))}), strconv.FormatUint(below, 10))
	}
	count := strconv.FormatUint(h.Count(), 10)
	e.sample(name+"_bucket", append(slices.Clip(labels), label{"le", "+Inf"}), count)
	e.sample(name+"_count", labels, count)
	e.sample(name+"_sum", labels, seconds(h.Sum()))
}

// firstIndex is OTLP's index of bucket 0 of a histogram.
const firstIndex = -20 << histogram.Scale

// edgesOf returns the buckets that are in use, ascending, -1 for that of zero.
// Each brings the one below it: else its lower edge would be lost.
func edgesOf(all []series) []int {
	used := map[int]bool{}
	for _, x := range all {
		if x.times == nil {
			continue
		}
		offset, counts := x.times.Buckets()
		used[-1] = used[-1] || x.times.Zero() > 0
		for i, n := range counts {
			if at := int(offset) + i - firstIndex; n > 0 {
				used[at], used[at-1] = true, true
			}
		}
	}
	delete(used, histogram.Buckets) // the overflow ends at +Inf
	maps.DeleteFunc(used, func(_ int, yes bool) bool { return !yes })
	return slices.Sorted(maps.Keys(used))
}

// canonical spells an edge as OpenMetrics wants floats: 1.0, not 1.
func canonical(d time.Duration) string {
	text := seconds(d)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

func (e *exposition) sample(name string, labels []label, value string) {
	e.WriteString(name)
	sep := "{"
	for _, l := range labels {
		if l.value == "" {
			continue // in Prometheus the same as none
		}
		fmt.Fprintf(e, `%s%s="%s"`, sep, l.name, escape(l.value))
		sep = ","
	}
	if sep == "," {
		e.WriteString("}")
	}
	fmt.Fprintf(e, " %s %s\n", value, e.at)
}

func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(text)
}

// timestamp is in seconds, with milliseconds as Prometheus keeps them.
func timestamp(t time.Time) string {
	ms := t.UnixMilli()
	return fmt.Sprintf("%d.%03d", ms/1000, ms%1000)
}

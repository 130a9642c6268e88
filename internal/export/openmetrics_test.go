package export

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"schload/telemetry/histogram"
)

var (
	omType   = regexp.MustCompile(`^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$`)
	omMeta   = regexp.MustCompile(`^# (UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) .+$`)
	omSample = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\n"])*",?)*)\})? ([0-9.e+-]+) ([0-9]+\.[0-9]{3})$`)
	omLe     = regexp.MustCompile(`,?le="([^"]*)"`)
)

// The strict part of the standard's grammar that this package uses: families
// whole and once, their suffixes, cumulative buckets that end at +Inf with the
// count, no series twice, # EOF at the end.
func TestOpenMetricsReadBack(t *testing.T) {
	b, s := recorded(t)
	var out bytes.Buffer
	if err := OpenMetrics(&out, b, s); err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutSuffix(out.String(), "# EOF\n")
	if !ok {
		t.Fatal("no # EOF")
	}
	families, seen := map[string]string{}, map[string]bool{}
	buckets := map[string]map[string]uint64{}
	values := map[string]string{}
	family, kind := "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := omType.FindStringSubmatch(line); m != nil {
			family, kind = m[1], m[2]
			if families[family] != "" {
				t.Errorf("%s twice", family)
			}
			families[family] = kind
			continue
		}
		if m := omMeta.FindStringSubmatch(line); m != nil && m[2] == family {
			continue
		}
		m := omSample.FindStringSubmatch(line)
		if m == nil || seen[m[1]+m[2]] {
			t.Fatalf("not a sample, or a second of its series: %q", line)
		}
		seen[m[1]+m[2]] = true
		suffix, ok := strings.CutPrefix(m[1], family)
		if !ok || !strings.Contains(map[string]string{"counter": " _total ", "gauge": "  ", "histogram": " _bucket _sum _count "}[kind], " "+suffix+" ") {
			t.Errorf("%s in the family %s %s", m[1], kind, family)
		}
		if suffix != "_bucket" {
			values[m[1]+m[2]] = m[3]
			continue
		}
		le := omLe.FindStringSubmatch(m[2])
		series := family + omLe.ReplaceAllString(m[2], "")
		if buckets[series] == nil {
			buckets[series] = map[string]uint64{}
		}
		n, err := strconv.ParseUint(m[3], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		buckets[series][le[1]] = n
	}
	checked := 0
	sums, err := readSums(b, s)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range sums.Series() {
		labels := fmt.Sprintf(`schload_run_id="r-1",schload_upgrade="endpoint-rebind",schload_arm="%s",db_operation_name="GET",outcome="ok",pool="main",schload_phase="%s",schload_round="%d"`,
			x.Arm, x.Phase, x.Round)
		name := "schload_operation_response_time_seconds"
		if got := values[name+"_sum"+labels]; got != seconds(x.Response.Sum()) {
			t.Errorf("sum %q, the bundle says %v", got, x.Response.Sum())
		}
		found := buckets[name+labels]
		if found["+Inf"] != x.Response.Count() || values[name+"_count"+labels] != strconv.FormatUint(x.Response.Count(), 10) {
			t.Errorf("count %d, %s", found["+Inf"], values[name+"_count"+labels])
		}
		for le, n := range found {
			if le == "+Inf" {
				continue
			}
			d, err := time.ParseDuration(le + "s")
			if err != nil {
				t.Fatal(err)
			}
			if want := upTo(x.Response, d); n != want {
				t.Errorf("le %s: %d, the bundle says %d", le, n, want)
			}
			checked++
		}
	}
	if checked < 1000 || families["schload_operations"] != "counter" {
		t.Errorf("%d buckets, families %v", checked, families)
	}
	if n := values[`schload_operations_total`+`schload_run_id="r-1",schload_upgrade="endpoint-rebind",schload_arm="on",`+
		`db_operation_name="GET",outcome="ok",pool="main",schload_phase="baseline",schload_round="1"`]; n != "500" {
		t.Errorf("operations %q of %d values", n, len(values))
	}
}

// upTo counts the buckets that end at or below an edge, by their own edges.
func upTo(h *histogram.Histogram, edge time.Duration) uint64 {
	n := h.Zero()
	offset, counts := h.Buckets()
	for i, c := range counts {
		if at := int(offset) + i + 1280; at < histogram.Buckets && histogram.Upper(at) <= edge {
			n += c
		}
	}
	return n
}

package telemetry

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/otlptranslator"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

var update = flag.Bool("update", false, "rewrite the files that the tests compare with")

const metricsDoc = "../docs/METRICS.md"

const metricsHead = `# Metrics

Generated from the list in telemetry/record by ` + "`go test ./telemetry -update`" + `; do not edit.

Every metric of schload, as OpenTelemetry names it and as Prometheus does. All are
cumulative since the run's base instant. Histograms are base-2 exponential of scale 6
(buckets 1.09 % wide, from 2^-20 s to 2^7 s): what is exported is what was recorded,
bucket for bucket, and arrives in Prometheus as a native histogram.

Each arm is a source of its own, and has a resource of its own (below); what concerns no arm comes from the run, without ` + "`schload.arm`" + `.

Exports sum the rounds, because a label that grows with the length of a run does not belong
into every time series database. With ` + "`--export-rounds`" + ` whatever lists ` + "`schload.round`" + ` has it:
as many times the series as the run has rounds, within four times the bounds below. Counters
and histograms that the bundle keeps without phase and round, because the instants of its
intervals tell (dials, closes, handoffs, notices, hidden attempts and their like), are exported
with those in which the larger part of their interval lies; a reading is taken whenever a phase
begins. When a source exceeds its bound of series, the rest is merged into
one with ` + "`otel.metric.overflow`" + `: 2 000 for each metric, 512 for histograms of operations.

With ` + "`--histograms classic`" + ` histograms go out with explicit buckets; with
` + "`--redis-testing-metrics`" + ` the metrics that Redis' testing applications share are exported too (below).

`

const contractHead = `
## Metrics of Redis' testing applications

With ` + "`--redis-testing-metrics`" + ` the numbers above go out under these names too, so that boards made for Redis' own testing applications
read them. Every series has ` + "%s" + ` besides the labels listed: the application is ` + "`go-PROFILE`" + `, the instance the arm's. The histograms have explicit
buckets, whatever ` + "`--histograms`" + ` says; durations are service times. Where the contract has a subscriber, which may be thousands, messages are summed, and the channel is the pool.

| metric | kind, unit | labels | upper edges of buckets, ms | in Prometheus |
|---|---|---|---|---|
`

func renderContract() string {
	var b strings.Builder
	fmt.Fprintf(&b, contractHead, quoted(contractLabels))
	for _, m := range contractMetrics {
		edges := strings.Trim(fmt.Sprint(m.bounds), "[]")
		kind := m.kind
		if m.unit != "" {
			kind += ", " + m.unit
		}
		fmt.Fprintf(&b, "| `%s`<br>%s | %s | %s | %s | `%s` |\n", m.name, m.description, kind, quoted(m.labels), edges,
			prometheusName(record.Metric{Name: m.name, Unit: m.unit, Kind: m.kind}))
	}
	return b.String()
}

const eventsHead = `
## Marks

With ` + "`--export-marks`" + ` or ` + "`OTEL_LOGS_EXPORTER=otlp`" + ` the run's timeline goes out too, as OTLP log events to the receiver of the
metrics (` + "`/v1/logs`" + `), or where the variables of logs say (below), and into the same ` + "`--otlp-file`" + `. It is off by default. Each reading is then
exported for itself, when it was taken, whatever ` + "`OTEL_METRIC_EXPORT_INTERVAL`" + ` says, and rounds are told apart as with
` + "`--export-rounds`" + `: metrics and events together are what the bundle has, and ` + "`schload compare FILE.jsonl`" + ` computes the whole
table of what a collector wrote of them (docs/BUNDLE.md).

| event | when | body |
|---|---|---|
| ` + "`schload.run`" + ` | the run begins | run.json, secrets hidden |
| ` + "`schload.mark`" + ` | a fact on the timeline | the fact in a few words; its fields are attributes, below |
| ` + "`schload.reading`" + ` | an interval was read | JSON: what cumulative metrics do not tell of it (its bounds, the extremes of its durations, gauges that it did not state, how many counters it increased) |
| ` + "`schload.end`" + ` | the run has ended | run.json as it stays, with the proofs |

Every event has ` + "`schload.event.number`" + `, from 1 without a gap, so that what is missing is noticed; the last one has
` + "`schload.event.lost`" + `. What cannot be sent waits and is sent again: 16 384 events at most, the last quarter for phases, steps,
outages and their like. What finds no room is lost, counted and said at the end of the run. The resource is the run's own.

| attribute of ` + "`schload.mark`" + ` | meaning |
|---|---|
`

func renderEvents() string {
	var b strings.Builder
	b.WriteString(eventsHead)
	for _, f := range mark.Fields {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.Key, f.Description)
	}
	return b.String()
}

const variablesHead = `
## OTEL_ variables

Every variable of OpenTelemetry's specification, and what it does here. A flag beats its variable. Metrics, spans (` + "`--traces`" + `) and
marks (` + "`--export-marks`" + `) are settled alike: by the signal's own variable, then by the general one. An empty variable is an unset one; a value that
cannot be understood is warned of and ignored. Nothing is exported unless a flag or a variable asks for it.

| variable | used | how, or why not |
|---|---|---|
`

func renderVariables() string {
	var b strings.Builder
	b.WriteString(variablesHead)
	for _, v := range standard {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", strings.ReplaceAll(quoted(v.names), " ", "<br>"), v.used(), v.does+v.why)
	}
	return b.String()
}

// used says whether a variable does something, and if not when it is warned of.
func (v variable) used() string {
	switch {
	case v.does != "":
		return "yes"
	case v.matters == nil:
		return "no, without a warning"
	case len(v.same) > 0:
		return fmt.Sprintf("no; warned of%s, unless %s", v.matters.when, quoted(v.same))
	}
	return "no; warned of" + v.matters.when
}

func renderMetrics() string {
	var b strings.Builder
	b.WriteString(metricsHead)
	b.WriteString("| metric | kind, unit | attributes | in Prometheus |\n|---|---|---|---|\n")
	for _, m := range record.Metrics {
		fmt.Fprintf(&b, "| `%s`<br>%s | %s, %s | %s | `%s` |\n", m.Name, m.Description, m.Kind, m.Unit, quoted(m.Attributes), prometheusName(m))
	}
	return b.String() + renderResource() + renderLater() + renderAbsent() + renderContract() + renderTraces() + renderEvents() + renderVariables()
}

func quoted(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = "`" + s + "`"
	}
	return strings.Join(quoted, " ")
}

func prometheusName(m record.Metric) string {
	kinds := map[string]otlptranslator.MetricType{
		record.Counter:       otlptranslator.MetricTypeMonotonicCounter,
		record.UpDownCounter: otlptranslator.MetricTypeNonMonotonicCounter,
		record.Gauge:         otlptranslator.MetricTypeGauge,
		record.Histogram:     otlptranslator.MetricTypeExponentialHistogram,
	}
	namer := otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
	name, err := namer.Build(otlptranslator.Metric{Name: m.Name, Unit: m.Unit, Type: kinds[m.Kind]})
	if err != nil {
		return err.Error()
	}
	return name
}

// docs/METRICS.md is the list that the code uses.
func TestMetricsDoc(t *testing.T) {
	want := renderMetrics()
	if *update {
		if err := os.WriteFile(metricsDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(metricsDoc)
	if err != nil {
		t.Fatalf("%v: write it with -update", err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is not up to date, rewrite it with -update (-want +got):\n%s", metricsDoc, diff)
	}
}

// Names that Prometheus would turn into something else than meant.
func TestPrometheusNames(t *testing.T) {
	if !slices.IsSortedFunc(record.Metrics, func(a, b record.Metric) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("record.Metrics is not sorted by name")
	}
	seen := map[string]string{}
	for _, m := range record.Metrics {
		name := prometheusName(m)
		if strings.HasSuffix(name, "_ratio") {
			t.Errorf("%s is %s: unit 1 makes a gauge a ratio, use an annotation like {connection}", m.Name, name)
		}
		if other := seen[name]; other != "" {
			t.Errorf("%s and %s are both %s", m.Name, other, name)
		}
		seen[name] = m.Name
	}
}

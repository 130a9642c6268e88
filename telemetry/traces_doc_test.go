package telemetry

import (
	"fmt"
	"slices"
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"schload/telemetry/mark"
	operations "schload/telemetry/trace"
	"schload/workload"
)

// spanAttributes are those of both spans of an operation, callAttributes those
// that only the call has, and eventAttributes those of a call's events.
var (
	spanAttributes = []explained{
		{"schload.arm", "the arm"},
		{"schload.pool", "the worker pool"},
		{"schload.round", "the round, from 1; 0 is the warm-up"},
		{"schload.phase", "the phase in which it was due"},
		{"schload.trace.reason", "`wrong`, `failed`, `late` or `slow`"},
		{"schload.response_time", "seconds from when it was due to its end"},
		{"schload.service_time", "seconds from its send to its end, all tries included"},
		{"schload.lateness", "seconds from when it was due to its send"},
		{"schload.attempts", "how often the client tried, where it tells"},
		{"schload.operations", "how many of its pipeline ended alike, which this one stands for; absent: it alone"},
		{"error.type", "the class of the failure, an outcome of `schload.operations`"},
	}
	callAttributes = []explained{
		{"db.system.name", "redis"},
		{"db.operation.name", "the command"},
		{"db.operation.batch.size", "the depth of its pipeline, if it was in one"},
		{"db.response.status_code", "the first word of an error reply, where the class has one word alone (`READONLY`)"},
		{"server.address", "what was dialled"},
		{"server.port", "its port"},
		{"network.peer.address", "the node that it led to"},
		{"network.peer.port", "its port"},
		{"schload.connection", "number of the connection within the arm, from 1"},
	}
	eventAttributes = []explained{
		{"schload.mark.name", "which one: MOVING, succeeded, eof"},
		{"schload.mark.detail", "the fact in words, secrets hidden"},
		{"schload.mark.seq", "sequence id of a notice"},
		{"schload.mark.duration", "seconds: how long it lasted; of a notice the time it announces"},
	}
)

const tracesHead = `
## Traces

With ` + "`--traces`" + ` (or ` + "`OTEL_TRACES_EXPORTER=otlp`" + `) the operations that matter have spans, and points of the three histograms of operations link to them as
exemplars. It is off by default: then nothing of it is on the path of an operation.

| flag | meaning |
|---|---|
| ` + "`--traces`" + ` | export spans, to the receiver of the metrics and into ` + "`--otlp-file`" + ` |
| ` + "`--traces-endpoint`" + ` | to a receiver of their own instead: Prometheus takes none. ` + "`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`" + ` does the same |
| ` + "`--traces-beyond`" + ` | which successes have spans: slower than this (` + "`250ms`" + `), or than a percentile of the interval before (` + "`p99.9`" + `). Default: ` + "`--late-after`" + ` |
| ` + "`--traces-limit`" + ` | how many operations of an arm have spans of those that ended in one second: %d, at most %d |

**Which operations.** It is decided once an operation has ended: it has spans if its reply was wrong, if it failed, or if it succeeded
with a response time above ` + "`--traces-beyond`" + `: late if that was above ` + "`--late-after`" + ` too, slow if not. What is beyond the limit of its second is drawn fairly, failures and slow successes apart, so that a storm
of one does not hide the other; the rest is counted (` + "`schload.trace.operations`" + `, result ` + "`limited`" + `).

**Bounds.** %d operations of an arm for each second, %d events of each, %d exemplars of a series, %d spans that wait while a receiver does not take them. What finds no
room, or is refused, is lost, counted (` + "`schload.telemetry.spans`" + `, result ` + "`lost`" + `) and said at the end of the run; what failed to arrive is tried again. No operation waits for an export.

**What they are.** A trace for each operation, of two spans: ` + "`%s`" + `, internal, from when it was due to its end, as the application felt it; and within it the
client's call, ` + "`GET host:port`" + `, client, from its send to its end, by the semantic conventions. The call has as events what befell its connection from %v before its send to its end
(notices, handoffs, dials, closes, relaxed timeouts). Exemplars of response time and lateness lead to the first, those of the service time to the second; they stay on their series until others come.
Keys, values and credentials are in no span.

**What it costs.** Choosing takes about 6 ns of an operation that is not chosen, measured with and without in turn, and no allocation; one that is chosen some 40 ns more of its worker, and
%s (docs/PERFORMANCE.md).

| attribute | of | meaning |
|---|---|---|
`

// spanCost is what making and sending spans takes, of BenchmarkTraced.
const spanCost = "its two spans 58 us off the path of operations, made, encoded and sent"

func renderTraces() string {
	out := fmt.Sprintf(tracesHead, operations.DefaultLimit, operations.MostLimit, operations.DefaultLimit, operations.MostEvents, mostExemplars, mostSpans,
		wholeName, operations.EventsBefore, spanCost)
	for _, part := range []struct {
		of   string
		list []explained
	}{{"both spans", spanAttributes}, {"the call", callAttributes}, {"its events", eventAttributes}} {
		for _, d := range part.list {
			out += fmt.Sprintf("| `%s` | %s | %s |\n", d.key, part.of, d.meaning)
		}
	}
	return out
}

// Spans have the attributes that docs/METRICS.md lists, and no others.
func TestSpansAreAsDocumented(t *testing.T) {
	o := failedGet()
	o.Alike, o.Batch, o.Outcome.Class = 2, 2, workload.Readonly
	checkExplained(t, spanAttributes, keysIn(ofOperation(&o)))
	checkExplained(t, callAttributes, keysIn(ofCall(&o)))
	checkExplained(t, eventAttributes, keysIn(ofMark(o.Events[0])))
	if got := eventName(mark.Mark{Kind: mark.Notice}); got != "schload.notice" {
		t.Errorf("an event is named %q", got)
	}
}

func keysIn(list []attribute.KeyValue) (keys []string) {
	for _, a := range list {
		keys = append(keys, string(a.Key))
	}
	return keys
}

// checkExplained holds a list of the document against what there is.
func checkExplained(t *testing.T, list []explained, have []string) {
	t.Helper()
	for _, d := range list {
		if !slices.Contains(have, d.key) {
			t.Errorf("%s is documented and not there", d.key)
		}
	}
	for _, key := range have {
		if !slices.ContainsFunc(list, func(d explained) bool { return d.key == key }) {
			t.Errorf("%s is there and not documented", key)
		}
	}
}

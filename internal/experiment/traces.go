package experiment

import (
	"time"

	"schload/telemetry/record"
	"schload/telemetry/trace"
	"schload/workload"
)

// Traces says of which operations spans are made, beside those that failed or
// were wrong. The zero value: of those that were late, trace.DefaultLimit a
// second and arm.
type Traces struct {
	Limit  int           // operations a second and arm
	Beyond time.Duration // successes that take longer; default Config.LateAfter
	Share  float64       // or longer than this quantile of the interval before
}

// openTraces makes the choice of operations part of the run. Without spans
// there is none, and nothing on the path of operations.
func (r *run) openTraces() {
	if !r.tracing() {
		return
	}
	var names []string
	for _, a := range r.Arms {
		names = append(names, a.Name)
	}
	r.picker = trace.New(trace.Config{
		Arms: names, Limit: r.Traces.Limit, Beyond: r.Traces.Beyond, Share: r.Traces.Share, LateAfter: r.LateAfter,
		At: r.recorder.At, Connection: r.connection,
	})
	r.Timeline.tap(r.picker.Mark)
}

func (r *run) tracing() bool { return r.Telemetry != nil && r.Telemetry.Traces() }

// connection returns what is remembered of an arm's connection.
func (r *run) connection(arm string, number uint64) trace.Connection {
	out := trace.Connection{Number: number}
	for _, a := range r.attached() {
		if a.name == arm && number > a.connsBefore {
			if c, ok := a.client.Connection(number - a.connsBefore); ok {
				out.Address, out.Node = c.Address, c.Node
			}
		}
	}
	return out
}

// traced offers what a sink records to the choice, if there is one. Canaries
// have clients of their own, whose connections have numbers of their own.
func (r *run) traced(arm string, pool workload.Pool, sink workload.SlotSink) workload.SlotSink {
	if r.picker == nil {
		return sink
	}
	return r.picker.Sink(arm, pool, sink)
}

// takeTraces takes the operations chosen so far. It comes before the reading of
// the recorder, which then holds them.
func (r *run) takeTraces(now time.Duration, last bool) (counts []record.Count) {
	if r.picker == nil {
		return nil
	}
	operations, picked := r.picker.Take(now, last)
	r.Telemetry.Traced(operations)
	for _, p := range picked {
		for result, n := range map[string]uint64{"limited": p.Limited, "traced": p.Traced} {
			counts = append(counts, record.Count{Name: record.TracedOperations, Arm: p.Arm, Attrs: []record.Attr{{Key: record.AttrResult, Value: result}}, Value: n})
		}
	}
	return counts
}

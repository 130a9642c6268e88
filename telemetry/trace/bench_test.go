package trace

import (
	"testing"
	"time"

	"schload/telemetry/record"
	"schload/workload"
)

// What one operation costs its worker, recording included: without traces, with
// traces and a success that is not traced, and one that is. Without traces there
// is no sink of this package: the difference to the first is the price.
func BenchmarkDone(b *testing.B) {
	for _, c := range []struct {
		name   string
		traces bool
		class  workload.Class
	}{{"off", false, workload.OK}, {"on, not traced", true, workload.OK}, {"off, failed", false, workload.EOF}, {"on, traced", true, workload.EOF}} {
		b.Run(c.name, func(b *testing.B) {
			recorder := record.New(record.Config{Arms: []record.Arm{{Name: "on", Pools: []record.Pool{{Name: "main", Operations: []string{"GET", "SET"}}}}}})
			sink := recorder.Sink("on", "main")
			if c.traces {
				sink = New(Config{Arms: []string{"on"}}).Sink("on", pool(b, 1), sink)
			}
			x := workload.Sample{Sent: time.Microsecond, Done: time.Millisecond, Outcome: workload.Outcome{Class: c.class}}
			sink.Done(x, 1)
			b.ReportAllocs()
			for b.Loop() {
				sink.Done(x, 1)
			}
		})
	}
}

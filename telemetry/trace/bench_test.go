package trace

import (
	"slices"
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
			sink := benchSink(b, c.traces)
			x := workload.Sample{Sent: time.Microsecond, Done: time.Millisecond, Outcome: workload.Outcome{Class: c.class}}
			sink.Done(x, 1)
			b.ReportAllocs()
			for b.Loop() {
				sink.Done(x, 1)
			}
		})
	}
}

// What traces add to an operation that is not traced, measured so that a busy
// machine does not show: blocks with and without in turn, the median of the
// differences.
func BenchmarkAdded(b *testing.B) {
	with, without := benchSink(b, true), benchSink(b, false)
	const block = 10_000
	x := workload.Sample{Sent: time.Microsecond, Done: time.Millisecond}
	measure := func(s workload.Sink) float64 {
		begin := time.Now()
		for range block {
			s.Done(x, 1)
		}
		return float64(time.Since(begin)) / block
	}
	var added []float64
	for b.Loop() {
		off := measure(without)
		added = append(added, measure(with)-off)
	}
	slices.Sort(added)
	b.ReportMetric(added[len(added)/2], "added-ns/operation")
	b.ReportMetric(0, "ns/op")
}

func benchSink(b *testing.B, traces bool) workload.SlotSink {
	recorder := record.New(record.Config{Arms: []record.Arm{{Name: "on", Pools: []record.Pool{{Name: "main", Operations: []string{"GET", "SET"}}}}}})
	sink := recorder.Sink("on", "main")
	if traces {
		sink = New(Config{Arms: []string{"on"}}).Sink("on", pool(b, 1), sink)
	}
	return sink
}

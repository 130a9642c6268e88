package telemetry

import (
	"context"
	"testing"
	"time"

	"schload/telemetry/record"
)

// One export of an arm with two commands in four phases, all histograms full:
// what the reader's goroutine spends once a second, beside encoding.
func BenchmarkProduce(b *testing.B) {
	s := newSource("on", base, new(health))
	s.prepare(arms)
	for phase := range record.Phase(record.Phases) {
		s.add(record.Interval{To: time.Second, Series: []record.Series{
			seriesOf("on", "GET", "ok", phase, 1, 1), seriesOf("on", "SET", "ok", phase, 1, 2)}})
	}
	for b.Loop() {
		if _, err := (push{s, Native}).Produce(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// One interval of two commands: what the caller of Interval spends.
func BenchmarkInterval(b *testing.B) {
	e := &Exporter{sources: []*source{newSource("", base, new(health)), newSource("on", base, new(health)), newSource("off", base, new(health))}}
	interval := record.Interval{To: time.Second, Series: []record.Series{
		seriesOf("on", "GET", "ok", record.Baseline, 1, 1), seriesOf("on", "SET", "ok", record.Baseline, 1, 2),
		seriesOf("off", "GET", "ok", record.Baseline, 1, 3), seriesOf("off", "SET", "ok", record.Baseline, 1, 4)}}
	for b.Loop() {
		e.Interval(interval)
	}
}

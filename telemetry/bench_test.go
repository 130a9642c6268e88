package telemetry

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// One export of an arm with two commands in four phases, all histograms full:
// what the reader's goroutine spends once a second, beside encoding.
func BenchmarkProduce(b *testing.B) {
	s := newSource("on", base, new(health))
	s.prepare(arms, nil)
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

// What exporting marks costs the run: a mark handed over, with nobody waiting.
func BenchmarkMark(b *testing.B) {
	e := &Exporter{events: &events{base: base, redact: func(s string) string { return s }, ways: []*outbox{{health: &health{}}}}}
	m := mark.Mark{At: time.Second, Kind: mark.Dial, Name: "ok", Arm: "on", Conn: 7, Node: "10.0.0.1:6379", Round: 1, Source: "arm"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%10000 == 0 {
			e.events.ways[0].queue = e.events.ways[0].queue[:0]
		}
		e.Mark(m)
	}
}

// What it costs to send 512 marks, encoded and posted to a receiver that takes
// all: the outbox's goroutine spends it.
func BenchmarkMarksSent(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer server.Close()
	s, _, err := Config{Endpoint: server.URL, Marks: true, Getenv: nothing}.resolve()
	if err != nil {
		b.Fatal(err)
	}
	send := s.events.eventsOverHTTP(http.DefaultClient)
	batch := make([]event, batchEvents)
	for i := range batch {
		batch[i] = event{number: int64(i), at: base, seen: base, name: mark.EventMark,
			mark: mark.Mark{At: time.Second, Kind: mark.Dial, Name: "ok", Arm: "on", Conn: 7, Node: "10.0.0.1:6379", Round: 1, Source: "arm"}}
	}
	f := frameOf(s.resourceOf(""))
	for b.Loop() {
		if _, err := send(context.Background(), f.request(batch, func(s string) string { return s })); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batchEvents, "ns/mark")
}

// What a reading costs beside BenchmarkInterval: its event, and the snapshots of
// all sources that are exported for themselves.
func BenchmarkReading(b *testing.B) {
	sources := []*source{newSource("", base, new(health)), newSource("on", base, new(health)), newSource("off", base, new(health))}
	e := &events{base: base, redact: func(s string) string { return s }, ways: []*outbox{{health: &health{}}}}
	var readers []*sdkmetric.ManualReader
	for _, s := range sources {
		s.rounds = true
		s.prepare(arms, nil)
		reader := sdkmetric.NewManualReader(sdkmetric.WithProducer(push{s, Native}))
		provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
		b.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
		readers = append(readers, reader)
	}
	var i record.Interval
	for round := range 6 {
		i = record.Interval{From: time.Duration(round) * time.Second, To: time.Duration(round+1) * time.Second, Phase: record.Maintenance, Round: round + 1}
		for _, arm := range []string{"on", "off"} {
			i.Series = append(i.Series, seriesOf(arm, "GET", "ok", record.Maintenance, round+1, 1), seriesOf(arm, "SET", "ok", record.Maintenance, round+1, 2))
		}
		for _, s := range sources {
			s.add(i)
		}
	}
	for b.Loop() {
		e.ways[0].queue = e.ways[0].queue[:0]
		e.reading(i, sources)
		for _, r := range readers {
			if err := r.Collect(context.Background(), new(metricdata.ResourceMetrics)); err != nil {
				b.Fatal(err)
			}
		}
	}
}

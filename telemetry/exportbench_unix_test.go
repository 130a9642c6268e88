//go:build unix

package telemetry

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"schload/handoff/notice"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	operations "schload/telemetry/trace"
)

// BenchmarkExport is what a second of export costs: an arm produced, encoded and
// sent over loopback. The receiver is in this process: one that takes bytes
// costs what a socket does, one that decodes them about as much as the sender.
// Processor time counts, of which neighbours take none; time also has what they
// took.
func BenchmarkExport(b *testing.B) {
	for _, receiver := range []struct {
		name string
		open func(b *testing.B) string
	}{
		{"http", func(b *testing.B) string { return swallow(b).URL }},
		{"http decoded", func(b *testing.B) string { return decoding(b, HTTP) }},
		{"grpc decoded", func(b *testing.B) string { return decoding(b, GRPC) }},
	} {
		for _, arm := range []struct {
			name string
			fill func(*Exporter)
		}{{"300", func(e *Exporter) { e.Interval(crowded(0)) }}, {"default run", fillAsDefault}} {
			b.Run(receiver.name+"/"+arm.name, func(b *testing.B) {
				e, err := Start(b.Context(), Config{Endpoint: receiver.open(b), Interval: time.Hour, Base: base, Arms: []string{"on"}, RunID: "r", Getenv: nothing})
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = e.Close(b.Context()) })
				arm.fill(e)
				s, spent := e.sources[1], processorTime(b)
				b.ReportAllocs()
				for b.Loop() {
					if err := e.Flush(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64((processorTime(b)-spent).Microseconds())/float64(b.N), "cpu-us/op")
				b.ReportMetric(float64(seriesIn(s)), "series")
			})
		}
	}
}

// BenchmarkTraced is what the spans of one operation cost, made, encoded and sent.
func BenchmarkTraced(b *testing.B) {
	const second = 2 * operations.DefaultLimit // of two arms that have their limit
	e, err := Start(b.Context(), Config{Traces: true, Endpoint: swallow(b).URL, Interval: time.Hour, Base: base, Arms: []string{"on"}, RunID: "r", Getenv: nothing})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.Close(b.Context()) })
	var list []operations.Operation
	for range second {
		list = append(list, failedGet())
	}
	spent := processorTime(b)
	for b.Loop() {
		e.Traced(list)
		if err := e.traces.flush(b.Context()); err != nil {
			b.Fatal(err)
		}
		e.sources[1].exemplars = nil // which the next interval would take
	}
	b.ReportMetric(float64((processorTime(b)-spent).Microseconds())/float64(b.N)/second, "cpu-us/operation")
}

// fillAsDefault brings the arm on to what it has at the end of a default run:
// two commands in four phases, a ledger, and an endpoint that moved.
func fillAsDefault(e *Exporter) {
	e.sources[1].prepare(arms, besidesOfDefault())
	for phase := range record.Phase(record.Phases) {
		i := record.Interval{To: time.Second, Phase: phase}
		for c, name := range []string{"GET", "SET"} {
			i.Series = append(i.Series, record.Series{Key: record.Key{Arm: "on", Pool: "main", Operation: name, Outcome: succeeded, Phase: phase},
				Response: felt(uint64(c)), Service: felt(uint64(c) + 1), Lateness: felt(uint64(c) + 2)})
		}
		i.Distributions = []record.Distribution{{Name: record.ClientCreateTime, Arm: "on", Times: felt(7)}, {Name: record.ClientWaitTime, Arm: "on", Times: felt(8)}}
		for n := range 54 { // gauges: of the pool, of outages, of 16 ranges of slots
			i.Levels = append(i.Levels, record.Level{Name: record.SlotOutageLongest, Arm: "on", Attrs: attrs(record.AttrSlots, fmt.Sprint(n))})
		}
		e.Interval(i)
	}
}

// besidesOfDefault are as many counts as the default run prepares besides those
// of every run (internal/experiment): closes, notices of a node, a ledger.
func besidesOfDefault() (all []record.Count) {
	add := func(name string, pairs ...string) {
		all = append(all, record.Count{Name: name, Arm: "on", Attrs: attrs(pairs...)})
	}
	const closeReasons = 21
	for n := range closeReasons {
		add(record.ClientClosed, record.AttrClosed, fmt.Sprint(n))
		add(record.ConnectionCloses, record.AttrBy, "client", record.AttrReason, fmt.Sprint(n))
		add(record.ConnectionCloses, record.AttrBy, "server", record.AttrReason, fmt.Sprint(n))
	}
	for kind := range notice.Kind(notice.Kinds) {
		all = append(all, record.Count{Name: record.ClientNotifications, Arm: "on", Attrs: peerNotice("10.0.0.1", kind.String())},
			record.Count{Name: record.ClientNotifications, Arm: "on", Attrs: peerNotice("10.0.0.2", kind.String())})
	}
	for n := range 13 {
		add(record.IntegrityViolations, record.AttrPool, "main", record.AttrType, fmt.Sprint(n))
	}
	return all
}

// felt is a histogram as wide as those of a run: 10 us to 50 ms, some 750 buckets.
func felt(seed uint64) *histogram.Histogram {
	random, h := rand.New(rand.NewPCG(seed, 2)), new(histogram.Histogram)
	for range 20_000 {
		h.Record(time.Duration(10_000 * math.Pow(5000, random.Float64())))
	}
	return h
}

// seriesIn counts as receivers do: an operation has three histograms.
func seriesIn(s *source) int {
	return len(s.counts.all) + len(s.levels.all) + len(s.distributions.all) + 3*len(s.operations.all)
}

// swallow is a receiver that takes bytes and looks at none.
func swallow(b *testing.B) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	b.Cleanup(server.Close)
	return server
}

// decoding is a receiver that decodes what it gets, as a collector does.
func decoding(b *testing.B, protocol string) string {
	r := open(b, protocol, nil)
	r.discard(b)
	return r.url
}

// processorTime is what this process has used, user and system.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

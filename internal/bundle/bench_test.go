package bundle

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// busyInterval is a second of two arms with two operations, 10 000 operations
// a second, in the middle of a phase.
func busyInterval() record.Interval {
	r := rand.New(rand.NewPCG(7, 7))
	iv := record.Interval{From: time.Second, To: 2 * time.Second}
	for _, arm := range []string{"off", "on"} {
		for _, op := range []string{"GET", "SET"} {
			h := &histogram.Histogram{}
			for range 2500 {
				h.Record(time.Duration(float64(200*time.Microsecond) * (0.5 + r.ExpFloat64())))
			}
			iv.Series = append(iv.Series, record.Series{
				Key:      record.Key{Arm: arm, Pool: "main", Operation: op, Outcome: "ok", Phase: record.Baseline, Round: 1},
				Response: h, Service: h, Lateness: h,
			})
		}
	}
	return iv
}

func BenchmarkEncode(b *testing.B) {
	e := newEncoder(testRun())
	iv := busyInterval()
	b.ReportAllocs()
	for b.Loop() {
		line, err := e.line(iv)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(line)), "line-bytes")
	}
}

func BenchmarkDecode(b *testing.B) {
	line, err := newEncoder(testRun()).line(busyInterval())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	lines, line := newCanonical(), bytes.TrimSuffix(line, []byte("\n"))
	for b.Loop() {
		if _, err := lines.decode(line, started); err != nil {
			b.Fatal(err)
		}
	}
}

// Mark is called on the paths that carry operations.
func BenchmarkMark(b *testing.B) {
	w, err := Create(b.TempDir()+"/bundle", testRun())
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	b.ReportAllocs()
	for b.Loop() {
		w.Mark(numberedMark(1))
	}
}

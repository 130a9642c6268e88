package histogram

import (
	"math/rand/v2"
	"testing"
	"time"
)

// latencies are pre-generated, log-normal around 200 µs, so that generating
// is not measured.
func latencies() []time.Duration {
	r := rand.New(rand.NewPCG(1, 2))
	l := make([]time.Duration, 1<<14)
	for i := range l {
		l[i] = logNormal(r)
	}
	return l
}

func BenchmarkRecord(b *testing.B) {
	var h Histogram
	l := latencies()
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		h.Record(l[i&(len(l)-1)])
		i++
	}
}

func BenchmarkRecordN(b *testing.B) {
	var h Histogram
	l := latencies()
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		h.RecordN(l[i&(len(l)-1)], 10)
		i++
	}
}

func filled() *Histogram {
	h := new(Histogram)
	for _, d := range latencies() {
		h.Record(d)
	}
	return h
}

func BenchmarkMerge(b *testing.B) {
	h, o := new(Histogram), filled()
	b.ReportAllocs()
	for b.Loop() {
		h.Merge(o)
	}
}

func BenchmarkQuantile(b *testing.B) {
	h := filled()
	b.ReportAllocs()
	for b.Loop() {
		h.Quantile(0.99)
	}
}

func BenchmarkBuckets(b *testing.B) {
	h := filled()
	b.ReportAllocs()
	for b.Loop() {
		h.Buckets()
	}
}

// What Reset of a histogram with one latency costs beyond the Record.
func BenchmarkRecordReset(b *testing.B) {
	var h Histogram
	b.ReportAllocs()
	for b.Loop() {
		h.Record(200 * time.Microsecond)
		h.Reset()
	}
}

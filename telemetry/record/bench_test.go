package record

import (
	"math/rand/v2"
	"testing"
	"time"

	"schload/workload"
)

// latencies are pre-generated so that generating is not measured.
func latencies() []time.Duration {
	r := rand.New(rand.NewPCG(7, 7))
	l := make([]time.Duration, 1<<14)
	for i := range l {
		l[i] = time.Duration(float64(200*time.Microsecond) * (0.5 + r.ExpFloat64()))
	}
	return l
}

// The whole path of one operation: due, three histograms, tallies, bins.
func BenchmarkSample(b *testing.B) {
	r := oneArm(Config{})
	s := r.Sink("on", "main")
	l := latencies()
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		d := l[i&(len(l)-1)]
		i++
		at := time.Duration(i) * time.Microsecond % time.Second
		s.Done(workload.Sample{Operation: i & 1, Intended: at, Sent: at + d/8, Done: at + d, Outcome: workload.Outcome{Class: workload.OK}}, 1)
	}
}

// As BenchmarkSample, while another goroutine collects.
func BenchmarkDue(b *testing.B) {
	r := oneArm(Config{})
	s := r.Sink("on", "main")
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		s.Due(time.Duration(i)*time.Microsecond%time.Second, 1)
	}
}

// One Collect of 64 goroutines that each touched three series.
func BenchmarkCollect(b *testing.B) {
	r := oneArm(Config{})
	var sinks []workload.Sink
	for range 64 {
		sinks = append(sinks, r.Sink("on", "main"))
	}
	l := latencies()
	now := time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for w, s := range sinks {
			for k := range 160 {
				d := l[(w*160+k)&(len(l)-1)]
				at := now + time.Duration(k)*time.Second/160
				s.Done(workload.Sample{Operation: k & 1, Intended: at, Sent: at, Done: at + d}, 1)
			}
		}
		now += time.Second
		b.StartTimer()
		r.Collect(now)
	}
}

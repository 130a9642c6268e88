package record

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"schload/workload"
)

// latencies are pre-generated, log-normal around 200 µs, so that generating
// is not measured.
func latencies() []time.Duration {
	r := rand.New(rand.NewPCG(1, 2))
	l := make([]time.Duration, 1<<14)
	for i := range l {
		l[i] = time.Duration(200e3 * math.Exp(r.NormFloat64()*0.8))
	}
	return l
}

// step is the time between two operations of a goroutine that does 10 000 a
// second.
const step = 100 * time.Microsecond

func operation(i int, l []time.Duration) workload.Sample {
	d := l[i&(len(l)-1)]
	at := time.Duration(i) * step
	return workload.Sample{Operation: i & 1, Intended: at, Sent: at + d/8, Done: at + step + d/64}
}

// The whole path of one sample: claim, page, three histograms, tallies, bin,
// release; with a Collect every 10 000 samples, as in a run.
func BenchmarkSample(b *testing.B) {
	r := oneArm(Config{})
	s := r.Sink("on", "main")
	l := latencies()
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		s.Done(operation(i, l), 1)
		if i++; i%10_000 == 0 {
			r.Collect(time.Duration(i) * step)
		}
	}
}

// The floor of BenchmarkSample: making the sample.
func BenchmarkSampleFloor(b *testing.B) {
	l := latencies()
	i := 0
	var sum time.Duration
	for b.Loop() {
		x := operation(i, l)
		sum += x.Done - x.Sent
		i++
	}
	_ = sum
}

// Claim and release alone: two exchanges.
func BenchmarkClaim(b *testing.B) {
	s := oneArm(Config{}).arms[0].pools[0].newShard()
	for b.Loop() {
		s.release(s.claim())
	}
}

// What the ranges of hash slots add to a sample: its send and its end.
func BenchmarkSlots(b *testing.B) {
	r := oneArm(Config{Slots: EqualSlotRanges(16)})
	s := r.Sink("on", "main")
	l := latencies()
	ops, outcomes := make([]workload.Operation, 1), make([]workload.Outcome, 1)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		x := operation(i, l)
		ops[0].Slot = uint16(i*7919%workload.SlotCount + 1)
		s.Sent(x.Sent, ops)
		s.Answered(x.Done, ops, outcomes)
		if i++; i%10_000 == 0 {
			r.Collect(time.Duration(i) * step)
		}
	}
}

// The dispatcher's path.
func BenchmarkDue(b *testing.B) {
	r := oneArm(Config{})
	s := r.Sink("on", "main")
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		s.Due(time.Duration(i)*step, 1)
		if i++; i%10_000 == 0 {
			r.Collect(time.Duration(i) * step)
		}
	}
}

// As BenchmarkSample with 64 goroutines, each with a shard of its own, and
// one that collects all of them without a pause.
func BenchmarkSampleParallel(b *testing.B) {
	r := oneArm(Config{})
	l := latencies()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for now := time.Second; ; now += time.Second {
			select {
			case <-stop:
				return
			case <-tick.C:
				r.Collect(now)
			}
		}
	}()
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		s := r.Sink("on", "main")
		for i := 0; pb.Next(); i++ {
			s.Done(operation(i, l), 1)
		}
	})
	close(stop)
	<-stopped
}

// One Collect of 64 goroutines that each did 160 operations of two kinds.
func BenchmarkCollect(b *testing.B) {
	r := oneArm(Config{})
	var sinks []workload.Sink
	for range 64 {
		sinks = append(sinks, r.Sink("on", "main"))
	}
	l := latencies()
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for range 160 {
			for _, s := range sinks {
				s.Done(operation(n/16, l), 1)
				n++
			}
		}
		b.StartTimer()
		r.Collect(time.Duration(n/16) * step)
	}
}

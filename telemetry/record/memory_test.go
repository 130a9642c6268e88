package record

import (
	"testing"
	"time"

	"schload/workload"
)

// A goroutine that has recorded a series before allocates nothing for more
// samples of it: the engine's clock readings see no garbage of ours.
func TestSinkAllocs(t *testing.T) {
	r := oneArm(Config{})
	r.Begin(1, Baseline, 0)
	s := r.Sink("on", "main")
	at := time.Duration(0)
	operate := func() {
		s.Due(at, 1)
		s.Done(sample(0, at, at, at+ms, workload.OK), 1)
		s.Done(sample(1, at, at, at+ms, workload.Reset), 4)
		s.Missed(at, workload.QueueFull, 1)
	}
	operate()
	if n := testing.AllocsPerRun(1000, operate); n != 0 {
		t.Errorf("recording allocates %v times, want 0", n)
	}
	// Nor after a Collect: the reader saw what the goroutine needs.
	for range 6 {
		at += time.Second
		r.Collect(at)
		warmUp := true // AllocsPerRun calls once before it counts
		n := testing.AllocsPerRun(1, func() {
			if !warmUp {
				operate()
			}
			warmUp = false
		})
		if n != 0 && at > time.Second {
			t.Errorf("recording after a Collect allocates %v times, want 0", n)
		}
	}
}

// Nor for the slots it asks, which hold what one interval touches at most.
func TestSlotAllocs(t *testing.T) {
	r := oneArm(Config{Slots: EqualSlotRanges(16)})
	s := r.Sink("on", "main")
	ops, outcomes := make([]workload.Operation, 64), make([]workload.Outcome, 64)
	second := func(from time.Duration) {
		for at := from; at < from+time.Second; at += ms {
			for i := range ops {
				ops[i].Slot = uint16((int(at/ms)*64+i)*31%workload.SlotCount + 1)
			}
			s.Sent(at, ops)
			s.Answered(at+ms, ops, outcomes)
		}
		r.Collect(from + time.Second)
	}
	for n := range time.Duration(5) {
		second(n * time.Second)
	}
	for i, list := range s.(*shard).current.Load().ranges {
		if n := cap(list.list); n > 2*usualBins {
			t.Errorf("range %d keeps %d bins, want at most %d", i, n, 2*usualBins)
		}
	}
	at := 10 * time.Second
	if n := testing.AllocsPerRun(100, func() { s.Sent(at, ops); s.Answered(at+ms, ops, outcomes) }); n != 0 {
		t.Errorf("asking slots allocates %v times, want 0", n)
	}
}

// busy runs rounds in which each sink has a sample in this span and in the
// one before, and collects after each.
func busy(r *Recorder, sinks []workload.Sink, from, rounds int) {
	for round := from; round < from+rounds; round++ {
		now := time.Duration(round) * time.Second
		r.Begin(round, Phase(round%Phases), now)
		for _, s := range sinks {
			for _, at := range []time.Duration{now, max(now-time.Second, 0)} {
				s.Due(at, 1)
				s.Done(sample(round%2, at, at, now+ms, workload.Class(round%3)), 1)
			}
		}
		r.Collect(now + 500*ms)
	}
}

func sinks(r *Recorder, n int) (list []workload.Sink) {
	for range n {
		list = append(list, r.Sink("on", "main"))
	}
	return list
}

// cellsOf counts the cells of a pool, wherever they are.
func cellsOf(p *pool) int {
	n := len(p.reserve) + len(p.spare.freeCells)
	for _, s := range p.shards {
		n += len(s.current.Load().freeCells)
	}
	return n
}

// Memory is what one interval needs, however many rounds there are.
func TestMemoryBounded(t *testing.T) {
	const n = 5
	r := oneArm(Config{})
	busy(r, sinks(r, n), 0, 300)
	p := r.arms[0].pools[0]
	if got := cellsOf(p); got > 2*(n+1) {
		t.Errorf("%d cells for %d goroutines, want at most the 2 one interval needs for each and one more", got, n)
	}
	for _, s := range p.shards {
		b := s.current.Load()
		if pages := len(b.freePages); pages > 2 {
			t.Errorf("a buffer keeps %d pages, want at most the 2 one interval needs", pages)
		}
		if n := cap(b.bins.list); n > usualBins {
			t.Errorf("a buffer keeps %d bins, want %d", n, usualBins)
		}
	}
	if n := len(r.arms[0].scope.outages.pending); n > 110 {
		t.Errorf("%d bins are pending, want about those of the last second", n)
	}
}

// The cells of goroutines that ended go to those that come after them.
func TestMemoryOfEndedGoroutines(t *testing.T) {
	const n = 5
	r := oneArm(Config{})
	for generation := range 4 {
		busy(r, sinks(r, n), generation*200, 200)
	}
	if got := cellsOf(r.arms[0].pools[0]); got > 2*2*(n+1) {
		t.Errorf("%d cells after 4 generations of %d goroutines, want at most those of two generations", got, n)
	}
}

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
	// And once both buffers have been in use, none after a Collect either.
	for round := range 6 {
		at += time.Second
		r.Collect(at)
		warmUp := true // AllocsPerRun calls once before it counts
		n := testing.AllocsPerRun(1, func() {
			if !warmUp {
				operate()
			}
			warmUp = false
		})
		if round >= 2 && n != 0 {
			t.Errorf("recording after a Collect allocates %v times, want 0", n)
		}
	}
}

// Buffers are as many as goroutines, one more for each pool, and hold what
// one interval needs, however many rounds there are.
func TestMemoryBounded(t *testing.T) {
	const sinks = 5
	r := oneArm(Config{})
	p := r.arms[0].pools[0]
	shards := make([]workload.Sink, sinks)
	for i := range shards {
		shards[i] = r.Sink("on", "main")
	}
	for round := range 300 {
		now := time.Duration(round) * time.Second
		r.Begin(round, Phase(round%Phases), now)
		for _, s := range shards {
			for _, at := range []time.Duration{now, max(now-time.Second, 0)} {
				s.Due(at, 1)
				s.Done(sample(round%2, at, at, now+ms, workload.Class(round%3)), 1)
			}
		}
		r.Collect(now + 500*ms)
	}
	buffers := []*buffer{p.spare}
	for _, s := range p.shards {
		buffers = append(buffers, s.current.Load())
	}
	if len(buffers) != sinks+1 {
		t.Errorf("%d buffers for %d goroutines, want one more", len(buffers), sinks)
	}
	for _, b := range buffers {
		if pages := len(b.pages) + len(b.freePages); pages > 2 {
			t.Errorf("a buffer keeps %d pages, want at most the 2 one interval needs", pages)
		}
		if cells := len(b.freeCells); cells > 2 {
			t.Errorf("a buffer keeps %d cells, want at most the 2 one interval needs", cells)
		}
		if n := cap(b.bins.list); n > 16 {
			t.Errorf("a buffer keeps %d bins, want few", n)
		}
	}
	if n := len(r.arms[0].outages.pending); n > 110 {
		t.Errorf("%d bins are pending, want about those of the last second", n)
	}
}

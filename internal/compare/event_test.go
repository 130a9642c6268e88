package compare

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/record"
	"schload/workload"
)

// seconds plays whole seconds of 200 operations an arm, of which one in ten
// takes ten times as long; of arm off each may be spoiled.
func (p *play) seconds(n int, off func(took time.Duration) (time.Duration, workload.Class)) {
	for range n {
		for i := range 200 {
			took := time.Millisecond
			if i%10 == 0 {
				took *= 10
			}
			p.ends("on/main", took, workload.OK)
			p.intended -= time.Millisecond
			took, class := off(took)
			p.ends("off/main", took, class)
		}
		p.second()
	}
}

func well(took time.Duration) (time.Duration, workload.Class) { return took, workload.OK }
func slow(took time.Duration) (time.Duration, workload.Class) { return 2 * took, workload.OK }
func crawl(took time.Duration) (time.Duration, workload.Class) {
	return took + 150*time.Millisecond, workload.OK
}
func broken(took time.Duration) (time.Duration, workload.Class) { return took, workload.Reset }

// Each round is an event of its own. A calm beginning is no recovery, slowness
// counts as harm, and an event that ends in harm has no recovery.
func TestEvents(t *testing.T) {
	p := start(t)
	p.phase(0, record.Warmup)
	p.seconds(1, broken)
	for round := 1; round <= 3; round++ {
		p.phase(round, record.Baseline)
		p.seconds(4, well)
		p.phase(round, record.Maintenance)
		p.seconds(2, well)
		p.seconds(1, broken)
		p.seconds(1, crawl)
		p.phase(round, record.Recovery)
		p.seconds(2, slow)
		switch round {
		case 1:
			p.seconds(5, well)
		case 2:
			p.seconds(2, well) // too short to know
		case 3:
			p.seconds(4, well)
			p.misses("off/main", workload.Deadline)
			p.seconds(3, well)
		}
	}
	s := p.finish(bundle.Final{Valid: true})
	on, _ := s.Arm("on")
	off, _ := s.Arm("off")
	at := func(seconds float64) *bundle.Seconds {
		x := bundle.Seconds(seconds * float64(time.Second))
		return &x
	}
	for i, want := range []Event{
		{Round: 1, From: *at(5), To: *at(16), Due: 2200, Failed: 200, Late: 200, Availability: 1800. / 2200, Recover: at(6), ErrorBudgetSpent: 400 / 2.2},
		{Round: 2, From: *at(20), To: *at(28), Due: 1600, Failed: 200, Late: 200, Availability: 1200. / 1600, ErrorBudgetSpent: 400 / 1.6},
		{Round: 3, From: *at(32), To: *at(45), Due: 2601, Failed: 200, Late: 200, Missed: 1, Availability: 2200. / 2601, ErrorBudgetSpent: 401 / 2.601},
	} {
		got := off.Events[i]
		if !near(got.Availability, want.Availability) || !near(got.ErrorBudgetSpent, want.ErrorBudgetSpent) {
			t.Errorf("round %d: availability %v, budget %v, want %v, %v", want.Round, got.Availability, got.ErrorBudgetSpent, want.Availability, want.ErrorBudgetSpent)
		}
		if (got.Recover == nil) != (want.Recover == nil) || got.Recover != nil && *got.Recover != *want.Recover {
			t.Errorf("round %d: recovered after %v, want %v", want.Round, got.Recover, want.Recover)
		}
		got.Availability, got.ErrorBudgetSpent, got.Recover = want.Availability, want.ErrorBudgetSpent, want.Recover
		if got != want {
			t.Errorf("round %d: %+v, want %+v", want.Round, got, want)
		}
		if calm := on.Events[i]; calm.Recover == nil || *calm.Recover != 0 || calm.Availability != 1 || calm.ErrorBudgetSpent != 0 {
			t.Errorf("round %d of arm on: %+v, want it as it was all the time", want.Round, calm)
		}
	}
}

// Law: each pool has events of its own, of the same spans, that add up to the
// arm's; a pool that nothing befell was as before all the time.
func TestEventsOfPools(t *testing.T) {
	p := start(t)
	batch := func(n int, class workload.Class) {
		for range n {
			for range 100 {
				p.ends("off/batch", 2*time.Millisecond, class)
			}
			p.second()
		}
	}
	beside := func(n int, off, other workload.Class) {
		for range n {
			for range 100 {
				p.ends("off/batch", 2*time.Millisecond, other)
				p.intended -= time.Millisecond
			}
			p.seconds(1, func(took time.Duration) (time.Duration, workload.Class) { return took, off })
		}
	}
	p.phase(1, record.Baseline)
	beside(4, workload.OK, workload.OK)
	p.phase(1, record.Maintenance)
	beside(2, workload.Reset, workload.OK)
	beside(3, workload.OK, workload.ReadTimeout)
	p.phase(1, record.Recovery)
	beside(4, workload.OK, workload.OK)
	batch(1, workload.OK) // the pieces of a pool are those in which it did something
	s := p.finish(bundle.Final{Valid: true})
	off, _ := s.Arm("off")
	main, other := off.Pools[0].Events, off.Pools[1].Events
	if len(off.Events) != 1 || len(main) != 1 || len(other) != 1 {
		t.Fatalf("events of the arm %+v, of its pools %+v and %+v: want one each", off.Events, main, other)
	}
	all, m, o := off.Events[0], main[0], other[0]
	if m.Due+o.Due != all.Due || m.Failed+o.Failed != all.Failed || m.Failed != 400 || o.Failed != 300 || m.From != all.From || o.From != all.From {
		t.Errorf("main %+v + batch %+v: want the arm's %+v", m, o, all)
	}
	if !near(m.Availability, 1400./1800) || !near(o.Availability, 700./1000) || !near(o.ErrorBudgetSpent, 300) {
		t.Errorf("availability of main %v, of batch %v, which spent %v", m.Availability, o.Availability, o.ErrorBudgetSpent)
	}
	if m.Recover == nil || *m.Recover != bundle.Seconds(2*time.Second) || o.Recover == nil || *o.Recover != bundle.Seconds(5*time.Second) || *all.Recover != *o.Recover {
		t.Errorf("recovered: main %v, batch %v, the arm %v; want 2 s, 5 s and the later", m.Recover, o.Recover, all.Recover)
	}
	on, _ := s.Arm("on")
	if calm := on.Pools[0].Events; len(calm) != 1 || calm[0].Availability != 1 || calm[0].Recover == nil || *calm[0].Recover != 0 {
		t.Errorf("main of arm on: %+v, want it as it was all the time", calm)
	}
	if idle := on.Pools[1].Events; len(idle) != 0 {
		t.Errorf("batch of arm on had nothing due, and events %+v", idle)
	}
}

func near(x, y float64) bool { return math.Abs(x-y) < 1e-8*(1+math.Abs(y)) }

// A baseline with few samples says nothing of what is usual.
func TestEventWithoutBaseline(t *testing.T) {
	p := start(t)
	p.phase(1, record.Baseline)
	p.ends("on/main", time.Millisecond, workload.OK)
	p.second()
	p.phase(1, record.Maintenance)
	p.seconds(5, well)
	s := p.finish(bundle.Final{Valid: true})
	if e := s.Arms[0].Events; len(e) != 1 || e[0].Recover != nil {
		t.Errorf("events %+v, want one that nobody can tell the recovery of", e)
	}
}

// recovered finds what a search over every beginning finds.
func TestRecoveredOracle(t *testing.T) {
	never, later := 0, 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 31))
		var pieces []eventPiece
		at := time.Duration(0)
		rate := 1 + r.IntN(200)
		for range r.IntN(20) {
			p := eventPiece{from: at, to: at + time.Duration(1+r.IntN(2000))*time.Millisecond}
			at = p.to
			p.ok = uint64(r.IntN(rate))
			switch r.IntN(6) {
			case 0:
				p.bad = uint64(r.IntN(3))
			case 1:
				p.above = uint64(r.IntN(int(p.ok) + 1))
			case 2:
				p.above = p.ok / 100
			case 3:
				p.late = uint64(r.IntN(int(p.ok)/20 + 1))
			}
			pieces = append(pieces, p)
		}
		want := slices.IndexFunc(pieces, func(p eventPiece) bool { return asBefore(pieces, p.from) })
		got, ok := recovered(pieces)
		if ok != (want >= 0) || ok && got != want {
			t.Fatalf("seed %d: recovered at %v (%v), want piece %d of %+v", seed, got, ok, want, pieces)
		}
		switch {
		case want < 0:
			never++
		case want > 0:
			later++
		}
	}
	if never < 100 || later < 100 {
		t.Errorf("%d never, %d later: the test tests little", never, later)
	}
}

// asBefore says whether the definition holds from an instant on.
func asBefore(pieces []eventPiece, at time.Duration) bool {
	var ok, above, late, bad, firstOK, firstAbove uint64
	judged := false
	for _, p := range pieces {
		if p.from < at {
			continue
		}
		ok, above, late, bad = ok+p.ok, above+p.above, late+p.late, bad+p.bad
		if !judged {
			firstOK, firstAbove = ok, above
			judged = p.to-at >= 3*time.Second && ok >= 100
		}
	}
	return judged && bad == 0 && float64(late) <= float64(ok)/100 && float64(firstAbove) <= float64(firstOK)/100
}

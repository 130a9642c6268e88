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

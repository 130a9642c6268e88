package record_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

const ms = time.Millisecond

// spell is a span in which a target does harm to whom it concerns.
type spell struct {
	from, to time.Duration
	harm     harm
	pool     string            // "": both
	slots    *record.SlotRange // nil: all
}

type harm int

const (
	stall harm = iota // nothing is answered before the span is over
	fail              // everything fails at once
	drag              // everything is answered, late
	harms
)

func (s spell) String() string {
	whom := "all"
	switch {
	case s.pool != "":
		whom = "pool " + s.pool
	case s.slots != nil:
		whom = "slots " + s.slots.String()
	}
	return fmt.Sprintf("%s of %s from %v to %v", [...]string{"stall", "fail", "drag"}[s.harm], whom, s.from, s.to)
}

// scheduled is a target that answers after a millisecond but for its spells.
type scheduled struct {
	base   time.Time
	pool   string
	spells []spell
}

func (t scheduled) Do(_ context.Context, ops []workload.Operation, outcomes []workload.Outcome) {
	now := time.Since(t.base)
	took, class := ms, workload.OK
	for _, s := range t.spells {
		slot := int(ops[0].Slot) - 1
		if now < s.from || now >= s.to || s.pool != "" && s.pool != t.pool || s.slots != nil && (slot < s.slots.From || slot > s.slots.To) {
			continue
		}
		switch s.harm {
		case stall:
			took = s.to - now + ms
		case fail:
			class = workload.Reset
		case drag:
			took = 150 * ms
		}
	}
	time.Sleep(took) // virtual time
	outcomes[0] = workload.Outcome{Class: class, Attempts: 1}
}

// inject loads two pools of one arm through the spells and returns the marks.
func inject(t *testing.T, seed uint64, spells []spell, length time.Duration) (marks []mark.Mark, r *record.Recorder) {
	synctest.Test(t, func(t *testing.T) {
		base := time.Now()
		pools := []string{"main", "canary"}
		arm := record.Arm{Name: "on"}
		for _, name := range pools {
			arm.Pools = append(arm.Pools, record.Pool{Name: name, Operations: []string{"GET", "SET"}})
		}
		r = record.New(record.Config{Arms: []record.Arm{arm}, LateAfter: 100 * ms, OutageAfter: 500 * ms, Slots: record.EqualSlotRanges(16),
			Marks: func(m mark.Mark) { marks = append(marks, m) }})
		r.Begin(1, record.Baseline, 0)
		r.End(length)
		h := new(workload.Horizon)
		h.End(length)
		done := make(chan error)
		for i, name := range pools {
			run := workload.Run{
				Base: base, Target: scheduled{base, name, spells}, Horizon: h,
				Pool: workload.Pool{Name: name, Workers: 300, Seed: seed + uint64(i), Mix: mix(t),
					Schedule: workload.Schedule{Arrival: workload.PoissonArrival, Rate: workload.Constant(500), Seed: seed + uint64(i)}},
				Sink:  func() workload.Sink { return r.Sink("on", name) },
				Pacer: func() (workload.Pacer, error) { return workload.NewTimerPacer(base), nil },
			}
			go func() {
				_, err := run.Do(t.Context())
				done <- err
			}()
		}
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for running := len(pools); running > 0; {
			select {
			case <-tick.C:
				r.Collect(time.Since(base))
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
				running--
			}
		}
		r.Finish(time.Since(base))
	})
	return marks, r
}

func mix(t *testing.T) workload.Mix {
	t.Helper()
	m, err := workload.ParseMix("GET=0.8,SET=0.2")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// wanted are the scopes that must tell of a spell, each with how far its bounds
// may be off. A bin of 20 ms is the rule's own; the rest is the time until the
// next operation of the scope, of which a range of slots has few.
func (s spell) wanted() map[mark.Mark]time.Duration {
	const arm, slots = 25 * ms, 250 * ms
	kind := mark.Outage
	if s.harm == drag {
		kind = mark.BrownOut
	}
	scopes := map[mark.Mark]time.Duration{}
	add := func(pool, of string, off time.Duration) {
		scopes[mark.Mark{Kind: kind, Arm: "on", Pool: pool, Slots: of}] = off
	}
	switch {
	case s.slots != nil && s.harm != drag:
		add("", s.slots.String(), slots)
	case s.slots != nil: // the others are answered in time
	case s.pool != "":
		add(s.pool, "", arm)
	default:
		add("", "", arm)
		add("main", "", arm)
		add("canary", "", arm)
		if s.harm != drag {
			for _, of := range record.EqualSlotRanges(16) {
				add("", of.String(), slots)
			}
		}
	}
	return scopes
}

// drawn makes the spells of a seed, each longer than an outage and well apart.
func drawn(seed uint64) (spells []spell, length time.Duration) {
	r := rand.New(rand.NewPCG(seed, 41))
	at := 2 * time.Second
	for range 5 {
		s := spell{from: at, harm: harm(r.IntN(int(harms)))}
		s.to = at + time.Duration(900+r.IntN(1300))*ms
		switch r.IntN(4) {
		case 0:
			s.pool = []string{"main", "canary"}[r.IntN(2)]
		case 1, 2:
			s.slots = &record.EqualSlotRanges(16)[r.IntN(16)]
		}
		spells = append(spells, s)
		at = s.to + time.Duration(1500+r.IntN(1000))*ms
	}
	return spells, at
}

// Outages and brown-outs of known bounds are injected through the load engine,
// of the arm, of a pool and of one range of slots. Exactly these are found, in
// exactly the scopes that they concern.
func TestInjectedAreFound(t *testing.T) {
	found := map[string]int{}
	for seed := range uint64(12) {
		spells, length := drawn(seed)
		marks, _ := inject(t, seed, spells, length)
		for _, s := range spells {
			for scope, off := range s.wanted() {
				at := indexOf(marks, scope, s, off)
				if at < 0 {
					t.Errorf("seed %d: nothing tells of the %v in %+v", seed, s, scope)
					continue
				}
				marks = append(marks[:at], marks[at+1:]...)
				found[fmt.Sprintf("%v of pool %q slots %v", scope.Kind, scope.Pool, scope.Slots != "")]++
			}
		}
		for _, m := range marks {
			if m.Kind != mark.Gap {
				t.Errorf("seed %d: nothing was done that %+v could tell of, among %v", seed, m, spells)
			}
		}
	}
	t.Log(found)
	if len(found) != 7 {
		t.Errorf("only %d sorts of marks were wanted: the test tests little", len(found))
	}
}

// indexOf finds the mark of a scope whose bounds are those of the spell.
func indexOf(marks []mark.Mark, scope mark.Mark, s spell, off time.Duration) int {
	for i, m := range marks {
		same := m.Kind == scope.Kind && m.Pool == scope.Pool && m.Slots == scope.Slots
		if end := m.At + m.Duration; same && (m.At-s.from).Abs() <= off && end >= s.to && end-s.to <= off {
			return i
		}
	}
	return -1
}

// Where nothing is done nothing is found, not even a gap of an operation's time
// and a bin.
func TestNothingInjectedNothingFound(t *testing.T) {
	for seed := range uint64(4) {
		marks, r := inject(t, seed, nil, 12*time.Second)
		for _, m := range marks {
			if m.Kind != mark.Gap || m.Duration > 45*ms {
				t.Errorf("seed %d: %+v, but nothing was done", seed, m)
			}
		}
		if gaps := r.Totals("on").Gaps; gaps.Outage != (record.Outage{}) || gaps.BrownOut != (record.Outage{}) || gaps.LongestGap > 45*ms {
			t.Errorf("seed %d: %+v, but nothing was done", seed, gaps)
		}
	}
}

// An operation that is in flight for five seconds waits for five seconds in its
// range, though nothing else is asked of it, and news of it come late.
func TestLongFlightWaits(t *testing.T) {
	of := record.EqualSlotRanges(16)[3]
	s := spell{from: 2 * time.Second, to: 7 * time.Second, harm: stall, slots: &of}
	marks, r := inject(t, 99, []spell{s}, 10*time.Second)
	if indexOf(marks, mark.Mark{Kind: mark.Outage, Slots: of.String()}, s, 250*ms) < 0 {
		t.Errorf("no outage of %v among %+v", of, marks)
	}
	for i, totals := range r.SlotTotals("on") {
		want := uint64(0)
		if i == 3 {
			want = 1
		}
		if totals.Outage.Windows != want {
			t.Errorf("range %d: %+v, want %d outages", i, totals.Outage, want)
		}
	}
}

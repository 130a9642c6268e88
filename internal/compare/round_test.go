package compare

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// Law: the rounds of an arm add up to the arm, and what carries no round of its
// own belongs to the one in which it was recorded.
func TestRounds(t *testing.T) {
	p := start(t)
	p.phase(0, record.Warmup)
	p.count("off", record.ConnectionDials, 16, record.AttrResult, "ok")
	p.seconds(1, broken)
	for round := 1; round <= 2; round++ {
		p.phase(round, record.Baseline)
		p.seconds(4, well)
		p.phase(round, record.Maintenance)
		p.count("off", record.ConnectionDials, uint64(round), record.AttrResult, "ok")
		p.count("off", record.ConnectionDials, 2, record.AttrResult, "dial_refused")
		p.count("off", record.AttemptsHidden, 5, record.AttrPool, "main")
		p.seconds(1, func(took time.Duration) (time.Duration, workload.Class) { return took, workload.ReadTimeout })
		p.seconds(1, crawl)
		p.misses("off/main", workload.Deadline)
		p.phase(round, record.Recovery)
		p.seconds(5, well)
	}
	s := p.finish(bundle.Final{Valid: true})
	off, _ := s.Arm("off")
	at := func(d time.Duration) *bundle.Seconds {
		x := bundle.Seconds(d)
		return &x
	}
	want := Round{
		Round: 1, Due: 2201, Failed: 200, Late: 200, Missed: 1, FailedRatio: 0.090867787, HarmedRatio: 0.182189914,
		OutageTotal: *at(1152 * time.Millisecond), OutageLongest: *at(1152 * time.Millisecond), // to the first of the slow successes
		Dials: 3, Timeouts: 200, AttemptsHidden: 5, ResponseMax: at(160 * time.Millisecond), RecoverAtLeast: at(3 * time.Second),
	}
	if len(off.Rounds) != 2 {
		t.Fatalf("%d rounds, want 2", len(off.Rounds))
	}
	for i, got := range off.Rounds {
		want.Round, want.Dials = i+1, uint64(i+3)
		if got.ResponseP50 == nil || got.ResponseP95 == nil || got.ResponseP99 == nil {
			t.Errorf("round %d: 200 successes have quantiles: %+v", i+1, got)
		}
		got.ResponseP50, got.ResponseP95, got.ResponseP99 = nil, nil, nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("round %d:\n%s", i+1, diff)
		}
	}
	if a, b := off.Rounds[0], off.Rounds[1]; a.Due+b.Due != off.Operations.Due || a.Failed+b.Failed != off.Operations.Failed ||
		a.Dials+b.Dials != off.Connections.Dials || a.AttemptsHidden+b.AttemptsHidden != off.AttemptsHidden || a.OutageTotal+b.OutageTotal != off.Outage.Total {
		t.Errorf("rounds %+v and %+v do not add up to the arm", a, b)
	}
	if d := differenceOf(t, s.Differences, "failed"); d.Estimate != -200 || d.Verdict != NoEvidence || d.Rounds != 2 {
		t.Errorf("difference of two rounds: %+v", d)
	}
}

// What too few successes support is unknown, and so is a recovery that nobody
// could see.
func TestRoundUnknown(t *testing.T) {
	p := start(t)
	p.phase(1, record.Baseline)
	p.ends("on/main", time.Millisecond, workload.OK)
	p.second()
	p.phase(1, record.Maintenance)
	p.ends("on/main", time.Millisecond, workload.OK)
	p.second()
	s := p.finish(bundle.Final{Valid: true})
	on, _ := s.Arm("on")
	r := on.Rounds[0]
	if r.ResponseP50 != nil || r.ResponseP95 != nil || r.ResponseP99 != nil || r.ResponseMax == nil || r.RecoverAtLeast != nil {
		t.Errorf("of one success: %+v", r)
	}
	if len(s.Differences) != 0 {
		t.Errorf("one round is compared: %v", s.Differences)
	}
}

// Where the data alone tell of an upgrade there is one, not one a round.
func TestNoRoundsOfData(t *testing.T) {
	if list := rounds(Arm{Name: "on"}, &sums{}, timeline{phases: []mark.Mark{{Round: 1, Name: "baseline"}}}, sourceData); list != nil {
		t.Errorf("got %v", list)
	}
}

// Lost writes are counted by round, and unknown without a ledger.
func TestRoundLost(t *testing.T) {
	checked := Integrity{CheckedWrites: 7, Rounds: []IntegrityRound{{Round: 2, LostAcknowledgedWrites: 3}}}
	for n, want := range map[int]uint64{1: 0, 2: 3} {
		r := Round{Round: n}
		if r.lost(checked); r.LostWrites == nil || *r.LostWrites != want {
			t.Errorf("round %d: %v lost, want %d", n, r.LostWrites, want)
		}
	}
	var r Round
	if r.lost(Integrity{}); r.LostWrites != nil {
		t.Errorf("without a ledger %d are lost", *r.LostWrites)
	}
}

// Law: as before is as in the round's own baseline, where that has enough
// successes.
func TestLimitOfItsRound(t *testing.T) {
	p := start(t)
	for round, factor := range []time.Duration{1, 5} {
		p.phase(round+1, record.Baseline)
		p.seconds(1, func(took time.Duration) (time.Duration, workload.Class) { return factor * took, workload.OK })
	}
	p.finish(bundle.Final{Valid: true})
	b, err := bundle.Open(p.w.Dir())
	if err != nil {
		t.Fatal(err)
	}
	s, err := readSums(b, timeline{}, func(iv record.Interval) record.Interval { return iv })
	if err != nil {
		t.Fatal(err)
	}
	for round, want := range map[int]time.Duration{1: 12 * time.Millisecond, 2: 60 * time.Millisecond, 3: 60 * time.Millisecond} {
		if got := (&episode{round: round}).limitOf(place{arm: "off"}, &s); !got.known || got.p99 < want*99/100 || got.p99 > want*101/100 {
			t.Errorf("round %d: limit %v, want about %v", round, got, want)
		}
	}
}

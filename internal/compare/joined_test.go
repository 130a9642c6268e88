package compare

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"schload/internal/bundle"
)

// partOf is a run of one round of the arms on and off.
func partOf(id string, seed uint64, on, off toll) Part {
	s := &Summary{RunID: id, Valid: true, Complete: true, PhaseSource: sourceStage, Stage: "sim", Upgrade: Upgrade{Name: "failover", SCHSupport: LevelFull}}
	for name, t := range map[string]toll{"on": on, "off": off} {
		s.Arms = append(s.Arms, Arm{Name: name, SCH: SCH{Requested: name, Connections: 8}, Rounds: t.rounds})
	}
	x := judgeOf(on, off, [2]uint64{0, 8}, nil)
	x.summary, x.arm.Rounds, x.ref.Rounds = s, on.rounds, off.rounds
	s.Expectations = expectations([]trial{x}, s.Upgrade)
	return Part{Run: runOf(id, seed, `{}`), Summary: *s, trials: []trial{x}}
}

// Law: one run alone is judged as it judges itself.
func TestJoinOfOne(t *testing.T) {
	for _, p := range []Part{partOf("a", 1, took(0, 5, 0), took(300, 0, 0)), partOf("a", 1, took(9, 0, 0), took(300, 0, 0)), partOf("a", 1, took(30, 0, 0), took(3, 0, 0))} {
		all, err := Join([]Part{p}, false)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p.Summary.Expectations, all.Expectations); diff != "" {
			t.Errorf("alone (-) and joined (+):\n%s", diff)
		}
	}
}

// Two failures may be a hiccup in each of six runs; twelve of them are none.
func TestJoinPromise(t *testing.T) {
	var parts []Part
	for i := range 6 {
		parts = append(parts, partOf(fmt.Sprint("r", i), uint64(1+i), took(2, 0, 0), took(300, 0, 0)))
		if v := parts[i].Summary.Expectations[0].Verdict; v != NoEvidence {
			t.Fatalf("alone: %s", v)
		}
	}
	few, err := Join(parts[:4], false)
	if err != nil || few.Expectations[0].Verdict != NoEvidence {
		t.Errorf("%v, %+v", err, few.Expectations)
	}
	all, err := Join(parts, false)
	if err != nil || len(all.Expectations) != 1 {
		t.Fatalf("%v, %+v", err, all.Expectations)
	}
	x := all.Expectations[0]
	if x.Verdict != WorseThan || !strings.HasPrefix(x.Reasons[0], "on: 12 of 60 000 operations failed") || all.Rounds != 6 {
		t.Errorf("%d rounds: %+v", all.Rounds, x)
	}
	// The difference is that of all rounds.
	if text := strings.Join(x.Reasons, "\n"); !strings.Contains(text, "over 6 rounds") {
		t.Errorf("%s", text)
	}
}

// Receivers are judged on their own, and runs that promise different things
// have no promise together.
func TestJoinScopes(t *testing.T) {
	receiving := func(id string, seed, lost uint64) Part {
		p := partOf(id, seed, took(0, 0, 0), took(300, 0, 0))
		x := p.trials[0]
		x.scope = scope{pools: []bundle.Pool{{Name: "news", Kind: "pubsub", Receivers: 2}}, part: true}
		x.on.during.lost, x.off.during.lost = lost, lost
		x.arm.Pools = []Pool{{Name: "news", Delivery: Delivery{ReceiverErrors: map[string]uint64{"eof": 6}}}}
		x.ref.Pools = []Pool{{Name: "news", Delivery: Delivery{}}}
		p.trials = append(p.trials, x)
		return p
	}
	a, b := receiving("a", 1, 3), receiving("b", 2, 4)
	all, err := Join([]Part{a, b}, false)
	if err != nil || len(all.Expectations) != 2 {
		t.Fatalf("%v, %+v", err, all.Expectations)
	}
	if x := all.Expectations[1]; x.Level != LevelNone || x.Verdict != WorseThan || !strings.Contains(strings.Join(x.Reasons, "\n"), "on 12, off 0") || a.trials[1].arm.Pools[0].Delivery.ReceiverErrors["eof"] != 6 {
		t.Errorf("%+v", x)
	}
	b.Summary.Upgrade.SCHSupport = LevelPartial
	if all, err = Join([]Part{a, b}, false); err != nil || all.Expectations != nil {
		t.Errorf("%v, %+v", err, all.Expectations)
	}
}

package experiment

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// sequential has the arms of the bench take turns.
func (b *bench) sequential(rounds int) *bench {
	b.config.Sequential, b.config.Describe.Order = true, bundle.OrderSequential
	b.config.Rounds, b.config.Describe.Rounds, b.config.Describe.Stage = rounds, rounds, "sim"
	b.config.Warmup, b.config.Baseline, b.config.Recovery = time.Second, 2*time.Second, 3*time.Second
	b.config.Pools[0].Schedule.Rate = workload.Constant(100)
	return b
}

// marksOf are the marks of a kind in a bundle, in order of time.
func marksOf(t *testing.T, dir string, kind mark.Kind) (list []mark.Mark) {
	t.Helper()
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range b.Marks() {
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == kind {
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(x, y mark.Mark) int { return int(x.At - y.At) })
	return list
}

// The arms take turns A B, B A, A B, B A, each with all phases of its own.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind").sequential(4)
		result, s := b.run(t.Context())
		if len(result.Invalid) > 0 || !s.Valid || !s.Complete {
			t.Fatalf("invalid: %v %v", result.Invalid, s.InvalidReasons)
		}
		var turns []string
		var phases []string
		for _, m := range marksOf(t, result.Dir, mark.Phase) {
			if m.Name == record.Warmup.String() {
				turns, phases = append(turns, m.Arm), nil
			}
			phases = append(phases, m.Name)
			if want := []string{"warmup", "baseline", "maintenance", "recovery"}; !slices.Equal(phases, want[:len(phases)]) || m.Arm != turns[len(turns)-1] || m.Round != (len(turns)+1)/2 {
				t.Errorf("mark %+v after %v", m, phases)
			}
		}
		if want := []string{"on", "off", "off", "on", "on", "off", "off", "on"}; !slices.Equal(turns, want) {
			t.Errorf("turns %v, want %v", turns, want)
		}
		on, off := summed(t, s, "on"), summed(t, s, "off")
		t.Log(describe(on), describe(off))
		if on.Operations.Failed > 0 || off.Operations.Failed == 0 {
			t.Errorf("failed: on %d, off %d; want none and some", on.Operations.Failed, off.Operations.Failed)
		}
	})
}

func summed(t *testing.T, s compare.Summary, name string) compare.Arm {
	t.Helper()
	a, ok := s.Arm(name)
	if !ok {
		t.Fatalf("no arm %s", name)
	}
	return a
}

// tallied is how an arm's operations of one round ended, warm-up included.
type tallied struct{ due, ok, failed, missed uint64 }

// Laws: what was due has ended, in each arm and round; the arms of a round have
// as much due; and nothing of an arm is recorded while it rests, as little as a
// connection of it is open then.
func TestTurnsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind").sequential(2)
		result, _ := b.run(t.Context())
		phases := marksOf(t, result.Dir, mark.Phase)
		whose := func(at time.Duration) (arm string) {
			for _, m := range phases {
				if m.At <= at {
					arm = m.Arm
				}
			}
			return arm
		}
		opened, err := bundle.Open(result.Dir)
		if err != nil {
			t.Fatal(err)
		}
		rounds := map[string]map[string]*tallied{"on": {}, "off": {}}
		for iv, err := range opened.Intervals() {
			if err != nil {
				t.Fatal(err)
			}
			turn := whose(iv.From)
			if last := whose(iv.To - 1); last != turn && turn != "" && iv.To > iv.From {
				t.Errorf("the reading from %v to %v lies in turns of %s and %s", iv.From, iv.To, turn, last)
			}
			for _, c := range iv.Counts {
				if c.Arm == "" || c.Value == 0 {
					continue
				}
				if c.Arm != turn && turn != "" {
					t.Errorf("%v: %s %v of arm %s in the turn of %s", iv.From, c.Name, c.Attrs, c.Arm, turn)
				}
				note(rounds[c.Arm], c)
			}
			for _, l := range iv.Levels {
				if l.Name == record.Connections && l.Arm != turn && turn != "" && l.Value > 0 {
					t.Errorf("%v: %v connections of arm %s in the turn of %s", iv.From, l.Value, l.Arm, turn)
				}
			}
		}
		for arm, all := range rounds {
			for round, n := range all {
				if n.due != n.ok+n.failed+n.missed || n.due == 0 {
					t.Errorf("arm %s, round %s: %+v", arm, round, *n)
				}
			}
			if len(all) != 2 || all["1"].due != rounds["on"]["1"].due || all["2"].due != rounds["on"]["2"].due {
				t.Errorf("arm %s: rounds %v, those of on %v", arm, all, rounds["on"])
			}
		}
		marksApart(t, result.Dir, whose)
	})
}

func note(rounds map[string]*tallied, c record.Count) {
	attrs := map[string]string{}
	for _, a := range c.Attrs {
		attrs[a.Key] = a.Value
	}
	round := attrs[record.AttrRound]
	if rounds[round] == nil {
		rounds[round] = new(tallied)
	}
	n := rounds[round]
	switch {
	case c.Name == record.OperationsDue:
		n.due += c.Value
	case c.Name == record.OperationsMissed:
		n.missed += c.Value
	case c.Name == record.Operations && attrs[record.AttrOutcome] == workload.OK.String():
		n.ok += c.Value
	case c.Name == record.Operations:
		n.failed += c.Value
	default:
		if *n == (tallied{}) {
			delete(rounds, round)
		}
	}
}

// marksApart: what befell an arm befell it in its own turn, outages in its
// maintenance; and no two connections of an arm have one number.
func marksApart(t *testing.T, dir string, whose func(time.Duration) string) {
	t.Helper()
	outages, dialled := 0, map[string]map[uint64]bool{"on": {}, "off": {}}
	for _, kind := range []mark.Kind{mark.Notice, mark.Dial, mark.Handoff, mark.Close, mark.Outage, mark.Step} {
		for _, m := range marksOf(t, dir, kind) {
			if m.Arm != whose(m.At) || m.Kind == mark.Outage && m.Arm != whose(m.At+m.Duration) {
				t.Errorf("mark %+v in the turn of %s", m, whose(m.At))
			}
			if m.Kind == mark.Dial && m.Name == "ok" {
				if dialled[m.Arm][m.Conn] {
					t.Errorf("arm %s has two connections %d", m.Arm, m.Conn)
				}
				dialled[m.Arm][m.Conn] = true
			}
			if m.Kind == mark.Outage && m.Pool == "" && m.Slots == "" {
				outages++
				if m.Arm != "off" {
					t.Errorf("outage %+v", m)
				}
			}
		}
	}
	if outages != 2 || len(dialled["on"]) == 0 {
		t.Errorf("%d outages, want one in each turn of off", outages)
	}
}

// Two arms that are the same differ in nothing that their operations felt, in
// whichever order they came. (How many connections a client hands over is left
// to it: it learns of a move on those it uses, and which it uses depends on how
// many operations of one instant its goroutines bring to meet.)
func TestTurnsOfEqualArms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind").use("on", "on+name=too").sequential(2)
		_, s := b.run(t.Context())
		one, too := summed(t, s, "on"), summed(t, s, "too")
		if one.Operations != too.Operations || one.Operations.Failed > 0 || one.Handoffs.Started == 0 || too.Handoffs.Started == 0 {
			t.Errorf("on %v\ntoo %v", describe(one), describe(too))
		}
		for i, r := range one.Rounds {
			if r.Due != too.Rounds[i].Due || r.HarmedRatio != too.Rounds[i].HarmedRatio || r.OutageTotal != too.Rounds[i].OutageTotal {
				t.Errorf("round %d: %+v and %+v", i+1, r, too.Rounds[i])
			}
		}
	})
}

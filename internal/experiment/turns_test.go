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

package experiment

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/workload"
)

// A run that decides on its rounds ends after the round that was enough, when
// the budget leaves no room for another, or at the bound; it says which, and no
// round is added or cut short.
func TestEnough(t *testing.T) {
	after := func(n int) func(string) (bool, string, error) {
		asked := 0
		return func(string) (bool, string, error) { asked++; return asked == n, "why", nil }
	}
	for _, tt := range []struct {
		name   string
		auto   Auto
		most   int
		rounds int
		ended  string
	}{
		{"narrow", Auto{Enough: after(3)}, 9, 3, "a narrow interval: why"},
		{"budget", Auto{Enough: after(99), Budget: time.Minute}, 9, 1, "the budget of 1m0s: another round may take "},
		{"bound", Auto{Enough: after(99)}, 2, 2, "the bound of 2 rounds"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "endpoint-rebind")
				b.config.Rounds, b.config.Auto = tt.most, tt.auto
				result, s := b.run(t.Context())
				if len(result.Invalid) > 0 {
					t.Errorf("invalid: %q", result.Invalid)
				}
				if s.Rounds != tt.rounds || !s.Complete || !strings.HasPrefix(s.RoundsEnded, tt.ended) {
					t.Errorf("%d rounds, complete %v, ended by %q; want %d, %q", s.Rounds, s.Complete, s.RoundsEnded, tt.rounds, tt.ended)
				}
				for _, a := range s.Arms {
					first, last := a.Rounds[0], a.Rounds[len(a.Rounds)-1]
					if len(a.Rounds) != tt.rounds || last.Due < first.Due*9/10 {
						t.Errorf("arm %s: %d rounds, the first of %d operations and the last of %d", a.Name, len(a.Rounds), first.Due, last.Due)
					}
				}
			})
		})
	}
}

// A comparison that cannot be made ends the run, and what was recorded stays.
func TestEnoughFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "none")
		b.config.Rounds = 9
		b.config.Auto.Enough = func(string) (bool, string, error) { return false, "", errors.New("torn") }
		result, err := Run(t.Context(), b.config)
		if err == nil || !strings.Contains(err.Error(), "after round 1") || !strings.Contains(err.Error(), "torn") {
			t.Fatalf("error %v", err)
		}
		if _, err := bundle.Open(result.Dir); err != nil {
			t.Error(err)
		}
	})
}

// The rule reads the bundle of the run that goes on: six rounds of an endpoint
// that moves have an interval, and the seventh makes it narrow twice.
func TestEnoughReadsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind")
		b.config.Rounds = 12
		b.config.Pools[0].Schedule.Rate = workload.Constant(100)
		var texts []string
		b.config.Auto.Enough = func(dir string) (bool, string, error) {
			enough, text, err := compare.Narrow(dir, compare.WidestNarrow)
			texts = append(texts, text)
			return enough, text, err
		}
		_, s := b.run(t.Context())
		if s.Rounds < 7 || s.Rounds > 11 || !strings.HasPrefix(s.RoundsEnded, "a narrow interval: half the interval of harmed_ratio against off: on ") {
			t.Errorf("%d rounds, ended by %q; on the way %q", s.Rounds, s.RoundsEnded, texts)
		}
	})
}

package experiment

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/stage"
	"schload/handoff/upgrade"
	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/mark"
)

// phases returns the marks of phases in a bundle.
func phases(t *testing.T, dir string) (marks []mark.Mark) {
	t.Helper()
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range b.Marks() {
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == mark.Phase {
			marks = append(marks, m)
		}
	}
	return marks
}

// wantPhases wants phases by name and whole tenths of seconds: "baseline 1.0".
func wantPhases(t *testing.T, marks []mark.Mark, want ...string) {
	t.Helper()
	var got []string
	for _, m := range marks {
		got = append(got, m.Name+" "+m.At.Truncate(100*time.Millisecond).String())
	}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("phases %v, want %v", got, want)
	}
}

// others has somebody else play an upgrade of the catalog at an instant: the
// run itself has no stage.
func (b *bench) others(name string, at time.Duration) {
	b.t.Helper()
	u, err := upgrade.Load(name)
	if err != nil {
		b.t.Fatal(err)
	}
	plan, err := u.Plan(1, 1)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx := b.t.Context()
	time.AfterFunc(at, func() { b.sim.Play(ctx, plan) })
	b.config.Stage, b.config.Describe.Stage = stage.None{}, "none"
}

// Law: without a stage, maintenance is from the first notice that opens a
// window, as soon as what is due can still be filed under it, until 5 s after
// the last window; then it is recovery.
func TestNoticesTellPhases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newBench(t, "endpoint-rebind").sim.Close() // skips where it must
		b := newBench(t, "none")
		b.config.Baseline = time.Minute
		b.others("endpoint-rebind", 20*time.Second) // MOVING comes 6 s later and announces 15 s
		result, s := b.run(t.Context())
		if len(result.Invalid) > 0 || s.PhaseSource != "notices" {
			t.Errorf("invalid %q, phases from %q", result.Invalid, s.PhaseSource)
		}
		marks := phases(t, result.Dir)
		wantPhases(t, marks, "warmup 0s", "baseline 1s", "maintenance 26s", "recovery 46s")
		if marks[1].Source != "harness" || marks[2].Source != "notices" || marks[3].Source != "notices" {
			t.Errorf("sources of %+v", marks)
		}
		off := arm2(t, s, "off")
		if off.Phases.Maintenance.Operations.Failed == 0 || off.Phases.Baseline.Operations.Failed+off.Phases.Recovery.Operations.Failed > 0 {
			t.Errorf("off: %+v: want its failures in maintenance", off.Phases)
		}
		if due := off.Phases.Recovery.Operations.Due; due < 14*benchRate || due > 16*benchRate {
			t.Errorf("%d operations fell due in a recovery of 15 s", due)
		}
	})
}

// A window that its closing notice closes, and one that opens during recovery.
func TestNoticesTellPhasesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "none")
		b.config.Baseline = 30 * time.Second
		b.config.Stage, b.config.Describe.Stage = stage.None{}, "none"
		seq := func(n int64) *int64 { return &n }
		for _, m := range []mark.Mark{
			{At: 5 * time.Second, Name: "MIGRATING", Seq: seq(0), Duration: 2 * time.Second},
			{At: 9 * time.Second, Name: "MIGRATED", Seq: seq(1)},
			{At: 20 * time.Second, Name: "FAILING_OVER", Seq: seq(2), Duration: time.Second},
		} {
			m.Kind, m.Arm = mark.Notice, "on"
			time.AfterFunc(m.At, func() { b.config.Timeline.Mark(m) })
		}
		result, s := b.run(t.Context())
		if s.PhaseSource != "notices" || len(s.Maintenance) != 2 {
			t.Errorf("phases from %q, maintenance %v", s.PhaseSource, s.Maintenance)
		}
		wantPhases(t, phases(t, result.Dir), "warmup 0s", "baseline 1s", "maintenance 5s", "recovery 14s", "maintenance 20s")
	})
}

// A round that begins while a window is open has no baseline before it.
func TestRoundsInOneWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "none")
		b.config.Baseline, b.config.Rounds = 10*time.Second, 2
		b.config.Stage, b.config.Describe.Stage = stage.None{}, "none"
		seq := int64(7)
		time.AfterFunc(8*time.Second, func() {
			b.config.Timeline.Mark(mark.Mark{At: 8 * time.Second, Kind: mark.Notice, Name: "MOVING", Arm: "on", Seq: &seq, Duration: 3 * time.Second})
		})
		result, _ := b.run(t.Context())
		wantPhases(t, phases(t, result.Dir), "warmup 0s", "baseline 1s", "maintenance 8s", "maintenance 11s", "recovery 16s")
	})
}

// Whoever leads a real upgrade decides how long baseline and maintenance are;
// no choreography is drawn for it.
func TestRealUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "none")
		b.config.Upgrade = upgrade.Unnamed()
		b.config.Rounds = 2
		manual := &stage.Manual{Base: b.config.Base, Marks: b.config.Timeline.Mark, Say: func(string) {}}
		b.config.Stage = manual
		for _, at := range []time.Duration{10, 20, 30, 31} {
			time.AfterFunc(at*time.Second, func() {
				if err := manual.Next(); err != nil {
					t.Errorf("at %v: %v", at, err)
				}
			})
		}
		result, s := b.run(t.Context())
		if len(result.Invalid) > 0 || s.PhaseSource != "stage" {
			t.Errorf("invalid %q, phases from %q", result.Invalid, s.PhaseSource)
		}
		wantPhases(t, phases(t, result.Dir), "warmup 0s", "baseline 1s", "maintenance 10s", "recovery 20s",
			"baseline 25s", "maintenance 30s", "recovery 31s")
	})
}

// broken is a real stage whose upgrade fails.
type broken struct{ stage.Manual }

func (*broken) Begin(context.Context, int) error { return nil }

func (*broken) Play(context.Context, upgrade.Plan) error {
	time.Sleep(3 * time.Second)
	return errors.New("exit code 3")
}

// An upgrade that fails ends the run; the bundle says why and holds what was
// recorded.
func TestRealUpgradeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "none")
		b.config.Upgrade, b.config.Stage = upgrade.Unnamed(), &broken{}
		result, err := Run(t.Context(), b.config)
		if err == nil || !strings.Contains(err.Error(), "upgrade unnamed: exit code 3") || result.Interrupted {
			t.Errorf("interrupted %v: %v", result.Interrupted, err)
		}
		if err := b.sim.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		s, err := compare.Save(result.Dir)
		if err != nil || s.Valid || !strings.Contains(strings.Join(s.InvalidReasons, ", "), "exit code 3") {
			t.Errorf("valid %v, %q: %v", s.Valid, s.InvalidReasons, err)
		}
		if due := arm2(t, s, "on").Phases.Maintenance.Operations.Due; due < 2.8*benchRate {
			t.Errorf("%d operations of 3 s of maintenance are kept", due)
		}
	})
}

package experiment

import (
	"math"
	"testing"
	"testing/synctest"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// In virtual time operations take time only while an arm is out. The engine's
// count of what is in flight and the recorder's service times agree all the
// same, and bare connections run beside clients.
func TestLittleInEveryArm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind").use("off", "raw", "off-noretry+read_timeout=300ms+name=tight")
		result, s := b.run(t.Context())
		if len(result.Invalid) > 0 || !s.Valid {
			t.Errorf("invalid: %q, %q", result.Invalid, s.InvalidReasons)
		}
		for _, a := range s.Arms {
			if l := a.Little; a.Operations.Failed == 0 || math.Abs(l.Missing) > 1e-6 || a.Name == "off" && l.InFlight == 0 {
				t.Errorf("%s: %+v, %+v: want failures, and a law that holds", a.Name, a.Operations, l)
			}
		}
		raw := arm2(t, s, "raw")
		if raw.SCH.Effective != compare.NoneRaw || raw.SCH.OptedIn != 0 || raw.AttemptsHidden != 0 || raw.Connections.ClosedByServer == 0 {
			t.Errorf("raw: %+v, %+v, %d hidden attempts", raw.SCH, raw.Connections, raw.AttemptsHidden)
		}
	})
}

// What the harness saw of itself is in the bundle.
func TestHealthIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "none")
		result, s := b.run(t.Context())
		kept, err := bundle.Open(result.Dir)
		if err != nil {
			t.Fatal(err)
		}
		h := kept.Run.Final.Health
		if h == nil || h.Processors < 1 || h.Length <= 0 || h.SchedLatency.Count == 0 || s.Harness.Health == nil {
			t.Errorf("health %+v", h)
		}
		if w := s.Harness.Workers; len(w) != 2 || w[0].Arm != "on" || w[1].Pool != "main" || w[0].Full != 0 {
			t.Errorf("workers %+v, want those of both arms, never all busy", w)
		}
	})
}

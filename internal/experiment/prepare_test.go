package experiment

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/stage"
	"schload/handoff/upgrade"
)

// prepared is a stage that takes its time before every round.
type prepared struct {
	stage.Stage
	takes    time.Duration
	prepared []uint64 // seeds of the plans
}

func (p *prepared) Prepare(ctx context.Context, plan upgrade.Plan) error {
	p.prepared = append(p.prepared, plan.Seed)
	time.Sleep(p.takes)
	return ctx.Err()
}

// A stage is prepared once for every round, and what passes meanwhile is
// counted nowhere.
func TestPrepare(t *testing.T) {
	due := map[time.Duration]uint64{}
	for _, takes := range []time.Duration{0, 7 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "none")
			b.config.Rounds = 3
			s := &prepared{Stage: b.sim, takes: takes}
			b.config.Stage = s
			result, summary := b.run(t.Context())
			if len(result.Invalid) > 0 || len(s.prepared) != 3 || s.prepared[0] == s.prepared[1] {
				t.Errorf("invalid %v, prepared for %v: want each round once", result.Invalid, s.prepared)
			}
			due[takes] = summary.Arms[0].Operations.Due
		})
	}
	// Phases begin 50 ms after they are announced: so much of a second's operations a round.
	if a, b := due[0], due[7*time.Second]; a == 0 || max(a, b)-min(a, b) > 3*benchRate/20 {
		t.Errorf("%d operations due, %d when preparing takes 7 s", a, b)
	}
}

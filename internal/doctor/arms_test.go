package doctor

import (
	"context"
	"errors"
	"testing"

	"schload/handoff"
	"schload/telemetry/mark"
)

// fails is a target whose opening fails with a problem.
func fails(err error) Open {
	return func(context.Context, handoff.Arm, mark.Sink) (*handoff.Client, error) { return nil, err }
}

func TestArms(t *testing.T) {
	refused := &handoff.TargetError{Arm: "on", Problem: handoff.NoOptIn, Missing: "the opt-in", Fix: "switch it on"}
	arms, missing, err := Arms(t.Context(), fails(refused))
	if err != nil || len(arms) != 1 || arms[0].Mode != handoff.Off || !errors.Is(missing, refused) {
		t.Errorf("a server without handoffs: arms %v, missing %v, err %v: want off alone, and why", arms, missing, err)
	}
	away := &handoff.TargetError{Arm: "on", Problem: handoff.Unreachable}
	if arms, missing, err := Arms(t.Context(), fails(away)); !errors.Is(err, away) || arms != nil || missing != nil {
		t.Errorf("an unreachable server: arms %v, missing %v, err %v: want its error", arms, missing, err)
	}
}

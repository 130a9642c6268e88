package doctor

import (
	"context"
	"errors"
	"fmt"

	"schload/handoff"
	"schload/telemetry/mark"
)

// Open opens an arm on the target that is looked at.
type Open func(ctx context.Context, arm handoff.Arm, marks mark.Sink) (*handoff.Client, error)

// Arms returns the default arms that can exist on the target: on and off, or
// off alone where the server refuses the opt-in; missing then says what on
// lacks. Any other problem with the target is err.
func Arms(ctx context.Context, open Open) (arms []handoff.Arm, missing, err error) {
	on, err := handoff.ParseArm(handoff.On)
	if err != nil {
		return nil, nil, err
	}
	off, err := handoff.ParseArm(handoff.Off)
	if err != nil {
		return nil, nil, err
	}
	client, err := open(ctx, on, mark.Discard)
	if err == nil {
		return []handoff.Arm{on, off}, nil, client.Close()
	}
	problem, ok := errors.AsType[*handoff.TargetError](err)
	if !ok || problem.Problem != handoff.NoOptIn && problem.Problem != handoff.NoRESP3 {
		return nil, nil, err
	}
	return []handoff.Arm{off}, fmt.Errorf("%w", problem), nil
}

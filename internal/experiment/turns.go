package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"schload/handoff"
	"schload/handoff/stage"
	"schload/handoff/upgrade"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// unfitForTurns says what keeps arms from taking turns.
func (c Config) unfitForTurns() (wrong []error) {
	if len(c.Arms) == 1 {
		wrong = append(wrong, fmt.Errorf("order sequential with the arm %s alone: turns need two arms or more", c.Arms[0].Name))
	}
	if _, none := c.Stage.(stage.None); none {
		wrong = append(wrong, errors.New("order sequential with stage none: each arm has to meet an upgrade of its own, and nobody plays one"))
	}
	if !c.StartAt.IsZero() {
		wrong = append(wrong, errors.New("order sequential with an agreed start: workers would not take their turns together"))
	}
	return wrong
}

// turnsOf are the arms in the order in which they take their turns in a round:
// as configured, and the other way round in every second round. Over two rounds
// each arm then comes equally late, and what drifts evenly cancels.
func (c Config) turnsOf(round int) []handoff.Arm {
	arms := slices.Clone(c.Arms)
	if round%2 == 0 {
		slices.Reverse(arms)
	}
	return arms
}

// probe opens each arm for a moment, since a run whose last arm cannot be what
// it claims is to fail before its first was loaded. What is seen meanwhile is
// no part of the run.
func (r *run) probe(ctx context.Context) (slots []record.SlotRange, err error) {
	for i, a := range r.Arms {
		client, err := r.Open(ctx, a, mark.Discard)
		if err != nil {
			return nil, err
		}
		defer client.Close()
		if err := client.Warm(ctx, 1); err != nil {
			return nil, err
		}
		opened := &arm{name: a.Name, client: client}
		if reasons := opened.unproved(); reasons != "" {
			return nil, errors.New(reasons)
		}
		r.connected([]*arm{opened})
		if i == 0 {
			slots = slotRanges(ctx, client)
		}
	}
	return slots, nil
}

// takeTurns plays the rounds with one arm at a time.
func (r *run) takeTurns(ctx context.Context) error {
	for round := 1; round <= r.Rounds; round++ {
		for _, a := range r.turnsOf(round) {
			if err := r.takeTurn(ctx, round, a); err != nil || ctx.Err() != nil {
				return err
			}
		}
		r.played = round
		if round == r.Rounds || r.Auto.Enough == nil {
			continue
		}
		if enough, err := r.decide(round); enough || err != nil {
			return err
		}
	}
	r.exhausted()
	return nil
}

// takeTurn plays a turn. What fails because the run was interrupted is no
// failure.
func (r *run) takeTurn(ctx context.Context, round int, config handoff.Arm) error {
	r.turn = config.Name
	r.turns++
	r.enter(round, record.Warmup, time.Since(r.Base))
	plan, err := r.plan(round)
	if err != nil {
		return err
	}
	if err := r.prepareTurn(ctx, round, config, plan); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer r.detach()
	return r.loadTurn(ctx, round, plan)
}

// prepareTurn brings the stage to where the plan begins and opens the arm. A
// turn is like a run of one round: its clients are its own, so that the
// connections of an arm that rests neither receive notices nor count.
func (r *run) prepareTurn(ctx context.Context, round int, config handoff.Arm, plan upgrade.Plan) error {
	select { // dials are told by the 100 ms in which they began, which are to lie in this warm-up
	case <-time.After(2 * lead):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if p, ok := r.Stage.(stage.Preparer); ok {
		if err := p.Prepare(ctx, plan); err != nil {
			return fmt.Errorf("upgrade %s: preparing round %d for arm %s: %w", r.Upgrade.Name, round, config.Name, err)
		}
	}
	if s, ok := r.Stage.(stage.Turning); ok {
		s.Turn(config.Name)
	}
	return r.attach(ctx, []handoff.Arm{config})
}

// loadTurn loads the arm through a warm-up and the phases of the round.
func (r *run) loadTurn(ctx context.Context, round int, plan upgrade.Plan) error {
	r.calm(false)
	start := time.Since(r.Base) + lead
	r.began.Store(int64(start))
	r.ceased.Store(0)
	return r.loadThrough(ctx, round, start, func() {}, func(ctx context.Context, l *load) error {
		if err := r.wait(ctx, l, start+r.Warmup-lead); err != nil {
			return err
		}
		return r.upgrade(ctx, l, round, plan)
	})
}

// inTurn is a pool as it is loaded in the turns of a round: other operations in
// each round, the same ones for each arm.
func (r *run) inTurn(p workload.Pool, round int) workload.Pool {
	if r.Sequential {
		next := uint64(round-1) * 0x9e3779b97f4a7c15 // far from the seeds of other pools
		p.Seed += next
		p.Schedule.Seed += next
	}
	return p
}

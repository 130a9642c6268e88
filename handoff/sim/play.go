package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"schload/handoff/notice"
	"schload/handoff/upgrade"
)

// ErrPlaying is returned by Play while another plan is played.
var ErrPlaying = errors.New("another upgrade is being played: wait for its end")

// Play plays a plan and returns when its length has passed. Old is the node
// that serves the endpoint at the start, New and Next those after it, going
// round. Every act is done at its offset from the start, and marked.
//
// When ctx ends, Play stops at once and returns its cause. Either way the
// database is left usable and ready for the next plan: the node that serves
// accepts connections and has the endpoint's name. Connections are left alone.
//
// Of a database with the OSS Cluster API, Old is the node with the most slots,
// going round among equals, Peer the next one with slots and New the next one
// without. What the plan needs of them is made true first, see Prepare.
func (s *Simulator) Play(ctx context.Context, plan upgrade.Plan) error {
	if err := errors.Join(check(plan), s.suits(plan)); err != nil {
		return err
	}
	select {
	case s.plays <- struct{}{}:
		defer func() { <-s.plays }()
	default:
		return ErrPlaying
	}
	start := time.Now()
	if !s.director.await(letter{event: began{plan.TTL, movesTwice(plan), losesAtMost(plan), slotNeedsOf(plan)}}) {
		return ErrClosed
	}
	err := s.play(ctx, start, plan)
	if !s.director.await(letter{event: ended{}}) && err == nil {
		err = ErrClosed
	}
	return err
}

func (s *Simulator) play(ctx context.Context, start time.Time, plan upgrade.Plan) error {
	for _, action := range plan.Actions {
		if err := s.until(ctx, start.Add(action.At)); err != nil {
			return err
		}
		if !s.director.await(letter{event: due{action}}) {
			return ErrClosed
		}
	}
	return s.until(ctx, start.Add(plan.Length))
}

func movesTwice(plan upgrade.Plan) bool {
	return slices.ContainsFunc(plan.Actions, func(a upgrade.Action) bool { return a.Node == upgrade.Next })
}

func losesAtMost(plan upgrade.Plan) (writes int) {
	for _, a := range plan.Actions {
		writes = max(writes, a.Writes)
	}
	return writes
}

// until waits for an instant.
func (s *Simulator) until(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.ctx.Done():
		return ErrClosed
	}
}

// suits refuses a plan for another kind of database.
func (s *Simulator) suits(plan upgrade.Plan) error {
	if err := s.suitsSlots(plan); err != nil {
		return err
	}
	if plan.Upgrade.Replicas == upgrade.Needed && s.config.Unreplicated {
		return fmt.Errorf("upgrade %s needs replication: a replica takes over in it, and the database has none: want a replicated database, or another upgrade", plan.Upgrade.Name)
	}
	policy := s.config.Policy
	moves := slices.ContainsFunc(plan.Actions, func(a upgrade.Action) bool { return a.Act == upgrade.Bind || a.Act == upgrade.DNS })
	if moves && policy != SingleProxy {
		return fmt.Errorf("upgrade %s moves an endpoint with one proxy, the database has the proxy policy %s: "+
			"choose maintenance-mode-multi-proxy, or a database of policy %s", plan.Upgrade.Name, policy, SingleProxy)
	}
	return nil
}

// check refuses a plan that this simulator cannot play, before it begins.
func check(plan upgrade.Plan) error {
	var last time.Duration
	for i, a := range plan.Actions {
		fault := func(format string, args ...any) error {
			return fmt.Errorf("upgrade %s: action %d of %d (%s at %v): %w", plan.Upgrade.Name, i+1, len(plan.Actions), a.Act, a.At, fmt.Errorf(format, args...))
		}
		switch a.Act {
		case upgrade.Notify:
			if a.Notice == notice.SMigrating {
				if _, err := upgrade.ParseSlots(a.Slots); err != nil {
					return fault("%w", err)
				}
			}
		case upgrade.Listen, upgrade.Refuse, upgrade.Close, upgrade.Bind, upgrade.DNS, upgrade.Stall, upgrade.Slow,
			upgrade.Join, upgrade.Leave, upgrade.Reset, upgrade.Isolate, upgrade.Rejoin, upgrade.Loading, upgrade.Lose, upgrade.Move:
		default:
			return fault("the simulator knows no such act")
		}
		if a.At < last {
			return fault("comes before the action in front of it: want actions in the order of their time")
		}
		last = a.At
	}
	return nil
}

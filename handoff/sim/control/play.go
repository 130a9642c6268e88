package control

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"schload/handoff/notice"
	"schload/handoff/upgrade"
)

// Expect is told how long the rest of a request will take.
type Expect = func(time.Duration)

// play plays an upgrade of the catalog on a database; cut, which may be nil,
// changes the plan before. It returns when the plan's length has passed.
func (p *Plane) play(ctx context.Context, expect Expect, d *database, name string, settings []string, cut func(upgrade.Plan) upgrade.Plan) error {
	u, err := upgrade.Load(name)
	if err == nil {
		u, err = u.Set(append(p.config.Suite.Settings[name], settings...))
	}
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.plays++
	seed := p.config.Seed + p.plays
	p.mu.Unlock()
	plan, err := u.Plan(seed, p.config.Speed)
	if err != nil {
		return err
	}
	if cut != nil {
		plan = cut(plan)
	}
	expect(plan.Length)
	return d.sim.Play(ctx, plan)
}

// Play plays the upgrade of that name on a database, as the catalog has it. One
// that the database cannot play is an error.
func (p *Plane) Play(ctx context.Context, expect Expect, id int, name string) error {
	return p.plain(ctx, expect, id, name)
}

func (p *Plane) plain(ctx context.Context, expect Expect, id int, name string, settings ...string) error {
	d, err := p.find(id)
	if err != nil {
		return err
	}
	return p.play(ctx, expect, d, name, settings, nil)
}

// primaries spells the ids of a database's primaries among shards, as notices
// carry them.
func primaries(shards []Shard) []string {
	var ids []string
	for _, s := range shards {
		if s.Role == Primary {
			ids = append(ids, strconv.Itoa(s.UID))
		}
	}
	return ids
}

func shardSetting(ids []string) string { return "shards=" + strings.Join(ids, ",") }

// each does something to every database at the same time.
func (p *Plane) each(do func(*database) error) error {
	p.mu.Lock()
	all := append([]*database(nil), p.databases...)
	p.mu.Unlock()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	for i, d := range all {
		wg.Go(func() { errs[i] = do(d) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// firstMove cuts a plan before its second MOVING, which comes minutes later
// when the node leaves maintenance mode: whoever asks for maintenance mode
// waits for its beginning only.
func firstMove(plan upgrade.Plan) upgrade.Plan {
	moved := false
	for i, a := range plan.Actions {
		if a.Act == upgrade.Notify && a.Notice == notice.Moving {
			if moved {
				return until(plan, i)
			}
			moved = true
		}
	}
	return plan
}

// until keeps the actions in front of those of one instant.
func until(plan upgrade.Plan, i int) upgrade.Plan {
	for i > 0 && plan.Actions[i-1].At == plan.Actions[i].At {
		i--
	}
	plan.Actions = plan.Actions[:i]
	plan.Length = 0
	for _, a := range plan.Actions {
		plan.Length = max(plan.Length, a.End()+settled)
	}
	return plan
}

// settled is how long after its last effect a request has ended.
const settled = time.Second

// disturb does one act that lasts. No upgrade of the catalog has it.
func (p *Plane) disturb(ctx context.Context, expect Expect, d *database, a upgrade.Action) error {
	a.For, a.Origin = p.Scaled(a.For), upgrade.Assumption
	expect(a.For)
	return d.sim.Play(ctx, upgrade.Plan{Upgrade: upgrade.Upgrade{Name: "disturbance"}, Speed: p.config.Speed, Length: a.For, Actions: []upgrade.Action{a}})
}

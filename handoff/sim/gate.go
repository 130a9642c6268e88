package sim

import (
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"schload/handoff/sim/resp"
)

// gates hold back the commands of each shard, at every proxy. The director
// sets them; connections pass through.
type gates []atomic.Pointer[gate]

// gate is the state of one shard's gate. It does not change: another one takes
// its place.
type gate struct {
	stalled time.Time // commands wait until then
	loaded  time.Time // commands are refused until then
	slowed  time.Time // until then replies take about delay longer
	delay   time.Duration
	changed chan struct{} // closed when another one takes its place
}

// set changes the gates of shards by what change does to a copy.
func (g gates) set(shards []int, change func(*gate)) {
	for _, shard := range shards {
		next := &gate{}
		old := g[shard].Load()
		if old != nil {
			*next = *old
		}
		next.changed = make(chan struct{})
		change(next)
		g[shard].Store(next)
		old.open()
	}
}

// stir lets whoever waits look again at what it waits for.
func (g gates) stir() {
	for shard := range g {
		if g[shard].Load() != nil {
			g.set([]int{shard}, func(*gate) {})
		}
	}
}

// lift opens all gates.
func (g gates) lift() {
	for i := range g {
		g[i].Swap(nil).open()
	}
}

func (g *gate) open() {
	if g != nil {
		close(g.changed)
	}
}

func (s *Simulator) stall(e stall) {
	until := time.Now().Add(e.lasts)
	s.gates.set(s.shardsNamed(e.shards), func(g *gate) {
		if until.After(g.stalled) {
			g.stalled = until
		}
	})
}

func (s *Simulator) loading(e loading) {
	until := time.Now().Add(e.lasts)
	s.gates.set(s.shardsNamed(e.shards), func(g *gate) { g.loaded = until })
}

var replyLoading = resp.AppendError(nil, "LOADING Redis is loading the dataset in memory")

// refuses reports whether a shard is loading and will not run a command.
// Transactions it lets pass: a part of one refused would have to spoil all.
func (c *conn) refuses(shard int, cmd command) bool { return c.guard == nil && c.loading(shard, cmd) }

// loading is refuses for a connection whose guard asks.
func (c *conn) loading(shard int, cmd command) bool {
	gate := c.sim.gates[shard].Load()
	if gate == nil || c.inMulti || !time.Now().Before(gate.loaded) {
		return false
	}
	switch cmd.kind {
	case cmdExec, cmdDiscard, cmdWatch, cmdUnwatch:
		return false
	}
	return true
}

func (s *Simulator) slow(e slow) {
	until := time.Now().Add(e.lasts)
	s.gates.set(s.shardsNamed(e.shards), func(g *gate) { g.slowed, g.delay = until, e.delay })
}

// pass waits until a command for a shard may run. Commands that arrived
// together are delayed together: each is due its own delay after their
// arrival, and none before the one in front of it.
func (c *conn) pass(shard int) error {
	if c.guard != nil {
		return nil // it waited at the gate of its keys
	}
	return c.wait(shard, nil)
}

// wait is pass for commands whose keys were found by a slot map: it also returns
// when another one takes its place.
func (c *conn) wait(shard int, m *slotMap) error {
	gate := c.sim.gates[shard].Load()
	if gate == nil {
		return nil
	}
	now := time.Now()
	if c.batch.IsZero() {
		c.batch = now
	}
	var due time.Time
	if now.Before(gate.slowed) {
		due = c.batch.Add(c.draw(gate.delay))
	}
	for gate != nil {
		until := due
		if gate.stalled.After(until) {
			until = gate.stalled
		}
		if !time.Now().Before(until) {
			return nil
		}
		if err := c.flush(); err != nil {
			return err
		}
		if !c.pause(until, gate.changed) {
			return errEnd
		}
		if m != nil && c.sim.slots.Load() != m {
			return nil
		}
		gate = c.sim.gates[shard].Load()
	}
	return nil
}

// spread is the shape of added delays: log-normal, so that the median is the
// delay asked for and the 99th percentile about 2.5 times it, roughly the
// factor between the inflations of median and tail that choreographies assume.
const spread = 0.4

func (c *conn) draw(median time.Duration) time.Duration {
	if c.random == nil {
		c.random = rand.New(rand.NewPCG(c.sim.config.Seed, uint64(c.id)))
	}
	return time.Duration(float64(median) * math.Exp(spread*c.random.NormFloat64()))
}

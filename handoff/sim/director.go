package sim

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// director is the one goroutine that owns the core. It is told events, carries
// out their effects in order, and writes the marks. It never waits for a
// client: what it gives connections goes into their outboxes.
type director struct {
	sim    *Simulator
	core   *core
	mail   chan letter
	ended  chan struct{} // nil before the start
	closed bool          // connections are refused, whatever the core wants
	named  atomic.Int32  // the node of the address record, for whoever accepts at the endpoint's own port
}

// letter is one event, or something to be done with the core.
type letter struct {
	event event
	run   func(*core)
	done  chan struct{} // closed when it is done; may be nil
}

// mailbox is how many letters wait before senders do. Senders are connections
// that come and go, and the player of a plan.
const mailbox = 256

func newDirector(s *Simulator) *director {
	var nodes []coreNode
	for i, addr := range s.network.addrs {
		_, port, _ := net.SplitHostPort(addr)
		nodes = append(nodes, coreNode{ip: addr, fqdn: net.JoinHostPort(nodeAddress(i, s.config.Name), port)})
	}
	core := newCore(s.config.Support, nodes, s.config.home()...)
	core.faults = s.config.Faults
	if c := s.config; c.OSSCluster {
		core.layout = newLayout(c.Nodes, c.ShardCount, !c.Unreplicated)
		s.slots.Store(core.layout.slotMap(nil))
	}
	return &director{sim: s, core: core, mail: make(chan letter, mailbox)}
}

func (d *director) start() {
	d.ended = make(chan struct{})
	for node, door := range d.sim.network.doors {
		if door != nil {
			d.sim.accept(door, func() int { return node })
		}
	}
	if entrance := d.sim.network.entrance; entrance != nil {
		d.sim.accept(entrance, d.nodeNamed)
	}
	go d.direct()
}

func (d *director) nodeNamed() int { return int(d.named.Load()) }

func (d *director) direct() {
	defer close(d.ended)
	for {
		select {
		case l := <-d.mail:
			d.handle(l)
		case <-d.sim.ctx.Done():
			return
		}
	}
}

func (d *director) wait() {
	if d.ended != nil {
		<-d.ended
	}
}

// tell says what happened and does not wait for what comes of it.
func (d *director) tell(e event) { d.send(letter{event: e}) }

// ask waits until the effects of an event, the reply among them, are done.
func (d *director) ask(c *conn, e event) error {
	l := letter{event: e, done: make(chan struct{})}
	d.send(l)
	select {
	case <-l.done:
		return nil
	case <-c.gone:
	case <-d.sim.ctx.Done():
	}
	return errEnd
}

// do waits until f was called with the core, or the simulator is closed.
func (d *director) do(f func(*core)) {
	d.await(letter{run: f})
}

func (d *director) await(l letter) bool {
	l.done = make(chan struct{})
	d.send(l)
	select {
	case <-l.done:
		return true
	case <-d.ended: // the letter may have been the last
		select {
		case <-l.done:
			return true
		default:
			return false
		}
	}
}

func (d *director) send(l letter) {
	select {
	case d.mail <- l:
	case <-d.sim.ctx.Done():
	}
}

func (d *director) handle(l letter) {
	if l.run != nil {
		l.run(d.core)
	} else {
		now := time.Since(d.sim.config.Base)
		for _, e := range d.core.Step(now, l.event) {
			d.effect(now, e)
		}
		d.tend()
	}
	if l.done != nil {
		close(l.done)
	}
}

// effect carries out one effect. Marks carry the instant at which the event
// was taken up, which is not after anything that clients can see of it.
func (d *director) effect(now time.Duration, e effect) {
	switch e := e.(type) {
	case reply:
		for _, c := range d.sim.connections([]connID{e.conn}) {
			c.out.add(e.data)
		}
	case push:
		in := d.sim.injector.Load()
		for _, c := range d.sim.connections([]connID{e.conn}) {
			if in == nil || !in.withhold(c, e.frame) {
				c.out.push(e.frame)
			}
		}
	case hangUp:
		for _, c := range d.sim.connections(e.conns) {
			c.hangUp()
		}
	case abort:
		for _, c := range d.sim.connections(e.conns) {
			c.abort()
		}
	case accept:
		d.accept(now, e)
	case isolate:
		d.sim.isolate(e)
	case resolve:
		d.named.Store(int32(e.node))
		d.sim.zone.point(append([]int{e.node}, e.also...), e.ttl)
	case stall:
		d.sim.stall(e)
	case slow:
		d.sim.slow(e)
	case loading:
		d.sim.loading(e)
	case keep:
		d.sim.shards.keep(e.writes)
	case lose:
		d.lose(now, e)
	case own:
		d.sim.slots.Store(e.slots)
		d.sim.gates.stir()
		d.sim.channels.sweep(e.slots)
	case release:
		d.sim.gates.set(d.sim.shardsNamed(e.shards), func(g *gate) { g.stalled = time.Time{} })
	case tally:
		d.tally(now)
	case lift:
		d.sim.gates.lift()
	case done:
		e.mark.At = now
		d.sim.config.Marks(e.mark)
	}
}

// lose is marked with what was lost, which the core cannot know. A store that
// cannot lose writes makes the result wrong.
func (d *director) lose(now time.Duration, e lose) {
	lost, able := d.sim.shards.lose(e.writes)
	m := mark.Mark{
		At: now, Kind: mark.Step, Source: "sim", Name: string(upgrade.Lose), Origin: string(upgrade.Assumption),
		Detail: fmt.Sprintf("the replica had not got the last %d writes: they are lost", lost),
	}
	if !able {
		m.Kind, m.Detail = mark.Invalid, "writes that real servers acknowledged cannot be lost: leave out the shards"
	}
	d.sim.config.Marks(m)
}

func (d *director) accept(now time.Duration, e accept) {
	if !e.on || d.closed {
		d.sim.network.refuse(e.node)
		return
	}
	door, err := d.sim.network.open(e.node)
	if err != nil {
		d.fault(now, d.core.nodes[e.node].ip, err)
		return
	}
	if door != nil {
		d.sim.accept(door, func() int { return e.node })
	}
}

// tend keeps the endpoint's own port, where there is one, open exactly while
// the node that the address record names accepts.
func (d *director) tend() {
	entrance, err := d.sim.network.enter(d.core.nodes[d.core.named].accepting && !d.closed)
	if err != nil {
		d.fault(time.Since(d.sim.config.Base), d.sim.Addr(), err)
	}
	if entrance != nil {
		d.sim.accept(entrance, d.nodeNamed)
	}
}

// fault says that the database is not what the plan wants: a result that rests
// on it would be wrong.
func (d *director) fault(now time.Duration, node string, err error) {
	d.sim.log.Error("node cannot listen", "node", node, "err", err)
	d.sim.config.Marks(mark.Mark{At: now, Kind: mark.Invalid, Source: "sim", Name: "listen", Node: node, Detail: err.Error()})
}

// accept admits the connections of a listener until it is closed.
func (s *Simulator) accept(l net.Listener, node func() int) {
	s.wg.Go(func() {
		for {
			nc, err := l.Accept()
			switch {
			case err == nil:
				s.admit(nc, node())
			case errors.Is(err, net.ErrClosed):
				return
			case errors.Is(err, os.ErrDeadlineExceeded): // the node is isolated
				if !s.hushes[node()].wait(s.ctx.Done()) {
					return
				}
			default: // too many open files, most likely
				s.log.Warn("cannot accept", "addr", l.Addr().String(), "err", err)
				if !s.rest(10 * time.Millisecond) {
					return
				}
			}
		}
	})
}

// rest waits, and reports whether the simulator is still open.
func (s *Simulator) rest(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

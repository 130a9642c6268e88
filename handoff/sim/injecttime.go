package sim

import (
	"slices"
	"time"
)

// keepTime does the faults of an order at their instants.
func (in *injector) keepTime(o *order) {
	for len(o.instants) > 0 {
		if !in.wait(o.instants[0] - in.now()) {
			return
		}
		switch o.Fault {
		case Outage:
			in.outage(o)
		case Refusal:
			in.refusal(o)
		case Hangup:
			in.hangups(o)
		}
	}
}

// wait reports whether the order still stands after a time.
func (in *injector) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return in.ctx.Err() == nil
	case <-in.ctx.Done():
		return false
	}
}

func (in *injector) outage(o *order) {
	in.mu.Lock()
	defer in.mu.Unlock()
	now := in.now()
	in.quiet = max(in.quiet, now+o.Lasts)
	in.done(o, Injury{At: now, Lasts: o.Lasts, Detail: "no command runs"})
}

// pause makes a connection wait while there is an outage. It reports whether
// the connection is still of use.
func (in *injector) pause(c *conn) bool {
	for {
		in.mu.Lock()
		left := in.quiet - in.now()
		in.mu.Unlock()
		if left <= 0 || in.ctx.Err() != nil {
			return true
		}
		if c.flush() != nil || !c.pause(time.Now().Add(left), in.ctx.Done()) {
			return false
		}
	}
}

// refusal has the director close all doors, and open those again that are to
// be open by then.
func (in *injector) refusal(o *order) {
	in.sim.director.do(func(*core) {
		in.mu.Lock()
		defer in.mu.Unlock()
		now := in.now()
		in.sim.director.shut(now, true)
		in.done(o, Injury{At: now, Lasts: o.Lasts, Detail: "connections are refused"})
	})
	in.wait(o.Lasts)
	in.sim.director.do(func(*core) { in.sim.director.shut(in.now(), false) })
}

// shut closes all doors to the outside, whatever the core wants, or stops that.
func (d *director) shut(now time.Duration, on bool) {
	d.closed = on
	for node := range d.core.nodes {
		if d.core.nodes[node].accepting {
			d.accept(now, accept{node: node, on: true})
		}
	}
	d.tend()
}

// hangups closes connections by lot, one for each instant that is now the next.
// The lot is drawn of those that are open now: those that the client dials in
// place of the first are none of them.
func (in *injector) hangups(o *order) {
	in.mu.Lock()
	defer in.mu.Unlock()
	open := in.sim.open()
	for at := o.instants[0]; len(o.instants) > 0 && o.instants[0] == at; {
		if len(open) == 0 {
			o.instants = o.instants[1:]
			continue
		}
		i := in.random.IntN(len(open))
		c := open[i]
		open = slices.Delete(open, i, i+1)
		in.done(o, c.on(Injury{At: in.now(), Detail: "closed without notice"}))
		c.hangUp()
	}
}

// open returns the connections that are not being closed, in order of their
// beginning.
func (s *Simulator) open() (all []*conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if !c.hungUp.Load() {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *conn) int { return int(a.id) - int(b.id) })
	return all
}

// withhold reports whether a notice must not go to a connection now.
func (in *injector) withhold(c *conn, frame []byte) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	o := in.told[c.id]
	if o == nil {
		if o = in.straggling(c); o == nil {
			return false
		}
	}
	if o.Lasts > 0 {
		frame = slices.Clone(frame)
		in.sim.spawn(func() {
			in.wait(o.Lasts)
			c.out.push(frame)
		})
	}
	return true
}

// straggling finds an order that makes a connection a straggler.
func (in *injector) straggling(c *conn) *order {
	now := in.now()
	for _, o := range in.orders {
		if o.Fault == Straggler && o.due(now) {
			in.told[c.id] = o
			detail := "is not told of maintenance"
			if o.Lasts > 0 {
				detail = "is told late"
			}
			in.done(o, c.on(Injury{At: now, Lasts: o.Lasts, Detail: detail}))
			return o
		}
	}
	return nil
}

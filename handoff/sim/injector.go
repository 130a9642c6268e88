package sim

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"schload/telemetry/mark"
)

// account is what was injected; it outlives the injector.
type account struct {
	mu       sync.Mutex
	injected Injected
}

// injector does the faults that were ordered. It exists only while there are
// orders: who runs commands asks for it, and finds nil.
type injector struct {
	sim    *Simulator
	ctx    context.Context // ends with the orders
	cancel context.CancelFunc

	mu     sync.Mutex
	random *rand.Rand
	orders []*order
	quiet  time.Duration // no command runs until then, since the base
	told   map[connID]*order
	held   map[*conn]*held
	data   atomic.Pointer[tamper] // nil before the first fault of data was ordered
}

// order is one injection and how far it is.
type order struct {
	Injection
	instants []time.Duration // since the base, of those not done yet
	claimed  int             // of out of order: writes that wait for their reads
}

func newInjector(s *Simulator) *injector {
	in := &injector{sim: s, random: rand.New(rand.NewPCG(s.config.Seed, 0x1e7ec7)), told: map[connID]*order{}, held: map[*conn]*held{}}
	in.ctx, in.cancel = context.WithCancel(s.ctx)
	return in
}

// order takes an injection on.
func (in *injector) order(i Injection, now time.Duration) {
	in.mu.Lock()
	defer in.mu.Unlock()
	o := &order{Injection: i, instants: make([]time.Duration, i.Count)}
	for k := range o.instants {
		o.instants[k] = now + i.From + time.Duration(k)*i.Every
		if !i.Fault.timed() && i.Every > 0 { // not in step with a steady load
			o.instants[k] += time.Duration(in.random.Int64N(int64(i.Every)))
		}
	}
	if i.Fault.OfData() && in.data.Load() == nil {
		in.data.Store(newTamper(in))
	}
	in.orders = append(in.orders, o)
	if i.Fault.timed() {
		in.sim.spawn(func() { in.keepTime(o) })
	}
}

// end gives up what was not done.
func (in *injector) end() {
	in.cancel()
	in.mu.Lock()
	defer in.mu.Unlock()
	in.orders = nil
	for c := range in.held {
		in.release(c)
	}
}

// spawn starts a goroutine that Close waits for, unless it waits already.
func (s *Simulator) spawn(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.wg.Go(f)
	}
}

// due reports whether one of an order's faults is to be done now.
func (o *order) due(now time.Duration) bool {
	return len(o.instants) > o.claimed && o.instants[o.claimed] <= now
}

// done notes that an order's next fault was done. The lock is held.
func (in *injector) done(o *order, injury Injury) {
	o.instants = o.instants[1:]
	in.note(o.Fault, injury)
}

func (in *injector) note(f Fault, injury Injury) {
	injury.Fault = f
	a := &in.sim.account
	a.mu.Lock()
	a.injected.Done = append(a.injected.Done, injury)
	a.mu.Unlock()
	detail := injury.Detail
	if injury.Key != "" {
		detail = injury.Command + " " + clip(injury.Key) + ": " + detail
	}
	in.sim.config.Marks(mark.Mark{
		At: injury.At, Duration: injury.Lasts, Kind: mark.Injection, Source: "sim", Name: f.String(), Node: injury.Node, Detail: detail,
	})
}

func clip(text string) string { return text[:min(len(text), 80)] }

func (in *injector) now() time.Duration { return time.Since(in.sim.config.Base) }

// on names a connection in an injury.
func (c *conn) on(i Injury) Injury {
	i.Client, i.Node = c.net.RemoteAddr().String(), c.sim.network.addrs[c.node]
	return i
}

package handoff

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/notice"
	"schload/internal/memnet"
	"schload/internal/race"
	"schload/telemetry/histogram"
	"schload/telemetry/mark"
	"schload/workload"
)

// seeded plays a scenario in virtual time, each time with other numbers.
func seeded(t *testing.T, play func(t *testing.T, w *world, r *rand.Rand)) {
	t.Helper()
	if race.Enabled {
		t.Skip("go-redis 9.23 itself races while it hands a connection over")
	}
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) { play(t, newWorld(t), rand.New(rand.NewPCG(seed, 1))) })
	}
}

// warmed is an arm with so many connections, to servers that answer a
// millisecond after they are asked: operations at once take one each.
func (w *world) warmed(arm string, n int) *Client {
	w.Helper()
	c := w.config(arm)
	c.Workers = n
	return w.warm(c)
}

func (w *world) warm(c Config) *Client {
	w.Helper()
	client := w.open(c)
	if err := client.Warm(w.Context(), c.Workers); err != nil {
		w.Fatal(err)
	}
	w.main.setDelay(time.Millisecond)
	return client
}

// together sends n operations at once.
func (w *world) together(c *Client, n int) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { do(w.T, c, get("k")) })
	}
	wg.Wait()
}

// closeSome ends k of the server's connections and returns when the client can
// know.
func (s *server) closeSome(k int, r *rand.Rand) {
	s.mu.Lock()
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	r.Shuffle(len(conns), func(i, j int) { conns[i], conns[j] = conns[j], conns[i] })
	for _, c := range conns[:k] {
		_ = c.Close()
	}
	synctest.Wait()
}

// Of connections that were told to move, those that the server ends before
// their successor took over were not saved, although they were told.
func TestClosedThoughTold(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 2 + r.IntN(8)
		k := r.IntN(n + 1)
		w.listen(nextAddr).setDelay(time.Millisecond)
		c := w.warmed("on", n)
		w.net.Blackhole(nextAddr, true) // handoffs hang
		w.main.push(moving(1, 15*time.Second, nextAddr))
		w.together(c, n)
		time.Sleep(100 * time.Millisecond)
		w.main.closeSome(k, r)
		w.net.Blackhole(nextAddr, false)
		time.Sleep(time.Second)
		if s := c.Observe(); s.Leaving != (Leaving{HandedOver: uint64(n - k), ClosedTold: uint64(k)}) || int(s.Handoff.Succeeded) != n {
			t.Errorf("%d connections, %d closed in time: %+v, %+v", n, k, s.Leaving, s.Handoff)
		}
	})
}

// Connections whose successor the new server refuses are given up, and the
// dials for those were of no use.
func TestGivenUp(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 2 + r.IntN(8)
		used := 1 + r.IntN(n)
		next := w.listen(nextAddr)
		next.optIn = "-ERR maintenance notifications are disabled on this server"
		c := w.warmed("on", n)
		w.main.push(moving(1, 15*time.Second, nextAddr))
		w.together(c, used)
		time.Sleep(time.Second)
		s := c.Observe()
		if s.Leaving != (Leaving{GivenUp: uint64(used)}) || int(s.Dials.Unused) != used || int(s.Handoff.Failed) != used {
			t.Errorf("%d of %d told: %+v, %+v, %+v", used, n, s.Leaving, s.Dials, s.Handoff)
		}
	})
}

// Idle connections do not read what was sent to them: they are stragglers, and
// what the server closes of them it closes untold, whether or not the client
// finds the notice when it uses the dead connection.
func TestStragglers(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 2 + r.IntN(8)
		used := 1 + r.IntN(n)
		w.listen(nextAddr).setDelay(time.Millisecond)
		c := w.warmed("on", n)
		w.main.push(moving(3, 15*time.Second, nextAddr))
		w.together(c, used)
		time.Sleep(time.Second)
		want := Coverage{Events: 1, Owed: uint64(n), Told: uint64(used)}
		if s := c.Observe(); s.Notices.Coverage[notice.Moving] != want || int(s.Leaving.HandedOver) != used {
			t.Errorf("%d of %d used: %+v, %+v", used, n, s.Notices.Coverage[notice.Moving], s.Leaving)
		}
		if r.IntN(2) == 0 {
			w.main.closeAll(false)
		} else { // as a kernel does: a write passes, and what was sent is read before the end
			w.main.each(func(c *served) { _ = c.Conn.(*memnet.Conn).CloseWrite() })
		}
		for range 2 * n { // until the client has met all of them
			do(t, c, get("k"))
		}
		s := c.Observe()
		if s.Leaving != (Leaving{HandedOver: uint64(used), ClosedUntold: uint64(n - used)}) || s.Notices.Coverage[notice.Moving] != want {
			t.Errorf("%d of %d used, then closed: %+v, %+v", used, n, s.Leaving, s.Notices.Coverage[notice.Moving])
		}
		c.Conclude()
		c.Conclude()
		marks := w.marked(mark.Coverage)
		if len(marks) != 1 || marks[0].Name != "MOVING" || *marks[0].Seq != 3 || int(marks[0].Count) != used || int(marks[0].Of) != n {
			t.Errorf("%d of %d used: marks %+v", used, n, marks)
		}
	})
}

// A straggler that is used after all is one no more, and how late it was told
// is on record.
func TestToldLate(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 2 + r.IntN(8)
		late := time.Duration(1+r.IntN(2000)) * time.Millisecond
		c := w.warmed("on", n)
		w.main.push(shards(notice.Migrating, 1))
		w.together(c, 1)
		time.Sleep(late)
		w.together(c, n)
		s, told := c.Observe(), c.TakeLengths().Notices[notice.Migrating]
		if want := (Coverage{Events: 1, Owed: uint64(n), Told: uint64(n)}); s.Notices.Coverage[notice.Migrating] != want {
			t.Errorf("%+v, want %+v", s.Notices.Coverage[notice.Migrating], want)
		}
		// Read at the end of an operation of a millisecond, like the first.
		if int(told.Count()) != n || told.Min() != 0 || told.Max() != late+time.Millisecond && told.Max() != late {
			t.Errorf("%d connections, the last told %v after the first; want %v", told.Count(), told.Max(), late)
		}
		w.main.mu.Lock()
		w.main.hook = joinLate
		w.main.mu.Unlock()
		time.Sleep(time.Second)
		w.together(c, n+2) // two more, which are told when they opt in
		s = c.Observe()
		if want := (Coverage{Events: 1, Owed: uint64(n + 2), Told: uint64(n + 2)}); s.Notices.Coverage[notice.Migrating] != want || c.TakeLengths().Notices != [notice.Kinds]*histogram.Histogram{} {
			t.Errorf("%+v, want %+v and no delay", s.Notices.Coverage[notice.Migrating], want)
		}
		w.main.push(shards(notice.Migrating, 1)) // once more: no event, and nobody is told twice
		w.together(c, n)
		if again := c.Observe().Notices.Coverage; again != s.Notices.Coverage {
			t.Errorf("the same push again: %+v, want %+v", again[notice.Migrating], s.Notices.Coverage[notice.Migrating])
		}
	})
}

// Only the last events are followed; older ones have their mark, and counts stay.
func TestEventsBounded(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n, events := 1+r.IntN(4), followed+r.IntN(2*followed)
		c := w.warmed("on", n)
		for seq := range int64(events) {
			kind := notice.Migrating
			if seq%2 == 1 {
				kind = notice.Migrated
			}
			w.main.push(shards(kind, seq))
			w.together(c, n)
		}
		if marks := len(w.marked(mark.Coverage)); marks != events-followed {
			t.Errorf("%d marks of %d events before the end, want %d", marks, events, events-followed)
		}
		c.Conclude()
		s := c.Observe().Notices.Coverage
		opened, closed := s[notice.Migrating], s[notice.Migrated]
		if int(opened.Events+closed.Events) != events || int(opened.Told+closed.Told) != n*events || opened.Owed != opened.Told || closed.Owed != closed.Told {
			t.Errorf("%d events to %d connections: %+v, %+v", events, n, opened, closed)
		}
		for _, m := range w.marked(mark.Coverage) {
			if int(m.Count) != n || int(m.Of) != n {
				t.Errorf("%+v: want %d of %d", m, n, n)
			}
		}
	})
}

// Handoffs take what the network and the new server take, and what their
// connection waited before.
func TestHandoffLengths(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n, latency := 1+r.IntN(8), time.Duration(1+r.IntN(400))*time.Millisecond
		w.listen(nextAddr).setDelay(time.Millisecond)
		config := w.config("on")
		config.Workers = n
		config.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == nextAddr {
				time.Sleep(latency)
			}
			return w.net.Dial(ctx, network, addr)
		}
		c := w.warm(config)
		w.main.push(moving(1, 15*time.Second, nextAddr))
		w.together(c, n)
		time.Sleep(time.Second)
		taken := c.TakeLengths()
		for name, h := range map[string]*histogram.Histogram{"dial": taken.Handoff, "notice": taken.SinceNotice} {
			// A notice is read up to a millisecond before its operation ends.
			if h == nil || int(h.Count()) != n || h.Min() < latency || h.Max() > latency+time.Millisecond {
				t.Errorf("%d handoffs of %v since the %s: %+v", n, latency, name, h)
			}
		}
		if h := taken.Handoff; h.Sum() != time.Duration(n)*latency {
			t.Errorf("%d handoffs of %v: %v in all", n, latency, h.Sum())
		}
		if again := c.TakeLengths(); again.Handoff != nil || again.SinceNotice != nil {
			t.Error("lengths were told twice")
		}
	})
}

// A connection that took another's place was of use, even if it ends before
// anything was sent on it.
func TestHandedOverIsOfUse(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 1 + r.IntN(8)
		next := w.listen(nextAddr)
		c := w.warmed("on+conn_max_lifetime=5s", n)
		w.main.push(moving(1, 15*time.Second, nextAddr))
		w.together(c, n)
		time.Sleep(6 * time.Second)
		w.together(c, n)
		if s := c.Observe(); int(s.Leaving.HandedOver) != n || s.Dials.Unused != 0 || next.count() != 0 {
			t.Errorf("%d handed over and too old: %+v, %+v, %d left", n, s.Leaving, s.Dials, next.count())
		}
	})
}

// While handoffs hang, each operation dials the old node for itself, which is
// about to leave: a storm of as many dials as operations, when they came.
func TestOverflowStorm(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 2 + r.IntN(6)
		w.listen(nextAddr)
		c := w.warmed(fmt.Sprintf("on+pool_size=%d", n), n)
		c.TakeDialPeaks()
		w.net.Blackhole(nextAddr, true)
		w.main.push(moving(1, 15*time.Second, nextAddr))
		w.together(c, n) // all are told, and none is left
		w.alignBins(c)
		peak, at, storm := 0, time.Duration(0), 0
		for range 10 {
			dials := r.IntN(n + 1)
			if dials > peak {
				peak, at = dials, c.o.now()
			}
			storm += dials
			w.together(c, dials)
			w.alignBins(c)
		}
		s, peaks := c.Observe(), c.TakeDialPeaks()
		if int(s.Overflow()) != storm || int(s.Dials.Leaving) != storm || s.Dials.Unused+s.Dials.Failed != 0 {
			t.Errorf("%d operations dialled: overflow %d, %+v", storm, s.Overflow(), s.Dials)
		}
		main := DialPeak{Node: mainAddr, Dials: uint64(peak), At: at}
		if peak > 0 && !slices.Contains(peaks, main) {
			t.Errorf("peaks %+v, want %+v", peaks, main)
		}
		w.net.Blackhole(nextAddr, false)
		time.Sleep(time.Second)
		if s := c.Observe(); int(s.Leaving.HandedOver) != n {
			t.Errorf("%+v, want %d handed over in the end", s.Leaving, n)
		}
	})
}

// alignBins waits for the next bin to begin.
func (w *world) alignBins(c *Client) {
	time.Sleep(DialBin - c.o.now()%DialBin)
}

// The busiest bin is exact, whenever it is asked for, in whichever order dials
// end, and however many marks are dropped.
func TestDialPeakIsExact(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		o := newObserver("on", time.Now(), w.mark)
		defer o.close()
		o.peaks.keep = 50
		type key struct {
			node string
			bin  int
		}
		truth, got := map[key]uint64{}, map[string]DialPeak{}
		take := func() {
			for _, p := range o.peaks.take() {
				if p.Dials > got[p.Node].Dials {
					got[p.Node] = p
				}
			}
		}
		for range 5000 {
			time.Sleep(time.Duration(r.IntN(3)) * time.Millisecond)
			begun := max(0, o.now()-time.Duration(r.IntN(4000))*time.Millisecond) // it took as long
			node := []string{mainAddr, nextAddr}[r.IntN(2)]
			o.dialFailed(node, node, workload.DialRefused, false, begun, o.now()-begun)
			truth[key{node, int(begun / DialBin)}]++
			truth[key{AllNodes, int(begun / DialBin)}]++
			if r.IntN(100) == 0 {
				take()
			}
		}
		take()
		for node, p := range got {
			most := uint64(0)
			for k, n := range truth {
				if k.node == node {
					most = max(most, n)
				}
			}
			if p.Dials != most || truth[key{node, int(p.At / DialBin)}] != most {
				t.Errorf("%s: %+v, want %d", node, p, most)
			}
		}
		if len(got) != 3 || o.observation().MarksDropped[mark.Dial] == 0 {
			t.Errorf("%d nodes, %d marks dropped: want 3 and some", len(got), o.observation().MarksDropped[mark.Dial])
		}
	})
}

// Nodes are bounded.
func TestDialPeakNodes(t *testing.T) {
	p := peaks{keep: 50}
	for i := range 100 {
		p.add(net.JoinHostPort("127.0.0.1", string(rune('a'+i))), 0)
	}
	if taken := p.take(); len(taken) != maxNodes+2 || taken[0] != (DialPeak{AllNodes, 100, 0}) {
		t.Errorf("%d nodes, the first %+v: want %d and all 100", len(taken), taken[0], maxNodes+2)
	}
}

// A window that nothing closes is leaked; one whose end is still to come or to
// be read is not.
func TestNeverClosed(t *testing.T) {
	const arm = "on+relaxed_timeout=2s+post_handoff_relaxed=3s"
	scenarios := map[string]struct {
		play        func(w *world, c *Client, n int)
		open, never int // of each connection
	}{
		// The notice that ends it goes to the socket that is no more.
		"moved in between": {func(w *world, c *Client, n int) {
			w.main.push(shards(notice.Migrating, 1))
			w.together(c, n)
			w.main.push(moving(2, 2*time.Second, nextAddr))
			w.together(c, n)
			time.Sleep(20 * time.Second)
			w.together(c, n)
		}, 1, 1},
		// Two openings, one close.
		"opened twice": {func(w *world, c *Client, n int) {
			w.main.push(shards(notice.Migrating, 1))
			w.together(c, n)
			w.main.push(shards(notice.Migrating, 1))
			w.together(c, n)
			w.main.push(shards(notice.Migrated, 2))
			w.together(c, n)
		}, 1, 1},
		"nothing closes it": {func(w *world, c *Client, n int) {
			w.main.push(shards(notice.Migrating, 1))
			w.together(c, n)
			time.Sleep(20 * time.Second)
			w.together(c, n)
		}, 1, 1},
		// What would close it may be there, and nobody looked.
		"unused since": {func(w *world, c *Client, n int) {
			w.main.push(shards(notice.Migrating, 1))
			w.together(c, n)
			time.Sleep(20 * time.Second)
		}, 1, 0},
		"not over yet": {func(w *world, c *Client, n int) {
			w.main.push(shards(notice.Migrating, 1))
			w.together(c, n)
			time.Sleep(time.Second)
		}, 1, 0},
		"closed": {func(w *world, c *Client, n int) {
			w.main.push(shards(notice.FailingOver, 1))
			w.together(c, n)
			w.main.push(shards(notice.FailedOver, 2))
			w.together(c, n)
			time.Sleep(20 * time.Second)
		}, 0, 0},
		"after a handoff": {func(w *world, c *Client, n int) {
			w.main.push(moving(2, 2*time.Second, nextAddr))
			w.together(c, n)
			time.Sleep(2 * time.Second)
		}, 1, 0},
		"long after a handoff": {func(w *world, c *Client, n int) {
			w.main.push(moving(2, 2*time.Second, nextAddr))
			w.together(c, n)
			time.Sleep(20 * time.Second)
		}, 0, 0},
	}
	for _, name := range slices.Sorted(maps.Keys(scenarios)) {
		t.Run(name, func(t *testing.T) {
			seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
				n := 1 + r.IntN(8)
				w.listen(nextAddr).setDelay(time.Millisecond)
				c := w.warmed(arm, n)
				scenario := scenarios[name]
				scenario.play(w, c, n)
				c.Conclude()
				c.Conclude()
				s := c.Observe().Relaxed
				if int(s.Windows) != n || int(s.Open) != n*scenario.open || int(s.NeverClosed) != n*scenario.never {
					t.Errorf("%d connections: %+v", n, s)
				}
				h := c.TakeLengths().Relaxed
				if h == nil || int(h.Count()) != n || h.Sum() != s.Time {
					t.Errorf("%d windows: lengths %+v, want %v in all", n, h, s.Time)
				}
				if marks := w.marked(mark.Relaxed); len(marks) != n {
					t.Errorf("%d marks, want %d", len(marks), n)
				}
			})
		})
	}
}

// The notice that closes a window reaches idle connections late: those are
// stragglers, and not leaked.
func TestUnreadCloseIsNoLeak(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 2 + r.IntN(8)
		used := 1 + r.IntN(n)
		c := w.warmed("on", n)
		w.main.push(shards(notice.Migrating, 1))
		w.together(c, n)
		w.main.push(shards(notice.Migrated, 2))
		w.together(c, used)
		time.Sleep(20 * time.Second)
		c.Conclude()
		s := c.Observe()
		covered := s.Notices.Coverage[notice.Migrated]
		if int(s.Relaxed.Open) != n-used || s.Relaxed.NeverClosed != 0 || int(covered.Owed-covered.Told) != n-used {
			t.Errorf("%d of %d used: %+v, %+v", used, n, s.Relaxed, covered)
		}
	})
}

// Saved are operations that were answered after the read timeout, at the first
// try: also when the notice that ends the window comes right before the reply,
// and a pipeline with all its commands.
func TestSavedExactly(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 1 + r.IntN(4)
		c := w.warmed("on-noretry+read_timeout=300ms", 4)
		w.main.push(shards(notice.Migrating, 1))
		w.together(c, 4)
		w.main.setDelay(290 * time.Millisecond)
		w.together(c, 4)
		if got := c.Observe().Relaxed.Saved; got != 0 {
			t.Errorf("saved %d that were in time", got)
		}
		w.main.setDelay(600 * time.Millisecond)
		time.AfterFunc(500*time.Millisecond, func() { w.main.push(shards(notice.Migrated, 2)) })
		w.together(c, n)
		if got := c.Observe().Relaxed.Saved; int(got) != n {
			t.Errorf("saved %d whose window closed right before the reply, want %d", got, n)
		}
		w.main.setDelay(0)
		w.together(c, 4) // read MIGRATED
		w.main.push(shards(notice.Migrating, 3))
		w.main.setDelay(time.Millisecond)
		w.together(c, 4)
		w.main.setDelay(100 * time.Millisecond)
		ops := make([]workload.Operation, 2+r.IntN(3))
		slow := make([]workload.Operation, 4+r.IntN(3))
		for i := range slow {
			slow[i] = get("k")
			if i < len(ops) {
				ops[i] = slow[i]
			}
		}
		do(t, c, ops[:2]...) // 200 ms
		do(t, c, slow...)    // 400 ms or more, one reply after the other
		if got := c.Observe().Relaxed.Saved; int(got) != n+len(slow) {
			t.Errorf("saved %d, want %d and a pipeline of %d", got, n, len(slow))
		}
	})
}

// joinLate answers an opt-in by what goes on.
func joinLate(_ *served, args []string) (string, bool) {
	if len(args) < 3 || args[1] != "maint_notifications" {
		return "", false
	}
	return "+OK\r\n" + string(shards(notice.Migrating, 1).Append(nil)), true
}

// What an operation waits for its connection to be made saves it from nothing.
func TestDialIsNotSaved(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 1 + r.IntN(4)
		w.main.hook = joinLate
		config := w.config("on-noretry+read_timeout=300ms")
		config.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			time.Sleep(400 * time.Millisecond)
			return w.net.Dial(ctx, network, addr)
		}
		c := w.open(config)
		w.main.setDelay(time.Millisecond)
		w.together(c, 1+n)
		if s := c.Observe(); s.Relaxed.Saved != 0 || s.Relaxed.Now != 1+n {
			t.Errorf("%+v, want %d relaxed and none saved", s.Relaxed, 1+n)
		}
		w.main.setDelay(400 * time.Millisecond)
		w.together(c, n)
		if s := c.Observe(); int(s.Relaxed.Saved) != n {
			t.Errorf("%+v, want %d saved", s.Relaxed, n)
		}
	})
}

// An operation may take longer than its read timeout and need no relaxing: the
// timeout is that of reading alone.
func TestSlowWriteIsNotSaved(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		var slow atomic.Bool
		config := w.config("on-noretry+read_timeout=300ms")
		config.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := w.net.Dial(ctx, network, addr)
			return lazy{conn, &slow}, err
		}
		c := w.warm(config)
		slow.Store(true)
		w.main.setDelay(200 * time.Millisecond)
		w.together(c, 1+r.IntN(4))
		if s := c.Observe(); s.Relaxed.Saved != 0 {
			t.Errorf("%+v: nothing was relaxed", s.Relaxed)
		}
	})
}

// lazy takes its time to write.
type lazy struct {
	net.Conn
	slow *atomic.Bool
}

func (l lazy) Write(p []byte) (int, error) {
	if l.slow.Load() {
		time.Sleep(200 * time.Millisecond)
	}
	return l.Conn.Write(p)
}

// On a cluster every part of a pipeline counts by itself.
func TestSavedOnCluster(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		nodes := newNodesOf(w)
		c := nodes.open(nodes.config("on-noretry+read_timeout=300ms"))
		for _, s := range nodes.servers {
			s.push(notice.Notice{Kind: notice.SMigrating, Seq: 1, Slots: "0-99"})
		}
		var ops []workload.Operation
		slow := nodes.servers[r.IntN(3)]
		saved := 0
		for _, s := range nodes.servers {
			keys := nodes.keys(s.addr, 1+r.IntN(3))
			do(t, c, set(keys[0])) // reads SMIGRATING
			for _, key := range keys {
				ops = append(ops, set(key))
			}
			if s == slow {
				saved = len(keys)
			}
		}
		for _, s := range nodes.servers {
			s.setDelay(70 * time.Millisecond) // 210 ms at most
		}
		slow.setDelay(400 * time.Millisecond)
		wantDone(t, do(t, c, ops...), 1)
		if got := c.Observe().Relaxed.Saved; int(got) != saved {
			t.Errorf("saved %d of %d in a pipeline, want %d", got, len(ops), saved)
		}
		wantDone(t, do(t, c, set(nodes.keys(slow.addr, 1)[0])), 1)
		if got := c.Observe().Relaxed.Saved; int(got) != saved+1 {
			t.Errorf("saved %d, want one more than %d", got, saved)
		}
		slow.setDelay(0)
	})
}

// Peace leaves nothing to say.
func TestPeaceSaysNothing(t *testing.T) {
	seeded(t, func(t *testing.T, w *world, r *rand.Rand) {
		n := 1 + r.IntN(8)
		c := w.warmed("on", n)
		c.TakeDialPeaks()
		for range 100 {
			w.together(c, n)
			time.Sleep(10 * time.Millisecond)
		}
		c.Conclude()
		s := c.Observe()
		if s.Leaving != (Leaving{}) || s.Relaxed != (Relaxations{}) || s.Notices.Coverage != [notice.Kinds]Coverage{} || s.Overflow()+s.Dials.Leaving+s.Dials.Unused+s.Retries.Hidden != 0 {
			t.Errorf("%+v", s)
		}
		if peaks := c.TakeDialPeaks(); len(peaks) != 1 || peaks[0] != (DialPeak{Node: AllNodes}) {
			t.Errorf("peaks %+v", peaks)
		}
		if l := c.TakeLengths(); l != (Lengths{}) {
			t.Errorf("lengths %+v", l)
		}
	})
}

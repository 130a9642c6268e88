package handoff

import (
	"context"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"schload/handoff/notice"
	"schload/workload"
)

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

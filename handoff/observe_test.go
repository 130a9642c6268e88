package handoff

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/notice"
	"schload/telemetry/mark"
	"schload/workload"
)

func moving(seq int64, in time.Duration, to string) notice.Notice {
	return notice.Notice{Kind: notice.Moving, Seq: seq, Time: in, Endpoint: to}
}

func shards(kind notice.Kind, seq int64) notice.Notice {
	return notice.Notice{Kind: kind, Seq: seq, Time: 2 * time.Second, Shards: []string{"1"}}
}

// use sends one operation every 7 ms for a while and returns the classes of
// those that failed. (Never at the instant of a timer that counts in seconds:
// the library loses a handoff whose timer meets a connection being put back.)
func use(t *testing.T, c *Client, d time.Duration) []workload.Class {
	t.Helper()
	var failed []workload.Class
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(7 * time.Millisecond) {
		if out := do(t, c, get("k"))[0]; out.Class != workload.OK {
			failed = append(failed, out.Class)
		}
	}
	return failed
}

// burst sends n operations at once, on n connections if they are answered
// after a delay, and again every 7 ms for a while.
func burst(t *testing.T, c *Client, n int, d time.Duration) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(7 * time.Millisecond) {
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				if out := do(t, c, get("k"))[0]; out.Class != workload.OK {
					t.Errorf("%s: %+v", c.Arm().Name, out)
				}
			})
		}
		wg.Wait()
	}
}

func wantNone(t *testing.T, failed []workload.Class) {
	t.Helper()
	if len(failed) > 0 {
		t.Errorf("%d operations failed: %v", len(failed), failed)
	}
}

// Every connection that reads MOVING is handed over once, and its old one is
// closed by the client with reason handoff.
func TestHandoffCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.listen(nextAddr).setDelay(time.Millisecond)
		c := w.open(w.config("on"))
		if err := c.Warm(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
		w.main.setDelay(time.Millisecond)
		w.main.push(moving(7, 15*time.Second, nextAddr))
		burst(t, c, 5, time.Second)
		s := c.Observe()
		if h := s.Handoff; h.Started != 5 || h.Succeeded != 5 || h.Failed != 0 || h.Now != 0 || h.Took.Count != 5 || h.SinceNotice.Count != 5 {
			t.Errorf("handoffs %+v, want 5 that succeeded", h)
		}
		if n := s.Closes[Close{ByClient, "handoff"}]; n != 5 || len(s.Closes) != 1 {
			t.Errorf("closes %v, want 5 by the client for handoff", s.Closes)
		}
		if s.Nodes[nextAddr] != 5 || s.Connections != 5 {
			t.Errorf("nodes %v, want 5 at %s", s.Nodes, nextAddr)
		}
		if s.Notices.Kinds[notice.Moving] != 5 || s.Notices.Unreadable != 0 {
			t.Errorf("notices %+v, want 5 MOVING", s.Notices)
		}
		if p := c.Proof(); !p.Valid || p.Connections != 10 || p.OptedIn != 10 || p.Used < 5 {
			t.Errorf("proof %+v, want 10 connections opted in", p)
		}
		w.wantNoticeMarks(5)
		if got := names(w.marked(mark.Handoff)); got["started"] != 5 || got["succeeded"] != 5 {
			t.Errorf("handoff marks %v", got)
		}
	})
}

func (w *world) wantNoticeMarks(n int) {
	w.Helper()
	marks := w.marked(mark.Notice)
	if len(marks) != n {
		w.Errorf("%d notice marks, want %d", len(marks), n)
	}
	for _, m := range marks {
		if m.Name != "MOVING" || m.Seq == nil || *m.Seq != 7 || m.Conn == 0 || m.Node != mainAddr || m.Arm != "on" || m.Source != "arm" {
			w.Errorf("notice mark %+v", m)
		}
	}
}

func names(marks []mark.Mark) map[string]int {
	n := make(map[string]int)
	for _, m := range marks {
		n[m.Name]++
	}
	return n
}

// MOVING without an address reconnects to the configured one after half the
// time. Only the dial's deadline shows that it is a handoff.
func TestHandoffToSameAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("on-none"))
		w.main.push(moving(1, 4*time.Second, ""))
		wantNone(t, use(t, c, time.Second))
		if h := c.Observe().Handoff; h.Started != 0 {
			t.Errorf("started %d before half the time", h.Started)
		}
		wantNone(t, use(t, c, 2*time.Second))
		if s := c.Observe(); s.Handoff.Started != 1 || s.Handoff.Succeeded != 1 || s.Handoff.Took.Count != 1 {
			t.Errorf("handoffs %+v, want 1", s.Handoff)
		}
		if got := c.Proof().EndpointType; got[NoEndpoint] < 2 || len(got) != 1 { // one more where an operation came while the connection moved
			t.Errorf("endpoint types %v, want none for all", got)
		}
	})
}

// A refused new address: each try is a failed handoff, the connection is given
// up in the end, operations go on at the old address.
func TestHandoffRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("on+handoff_timeout=6s"))
		w.main.push(moving(1, 15*time.Second, nextAddr)) // nobody listens there
		wantNone(t, use(t, c, 30*time.Second))
		s := c.Observe()
		if h := s.Handoff; h.Started != 3 || h.Failed != 3 || h.Succeeded != 0 || h.Abandoned != 1 || h.Now != 0 {
			t.Errorf("handoffs %+v, want 3 tries and 1 given up", h)
		}
		if s.Dials.Failures[workload.DialRefused] != 3 || s.Dials.Failed != 3 {
			t.Errorf("dials %+v, want 3 refused", s.Dials)
		}
		if s.Closes[Close{ByClient, "handoff_tries"}] != 1 {
			t.Errorf("closes %v, want 1 with its tries used up", s.Closes)
		}
	})
}

// A new address whose server refuses the opt-in: the handoff fails after its
// dial and neither socket is left open.
func TestHandoffRefusedOptIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		next := w.listen(nextAddr)
		next.optIn = "-ERR maintenance notifications are disabled on this server"
		c := w.open(w.config("on"))
		w.main.push(moving(1, 15*time.Second, nextAddr))
		wantNone(t, use(t, c, time.Second))
		s := c.Observe()
		if h := s.Handoff; h.Started != 1 || h.Failed != 1 || h.Succeeded != 0 {
			t.Errorf("handoffs %+v, want 1 that failed", h)
		}
		if s.Connections != w.main.count() || next.count() != 0 {
			t.Errorf("%d connections, the servers have %d and %d", s.Connections, w.main.count(), next.count())
		}
		p := c.Proof()
		if !p.Valid || p.Refused != 1 || len(p.Reasons) != 1 || !strings.Contains(p.Reasons[0], "are disabled") {
			t.Errorf("proof %+v, want valid with the refusal named", p)
		}
	})
}

// Who closed a connection: the server when its end was there first. The
// library tries again on the next dead connection and the next, which the
// application sees as time only.
func TestClosesByServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("off"))
		if err := c.Warm(t.Context(), 3); err != nil {
			t.Fatal(err)
		}
		w.main.closeAll(true)
		wantNone(t, use(t, c, time.Second))
		s := c.Observe()
		if want := (Close{ByServer, "reset"}); s.Closes[want] != 3 {
			t.Errorf("closes %v, want 3 of %v", s.Closes, want)
		}
		if s.Retries.Operations != 1 || s.Retries.Hidden != 1 || s.Retries.Attempts != 3 {
			t.Errorf("retries %+v, want 1 operation that took 3 more tries", s.Retries)
		}
	})
}

// The relaxed gauge follows MIGRATING and MIGRATED, and returns to zero by
// itself when only a deadline ends the window.
func TestRelaxed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.listen(nextAddr)
		c := w.open(w.config("on+relaxed_timeout=3s+post_handoff_relaxed=4s"))
		w.main.push(shards(notice.Migrating, 1))
		use(t, c, time.Second)
		if r := c.Observe().Relaxed; r.Now != 1 || r.Windows != 1 {
			t.Errorf("after MIGRATING %+v, want 1 relaxed", r)
		}
		w.main.push(shards(notice.Migrated, 2))
		use(t, c, time.Second)
		if r := c.Observe().Relaxed; r.Now != 0 || r.Time < time.Second || r.Time > 1100*time.Millisecond {
			t.Errorf("after MIGRATED %+v, want none and 1 s in all", r)
		}
		w.main.push(moving(3, 10*time.Second, nextAddr))
		use(t, c, time.Second)
		if r := c.Observe().Relaxed; r.Now != 1 || r.Windows != 2 {
			t.Errorf("after the handoff %+v, want 1 relaxed", r)
		}
		time.Sleep(4 * time.Second)
		if r := c.Observe().Relaxed; r.Now != 0 || r.Time < 5*time.Second || r.Time > 5200*time.Millisecond {
			t.Errorf("after its deadline %+v, want none and 5 s in all", r)
		}
		if marks := w.marked(mark.Relaxed); len(marks) != 2 || marks[0].Detail != "MIGRATING" || marks[1].Detail != "HANDOFF" {
			t.Errorf("marks %+v", marks)
		}
	})
}

// A window nobody closes is on the timeline all the same.
func TestRelaxedLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("on"))
		w.main.push(shards(notice.FailingOver, 1))
		use(t, c, time.Second)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		marks := w.marked(mark.Relaxed)
		if len(marks) != 1 || marks[0].Duration < 900*time.Millisecond {
			t.Fatalf("marks %+v, want one of about a second", marks)
		}
		if r := c.Observe().Relaxed; r.Now != 0 || r.Time != marks[0].Duration {
			t.Errorf("relaxed %+v, want none and the mark's length", r)
		}
	})
}

// What succeeds after more than the normal timeout was saved by relaxing.
func TestSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("on-noretry+read_timeout=300ms"))
		w.main.push(shards(notice.Migrating, 1))
		wantNone(t, use(t, c, 100*time.Millisecond))
		w.main.setDelay(600 * time.Millisecond)
		wantNone(t, use(t, c, 3*time.Second))
		if got := c.Observe().Relaxed.Saved; got != 5 {
			t.Errorf("saved %d, want 5", got)
		}
	})
}

// The pool's waits are the library's figures.
func TestPoolWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("off-noretry+pool_size=4+pool_timeout=50ms"))
		w.main.setDelay(100 * time.Millisecond)
		done := make(chan workload.Outcome, 6)
		for range 6 {
			go func() { done <- do(t, c, get("k"))[0] }()
		}
		classes := make(map[workload.Class]int)
		for range 6 {
			classes[(<-done).Class]++
		}
		if classes[workload.OK] != 4 || classes[workload.PoolTimeout] != 2 {
			t.Errorf("classes %v, want 4 ok and 2 pool timeouts", classes)
		}
		if s := c.Observe(); s.Pool.Timeouts != 2 || s.Connections != 4 {
			t.Errorf("%+v, want 2 timeouts and 4 connections", s)
		}
	})
}

// Without handoffs, connections that live a bounded time follow the name to a
// new address; others stay where they are.
func TestNameFollowed(t *testing.T) {
	for arm, want := range map[string]string{"off-dns": nextAddr, "off": mainAddr} {
		t.Run(arm, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				next := w.listen(nextAddr)
				host := "127.0.0.1"
				w.net.Lookup = func(context.Context, string) ([]string, error) { return []string{host}, nil }
				config := w.config(arm)
				config.Target = mustTarget(t, "redis://db.example")
				c := w.open(config)
				if err := c.Warm(t.Context(), 4); err != nil {
					t.Fatal(err)
				}
				host = "127.0.0.2"
				time.Sleep(26 * time.Second)
				w.main.setDelay(time.Millisecond)
				next.setDelay(time.Millisecond) // no operation ends before all have begun
				burst(t, c, 4, 10*time.Millisecond)
				if s := c.Observe(); s.Nodes[want] != 4 || s.Handoff.Started != 0 {
					t.Errorf("%v, %+v; want 4 at %s and no handoff", s.Nodes, s.Handoff, want)
				}
			})
		})
	}
}

// A pipeline pool of its own is seen like the other.
func TestPipelinePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.listen(nextAddr)
		c := w.open(w.config("on+pipeline_pool_size=2"))
		do(t, c, get("k"), set("k"))
		if s := c.Observe(); s.Connections != 2 || s.Pool.Idle != 2 {
			t.Errorf("%+v, want one connection in each pool", s)
		}
		w.main.push(moving(1, 10*time.Second, nextAddr))
		do(t, c, get("k"), set("k"))
		do(t, c, get("k"))
		time.Sleep(time.Second)
		if s := c.Observe(); s.Nodes[nextAddr] != 2 || s.Handoff.Succeeded != 2 {
			t.Errorf("%+v, want both moved", s)
		}
	})
}

// A storm of dials leaves a bounded timeline and exact counts.
func TestMarksBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := newObserver("on", time.Now(), w.mark)
		defer o.close()
		for range 1000 {
			o.dialFailed(nextAddr, nextAddr, workload.DialRefused, false, o.now(), 0)
		}
		time.Sleep(time.Second)
		o.dialFailed(nextAddr, nextAddr, workload.DialRefused, false, o.now(), 0)
		if n := len(w.marked(mark.Dial)); n != marksPerSecond+1 {
			t.Errorf("%d marks, want %d and one of the next second", n, marksPerSecond)
		}
		if s := o.observation(); s.Dials.Failed != 1001 || s.MarksDropped[mark.Dial] != 1000-marksPerSecond {
			t.Errorf("failed %d, dropped %d", s.Dials.Failed, s.MarksDropped[mark.Dial])
		}
	})
}

// Close ends operations under way and leaves a final observation.
func TestCloseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("on"))
		w.main.setDelay(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan workload.Outcome)
		go func() {
			outcomes := make([]workload.Outcome, 1)
			c.Do(ctx, []workload.Operation{get("k")}, outcomes)
			done <- outcomes[0]
		}()
		synctest.Wait()
		cancel()
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if out := <-done; out.Class != workload.Canceled {
			t.Errorf("outcome %+v, want canceled", out)
		}
		s := c.Observe()
		if s.Connections != 0 || s.Closes[Close{ByClient, "shutdown"}] != 1 || s.Dials.OK != 1 {
			t.Errorf("%+v, want 1 connection dialled and shut down", s)
		}
		if r := c.Connections(); len(r) != 1 || !r[0].Closed || r[0].Number != 1 || r[0].Reason != "shutdown" || !r[0].Proof.OptedIn() {
			t.Errorf("connections %+v", r)
		}
		w.main.setDelay(0)
	})
}

// Dials that hang end with the dial timeout and are counted as such.
func TestDialTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("off-noretry+dial_timeout=200ms+dial_retries=1"))
		w.net.Blackhole(mainAddr, true)
		w.main.closeAll(true)
		classes := use(t, c, time.Second)
		if len(classes) < 2 || classes[0] != workload.Reset || classes[1] != workload.DialTimeout {
			t.Errorf("classes %v, want a reset, then dial timeouts", classes)
		}
		if s := c.Observe(); s.Dials.Failures[workload.DialTimeout] == 0 || s.Dials.Failures[workload.DialTimeout] != s.Dials.Failed {
			t.Errorf("dials %+v, want timeouts", s.Dials)
		}
		w.net.Blackhole(mainAddr, false)
	})
}

var _ net.Conn = (*tcpConn)(nil)

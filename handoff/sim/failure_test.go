package sim

import (
	"context"
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/notice"
	"schload/handoff/upgrade"
)

// reset wants the connection to have been reset.
func (c *peer) reset() {
	c.Helper()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if frame, err := c.replies.Next(); !errors.Is(err, syscall.ECONNRESET) {
		c.Fatalf("got %.200q, %v, want a reset", frame, err)
	}
}

// lost wants a dial to hang.
func (w *world) lost(address string) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Second)
	defer cancel()
	if conn, err := w.net.Dial(ctx, "tcp", address); !errors.Is(err, context.DeadlineExceeded) {
		w.Errorf("dial %s: got %v, %v, want it to hang", address, conn, err)
	}
}

// Packets are lost for a while: nothing is closed, dials hang, and what was
// sent meanwhile is served afterwards, notices included.
func TestIsolate(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c, told := w.dial(node1), w.optedIn(node1, "none")
		c.do("SET k v", "+OK\r\n")
		end := w.play(20*time.Second, at(time.Second, upgrade.Isolate, upgrade.Old),
			notifyAt(2*time.Second, notice.FailingOver, 2, "1"),
			notifyAt(4*time.Second, notice.FailedOver, 0, "1"), at(16*time.Second, upgrade.Rejoin, upgrade.Old))
		after(1500 * time.Millisecond)
		c.send(cmd("GET k") + cmd("PING"))
		told.send(cmd("PING"))
		after(time.Second)
		c.silent()
		told.silent()
		w.lost(node1)
		hanging := make(chan error, 1)
		go func() {
			conn, err := w.net.Dial(w.Context(), "tcp", node1)
			if err == nil {
				conn.Close()
			}
			hanging <- err
		}()
		start := time.Now()
		c.want("$1\r\nv\r\n+PONG\r\n")
		if waited := time.Since(start); waited != 12500*time.Millisecond {
			t.Errorf("served %v later, want 12.5s", waited)
		}
		if err := <-hanging; err != nil {
			t.Errorf("dial that hung: got %v, want a connection", err)
		}
		told.want(">4\r\n$12\r\nFAILING_OVER\r\n:0\r\n:2\r\n$5\r\n[\"1\"]\r\n>3\r\n$11\r\nFAILED_OVER\r\n:1\r\n$5\r\n[\"1\"]\r\n+PONG\r\n")
		end()
		w.dial(node1).do("PING", "+PONG\r\n")
		w.wantMarks("1s isolate", "2s FAILING_OVER", "4s FAILED_OVER", "16s rejoin")
	})
}

// A node that comes back without its memory resets what it does not know, and
// what was sent to it is never served.
func TestForgetfulNode(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.dial(node1)
		end := w.play(40*time.Second, at(time.Second, upgrade.Isolate, upgrade.Old),
			at(2*time.Second, upgrade.Listen, upgrade.New), at(2*time.Second, upgrade.Bind, upgrade.New), at(2*time.Second, upgrade.DNS, upgrade.New),
			at(30*time.Second, upgrade.Refuse, upgrade.Old), at(30*time.Second, upgrade.Reset, upgrade.Old), at(30*time.Second, upgrade.Rejoin, upgrade.Old))
		after(2 * time.Second)
		c.send(cmd("SET k v"))
		after(26900 * time.Millisecond)
		c.silent()
		w.lost(node1)
		w.dial(node2).do("GET k", "$-1\r\n")
		c.reset()
		w.refused(node1)
		end()
		w.dial(node2).do("GET k", "$-1\r\n")
	})
}

// An isolated database can be closed, and a plan given up.
func TestIsolatedEnds(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.dial(node1)
		ctx, cancel := context.WithTimeout(w.Context(), 2*time.Second)
		defer cancel()
		w.sim.Play(ctx, upgrade.Plan{Length: time.Hour, Actions: []upgrade.Action{at(time.Second, upgrade.Isolate, upgrade.Old)}})
		c.do("PING", "+PONG\r\n")
		w.play(time.Hour, at(time.Second, upgrade.Isolate, upgrade.Old))
		after(2 * time.Second)
		c.send(cmd("PING"))
		synctest.Wait()
		w.sim.Close()
	})
}

func TestResetAct(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.dial(node1)
		c.do("PING", "+PONG\r\n")
		w.play(2*time.Second, at(time.Second, upgrade.Reset, upgrade.Old))()
		c.reset()
		w.dial(node1).do("PING", "+PONG\r\n")
	})
}

// A shard that loads refuses commands, but nothing of a connection's setup,
// and no transaction that has begun.
func TestLoading(t *testing.T) {
	const refusal = "-LOADING Redis is loading the dataset in memory\r\n"
	inWorld(t, Config{}, func(w *world) {
		c, began := w.dial(node1), w.dial(node1)
		began.do("MULTI", "+OK\r\n")
		end := w.play(20*time.Second, upgrade.Action{At: time.Second, Act: upgrade.Stall, For: time.Second, Shards: []string{"1"}},
			upgrade.Action{At: 2 * time.Second, Act: upgrade.Loading, For: 8 * time.Second, Shards: []string{"1"}})
		after(2500 * time.Millisecond)
		c.do("GET k", refusal)
		c.do("CLIENT ID", ":1\r\n")
		began.do("SET k v", "+QUEUED\r\n")
		began.do("EXEC", "*1\r\n+OK\r\n")
		w.optedIn(node1, "none").do("GET k", refusal)
		after(7400 * time.Millisecond)
		c.do("GET k", refusal)
		after(100 * time.Millisecond)
		c.do("GET k", "$1\r\nv\r\n")
		end()
	})
}

// The same over real sockets, where the kernel has to be talked into it. It
// takes a second, until the kernel repeats what it lost.
func TestIsolateSockets(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("dials of a full backlog hang on Linux")
	}
	s := startReal(t, Config{})
	addr := s.Nodes()[0].Addr
	c := dialReal(t, addr)
	c.do("SET k v", "+OK\r\n")
	const unit = 200 * time.Millisecond
	played := make(chan error, 1)
	isolated := make(chan struct{})
	go func() {
		played <- s.Play(t.Context(), upgrade.Plan{Length: 5 * unit, Actions: []upgrade.Action{
			at(0, upgrade.Isolate, upgrade.Old), at(4*unit, upgrade.Rejoin, upgrade.Old),
		}})
	}()
	go func() {
		for !s.hushes[0].on() {
			runtime.Gosched()
		}
		close(isolated)
	}()
	<-isolated
	start := time.Now()
	if _, err := c.Write([]byte(cmd("GET k"))); err != nil {
		t.Fatal(err)
	}
	// The first dial or two may only fill the backlog.
	var err error
	for range 4 {
		var conn net.Conn
		conn, err = net.DialTimeout("tcp", addr, unit/2)
		if err != nil {
			break
		}
		conn.Close()
	}
	if netErr, ok := errors.AsType[net.Error](err); !ok || !netErr.Timeout() {
		t.Errorf("dial: got %v, want it to hang", err)
	}
	c.want("$1\r\nv\r\n")
	if waited := time.Since(start); waited < 2*unit {
		t.Errorf("served after %v, in the midst of the silence", waited)
	}
	if err := <-played; err != nil {
		t.Error(err)
	}
	dialReal(t, addr).do("GET k", "$1\r\nv\r\n")
}

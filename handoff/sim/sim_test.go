package sim

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/notice"
	"schload/handoff/upgrade"
)

const endpoint = "redis-12000.schload.test"

func moving(seq, seconds, to string) string {
	return ">4\r\n$6\r\nMOVING\r\n:" + seq + "\r\n:" + seconds + "\r\n" + to
}

// The plainest upgrade as every sort of client lives through it.
func TestRebind(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		byAddress := w.optedIn(node1, "internal-ip")
		byName := w.optedIn(node1, "external-fqdn")
		none := w.optedIn(node1, "none")
		resp2 := w.dial(node1)
		resp2.do("CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type internal-ip", "+OK\r\n")
		silent := w.dial(node1)
		silent.send(cmd("HELLO 3"))
		silent.replies.Next()
		w.refused(node2)

		end := w.play(30*time.Second, rebind()...)
		after(6 * time.Second)
		byAddress.want(moving("0", "15", "$15\r\n127.0.0.3:12000\r\n"))
		byName.want(moving("0", "15", "$24\r\nnode2.schload.test:12000\r\n"))
		none.want(moving("0", "15", "_\r\n"))
		resp2.silent()
		silent.silent()

		// Old and new proxy serve side by side for the whole window.
		moved := w.optedIn(node2, "internal-ip")
		moved.do("SET k v", "+OK\r\n")
		byAddress.do("GET k", "$1\r\nv\r\n")
		after(8 * time.Second)
		late := w.dial(node1)
		late.send(cmd("HELLO 3"))
		late.replies.Next()
		late.do("CLIENT MAINT_NOTIFICATIONS ON", "+OK\r\n"+moving("0", "7", "_\r\n"))

		if got := w.resolve(endpoint); got != "127.0.0.2" {
			t.Errorf("name leads to %s before its record moved", got)
		}
		after(2 * time.Second)
		if got := w.resolve(endpoint); got != "127.0.0.3" {
			t.Errorf("name leads to %s after its record moved", got)
		}
		after(5600 * time.Millisecond)
		byAddress.silent()
		after(100 * time.Millisecond)
		for _, c := range []*peer{byAddress, byName, none, resp2, silent, late} {
			c.ended()
		}
		w.refused(node1)
		moved.do("GET k", "$1\r\nv\r\n")
		end()
		moved.silent()
		w.wantMarks("6s listen", "6s MOVING", "14.6s bind", "15.7s dns", "21.7s refuse", "21.7s close")
		w.refused(node1)
		w.dial(endpoint+":12000").do("PING", "+PONG\r\n")
	})
}

// Marks are the ground truth: how many were told and closed, of how many.
func TestMarks(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.optedIn(node1, "none")
		w.optedIn(node1, "internal-ip")
		w.dial(node1).do("PING", "+PONG\r\n")
		w.play(30*time.Second, rebind()...)()
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, m := range w.marks {
			switch m.Name {
			case "MOVING":
				if m.Detail != "pushed to 2 of 3 connections" || *m.Seq != 0 || m.Node != node1 || m.Origin != "measured" || m.Source != "sim" {
					t.Errorf("got %+v", m)
				}
			case "close":
				if m.Detail != "closed 3 connections" || m.Node != node1 {
					t.Errorf("got %+v", m)
				}
			}
		}
	})
}

// Rounds go round the nodes, and each finds a database that works.
func TestRounds(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		want := []string{"node2", "node3", "node1", "node2"}
		for round, name := range want {
			c := w.optedIn(endpoint+":12000", "internal-ip")
			w.play(30*time.Second, rebind()...)()
			if frame, err := c.replies.Next(); err != nil || frame[0] != '>' {
				t.Fatalf("round %d: got %q, %v, want MOVING", round, frame, err)
			}
			c.ended()
			for _, n := range w.sim.Nodes() {
				if serves := n.Name == name; n.Serving != serves || n.Named != serves || n.Accepting != serves || n.Connections != 0 {
					t.Errorf("round %d: want %s to serve, got %+v", round, name, n)
				}
			}
		}
	})
}

// An aborted plan ends at once and leaves a database that works.
func TestAbort(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		ctx, cancel := context.WithCancelCause(context.Background())
		stop := errors.New("stopped by hand")
		actions := append([]upgrade.Action{{At: time.Second, Act: upgrade.Stall, For: time.Hour}}, rebind()...)
		actions = append(actions, at(22*time.Second, upgrade.Refuse, upgrade.New))
		time.AfterFunc(22*time.Second, func() { cancel(stop) })
		start := time.Now()
		err := w.sim.Play(ctx, upgrade.Plan{Actions: actions, Length: time.Hour})
		if !errors.Is(err, stop) || time.Since(start) != 22*time.Second {
			t.Errorf("got %v after %v, want the cause after 22s", err, time.Since(start))
		}
		w.dial(endpoint+":12000").do("SET k v", "+OK\r\n")
	})
}

// One plan at a time, none on a closed simulator, none of an unknown kind.
func TestPlayRefuses(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		end := w.play(time.Second)
		if err := w.sim.Play(w.Context(), upgrade.Plan{}); err != ErrPlaying {
			t.Errorf("got %v, want ErrPlaying", err)
		}
		end()
		for name, a := range map[string][]upgrade.Action{
			"oss":      {notifyAt(0, notice.SMigrating, 0)},
			"unknown":  {at(0, "explode", upgrade.Old)},
			"unsorted": {at(time.Second, upgrade.Listen, upgrade.New), at(0, upgrade.Listen, upgrade.New)},
		} {
			if err := w.sim.Play(w.Context(), upgrade.Plan{Actions: a}); err == nil {
				t.Errorf("%s: plan was played", name)
			}
		}
		w.wantMarks()
		w.sim.Close()
		if err := w.sim.Play(w.Context(), upgrade.Plan{}); err != ErrClosed {
			t.Errorf("got %v, want ErrClosed", err)
		}
		if nodes := w.sim.Nodes(); nodes != nil {
			t.Errorf("closed simulator has nodes %v", nodes)
		}
	})
}

// Close ends a plan that is played and all connections, whatever they do.
func TestClose(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		blocked := w.dial(node1)
		blocked.send(cmd("BLPOP q 0"))
		subscribed := w.dial(node1)
		subscribed.send(cmd("SUBSCRIBE c"))
		idle := w.dial(node1)
		played := make(chan error, 1)
		go func() {
			played <- w.sim.Play(w.Context(), upgrade.Plan{Length: time.Hour})
		}()
		synctest.Wait()
		if err := w.sim.Close(); err != nil {
			t.Error(err)
		}
		if err := <-played; err != ErrClosed {
			t.Errorf("play: got %v, want ErrClosed", err)
		}
		idle.ended()
		w.refused(node1)
	})
}

func TestNodes(t *testing.T) {
	inWorld(t, Config{Nodes: 2}, func(w *world) {
		w.optedIn(node1, "none")
		w.dial(node1)
		synctest.Wait()
		want := []Node{
			{Name: "node1", Addr: node1, Serving: true, Named: true, Accepting: true, Connections: 2, OptedIn: 1},
			{Name: "node2", Addr: node2},
		}
		for i, got := range w.sim.Nodes() {
			if got != want[i] {
				t.Errorf("got %+v, want %+v", got, want[i])
			}
		}
	})
}

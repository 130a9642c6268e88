package handoff

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/notice"
	"schload/workload"
)

// Outcomes name the connection they came on, also one that failed, but only
// when asked; its record is found while it is open and afterwards.
func TestToldConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		quiet := w.open(w.config("off"))
		if out := do(t, quiet, get("k"))[0]; out.Class != workload.OK || out.Conn != 0 {
			t.Errorf("%+v: want no connection, nobody asked", out)
		}
		c := w.open(w.config("off-noretry"))
		c.TellConnections(0)
		for _, out := range do(t, c, get("k"), set("k")) {
			told(t, c, out, false)
		}
		out := do(t, c, get("k"))[0]
		told(t, c, out, false)
		w.main.closeAll(true)
		failed := do(t, c, get("k"))[0]
		if failed.Class == workload.OK || failed.Conn != out.Conn {
			t.Errorf("%+v: want a failure on connection %d", failed, out.Conn)
		}
		told(t, c, failed, true)
		if _, ok := c.Connection(1 << 40); ok {
			t.Error("a connection that never was is known")
		}
		bare := w.open(w.config("raw"))
		bare.TellConnections(7)
		if out := do(t, bare, get("k"))[0]; out.Class != workload.OK || out.Conn != 0 {
			t.Errorf("%+v: an arm without a library tells none", out)
		}
	})
}

func told(t *testing.T, c *Client, out workload.Outcome, closed bool) {
	t.Helper()
	r, ok := c.Connection(uint64(out.Conn))
	if out.Conn == 0 || !ok || r.Number != uint64(out.Conn) || r.Node != mainAddr || r.Address != mainAddr || r.Closed != closed {
		t.Errorf("%+v: %+v, known %v", out, r, ok)
	}
}

// Notices count by the node that sent them, up to a bound of nodes; together they
// are all.
func TestNoticesByNode(t *testing.T) {
	o := newObserver("on", time.Now(), nil)
	defer o.close()
	const nodes = maxNodes + 5
	for i := range nodes {
		for range 2 {
			o.notifiedBy(notice.Moving, fmt.Sprintf("10.0.0.%d:1", i))
		}
	}
	o.notifiedBy(notice.Migrating, "10.0.0.0:1")
	s := o.observation()
	if n := s.Notices.From[Notified{notice.Moving, otherNode}]; n != 2*5 {
		t.Errorf("%d notices of other nodes, want 10", n)
	}
	if n := s.Notices.From[Notified{notice.Moving, "10.0.0.0:1"}]; n != 2 || s.Notices.From[Notified{notice.Migrating, "10.0.0.0:1"}] != 1 {
		t.Errorf("%d notices of the first node, want 2", n)
	}
	if len(s.Notices.From) != maxNodes+2 {
		t.Errorf("%d nodes and kinds", len(s.Notices.From))
	}
}

// What it costs to judge an outcome: without naming its connection, which is
// what runs without traces pay, and with.
func BenchmarkOutcome(b *testing.B) {
	arm, err := ParseArm("off")
	if err != nil {
		b.Fatal(err)
	}
	target, err := ParseTarget("redis://" + reflector(b))
	if err != nil {
		b.Fatal(err)
	}
	c, err := Open(b.Context(), Config{Arm: arm, Target: target, Workers: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	op, x := workload.Operation{Command: "GET", Key: "schload:string:42"}, newCommand()
	x.set(&op)
	f := flight{Context: b.Context(), o: c.o}
	f.process(c.redis, x)
	for _, tells := range []bool{false, true} {
		b.Run(map[bool]string{false: "off", true: "told"}[tells], func(b *testing.B) {
			c.tells = tells
			b.ReportAllocs()
			for b.Loop() {
				if out := c.outcome(&f, x, &op); out.Class != workload.OK || (out.Conn > 0) != tells {
					b.Fatalf("%+v", out)
				}
			}
		})
	}
}

package sim

import (
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/upgrade"
)

// Sharded channels belong to the node of their slot, and are lost with it:
// sunsubscribe comes unasked, opted in or not.
func TestShardedChannels(t *testing.T) {
	inWorld(t, ossCluster, func(w *world) {
		three, two := w.optedIn(node1, "none"), w.dial(node1)
		three.do("SSUBSCRIBE bar {bar}x", ">3\r\n$10\r\nssubscribe\r\n$3\r\nbar\r\n:1\r\n>3\r\n$10\r\nssubscribe\r\n$6\r\n{bar}x\r\n:2\r\n")
		three.do("SSUBSCRIBE foo", "-MOVED 12182 127.0.0.4:12000\r\n")
		three.do("SSUBSCRIBE bar hello", replyCrossSlot)
		three.do("SSUBSCRIBE", "-ERR wrong number of arguments for 'ssubscribe' command\r\n")
		two.do("SSUBSCRIBE bar", "*3\r\n$10\r\nssubscribe\r\n$3\r\nbar\r\n:1\r\n")
		two.do("GET bar", "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n")
		two.do("PING", "*2\r\n$4\r\npong\r\n$0\r\n\r\n")
		two.do("HELLO 3", "-"+subscribedHello+"\r\n")
		p := w.dial(node1)
		p.do("SPUBLISH bar hi", ":2\r\n")
		p.do("SPUBLISH foo hi", "-MOVED 12182 127.0.0.4:12000\r\n")
		p.do("SPUBLISH bar", "-ERR wrong number of arguments for 'spublish' command\r\n")
		three.want(">3\r\n$8\r\nsmessage\r\n$3\r\nbar\r\n$2\r\nhi\r\n")
		two.want("*3\r\n$8\r\nsmessage\r\n$3\r\nbar\r\n$2\r\nhi\r\n")
		three.do("SET bar 1", "+OK\r\n")

		w.play(3*time.Second, slotsAt(0, "5000-5100"), moveAt(time.Second, upgrade.Peer), movedAt(2*time.Second, upgrade.Peer))()
		three.want(">3\r\n$10\r\nSMIGRATING\r\n:0\r\n$9\r\n5000-5100\r\n" +
			">3\r\n$12\r\nsunsubscribe\r\n$3\r\nbar\r\n:1\r\n>3\r\n$12\r\nsunsubscribe\r\n$6\r\n{bar}x\r\n:0\r\n" +
			">3\r\n$9\r\nSMIGRATED\r\n:1\r\n*1\r\n*3\r\n$15\r\n127.0.0.2:12000\r\n$15\r\n127.0.0.3:12000\r\n$9\r\n5000-5100\r\n")
		two.want("*3\r\n$12\r\nsunsubscribe\r\n$3\r\nbar\r\n:0\r\n")
		two.do("GET bar", "-MOVED 5061 127.0.0.3:12000\r\n")
		three.do("SUNSUBSCRIBE", ">3\r\n$12\r\nsunsubscribe\r\n_\r\n:0\r\n")
		// Plain channels are the whole database's.
		three.do("SUBSCRIBE bar", ">3\r\n$9\r\nsubscribe\r\n$3\r\nbar\r\n:1\r\n")
		w.dial(node3).do("PUBLISH bar all", ":1\r\n")
		three.want(">3\r\n$7\r\nmessage\r\n$3\r\nbar\r\n$3\r\nall\r\n")
		if n := len(w.sim.channels.subscribers); n != 0 {
			t.Errorf("%d channels are left", n)
		}
	})
}

// Whoever goes is forgotten.
func TestShardedChannelsOfTheGone(t *testing.T) {
	inWorld(t, ossCluster, func(w *world) {
		c, r := w.dial(node1), w.dial(node1)
		c.do("SSUBSCRIBE bar", "*3\r\n$10\r\nssubscribe\r\n$3\r\nbar\r\n:1\r\n")
		r.do("SSUBSCRIBE bar", "*3\r\n$10\r\nssubscribe\r\n$3\r\nbar\r\n:1\r\n")
		c.Close()
		r.do("RESET", "+RESET\r\n")
		synctest.Wait()
		w.dial(node1).do("SPUBLISH bar x", ":0\r\n")
		if s := &w.sim.channels; len(s.channels) != 0 || len(s.subscribers) != 0 {
			t.Errorf("left: %v", s.subscribers)
		}
	})
}

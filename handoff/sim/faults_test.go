package sim

import (
	"strings"
	"testing"
	"time"

	"schload/handoff/upgrade"
)

// Answers that Redis knows and no deployment was seen to give, if they are
// asked for. Of the keys {bar}a to {bar}h some are in either half.
func TestFaults(t *testing.T) {
	inWorld(t, Config{OSSCluster: true, Faults: Faults{Ask: true}}, func(w *world) {
		one, four := w.dial(node1), (*peer)(nil)
		end := w.play(10*time.Second, at(0, upgrade.Listen, upgrade.New), slotsAt(0, "all"), moveAt(5*time.Second, upgrade.New), movedAt(6*time.Second, upgrade.New))
		four = w.dial(node4)
		stays, leaves := "", ""
		for _, key := range strings.Fields("{bar}a {bar}b {bar}c {bar}d {bar}e {bar}f {bar}g {bar}h") {
			if leavesFirst([]byte(key)) {
				leaves = key
			} else {
				stays = key
			}
		}
		one.do("SET "+stays+" 1", "+OK\r\n")
		one.do("SET "+leaves+" 1", "-ASK 5061 127.0.0.5:12000\r\n")
		one.do("MGET "+stays+" "+leaves, replyTryAgain)
		four.do("SET "+leaves+" 1", "-MOVED 5061 127.0.0.2:12000\r\n")
		four.do("ASKING", "+OK\r\n")
		four.do("SET "+leaves+" 1", "+OK\r\n")
		four.do("GET "+leaves, "-MOVED 5061 127.0.0.2:12000\r\n")
		four.do("ASKING", "+OK\r\n")
		four.do("MGET "+stays+" "+leaves, replyTryAgain)
		after(5 * time.Second)
		four.do("MGET "+stays+" "+leaves, "*2\r\n$1\r\n1\r\n$1\r\n1\r\n")
		end()
	})
	inWorld(t, Config{OSSCluster: true, Faults: Faults{ClusterDown: true, ReadOnly: true}}, func(w *world) {
		one, three := w.dial(node1), w.dial(node3)
		end := w.play(10*time.Second, slotsAt(0, "5000-5100"), stallAt(time.Second, time.Second, upgrade.Old), moveAt(5*time.Second, upgrade.Peer), movedAt(6*time.Second, upgrade.Peer))
		after(time.Second)
		one.do("GET bar", replyClusterDown)
		one.do("SET hello 1", replyReadOnly)
		three.do("SET foo 1", "+OK\r\n")
		one.do("MULTI", "+OK\r\n")
		one.do("SET hello 1", replyReadOnly)
		one.do("EXEC", replyAborted)
		after(time.Second + flipMargin)
		one.do("GET bar", "$-1\r\n")
		end()
	})
	inWorld(t, Config{Faults: Faults{ReadOnly: true}}, func(w *world) {
		c := w.dial(node1)
		end := w.play(10*time.Second, stallAt(0, time.Second, ""))
		c.do("SET k v", replyReadOnly)
		start := time.Now()
		c.do("GET k", "$-1\r\n")
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("a read waited %v, want 1s", waited)
		}
		end()
	})
}

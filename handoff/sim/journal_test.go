package sim

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"schload/handoff/notice"
	"schload/handoff/upgrade"
)

// What was written within the lag is lost, whatever type it has; what is older
// stays.
func TestJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := newMemory(0)
		if err != nil {
			t.Fatal(err)
		}
		defer m.close()
		j := newJournal(100*time.Millisecond, m.server)
		client := server.NewPeer(bufio.NewWriter(io.Discard))
		write := func(args ...string) {
			keys := j.writes(args, lookup([]byte(args[0])))
			j.write(keys, func() { m.server.Dispatch(client, args) })
		}
		write("SET", "kept", "1")
		write("SET", "overwritten", "1")
		write("LPUSH", "list", "a")
		write("SET", "deleted", "1")
		time.Sleep(101 * time.Millisecond)
		write("SET", "overwritten", "2")
		write("SET", "overwritten", "3")
		write("DEL", "list")
		write("SET", "list", "text")
		write("MSET", "new1", "1", "new2", "2")
		write("DEL", "deleted")
		if keys := j.writes([]string{"GET", "kept"}, lookup([]byte("GET"))); keys != nil {
			t.Errorf("GET writes %q, want nothing", keys)
		}
		if n := j.lose(); n != 5 {
			t.Errorf("lost the writes of %d keys, want 5", n)
		}
		for _, c := range [][2]string{
			{"GET kept", "$1\r\n1\r\n"}, {"GET overwritten", "$1\r\n1\r\n"}, {"GET deleted", "$1\r\n1\r\n"},
			{"LRANGE list 0 -1", "*1\r\n$1\r\na\r\n"}, {"EXISTS new1 new2", ":0\r\n"}, {"DBSIZE", ":4\r\n"},
		} {
			if got := j.do(strings.Fields(c[0])...); got != c[1] {
				t.Errorf("%s: got %q, want %q", c[0], got, c[1])
			}
		}
		j.do("SELECT", attic)
		if got := j.do("DBSIZE"); got != ":0\r\n" {
			t.Errorf("backups left: %q", got)
		}
		if n := j.lose(); n != 0 {
			t.Errorf("lost %d more, want none", n)
		}
	})
}

// A failover loses the last writes, though they were acknowledged; a migration
// does not.
func TestLostWrites(t *testing.T) {
	inWorld(t, Config{Faults: Faults{LostWrites: 100 * time.Millisecond}}, func(w *world) {
		c := w.dial(node1)
		stall := upgrade.Action{At: 3 * time.Second, Act: upgrade.Stall, For: 500 * time.Millisecond}
		for _, test := range []struct {
			opener, closer notice.Kind
			value          string
		}{{notice.Migrating, notice.Migrated, "new"}, {notice.FailingOver, notice.FailedOver, "old"}} {
			c.do("SET k old", "+OK\r\n")
			end := w.play(5*time.Second, notifyAt(time.Second, test.opener, 2, "1"), stall, notifyAt(4*time.Second, test.closer, 0, "1"))
			after(2950 * time.Millisecond)
			c.do("SET k new", "+OK\r\n")
			end()
			c.do("GET k", "$3\r\n"+test.value+"\r\n")
		}
		w.wantMarks("1s MIGRATING", "3s stall", "4s MIGRATED", "6s FAILING_OVER", "8s lose", "8s stall", "9s FAILED_OVER")
	})
}

func TestFaultsAreChecked(t *testing.T) {
	for _, c := range []Config{
		{Faults: Faults{LostWrites: -time.Second}},
		{Faults: Faults{LostWrites: time.Second}, Shards: []string{"redis://127.0.0.1:6379"}},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "lost writes") {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

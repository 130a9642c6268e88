package sim

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// The last writes are lost, whatever type their keys have; older ones stay.
func TestJournal(t *testing.T) {
	m, err := newMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	j := m.journal
	client := server.NewPeer(bufio.NewWriter(io.Discard))
	write := func(args ...string) {
		keys := j.keysOf(args, lookup([]byte(args[0])))
		j.write(keys, func() { m.server.Dispatch(client, args) })
	}
	j.keep(6)
	write("SET", "kept", "1")
	write("SET", "overwritten", "1")
	write("LPUSH", "list", "a")
	write("SET", "deleted", "1")
	write("SET", "overwritten", "2")
	write("SET", "overwritten", "3")
	write("DEL", "list")
	write("SET", "list", "text")
	write("MSET", "new1", "1", "new2", "2")
	write("GET", "kept")
	write("DEL", "deleted")
	if n := j.lose(6); n != 6 {
		t.Errorf("lost %d writes, want 6", n)
	}
	for _, c := range [][2]string{
		{"GET kept", "$1\r\n1\r\n"}, {"GET overwritten", "$1\r\n1\r\n"}, {"GET deleted", "$1\r\n1\r\n"},
		{"LRANGE list 0 -1", "*1\r\n$1\r\na\r\n"}, {"EXISTS new1 new2", ":0\r\n"}, {"DBSIZE", ":4\r\n"},
	} {
		if got := j.do(strings.Fields(c[0])...); got != c[1] {
			t.Errorf("%s: got %q, want %q", c[0], got, c[1])
		}
	}
	write("SET", "overwritten", "4")
	write("SET", "overwritten", "5")
	if n := j.lose(1); n != 1 || j.do("GET", "overwritten") != "$1\r\n4\r\n" {
		t.Errorf("lost %d writes, want the last one", n)
	}
	if n := j.lose(9); n != 0 {
		t.Errorf("lost %d more, want none: older ones are of the replica that took over", n)
	}
	write("SET", "overwritten", "6")
	j.keep(0)
	j.do("SELECT", j.attic)
	if got := j.do("DBSIZE"); got != ":0\r\n" {
		t.Errorf("backups left: %q", got)
	}
}

// A failover loses as many writes as it is told to, though they were
// acknowledged; the next one of the kind, told nothing, loses none.
func TestLostWrites(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.dial(node1)
		lose := upgrade.Action{At: time.Second, Act: upgrade.Lose, Writes: 2}
		for _, test := range []struct {
			actions []upgrade.Action
			want    string
		}{{[]upgrade.Action{lose}, "1"}, {nil, "3"}} {
			end := w.play(2*time.Second, test.actions...)
			c.do("SET k 1", "+OK\r\n")
			c.do("SET k 2", "+OK\r\n")
			c.do("SET k 3", "+OK\r\n")
			end()
			c.do("GET k", "$1\r\n"+test.want+"\r\n")
		}
		w.wantMarks("1s lose")
	})
}

// Real servers keep what they acknowledged: a result that claims otherwise is
// invalid.
func TestRealServersLoseNothing(t *testing.T) {
	onShards(t, 1, func(w *world) {
		w.play(2*time.Second, upgrade.Action{At: time.Second, Act: upgrade.Lose, Writes: 2})()
		if m := w.marks[0]; m.Kind != mark.Invalid || !strings.Contains(m.Detail, "leave out the shards") {
			t.Errorf("got %+v", m)
		}
	})
}

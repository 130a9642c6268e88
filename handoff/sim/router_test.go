package sim

import (
	"fmt"
	"strings"
	"testing"
)

// Keys with known slots: foo 12182, bar 5061, hello 866, and what redis-cli
// says of the tags.
func TestSlots(t *testing.T) {
	for key, want := range map[string]int{
		"foo": 12182, "bar": 5061, "hello": 866, "": 0, "123456789": 12739,
		"{foo}x": 12182, "x{foo}y{bar}": 12182, "{}foo": 9500, "foo{": 7673, "foo{}{bar}": 8363, "foo{{bar}}": 4015,
	} {
		if got := slotOf([]byte(key)); got != want {
			t.Errorf("slot of %q: got %d, want %d", key, got, want)
		}
	}
	for _, shards := range []int{1, 2, 3, 64} {
		if first, last := shardOf(0, shards), shardOf(slots-1, shards); first != 0 || last != shards-1 {
			t.Errorf("%d shards: slots go from shard %d to %d", shards, first, last)
		}
	}
}

// fields splits a command into its arguments.
func fields(line string) [][]byte {
	var args [][]byte
	for word := range strings.FieldsSeq(line) {
		args = append(args, []byte(word))
	}
	return args
}

func TestKeys(t *testing.T) {
	for line, want := range map[string]string{
		"get a": "a", "GET": "", "MSET a 1 b 2": "a b", "mget a b c": "a b c", "PING a": "", "BLPOP a b 0": "a b",
		"BLPOP 0": "", "EVAL s 2 a b c": "a b", "EVAL s": "", "EVAL s x a": "", "EVAL s 99 a": "", "EVAL s -1 a": "",
		"XREAD COUNT 1 STREAMS a b 0 0": "a b", "XREAD": "", "XREADGROUP GROUP g c STREAMS a >": "a",
		"ZUNIONSTORE d 2 a b WEIGHTS 1 2": "d a b", "ZUNIONSTORE d": "d", "OBJECT ENCODING a": "a", "BITOP AND d a b": "d a b",
		"UNKNOWN.CMD a b": "a", "SINTERCARD 2 a b LIMIT 1": "a b", "RENAME a b": "a b", "SET a": "a",
	} {
		var got []string
		args := fields(line)
		lookup(args[0]).keys.each(args, func(key []byte) bool {
			got = append(got, string(key))
			return true
		})
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got keys %q, want %q", line, got, want)
		}
	}
}

// Each conversation is one connection to a database of two shards: foo lives
// on the second, bar on the first.
func TestRouter(t *testing.T) {
	ok, cross := strings.TrimSpace(replyOK), strings.TrimSpace(replyCrossSlot)
	for name, lines := range map[string][][2]string{
		"plain": {
			{"GET foo", "2"}, {"GET bar", "1"}, {"PING", "1"}, {"MGET foo {foo}x", "2"}, {"MGET foo bar", cross}, {"GET", "1"},
			{"SELECT 0", ok}, {"SELECT 1", strings.TrimSpace(replyDatabase)}, {"SELECT", "-ERR wrong number of arguments for 'select' command"},
		},
		"transaction": {
			{"MULTI", ok}, {"SET foo 1", "MULTI 2"}, {"GET foo", "2"}, {"PING", "2"}, {"EXEC", "2"}, {"GET bar", "1"},
		},
		"keyless first": {{"MULTI", ok}, {"PING", "MULTI 1"}, {"GET bar", "1"}, {"DISCARD", "1"}},
		"empty":         {{"MULTI", ok}, {"EXEC", "*0"}, {"MULTI", ok}, {"DISCARD", ok}, {"EXEC", "-ERR EXEC without MULTI"}},
		"across": {
			{"MULTI", ok}, {"SET foo 1", "MULTI 2"}, {"SET bar 1", cross}, {"EXEC", "DISCARD 2 " + strings.TrimSpace(replyAborted)}, {"GET bar", "1"},
		},
		"across at once": {{"MULTI", ok}, {"MGET foo bar", cross}, {"EXEC", strings.TrimSpace(replyAborted)}, {"GET foo", "2"}},
		"watch": {
			{"WATCH foo", "2"}, {"WATCH {foo}x", "2"}, {"WATCH bar", cross}, {"GET bar", "1"},
			{"MULTI", ok}, {"WATCH foo", "-ERR WATCH inside MULTI is not allowed"}, {"PING", "MULTI 2"}, {"EXEC", "2"}, {"WATCH bar", "1"},
		},
		"watch, nothing queued":   {{"WATCH foo", "2"}, {"MULTI", ok}, {"EXEC", "MULTI 2"}},
		"watch, spoiled":          {{"WATCH foo", "2"}, {"MULTI", ok}, {"GET bar", cross}, {"EXEC", "UNWATCH 2 " + strings.TrimSpace(replyAborted)}},
		"watch, discarded":        {{"WATCH foo", "2"}, {"MULTI", ok}, {"DISCARD", "UNWATCH 2 " + ok}},
		"unwatch":                 {{"UNWATCH", ok}, {"WATCH foo", "2"}, {"UNWATCH", "2"}, {"WATCH bar", "1"}},
		"unwatch in transaction":  {{"WATCH foo", "2"}, {"MULTI", ok}, {"UNWATCH", "MULTI 2"}, {"EXEC", "2"}},
		"nested":                  {{"MULTI", ok}, {"MULTI", "-ERR MULTI calls can not be nested"}, {"SET foo 1", "MULTI 2"}},
		"select in a transaction": {{"MULTI", ok}, {"SELECT 0", "MULTI 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRouter(2)
			for _, line := range lines {
				args := fields(line[0])
				if got := r.route(args, lookup(args[0])).describe(); got != line[1] {
					t.Fatalf("%s: got %q, want %q", line[0], got, line[1])
				}
			}
		})
	}
}

// describe is a route in few words: what is sent first, the shard, from 1, and
// what the proxy says itself.
func (r route) describe() string {
	var words []string
	if r.before != "" {
		words = append(words, r.before)
	}
	if r.shard != nowhere {
		words = append(words, fmt.Sprint(r.shard+1))
	}
	if r.local != "" {
		words = append(words, strings.TrimSpace(r.local))
	}
	return strings.Join(words, " ")
}

// One shard takes everything as it comes.
func TestRouterOneShard(t *testing.T) {
	r := newRouter(1)
	for _, line := range []string{"MULTI", "EXEC", "MGET foo bar", "SELECT 3", "WATCH x"} {
		args := fields(line)
		if got := r.route(args, lookup(args[0])); got != (route{}) {
			t.Errorf("%s: got %+v", line, got)
		}
	}
}

// Routing over several shards, on the wire.
func TestShards(t *testing.T) {
	onShards(t, 2, func(w *world) {
		c := w.dial(node1)
		c.do("SET foo 2", "+OK\r\n")
		c.do("SET bar 1", "+OK\r\n")
		c.send(cmd("GET foo") + cmd("GET bar") + cmd("GET foo") + cmd("MGET foo bar") + cmd("GET bar"))
		c.want("$1\r\n2\r\n$1\r\n1\r\n$1\r\n2\r\n" + replyCrossSlot + "$1\r\n1\r\n")
		c.do("DBSIZE", ":1\r\n")
		c.do("MULTI", "+OK\r\n")
		c.do("SET foo 3", "+QUEUED\r\n")
		c.do("SET bar 3", replyCrossSlot)
		c.do("EXEC", replyAborted)
		c.do("MGET foo {foo}x", "*2\r\n$1\r\n2\r\n$-1\r\n")
		c.do("SELECT 1", replyDatabase)
		// RESP3 reaches shards that are in use and those that come later.
		c.send(cmd("HELLO 3"))
		c.replies.Next()
		c.do("GET {foo}x", "_\r\n")
		c.do("GET {bar}x", "_\r\n")
		// A RESP2 subscriber lives on the first shard alone.
		s := w.dial(node1)
		s.do("SUBSCRIBE a", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
		c.do("PUBLISH a x", ":1\r\n")
		s.want("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n")
		s.do("UNSUBSCRIBE a", "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n")
		s.do("GET bar", "$1\r\n1\r\n")
		s.do("GET foo", "$1\r\n2\r\n")
	})
}

package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"schload/handoff/sim/resp"
)

// The front must be invisible: the same commands give the same bytes, by way
// of the simulator and to the server itself, in RESP2 and RESP3, on one shard
// and on three. Commands are words; empty words are empty arguments.
var dialogue = strings.Split(strings.TrimSpace(`
PING
PING hello
ECHO x
SET k v
SET k v NX
SET k v EX 100
GET k
GET none
GETRANGE k 0 -1
APPEND k w
STRLEN k
INCR n
INCRBYFLOAT n 1.5
INCR k
SETBIT b 7 1
GETBIT b 7
TYPE k
TTL none
EXPIRE k 100
PERSIST k
OBJECT ENCODING n
MSET {t}a 1 {t}b 2
MGET {t}a {t}b {t}c
DEL {t}a {t}b {t}c
HSET h f v g w
HGET h f
HGETALL h
HMGET h f none
HINCRBYFLOAT h n 2.25
HRANDFIELD none 2 WITHVALUES
RPUSH l a b c
LRANGE l 0 -1
LPOP l 2
LPOP none 2
LINDEX l 9
SADD s a
SMEMBERS s
SISMEMBER s a
SMISMEMBER s a b
ZADD z 1 a 2.5 b
ZADD z XX INCR 1 none
ZSCORE z b
ZRANGE z 0 -1 WITHSCORES
ZPOPMIN z
ZRANGEBYSCORE z -inf +inf
XADD x 1-1 f v
XADD x 1-1 f v
XRANGE x - +
XREAD COUNT 1 STREAMS x 0
XREAD COUNT 1 STREAMS x $
XINFO STREAM none
GEOADD g 13.361389 38.115556 Palermo
GEOPOS g Palermo none
GEODIST g Palermo none
PFADD p a b
PFCOUNT p
EVAL return{1,'two',{3,false}} 0
EVAL return{double=3.5} 0
EVAL return{map={a=1}} 0
EVAL return(redis.error_reply('MINE')) 0
EVAL return(redis.call('set',KEYS[1],ARGV[1])) 1 k v
EVAL redis.setresp(3);return(redis.call('hgetall',KEYS[1])) 1 h
DEBUG PROTOCOL attrib
DEBUG PROTOCOL bignum
DEBUG PROTOCOL verbatim
DEBUG PROTOCOL map
DEBUG PROTOCOL set
DEBUG PROTOCOL double
DEBUG PROTOCOL true
DEBUG PROTOCOL null
DEBUG PROTOCOL push
PING after
COMMAND INFO GET
COMMAND COUNT
CONFIG GET maxmemory
CLIENT NO-EVICT ON
CLIENT TRACKINGINFO
MULTI
SET {t}x 1
INCR {t}x
GET {t}x
EXEC
MULTI
SET {t}x
EXEC
MULTI
SET {t}x 5
DISCARD
GET {t}x
EXEC
DISCARD
WATCH {t}x
SET {t}x 6
MULTI
GET {t}x
EXEC
WATCH {t}x
UNWATCH
MULTI
GET {t}x
EXEC
WATCH {t}x
MULTI
EXEC
BLPOP l 0
BLPOP none 0.01
BLMOVE none other 0 LEFT
WAIT 0 10
NOSUCHCOMMAND a b
GET
SET k
LPUSH k x
HELLO 9
HELLO x
HELLO 3 WHAT
AUTH x
CLIENT SETNAME a\b
CLIENT GETNAME
CLIENT REPLY ON
SUBSCRIBE
SUBSCRIBE c d
PING x
GET k
SUBSCRIBE d
UNSUBSCRIBE c d
SSUBSCRIBE sh
SUNSUBSCRIBE sh
PSUBSCRIBE p*
PUNSUBSCRIBE
GET k
RESET
GET k
`), "\n")

func TestDifferential(t *testing.T) {
	for _, shards := range []int{1, 3} {
		for _, protocol := range []string{"2", "3"} {
			t.Run(fmt.Sprintf("%d shards RESP%s", shards, protocol), func(t *testing.T) {
				direct := dialReal(t, redisServer(t, "--enable-debug-command", "yes"))
				config := Config{Nodes: 1}
				for range shards {
					config.Shards = append(config.Shards, "redis://:secret@"+redisServer(t, "--enable-debug-command", "yes", "--requirepass", "secret"))
				}
				front := dialReal(t, startReal(t, config).Nodes()[0].Addr)
				compare(t, shards, protocol, direct, front)
			})
		}
	}
}

// The in-process store is the same store that serves by itself here. What it
// answers to commands that belong to the proxy is left out: there the front
// follows Redis, see the words of local.go.
func TestDifferentialInProcess(t *testing.T) {
	for _, protocol := range []string{"2", "3"} {
		t.Run("RESP"+protocol, func(t *testing.T) {
			direct := dialReal(t, miniredis.RunT(t).Addr())
			front := dialReal(t, startReal(t, Config{Nodes: 1}).Nodes()[0].Addr)
			compareLines(t, protocol, direct, front, func(line string) bool {
				word, _, _ := strings.Cut(line, " ")
				return !slices.Contains([]string{"HELLO", "AUTH", "CLIENT", "RESET", "DEBUG", "SSUBSCRIBE", "SUNSUBSCRIBE"}, word)
			})
		})
	}
}

// The same commands in one write give the same bytes in the same order.
func TestDifferentialPipelined(t *testing.T) {
	for _, protocol := range []string{"2", "3"} {
		for name, start := range map[string]func() (direct, front *realPeer){
			"in process": func() (direct, front *realPeer) {
				return dialReal(t, miniredis.RunT(t).Addr()), dialReal(t, startReal(t, Config{Nodes: 1}).Nodes()[0].Addr)
			},
			"redis": func() (direct, front *realPeer) {
				behind := startReal(t, Config{Nodes: 1, Shards: []string{"redis://" + redisServer(t)}})
				return dialReal(t, redisServer(t)), dialReal(t, behind.Nodes()[0].Addr)
			},
		} {
			t.Run(name+" RESP"+protocol, func(t *testing.T) {
				direct, front := start()
				direct.reply("HELLO", protocol)
				front.reply("HELLO", protocol)
				lines := slices.DeleteFunc(slices.Clone(dialogue[:slices.Index(dialogue, "COMMAND INFO GET")]), func(line string) bool {
					return strings.HasPrefix(line, "DEBUG") // not every server has it
				})
				want, got := direct.pipeline(lines), front.pipeline(lines)
				for i := range want {
					if want[i] != got[i] {
						t.Errorf("%s:\ndirect %q\nfront  %q", lines[i], want[i], got[i])
					}
				}
			})
		}
	}
}

// pipeline sends commands in one write and returns the replies.
func (c *realPeer) pipeline(lines []string) []string {
	c.Helper()
	var raw []byte
	for _, line := range lines {
		raw = resp.AppendRequest(raw, strings.Fields(line)...)
	}
	replies := make([]string, len(lines))
	if _, err := c.Write(raw); err != nil {
		c.Fatal(err)
	}
	for i := range replies {
		frame, err := c.replies.Next()
		if err != nil {
			c.Fatalf("reply %d: %v", i, err)
		}
		replies[i] = string(frame)
	}
	return replies
}

// compare has the whole dialogue with both.
func compare(t *testing.T, shards int, protocol string, direct, front *realPeer) {
	compareLines(t, protocol, direct, front, func(line string) bool {
		return shards == 1 || !strings.HasPrefix(line, "BLMOVE") // its keys live on different shards
	})
}

// compareLines has those lines of the dialogue with both that are wanted.
func compareLines(t *testing.T, protocol string, direct, front *realPeer, wanted func(line string) bool) {
	t.Helper()
	direct.reply("HELLO", protocol)
	front.reply("HELLO", protocol)
	for _, line := range dialogue {
		if !wanted(line) {
			continue
		}
		args := strings.Fields(line)
		n := frames(line, protocol)
		if want, got := direct.all(n, args), front.all(n, args); want != got {
			t.Errorf("%s:\ndirect %q\nfront  %q", line, want, got)
		}
	}
}

// frames is how many frames a command brings.
func frames(line, protocol string) int {
	switch {
	case strings.HasPrefix(line, "SUBSCRIBE c"), strings.HasPrefix(line, "UNSUBSCRIBE c"):
		return strings.Count(line, " ")
	case protocol == "3" && line == "DEBUG PROTOCOL push":
		return 2
	}
	return 1
}

// all sends a command and returns the frames it brings.
func (c *realPeer) all(n int, args []string) string {
	c.Helper()
	frames := c.reply(args...)
	for range n - 1 {
		frame, err := c.replies.Next()
		if err != nil {
			c.Fatalf("%q: got %q, %v, want %d frames", args, frames, err, n)
		}
		frames += string(frame)
	}
	return frames
}

package sim

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"

	"schload/handoff/notice"
	"schload/handoff/upgrade"
)

// eachStore runs a test on the in-process store and on one, and three, shards
// that are reached through connections of their own.
func eachStore(t *testing.T, test func(w *world)) {
	t.Run("memory", func(t *testing.T) { inWorld(t, Config{}, test) })
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) { onShards(t, shards, test) })
	}
}

// onShards runs a test in a world whose data is in miniredis servers in memory.
func onShards(t *testing.T, shards int, test func(w *world)) {
	t.Helper()
	onShardsOf(t, Config{}, shards, test)
}

// onShardsOf is onShards for a database that differs.
func onShardsOf(t *testing.T, config Config, shards int, test func(w *world)) {
	t.Helper()
	var servers []*miniredis.Miniredis
	config.dial = func(_ context.Context, _, address string) (net.Conn, error) {
		var shard int
		if _, err := fmt.Sscanf(address, "shard%d:6379", &shard); err != nil {
			return nil, err
		}
		return servers[shard-1].Dial()
	}
	for i := range shards {
		config.Shards = append(config.Shards, fmt.Sprintf("redis://default:secret@shard%d", i+1))
	}
	inWorldOver(t, config, func(listen listenFunc) listenFunc {
		for range shards {
			m := miniredis.NewMiniRedis()
			m.RequireAuth("secret")
			servers = append(servers, m)
		}
		return listen
	}, func(w *world) {
		defer func() {
			w.sim.Close()
			for _, m := range servers {
				m.Close()
			}
		}()
		test(w)
	})
}

// mixed is one of everything that has an order to keep.
func TestPipeline(t *testing.T) {
	eachStore(t, func(w *world) {
		c := w.dial(node1)
		var say, reply strings.Builder
		for i := range 400 {
			fmt.Fprintf(&say, "%s%s%sINCR inline%d\r\n", cmd(fmt.Sprintf("SET key%d %d", i, i)), cmd("CLIENT GETNAME"), cmd(fmt.Sprintf("GET key%d", i)), i%3)
			fmt.Fprintf(&reply, "+OK\r\n$-1\r\n$%d\r\n%d\r\n:%d\r\n", len(fmt.Sprint(i)), i, i/3+1)
		}
		c.send(say.String())
		c.want(reply.String())
	})
}

func TestLargeValues(t *testing.T) {
	eachStore(t, func(w *world) {
		c := w.dial(node1)
		value := strings.Repeat("v", 3<<20)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			c.Write([]byte(fmt.Sprintf("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$%d\r\n%s\r\n", len(value), value)))
		}()
		c.want("+OK\r\n")
		<-sent
		c.send(cmd("GET k") + cmd("PING"))
		c.want(fmt.Sprintf("$%d\r\n%s\r\n+PONG\r\n", len(value), value))
	})
}

func TestTransactions(t *testing.T) {
	eachStore(t, func(w *world) {
		c, other := w.dial(node1), w.dial(node1)
		c.do("MULTI", "+OK\r\n")
		c.do("SET {a}x 1", "+QUEUED\r\n")
		c.do("INCR {a}x", "+QUEUED\r\n")
		c.do("EXEC", "*2\r\n+OK\r\n:2\r\n")
		c.do("MULTI", "+OK\r\n")
		c.do("MULTI", "-ERR MULTI calls can not be nested\r\n")
		c.do("DISCARD", "+OK\r\n")
		c.do("EXEC", "-ERR EXEC without MULTI\r\n")
		c.do("DISCARD", "-ERR DISCARD without MULTI\r\n")
		c.do("MULTI", "+OK\r\n")
		c.do("EXEC", "*0\r\n")

		c.do("WATCH {a}x", "+OK\r\n")
		other.do("SET {a}x 9", "+OK\r\n")
		c.do("MULTI", "+OK\r\n")
		c.do("SET {a}x 3", "+QUEUED\r\n")
		c.do("EXEC", "*-1\r\n")
		c.do("GET {a}x", "$1\r\n9\r\n")

		c.do("WATCH {a}x", "+OK\r\n")
		c.do("UNWATCH", "+OK\r\n")
		other.do("SET {a}x 8", "+OK\r\n")
		c.do("MULTI", "+OK\r\n")
		c.do("SET {a}x 3", "+QUEUED\r\n")
		c.do("EXEC", "*1\r\n+OK\r\n")

		c.do("MULTI", "+OK\r\n")
		c.do("SET {a}x", "-ERR wrong number of arguments for 'set' command\r\n")
		c.do("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n")
		c.do("GET {a}x", "$1\r\n3\r\n")
	})
}

// Messages come at any time, in the form of the protocol, also to a client
// that sends nothing.
func TestPubSub(t *testing.T) {
	eachStore(t, func(w *world) {
		publisher := w.dial(node1)
		for _, protocol := range []string{"2", "3"} {
			array := map[string]string{"2": "*", "3": ">"}[protocol]
			c := w.dial(node1)
			c.send(cmd("HELLO " + protocol))
			c.replies.Next()
			c.send(cmd("SUBSCRIBE a b") + cmd("PSUBSCRIBE p*"))
			c.want(array + "3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n" + array + "3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n" +
				array + "3\r\n$10\r\npsubscribe\r\n$2\r\np*\r\n:3\r\n")
			publisher.do("PUBLISH a hello", ":1\r\n")
			c.want(array + "3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nhello\r\n")
			publisher.do("PUBLISH p1 hello", ":1\r\n")
			c.want(array + "4\r\n$8\r\npmessage\r\n$2\r\np*\r\n$2\r\np1\r\n$5\r\nhello\r\n")
			large := strings.Repeat("m", 20<<10)
			publisher.do("PUBLISH b "+large, ":1\r\n")
			c.want(array + "3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$20480\r\n" + large + "\r\n")
			c.do("UNSUBSCRIBE", array+"3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:2\r\n"+array+"3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:1\r\n")
			c.do("PUNSUBSCRIBE p*", array+"3\r\n$12\r\npunsubscribe\r\n$2\r\np*\r\n:0\r\n")
			c.do("PING", "+PONG\r\n")
			publisher.do("PUBLISH a hello", ":0\r\n")
			c.Close()
			synctest.Wait()
		}
		// A subscriber that goes takes its subscription along.
		c := w.dial(node1)
		c.do("SUBSCRIBE a", "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
		c.Close()
		synctest.Wait()
		publisher.do("PUBLISH a hello", ":0\r\n")
	})
}

// Notices reach subscribers, between messages; RESP3 may also send commands.
func TestNoticeToSubscriber(t *testing.T) {
	eachStore(t, func(w *world) {
		c := w.optedIn(node1, "none")
		c.do("SUBSCRIBE a", ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
		end := w.play(3*time.Second, at(0, upgrade.Listen, upgrade.New), movingAt(time.Second, 15))
		publisher := w.dial(node1)
		publisher.do("PUBLISH a one", ":1\r\n")
		after(time.Second)
		publisher.do("PUBLISH a two", ":1\r\n")
		c.want(">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\none\r\n" + moving("0", "15", "_\r\n") +
			">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\ntwo\r\n")
		end()
		c.do("CLIENT SETINFO lib-name x", "+OK\r\n")
	})
}

// A refused subscription is an error in its place.
func TestRefusedSubscription(t *testing.T) {
	eachStore(t, func(w *world) {
		c := w.optedIn(node1, "none")
		c.send(cmd("PING") + cmd("SUBSCRIBE") + cmd("CLIENT GETNAME") + cmd("PING"))
		c.want("+PONG\r\n-ERR wrong number of arguments for 'subscribe' command\r\n_\r\n+PONG\r\n")
	})
}

// A command that blocks does not keep notices from its connection, nor
// commands from others.
func TestBlocking(t *testing.T) {
	eachStore(t, func(w *world) {
		c := w.optedIn(node1, "none")
		other := w.dial(node1)
		end := w.play(3*time.Second, at(0, upgrade.Listen, upgrade.New), movingAt(time.Second, 15))
		c.send(cmd("SET k v") + cmd("BLPOP q 0") + cmd("CLIENT GETNAME") + cmd("PING"))
		c.want("+OK\r\n")
		c.silent()
		after(time.Second)
		c.want(moving("0", "15", "_\r\n"))
		c.silent()
		other.do("RPUSH q e", ":1\r\n")
		c.want("*2\r\n$1\r\nq\r\n$1\r\ne\r\n_\r\n+PONG\r\n")
		c.do("GET k", "$1\r\nv\r\n")
		end()

		start := time.Now()
		c.do("BLPOP q 2", "*-1\r\n")
		if took := time.Since(start); took != 2*time.Second {
			w.Errorf("BLPOP took %v, want 2s", took)
		}
		c.do("PING", "+PONG\r\n")
	})
}

// A client that leaves, or is closed, while its command blocks takes nothing
// from the list.
func TestBlockingLeaves(t *testing.T) {
	eachStore(t, func(w *world) {
		gone := w.dial(node1)
		gone.send(cmd("BLPOP q 0"))
		hungUp := w.dial(node1)
		hungUp.send(cmd("BLPOP q 0"))
		synctest.Wait()
		gone.Close()
		end := w.play(5*time.Second, at(time.Second, upgrade.Close, upgrade.Old))
		after(time.Second)
		hungUp.ended()
		after(time.Second)
		c := w.dial(node1)
		c.do("RPUSH q e", ":1\r\n")
		c.do("LLEN q", ":1\r\n")
		end()
	})
}

func TestExpiry(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.dial(node1)
		c.do("SET k v EX 10", "+OK\r\n")
		after(5 * time.Second)
		c.do("TTL k", ":5\r\n")
		after(6 * time.Second)
		c.do("GET k", "$-1\r\n")
	})
}

// RESET ends subscriptions and the opt-in, and the connection goes on.
func TestReset(t *testing.T) {
	eachStore(t, func(w *world) {
		c := w.optedIn(node1, "none")
		publisher := w.dial(node1)
		c.do("SUBSCRIBE a", ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
		c.do("RESET", "+RESET\r\n")
		synctest.Wait()
		publisher.do("PUBLISH a x", ":0\r\n")
		c.do("SET k v", "+OK\r\n")
		c.do("GET nil", "$-1\r\n")
		w.play(3*time.Second, notifyAt(time.Second, notice.Migrating, 2, "1"))()
		c.silent()
	})
}

// A stall holds commands back at the proxies, then they run. Notices pass, and
// so does what the proxy answers itself.
func TestStall(t *testing.T) {
	eachStore(t, func(w *world) {
		c := w.optedIn(node1, "none")
		end := w.play(10*time.Second,
			upgrade.Action{At: time.Second, Act: upgrade.Stall, For: 2 * time.Second},
			notifyAt(2*time.Second, notice.FailingOver, 2, "1"),
			upgrade.Action{At: 2 * time.Second, Act: upgrade.Stall, For: 500 * time.Millisecond},
			upgrade.Action{At: 5 * time.Second, Act: upgrade.Stall, For: time.Second},
			upgrade.Action{At: 5500 * time.Millisecond, Act: upgrade.Stall, For: time.Second},
		)
		after(1500 * time.Millisecond)
		start := time.Now()
		c.send(cmd("CLIENT GETNAME") + cmd("SET k v"))
		c.want("_\r\n")
		c.silent()
		w.dial(node1).do("CLIENT SETNAME x", "+OK\r\n")
		c.want(">4\r\n$12\r\nFAILING_OVER\r\n:0\r\n:2\r\n$5\r\n[\"1\"]\r\n")
		c.want("+OK\r\n")
		if took := time.Since(start); took != 1500*time.Millisecond {
			w.Errorf("the command took %v, want 1.5s: a shorter stall must not end a longer one", took)
		}
		after(2 * time.Second)
		start = time.Now()
		c.do("GET k", "$1\r\nv\r\n")
		if took := time.Since(start); took != 1500*time.Millisecond {
			w.Errorf("the command took %v, want 1.5s: a stall may be prolonged", took)
		}
		end()
	})
}

// A stall of one shard leaves the others alone.
func TestStallOfShard(t *testing.T) {
	onShards(t, 2, func(w *world) {
		c, other := w.dial(node1), w.dial(node1)
		end := w.play(5*time.Second, upgrade.Action{At: time.Second, Act: upgrade.Stall, For: time.Second, Shards: []string{"2"}})
		after(1200 * time.Millisecond)
		start := time.Now()
		other.do("SET bar v", "+OK\r\n") // slot 5061: shard 1
		if took := time.Since(start); took != 0 {
			w.Errorf("shard 1 took %v", took)
		}
		c.do("SET foo v", "+OK\r\n") // slot 12182: shard 2
		if took := time.Since(start); took != 800*time.Millisecond {
			w.Errorf("shard 2 took %v, want 800ms", took)
		}
		end()
	})
}

// Slow replies come later by a draw around the delay, alike in every run with
// the same seed; commands that arrive together are delayed together.
func TestSlow(t *testing.T) {
	var traces [3][]time.Duration
	for i, seed := range []uint64{1, 1, 2} {
		inWorld(t, Config{Seed: seed}, func(w *world) {
			c := w.dial(node1)
			end := w.play(time.Hour, upgrade.Action{Act: upgrade.Slow, For: time.Minute, Delay: 10 * time.Millisecond})
			for range 200 {
				start := time.Now()
				c.do("PING", "+PONG\r\n")
				traces[i] = append(traces[i], time.Since(start))
			}
			start := time.Now()
			c.send(strings.Repeat(cmd("PING"), 50))
			c.want(strings.Repeat("+PONG\r\n", 50))
			if took := time.Since(start); took > 100*time.Millisecond {
				t.Errorf("50 commands at once took %v: their delays add up", took)
			}
			after(time.Minute)
			start = time.Now()
			c.do("PING", "+PONG\r\n")
			if time.Since(start) != 0 {
				t.Error("replies are slow after the end")
			}
			end()
		})
	}
	if fmt.Sprint(traces[0]) != fmt.Sprint(traces[1]) || fmt.Sprint(traces[0]) == fmt.Sprint(traces[2]) {
		t.Error("delays do not follow from the seed")
	}
	below := 0
	for _, d := range traces[0] {
		if d < 10*time.Millisecond {
			below++
		}
		if d < time.Millisecond || d > 100*time.Millisecond {
			t.Errorf("delay of %v is not around 10ms", d)
		}
	}
	if below < 70 || below > 130 {
		t.Errorf("%d of 200 delays are below 10ms, want about half", below)
	}
}

// A client that does not read holds up nobody: not the others, not the
// choreography, not publishers. It is cut off.
func TestSlowClient(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		slow := w.optedIn(node1, "none")
		subscriber := w.optedIn(node1, "none")
		subscriber.do("SUBSCRIBE a", ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n")
		quick := w.optedIn(node1, "none")
		quick.do("SET k "+strings.Repeat("v", 100<<10), "+OK\r\n")
		go slow.Write([]byte(strings.Repeat(cmd("GET k"), 50)))
		synctest.Wait()
		end := w.play(30*time.Second, notifyAt(time.Second, notice.Migrating, 2, "1"))
		after(time.Second)
		quick.want(">4\r\n$9\r\nMIGRATING\r\n:0\r\n:2\r\n$5\r\n[\"1\"]\r\n")
		message := cmd("PUBLISH a " + strings.Repeat("m", 1<<20))
		for range 20 {
			quick.send(message)
			if frame, err := quick.replies.Next(); err != nil || frame[0] != ':' {
				w.Fatalf("publish: got %q, %v", frame, err)
			}
		}
		after(20 * time.Second)
		for _, n := range w.sim.Nodes()[:1] {
			if n.Connections != 1 {
				w.Errorf("%d connections left, want the quick client's alone", n.Connections)
			}
		}
		quick.do("PING", "+PONG\r\n")
		end()
		w.wantMarks("1s MIGRATING", "1s drop", "10s drop") // too much unread, and nothing read for too long
	})
}

// A proxy that closes ends connections in order, even while the client sends,
// and loses the replies that are on their way.
func TestCloseUnderLoad(t *testing.T) {
	eachStore(t, func(w *world) {
		c := w.dial(node1)
		end := w.play(10*time.Second,
			upgrade.Action{At: 0, Act: upgrade.Stall, For: 5 * time.Second},
			at(time.Second, upgrade.Refuse, upgrade.Old),
			at(time.Second, upgrade.Close, upgrade.Old),
			at(4*time.Second, upgrade.Listen, upgrade.Old),
		)
		c.send(cmd("SET k v"))
		after(999 * time.Millisecond)
		c.send(cmd("SET l v"))
		after(time.Millisecond)
		c.send(cmd("SET m v")) // it has not noticed yet
		c.ended()
		w.refused(node1)
		after(5 * time.Second)
		again := w.dial(node1)
		again.do("GET k", "$-1\r\n")
		end()
	})
}

// What the sink passes on are whole frames, however the store cuts its writes.
func TestSink(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	c := &conn{}
	c.out = newOutbox(near, func(func()) {}, func(string) {})
	s := &memoryStore{conn: c}
	s.busy.Store(true)
	k := &sink{store: s}
	in := []byte("*2\r\n$3\r\nfoo\r\n:1\r\n+OK\r\n$5\r\na\r\nb")
	for i := range in {
		k.Write(in[i : i+1])
		if end := bytes.LastIndex(c.out.buf, []byte("\r\n")); end >= 0 && end+2 != len(c.out.buf) {
			t.Fatalf("after %d bytes: %q is not whole", i+1, c.out.buf)
		}
	}
	if want := "*2\r\n$3\r\nfoo\r\n:1\r\n+OK\r\n"; string(c.out.buf) != want {
		t.Errorf("got %q, want %q", c.out.buf, want)
	}
	k.Write([]byte("c\r\n?bad\r\n"))
	k.Write([]byte("+OK\r\n"))
	if want := "*2\r\n$3\r\nfoo\r\n:1\r\n+OK\r\n$5\r\na\r\nbc\r\n?bad\r\n+OK\r\n"; string(c.out.buf) != want {
		t.Errorf("got %q, want %q", c.out.buf, want)
	}
}

package sim

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"schload/handoff/notice"
	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// wantInjected compares the account with what was expected of one kind.
func (w *world) wantInjected(f Fault, want int) {
	w.Helper()
	got := w.sim.Injected()
	if got.Count(f) != want {
		w.Errorf("%d times %s injected, want %d: %+v", got.Count(f), f, want, got.Done)
	}
	marks := 0
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.marks {
		if m.Kind == mark.Injection && m.Name == f.String() {
			marks++
		}
	}
	if marks != want {
		w.Errorf("%d marks of %s, want %d", marks, f, want)
	}
}

func (w *world) inject(i Injection) {
	w.Helper()
	if err := w.sim.Inject(i); err != nil {
		w.Fatal(err)
	}
}

// Every fault of data is done as often as was ordered, to the first operation
// to which it can be, and to none after.
func TestInjectData(t *testing.T) {
	for _, test := range []struct {
		fault Fault
		lines string // command > reply, one a line
	}{
		{WrongReply, "SET a 1 > +OK; SET b 2 > +OK; GET a > $1 1; GET a > $1 1; GET b > $1 1; GET b > $1 2"},
		{StaleRead, "SET a 1 > +OK; GET a > _; SET a 2 > +OK; GET a > $1 2; DEL a > :1; GET a > _"},
		{LostWrite, "SET a 1 > +OK; DEL x > :0; SET a 1 > +OK; SET a 2 > +OK; GET a > $1 1; SET a 3 > +OK; GET a > $1 3"},
		{LostWrite, "INCR n > :1; GET n > $1 1; INCR n > :2; INCR n > :2; INCR n > :3"},
		{LostWrite, "SET a 1 > +OK; DEL a > :1; GET a > $1 1; DEL a > :1"},
		{LostWrite, "HSET h f 1 > :1; HSET h f 2 > :0; SADD s x > :1; SADD s x > :0; SADD s y > :1; SCARD s > :1"},
		{Duplicate, "INCR n > :1; INCR n > :3; INCR n > :4"},
		{HiddenDuplicate, "INCR n > :1; INCR n > :2; INCR n > :4"},
		{Duplicate, "LPUSH l x > :1; LPUSH l y > :3; LPUSH l z > :4"},
		{Duplicate, "SADD s x > :1; SADD s x > :0; SADD s y > :0; SADD s z > :1"},
		{HiddenDuplicate, "SADD s x > :1; SADD s y > :1; ZINCRBY z 1 m > ,1; ZINCRBY z 1 m > ,2; ZINCRBY z 1 m > ,4"},
		{OutOfOrder, "SET a 1 > +OK; SET a 2 > REFUSED; GET a > $1 2; GET a > $1 1; GET a > $1 2"},
		{OutOfOrder, "SET a 1 > +OK; SET a 2 > REFUSED; GET a > $1 2; SET a 3 > +OK; SET a 4 > REFUSED; GET a > $1 4; EXPIRE a 100 > :1; GET a > $1 3; GET a > $1 4"},
		{OutOfOrder, "HSET h f 1 > :1; HSET h f 2 > REFUSED; HGET h f > $1 2; HGET h f > $1 1; HGET h f > $1 2"},
	} {
		t.Run(test.fault.String(), func(t *testing.T) {
			inWorld(t, Config{}, func(w *world) {
				c := w.optedIn(node1, "none")
				w.inject(Injection{Fault: test.fault, Count: 1})
				for line := range strings.SplitSeq(test.lines, "; ") {
					command, reply, _ := strings.Cut(line, " > ")
					reply = strings.ReplaceAll(reply, " ", "\r\n") + "\r\n"
					c.do(command, strings.ReplaceAll(reply, "REFUSED", "-"+refusal))
				}
				w.wantInjected(test.fault, 1)
			})
		})
	}
}

// What is restricted to keys leaves others alone, and what waits for its
// instant comes then.
func TestInjectWhereAndWhen(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.dial(node1)
		w.inject(Injection{Fault: Duplicate, Count: 2, From: time.Second, Every: time.Second, Key: "mine", Not: "shared"})
		for i := range 3 {
			for _, key := range []string{"mine", "yours", "mine:shared"} {
				c.do("INCR "+key, fmt.Sprintf(":%d\r\n", i+1))
			}
		}
		after(3 * time.Second)
		c.do("INCR mine", ":5\r\n")
		c.do("INCR mine", ":6\r\n") // it shows what was done, and is left alone
		c.do("INCR mine", ":8\r\n")
		c.do("INCR mine", ":9\r\n")
		c.do("INCR yours", ":4\r\n")
		w.wantInjected(Duplicate, 2)
		done := w.sim.Injected().Done[0]
		if done.Key != "mine" || done.Command != "INCR" || done.Node != node1 || done.Client == "" || done.At < time.Second {
			t.Errorf("account %+v", done)
		}
	})
}

// What was called off is not done any more.
func TestCallOff(t *testing.T) {
	inWorld(t, Config{Inject: []Injection{{Fault: LostWrite, Count: 5}}}, func(w *world) {
		c := w.dial(node1)
		c.do("INCR n", ":1\r\n")
		c.do("INCR n", ":2\r\n")
		w.sim.CallOff()
		c.do("INCR n", ":2\r\n")
		c.do("INCR n", ":3\r\n")
		w.wantInjected(LostWrite, 1)
		if short := w.sim.Injected().Short(LostWrite); short != 4 {
			t.Errorf("%d are short, want 4", short)
		}
	})
}

// An outage lets no command run and no reply out, from its instant to its end.
func TestInjectOutage(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.dial(node1)
		w.inject(Injection{Fault: Outage, Count: 2, From: time.Second, Every: 5 * time.Second, Lasts: 3 * time.Second})
		c.do("INCR n", ":1\r\n")
		for range 2 {
			after(1500 * time.Millisecond)
			c.send(cmd("INCR n"))
			after(2400 * time.Millisecond)
			c.silent()
			after(200 * time.Millisecond)
			c.want(fmt.Sprintf(":%d\r\n", 2+w.sim.Injected().Count(Outage)-1))
			after(900 * time.Millisecond)
		}
		w.wantInjected(Outage, 2)
		for i, done := range w.sim.Injected().Done {
			if want := time.Second + time.Duration(i)*5*time.Second; done.At != want || done.Lasts != 3*time.Second {
				t.Errorf("outage %d: %+v, want it at %v", i, done, want)
			}
		}
	})
}

// Connections are refused at every node, and accepted again where they were.
func TestInjectRefusal(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.dial(node1)
		w.inject(Injection{Fault: Refusal, Count: 1, From: time.Second, Lasts: time.Second})
		after(1500 * time.Millisecond)
		w.refused(node1)
		c.do("PING", "+PONG\r\n")
		after(time.Second)
		w.dial(node1).do("PING", "+PONG\r\n")
		w.refused(node2)
		w.wantInjected(Refusal, 1)
	})
}

func TestInjectHangup(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		peers := []*peer{w.dial(node1), w.dial(node1)}
		for _, c := range peers {
			c.do("PING", "+PONG\r\n")
		}
		w.inject(Injection{Fault: Hangup, Count: 2, From: time.Second, Every: time.Second})
		after(3 * time.Second)
		for _, c := range peers {
			c.ended()
		}
		w.wantInjected(Hangup, 2)
	})
}

// Hangups at one instant are of the connections open at it: those that a client
// dials meanwhile stay.
func TestInjectHangupsAtOnce(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		const n = 8
		var clients sync.WaitGroup
		again := make([]*peer, n)
		for i := range again {
			first := w.dial(node1)
			first.do("PING", "+PONG\r\n")
			clients.Go(func() {
				first.ended()
				again[i] = w.dial(node1)
			})
		}
		w.inject(Injection{Fault: Hangup, Count: n, From: time.Second})
		clients.Wait()
		after(time.Second)
		for _, c := range again {
			c.do("PING", "+PONG\r\n")
		}
		w.wantInjected(Hangup, n)
	})
}

// A straggler is not told, or told late; others are told in time.
func TestInjectStraggler(t *testing.T) {
	for _, late := range []time.Duration{0, 2 * time.Second} {
		inWorld(t, Config{}, func(w *world) {
			a, b := w.optedIn(node1, "none"), w.optedIn(node1, "none")
			w.inject(Injection{Fault: Straggler, Count: 1, Lasts: late})
			end := w.play(3*time.Second, notifyAt(time.Second, notice.FailingOver, 10))
			after(1500 * time.Millisecond)
			told := 0
			for _, c := range []*peer{a, b} {
				c.SetReadDeadline(time.Now().Add(time.Millisecond))
				if frame, err := c.replies.Next(); err == nil && frame[0] == '>' {
					told++
				}
			}
			end()
			after(time.Second)
			for _, c := range []*peer{a, b} {
				c.SetReadDeadline(time.Now().Add(time.Millisecond))
				if frame, err := c.replies.Next(); err == nil && frame[0] == '>' {
					told++
				}
			}
			if want := 1 + min(1, int(late)); told != want {
				t.Errorf("late by %v: %d notices arrived, want %d", late, told, want)
			}
			w.wantInjected(Straggler, 1)
		})
	}
}

// Messages are dropped, doubled and swapped as often as ordered.
func TestInjectMessages(t *testing.T) {
	for _, test := range []struct {
		fault Fault
		want  string
	}{{DroppedMessage, "2345"}, {DoubledMessage, "112345"}, {SwappedMessages, "21435"}} {
		t.Run(test.fault.String(), func(t *testing.T) {
			for _, oss := range []bool{false, true} {
				inWorld(t, Config{OSSCluster: oss}, func(w *world) {
					subscribe, publish, kind := "SUBSCRIBE", "PUBLISH", "message"
					node := node1
					if oss {
						subscribe, publish, kind = "SSUBSCRIBE", "SPUBLISH", "smessage"
						node = w.sim.network.addrs[w.sim.slots.Load().node[slotOf([]byte("ch"))]]
					}
					c, p := w.optedIn(node, "none"), w.dial(node)
					c.do(subscribe+" ch", fmt.Sprintf(">3\r\n$%d\r\n%s\r\n$2\r\nch\r\n:1\r\n", len(subscribe), strings.ToLower(subscribe)))
					n := 1
					if test.fault == SwappedMessages {
						n = 2
					}
					w.inject(Injection{Fault: test.fault, Count: n, Key: "ch"})
					for i := range 5 {
						p.do(fmt.Sprintf("%s ch %d", publish, i+1), ":1\r\n")
					}
					after(2 * time.Second)
					for _, m := range test.want {
						c.want(fmt.Sprintf(">3\r\n$%d\r\n%s\r\n$2\r\nch\r\n$1\r\n%c\r\n", len(kind), kind, m))
					}
					c.silent()
					w.wantInjected(test.fault, n)
				})
			}
		})
	}
}

// A message that nothing overtakes is delivered all the same.
func TestSwapWithoutSecond(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c, p := w.optedIn(node1, "none"), w.dial(node1)
		c.do("SUBSCRIBE ch", ">3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n")
		w.inject(Injection{Fault: SwappedMessages, Count: 1})
		p.do("PUBLISH ch 1", ":1\r\n")
		c.silent()
		after(2 * swapWithin)
		c.want(">3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$1\r\n1\r\n")
		w.wantInjected(SwappedMessages, 0)
	})
}

func TestParseInjection(t *testing.T) {
	for text, want := range map[string]string{
		"stale_read=7":             "stale_read=7@0s/100ms",
		"outage=2":                 "outage=2@0s/10s~1s",
		"outage=2@5s/20s~3s":       "outage=2@5s/20s~3s",
		"lost_write=3/0s":          "lost_write=3@0s/0s",
		"straggler=1~4s":           "straggler=1@0s/100ms~4s",
		"stale=7":                  "unknown fault",
		"stale_read":               "want KIND=COUNT",
		"stale_read=x":             `count "x"`,
		"stale_read=0":             "count 0",
		"stale_read=20000":         "count 20000",
		"stale_read=1@x":           `"x" after @`,
		"stale_read=1~3s":          "it has no length",
		"outage=2@1s/1s~3s":        "begin later",
		"outage=1~0s":              "want it to last",
		"stale_read=1@-1s":         "times of 0 or more",
		"dropped_message=2@1s/2ms": "dropped_message=2@1s/2ms",
	} {
		i, err := ParseInjection(text)
		got := i.String()
		if err != nil {
			got = err.Error()
		}
		if got != want && (err == nil || !strings.Contains(got, want)) {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestInjectRefuses(t *testing.T) {
	for want, config := range map[string]Config{
		"leave out the shards": {Shards: []string{"redis://127.0.0.1:1"}, Inject: []Injection{{Fault: StaleRead, Count: 1}}},
		"want some of GET":     {Inject: []Injection{{Fault: StaleRead, Count: 1, Commands: []string{"INCR"}}}},
		"done to no command":   {Inject: []Injection{{Fault: Hangup, Count: 1, Commands: []string{"INCR"}}}},
	} {
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// A failover that loses writes and injected faults do not disturb each other.
func TestInjectBesideLoss(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.dial(node1)
		end := w.play(2*time.Second, upgrade.Action{At: time.Second, Act: upgrade.Lose, Writes: 1})
		w.inject(Injection{Fault: LostWrite, Count: 1})
		c.do("INCR n", ":1\r\n")
		c.do("INCR n", ":2\r\n")
		c.do("INCR n", ":2\r\n")
		end()
		c.do("INCR n", ":2\r\n")
		w.wantInjected(LostWrite, 1)
	})
}

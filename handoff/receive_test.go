package handoff

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"schload/workload"
	"schload/workload/delivery"
)

// ear is a Listener and a Sink that keeps what it is told.
type ear struct {
	base time.Time
	book *delivery.Book

	mu      sync.Mutex
	counts  [delivery.Results]uint64
	gaps    []delivery.Gap
	failed  map[workload.Class]int
	again   int
	first   int
	ended   int
	panics  []string
	retries int
}

func (e *ear) Count(r delivery.Result, _ time.Duration) {
	e.change(func() { e.counts[r]++ })
}
func (e *ear) Delivered(_, took time.Duration)              {}
func (e *ear) Gap(g delivery.Gap)                           { e.change(func() { e.gaps = append(e.gaps, g) }) }
func (e *ear) Silence(string, time.Duration, time.Duration) {}
func (e *ear) Failed(class workload.Class)                  { e.change(func() { e.failed[class]++ }) }
func (e *ear) Panicked(text string)                         { e.change(func() { e.panics = append(e.panics, text) }) }
func (e *ear) Retried(n int)                                { e.change(func() { e.retries += n }) }
func (e *ear) Unsubscribed()                                { e.change(func() { e.ended++ }) }
func (e *ear) Heard(key, receiver int, text string, twice bool) {
	e.book.Hear(key, receiver, time.Since(e.base), text, twice)
}
func (e *ear) change(f func()) { e.mu.Lock(); defer e.mu.Unlock(); f() }

func (e *ear) Subscribed(again bool) {
	e.change(func() {
		if again {
			e.again++
		} else {
			e.first++
		}
	})
}

// deliver sends messages of a kind for a while, to receivers on the same
// client, and settles the account. midway is called in the middle.
func deliver(t *testing.T, c *Client, pool workload.Pool, length time.Duration, midway func()) *ear {
	t.Helper()
	pool.Name, pool.Workers, pool.Seed = "news", 4, 1
	pool.Schedule = workload.Schedule{Rate: workload.Constant(200), Seed: 1}
	pool = pool.WithDefaults()
	e := &ear{base: time.Now(), failed: make(map[workload.Class]int)}
	e.book = pool.Book("test", 1, e)
	r, err := c.Receive(t.Context(), Reception{Kind: pool.Kind, Keys: e.book.Names(), Receivers: pool.Receivers, Block: pool.Block, Listener: e})
	if err != nil {
		t.Fatal(err)
	}
	e.base = time.Now()
	horizon := new(workload.Horizon)
	horizon.End(length)
	timer := time.AfterFunc(length/2, midway)
	defer timer.Stop()
	tally, err := workload.Run{Base: e.base, Pool: pool, Target: c, Messages: e.book, Horizon: horizon,
		Pacer: func() (workload.Pacer, error) { return workload.NewTimerPacer(e.base), nil }}.Do(t.Context())
	if err != nil || tally.Due == 0 {
		t.Fatalf("%+v, %v", tally, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for quiet := time.Now(); e.book.Awaited() > 0 && time.Since(quiet) < 2*time.Second; {
		<-time.After(10 * time.Millisecond)
	}
	r.Stop(ctx)
	if err := r.Left(ctx, e.book.Leave); err != nil {
		t.Errorf("reading back: %v", err)
	}
	e.book.Settle()
	e.lawful(t, pool)
	return e
}

// lawful checks that every message has its verdicts.
func (e *ear) lawful(t *testing.T, p workload.Pool) {
	t.Helper()
	shares := uint64(p.Receivers)
	if p.Kind.Shares() {
		shares = 1
	}
	n := e.counts
	due := (n[delivery.Published] + n[delivery.Indeterminate]) * shares
	if due == 0 || due != n[delivery.Delivered]+n[delivery.Lost]+n[delivery.Left]+n[delivery.Unknown] {
		t.Errorf("the verdicts do not add up: %v", n)
	}
	for _, r := range []delivery.Result{delivery.OutOfOrder, delivery.Foreign, delivery.Belated} {
		if n[r] != 0 {
			t.Errorf("%s: %d", r, n[r])
		}
	}
}

// On a real server every kind delivers everything, and what a killed
// connection costs is told as what it is.
func TestReceiveFromRedis(t *testing.T) {
	addr := redisServer(t)
	for _, kind := range []workload.Kind{workload.KindPubSub, workload.KindShardedPubSub, workload.KindQueue, workload.KindStream, workload.KindConsumerGroup} {
		t.Run(kind.String(), func(t *testing.T) {
			before := runtime.NumGoroutine()
			c := openRedis(t, addr)
			peace := deliver(t, c, workload.Pool{Kind: kind}, time.Second, func() {})
			if n := peace.counts; n[delivery.Lost]+n[delivery.Left]+n[delivery.Unknown]+n[delivery.Duplicate] != 0 || len(peace.failed) != 0 || len(peace.gaps) != 0 {
				t.Errorf("in peace: %v, failed %v", n, peace.failed)
			}
			killed := deliver(t, c, workload.Pool{Kind: kind}, time.Second, func() { kill(t, c) })
			if n := killed.counts; n[delivery.Delivered] == 0 || len(killed.panics) != 0 {
				t.Errorf("killed: %v, panics %q", n, killed.panics)
			}
			if !kind.Blocks() && (killed.again == 0 || killed.failed[workload.EOF] == 0) {
				t.Errorf("killed: failed %v, subscribed again %d times", killed.failed, killed.again)
			}
			// A reply that was on its way to a receiver that blocks may be lost with it.
			if n := killed.counts; kind.Blocks() && n[delivery.Lost]+n[delivery.Left] > workload.DefaultReceivers {
				t.Errorf("killed: %v", n)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			for waited := time.Now(); runtime.NumGoroutine() > before && time.Since(waited) < 5*time.Second; {
				<-time.After(10 * time.Millisecond)
			}
			if n := runtime.NumGoroutine(); n > before {
				t.Errorf("%d goroutines are left, %d were there before", n, before)
			}
		})
	}
}

func openRedis(t *testing.T, addr string) *Client {
	t.Helper()
	a, err := ParseArm("off")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), Config{Arm: a, Target: mustTarget(t, "redis://"+addr), Workers: 20})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// kill closes the connections of all subscribers and of all others, but the
// one that asks for it.
func kill(t *testing.T, c *Client) {
	for _, kind := range []string{"pubsub", "normal"} {
		if err := c.redis.ClientKillByFilter(context.Background(), "TYPE", kind, "SKIPME", "yes").Err(); err != nil {
			t.Errorf("CLIENT KILL: %v", err)
		}
	}
}

// What only one server knows is said with what the server answers.
func TestReceiveRefused(t *testing.T) {
	a, err := ParseArm("raw")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), Config{Arm: a, Target: mustTarget(t, "redis://"+redisServer(t))})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Receive(t.Context(), Reception{Kind: workload.KindPubSub, Keys: []string{"k"}, Receivers: 1}); err == nil || !strings.Contains(err.Error(), "bare connections receive no messages") {
		t.Errorf("got %v", err)
	}
}

// A stream is trimmed to what every receiver has, and no further.
func TestTrim(t *testing.T) {
	var tr trim
	for _, step := range []struct {
		receiver int
		id, want string
	}{{0, "5-1", ""}, {1, "4-9", "4-9"}, {1, "6-0", ""}} {
		if got := tr.note(step.receiver, 2, step.id, true); got != step.want {
			t.Errorf("receiver %d at %s: trim to %q, want %q", step.receiver, step.id, got, step.want)
		}
	}
	tr.next = time.Time{}
	if got := tr.note(0, 2, "10-0", true); got != "6-0" {
		t.Errorf("trim to %q, want what the slowest has", got)
	}
	if compareIDs("9-1", "10-0") >= 0 || compareIDs("9-10", "9-9") <= 0 {
		t.Error("ids are numbers")
	}
}

// A panic of the library ends neither the process nor the subscriber.
func TestSubscriberSurvives(t *testing.T) {
	c := openRedis(t, redisServer(t))
	defer c.Close()
	e := &ear{base: time.Now(), failed: make(map[workload.Class]int)}
	r, err := c.Receive(t.Context(), Reception{Kind: workload.KindPubSub, Keys: []string{"k"}, Receivers: 1, Listener: e})
	if err != nil {
		t.Fatal(err)
	}
	s := &subscriber{Receivers: r, channels: []string{"k"}, sub: new(redis.PubSub)} // panics
	event, err := s.receive(t.Context())
	if event != nil || err != nil || len(e.panics) != 1 {
		t.Errorf("got %v, %v, panics %q", event, err, e.panics)
	}
	if event, err = s.receive(t.Context()); err != nil || event.(*redis.Subscription).Kind != "subscribe" {
		t.Errorf("afterwards: %v, %v", event, err)
	}
	s.close()
}

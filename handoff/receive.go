package handoff

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"schload/workload"
)

// Reception says what to receive: what pools that deliver messages send.
type Reception struct {
	Kind      workload.Kind
	Keys      []string      // channels, lists or streams
	Receivers int           // of each
	Block     time.Duration // how long those that block wait in one command
	Listener  Listener
}

// Listener is told what receivers hear. Its methods are called by many
// goroutines at once and must not block.
type Listener interface {
	// Heard takes a payload. key is the place in Reception.Keys; again says that
	// the receiver had asked for what it had not confirmed.
	Heard(key, receiver int, payload string, again bool)
	// Failed states an error that a receiver got.
	Failed(class workload.Class)
	// Panicked states that the library panicked where a receiver had called it.
	// An application would have ended; here the receiver begins anew.
	Panicked(text string)
	// Retried states that the library silently repeated a command in which a
	// receiver waited, so many times.
	Retried(times int)
	// Subscribed states that the server confirmed a subscription, again when it
	// is not the first one of that receiver.
	Subscribed(again bool)
	// Unsubscribed states that the server ended a subscription unasked.
	Unsubscribed()
}

// Receivers are at work until they are stopped.
type Receivers struct {
	Reception
	client   *Client
	index    map[string]int // of Keys
	stopping atomic.Bool
	working  sync.WaitGroup
	ended    chan struct{} // closed when all have ended
	cancel   context.CancelFunc
	subs     []*subscriber
	trims    []trim // of streams, by key
}

// confirmation is how long a server may take to confirm the subscriptions.
const confirmation = 10 * time.Second

// Receive clears the keys and starts the receivers, as an application would on
// the arm's own client: subscribers receive from a PubSub of the library,
// those of queues and streams block in commands, each key by itself. It returns once
// every subscription is confirmed. Stop must be called before Close.
func (c *Client) Receive(ctx context.Context, r Reception) (*Receivers, error) {
	if c.bare != nil {
		return nil, fmt.Errorf("arm %q: bare connections receive no messages: leave the arm out, or pools of kind %s", c.config.Arm.Name, r.Kind)
	}
	// The receivers end by Stop, not with the context of their start.
	waiting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	all := &Receivers{Reception: r, client: c, index: make(map[string]int), ended: make(chan struct{}), cancel: cancel, trims: make([]trim, len(r.Keys))}
	for i, key := range r.Keys {
		all.index[key] = i
	}
	c.receiving.Lock()
	c.receivers = append(c.receivers, all)
	c.receiving.Unlock()
	err := all.start(ctx, waiting)
	go func() {
		all.working.Wait()
		close(all.ended)
	}()
	if err != nil {
		all.hush()
		return nil, fmt.Errorf("arm %q: receivers of kind %s: %w", c.config.Arm.Name, r.Kind, err)
	}
	return all, nil
}

// started returns the receivers that were ever started.
func (c *Client) started() []*Receivers {
	c.receiving.Lock()
	defer c.receiving.Unlock()
	return c.receivers
}

func (r *Receivers) start(ctx, waiting context.Context) error {
	if !r.Kind.Blocks() {
		return r.subscribe(ctx, waiting)
	}
	if err := r.prepare(ctx); err != nil {
		return err
	}
	for key := range r.Keys {
		for receiver := range r.Receivers {
			w := r.waiter(key, receiver)
			r.working.Go(func() { w.work(waiting) })
		}
	}
	return nil
}

// waiter is one receiver that blocks.
type waiter interface{ work(ctx context.Context) }

func (r *Receivers) waiter(key, receiver int) waiter {
	p := post{r, key, receiver}
	switch r.Kind {
	case workload.KindStream:
		return &reader{post: p, last: "0"}
	case workload.KindConsumerGroup:
		return &consumer{post: p}
	}
	return popper{p}
}

// prepare clears the keys and, for consumers, makes their group.
func (r *Receivers) prepare(ctx context.Context) error {
	for _, key := range r.Keys {
		if err := r.client.redis.Del(ctx, key).Err(); err != nil {
			return err
		}
		if r.Kind != workload.KindConsumerGroup {
			continue
		}
		if err := r.client.redis.XGroupCreateMkStream(ctx, key, group, "0").Err(); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends the receivers and waits for them, at most until ctx ends. Those
// that block are woken by a last word behind what is still to be delivered;
// where it does not reach them they end with their command.
func (r *Receivers) Stop(ctx context.Context) {
	r.stopping.Store(true)
	for _, s := range r.subs {
		s.close()
	}
	if r.Kind.Blocks() {
		go r.wake(ctx) // a server that does not answer holds up nobody
	} else {
		r.cancel()
	}
	select {
	case <-r.ended:
	case <-ctx.Done():
	}
	r.cancel()
}

// hush is Stop without ceremony.
func (r *Receivers) hush() {
	r.stopping.Store(true)
	r.cancel()
	for _, s := range r.subs {
		s.close()
	}
}

// lastWord is the payload after which a receiver ends.
const lastWord = "that is all"

// wake sends the last word to each receiver that may block.
func (r *Receivers) wake(ctx context.Context) {
	for _, key := range r.Keys {
		for range r.Receivers {
			if r.Kind == workload.KindQueue {
				r.client.redis.LPush(ctx, key, lastWord)
				continue
			}
			r.client.redis.XAdd(ctx, &redis.XAddArgs{Stream: key, Values: []string{workload.MessageField, lastWord}})
		}
	}
}

// Left reads back what is still with the server, and removes it. For channels
// that is nothing.
func (r *Receivers) Left(ctx context.Context, visit func(key int, payload string)) error {
	if !r.Kind.Blocks() {
		return nil
	}
	for i, key := range r.Keys {
		payloads, err := r.left(ctx, key)
		for _, payload := range payloads {
			visit(i, payload)
		}
		if err == nil {
			err = r.client.redis.Del(ctx, key).Err()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *Receivers) left(ctx context.Context, key string) (payloads []string, err error) {
	if r.Kind == workload.KindQueue {
		return r.client.redis.LRange(ctx, key, 0, -1).Result()
	}
	entries, err := r.client.redis.XRange(ctx, key, "-", "+").Result()
	for _, e := range entries {
		payloads = append(payloads, payloadOf(e))
	}
	return payloads, err
}

// post is where one receiver of one key works.
type post struct {
	*Receivers
	key, receiver int
}

func (p post) name() string { return p.Keys[p.key] }

// pause is what a receiver waits after an error before it tries again.
const pause = 100 * time.Millisecond

// wait has the receiver wait in a command, and says whether there is something
// to read. A failure is told, and followed by a pause.
func (p post) wait(ctx context.Context, command string, do func(ctx context.Context) error) bool {
	f := &flight{Context: ctx, o: p.client.o, cluster: p.client.config.Cluster, waits: command}
	err := do(f)
	if n := f.further(); n > 0 {
		p.Listener.Retried(n)
	}
	return p.judge(ctx, err)
}

// judge tells of an error, unless it only says that there was nothing.
func (p post) judge(ctx context.Context, err error) bool {
	if err == nil || errors.Is(err, redis.Nil) {
		return err == nil
	}
	if p.failed(err) {
		rest(ctx, pause)
	}
	return false
}

// failed tells of an error, unless the receivers are ending.
func (r *Receivers) failed(err error) bool {
	if r.stopping.Load() || r.client.o.closing.Load() {
		return false
	}
	class, _ := Classify(err, r.client.o.crossing())
	r.Listener.Failed(class)
	return true
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// goesOn says whether a receiver is to receive on.
func (r *Receivers) goesOn(ctx context.Context) bool {
	return ctx.Err() == nil && !r.stopping.Load() && !r.client.o.closing.Load()
}

// popper takes from a list.
type popper struct{ post }

func (p popper) work(ctx context.Context) {
	for p.goesOn(ctx) {
		var element []string // key and value
		if !p.wait(ctx, "brpop", func(ctx context.Context) (err error) {
			element, err = p.client.redis.BRPop(ctx, p.Block, p.name()).Result()
			return err
		}) {
			continue
		}
		if element[1] == lastWord {
			return
		}
		p.Listener.Heard(p.key, p.receiver, element[1], false)
	}
}

package handoff

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"schload/workload"
)

// subscriber is one receiver of channels: a PubSub of the library. Sharded
// channels need one each, for a PubSub has one connection, to the node of its
// first channel.
//
// It does what the library's Channel does for an application, in goroutines of
// its own: it receives, tries again at once after a first failure and every
// 100 ms after more, and pings when nothing came for 3 s. So errors can be
// seen, and a panic of the library does not end the process (see receive).
type subscriber struct {
	*Receivers
	receiver  int
	channels  []string
	missing   map[string]bool // channels without their first confirmation
	confirmed func()
	heard     chan struct{} // holds a token when something came

	mu     sync.Mutex
	sub    *redis.PubSub
	closed bool
}

// The library's defaults for its Channel.
const (
	healthCheck   = 3 * time.Second
	betweenErrors = 100 * time.Millisecond
)

// subscribing is the key under which the context of a subscriber's dials says
// so: the library passes it on.
type subscribing struct{}

// subscribe starts the subscribers and waits until all their channels are
// confirmed.
func (r *Receivers) subscribe(ctx, waiting context.Context) error {
	waiting = context.WithValue(waiting, subscribing{}, true)
	var open sync.WaitGroup
	for receiver := range r.Receivers {
		if r.Kind == workload.KindPubSub {
			r.listen(waiting, receiver, &open, r.Keys...)
			continue
		}
		for _, channel := range r.Keys {
			r.listen(waiting, receiver, &open, channel)
		}
	}
	all := make(chan struct{})
	go func() {
		open.Wait()
		close(all)
	}()
	timer := time.NewTimer(confirmation)
	defer timer.Stop()
	select {
	case <-all:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return fmt.Errorf("the server did not confirm all subscriptions to %d channels within %v%s", len(r.Keys), confirmation, r.hint(ctx))
	}
}

// hint says what the server thinks of sharded channels.
func (r *Receivers) hint(ctx context.Context) string {
	if r.Kind != workload.KindShardedPubSub {
		return ""
	}
	err := r.client.redis.SPublish(ctx, r.Keys[0], lastWord).Err()
	if reply, ok := errors.AsType[redis.Error](err); ok {
		return ": SPUBLISH answers " + reply.Error() + "; sharded channels need Redis 7.0 or newer, in the simulator an upgrade for an OSS cluster"
	}
	return ""
}

// listen starts one subscriber.
func (r *Receivers) listen(ctx context.Context, receiver int, open *sync.WaitGroup, channels ...string) {
	s := &subscriber{Receivers: r, receiver: receiver, channels: channels, missing: make(map[string]bool), heard: make(chan struct{}, 1)}
	open.Add(len(channels))
	s.confirmed = open.Done
	for _, channel := range channels {
		s.missing[channel] = true
	}
	s.begin(ctx)
	r.subs = append(r.subs, s)
	r.working.Go(func() { s.work(ctx) })
	r.working.Go(func() { s.check(ctx) })
}

// begin makes a PubSub in place of the one before.
func (s *subscriber) begin(ctx context.Context) {
	subscribe := s.client.redis.Subscribe
	if s.Kind == workload.KindShardedPubSub {
		subscribe = s.client.redis.SSubscribe
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.sub; old != nil {
		go func() {
			defer func() { _ = recover() }() // it panicked before, and may hold its lock
			_ = old.Close()
		}()
	}
	s.sub = subscribe(ctx, s.channels...)
	if s.closed {
		_ = s.sub.Close()
	}
}

func (s *subscriber) current() *redis.PubSub {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sub
}

// close ends the subscriber. It may be called again.
func (s *subscriber) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	_ = s.sub.Close()
}

func (s *subscriber) work(ctx context.Context) {
	for failures := 0; s.goesOn(ctx); {
		event, err := s.receive(ctx)
		if err == nil {
			failures = 0
			s.take(event)
			continue
		}
		if errors.Is(err, redis.ErrClosed) {
			break
		}
		s.failed(err)
		if failures++; failures > 1 {
			rest(ctx, betweenErrors)
		}
	}
	for range s.missing {
		s.confirmed() // nobody waits any more
	}
}

// receive is the PubSub's Receive.
func (s *subscriber) receive(ctx context.Context) (event any, err error) {
	defer s.survive(ctx)
	return s.current().Receive(ctx)
}

// survive is deferred where the library may panic; the subscriber then begins
// anew.
//
// Subtle: a handoff to the same endpoint (MOVING without an address) swaps the
// socket and the buffers under a PubSub that uses them (go-redis 9.23), and who
// reads or writes at that moment may find a buffer of negative length.
func (s *subscriber) survive(ctx context.Context) {
	if reason := recover(); reason != nil {
		s.Listener.Panicked(fmt.Sprintf("%v: %.300s", reason, debug.Stack()))
		s.begin(ctx)
	}
}

// ping asks for a sign of life; what is wrong shows when receiving.
func (s *subscriber) ping(ctx context.Context) {
	defer s.survive(ctx)
	_ = s.current().Ping(ctx)
}

func (s *subscriber) take(event any) {
	select {
	case s.heard <- struct{}{}:
	default:
	}
	switch event := event.(type) {
	case *redis.Message:
		s.Listener.Heard(s.index[event.Channel], s.receiver, event.Payload, false)
	case *redis.Subscription:
		s.turned(event)
	}
}

// turned follows confirmations. Nobody here asks for the end of a subscription:
// one that comes is the server's doing.
func (s *subscriber) turned(event *redis.Subscription) {
	switch event.Kind {
	case "subscribe", "ssubscribe":
		first := s.missing[event.Channel]
		if first {
			delete(s.missing, event.Channel)
			s.confirmed()
		}
		s.Listener.Subscribed(!first)
	case "unsubscribe", "sunsubscribe":
		s.Listener.Unsubscribed()
	}
}

// check pings when nothing has come for a while, so that a connection that died
// in silence is found out.
func (s *subscriber) check(ctx context.Context) {
	timer := time.NewTimer(healthCheck)
	defer timer.Stop()
	for s.goesOn(ctx) {
		select {
		case <-ctx.Done():
			return
		case <-s.heard:
		case <-timer.C:
			s.ping(ctx)
		}
		timer.Reset(healthCheck)
	}
}

package handoff

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"schload/workload"
)

// subscriber is one receiver of channels: a PubSub of the library. Sharded
// channels need one each, for it has one connection, to the node of its first
// channel.
type subscriber struct {
	*Receivers
	receiver  int
	sub       *redis.PubSub
	missing   map[string]bool // channels without their first confirmation
	confirmed func()
}

// subscribe starts the subscribers and waits until all their channels are
// confirmed.
func (r *Receivers) subscribe(ctx context.Context) error {
	r.client.o.hear(r.Keys, r.Listener)
	var open sync.WaitGroup
	for receiver := range r.Receivers {
		if r.Kind == workload.KindPubSub {
			r.listen(ctx, receiver, &open, r.Keys...)
			continue
		}
		for _, channel := range r.Keys {
			r.listen(ctx, receiver, &open, channel)
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

// hint says what the server thinks of the kind of channels: the library drops
// error replies to subscriptions.
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

// listen starts one subscriber. The library's pause before it gives up to
// reconnect is the arm's dial timeout, for that is how long a dial may take
// here, and a longer one would look like a handoff (forHandoff).
func (r *Receivers) listen(ctx context.Context, receiver int, open *sync.WaitGroup, channels ...string) {
	subscribe := r.client.redis.Subscribe
	if r.Kind == workload.KindShardedPubSub {
		subscribe = r.client.redis.SSubscribe
	}
	s := &subscriber{Receivers: r, receiver: receiver, sub: subscribe(context.WithoutCancel(ctx), channels...), missing: make(map[string]bool)}
	open.Add(len(channels))
	s.confirmed = open.Done
	for _, channel := range channels {
		s.missing[channel] = true
	}
	r.subs = append(r.subs, s.sub)
	events := s.sub.ChannelWithSubscriptions(redis.WithChannelHealthCheckInterval(healthCheck), redis.WithChannelReconnectTimeout(r.client.config.Arm.DialTimeout))
	r.working.Go(func() { s.work(events) })
}

// healthCheck is the library's default: after so long without a message it
// pings.
const healthCheck = 3 * time.Second

func (s *subscriber) work(events <-chan any) {
	for event := range events {
		switch event := event.(type) {
		case *redis.Message:
			s.Listener.Heard(s.index[event.Channel], s.receiver, event.Payload, false)
		case *redis.Subscription:
			s.turned(event)
		}
	}
	for range s.missing {
		s.confirmed() // it was closed before
	}
}

// turned follows confirmations. The library asks for the end of no
// subscription: one that comes is the server's doing.
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
		if !s.stopping.Load() {
			s.Listener.Unsubscribed()
		}
	}
}

package experiment

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff"
	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/race"
	"schload/telemetry/mark"
	"schload/workload"
)

// newMessageBench is a bench with a pool that delivers messages beside the
// main one.
func newMessageBench(t *testing.T, upgrade string, pool workload.Pool, arms ...string) *bench {
	t.Helper()
	b := newUpgradeBench(t, upgrade).use(arms...)
	pool.Name, pool.Workers, pool.Seed = "news", 4, 2
	if pool.Schedule.Rate.Peak() == 0 {
		pool.Schedule.Rate = workload.Constant(100)
	}
	b.config.Pools = append(b.config.Pools, pool.WithDefaults())
	b.config.Describe.Pools = nil
	for _, p := range b.config.Pools {
		d := bundle.Pool{Name: p.Name, Kind: p.Kind.String(), Receivers: p.Receivers, Operations: p.Mix.Commands()}
		b.config.Describe.Pools = append(b.config.Describe.Pools, d)
	}
	return b
}

// news is what became of the messages of an arm.
func news(t *testing.T, s compare.Summary, arm string) compare.Delivery {
	t.Helper()
	for _, p := range arm2(t, s, arm).Pools {
		if p.Name == "news" {
			return p.Delivery
		}
	}
	t.Fatalf("arm %s has no pool news", arm)
	return compare.Delivery{}
}

// wellFormed checks what holds whatever happens.
func wellFormed(t *testing.T, result Result, s compare.Summary) {
	t.Helper()
	if len(result.Invalid) > 0 || !s.Valid || !s.Complete {
		t.Errorf("invalid: %q, %q, complete %v", result.Invalid, s.InvalidReasons, s.Complete)
	}
	for _, a := range s.Arms {
		d := news(t, s, a.Name)
		if d.Due == 0 || d.Due != d.Delivered+d.Lost+d.Left+d.Unknown || d.OutOfOrder+d.Foreign+d.Belated != 0 {
			t.Errorf("%s: %+v", a.Name, d)
		}
		if n := d.DeliveryTime.Baseline.Count + d.DeliveryTime.Maintenance.Count + d.DeliveryTime.Recovery.Count; n != d.Delivered {
			t.Errorf("%s: %d delivery times of %d deliveries", a.Name, n, d.Delivered)
		}
		if d.DeliveryTime.Baseline.Max > bundle.Seconds(time.Millisecond) || (d.Lost > 0) != (d.Gaps.Count > 0) {
			t.Errorf("%s: delivery time %+v, %d lost, gaps %+v", a.Name, d.DeliveryTime.Baseline, d.Lost, d.Gaps)
		}
	}
}

var kinds = []workload.Kind{workload.KindPubSub, workload.KindQueue, workload.KindStream, workload.KindConsumerGroup}

// Without maintenance every message comes once, in every arm and protocol.
func TestMessagesInPeace(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				result, s := newMessageBench(t, "none", workload.Pool{Kind: kind}, "on", "off", "off-resp2").run(t.Context())
				wellFormed(t, result, s)
				for _, arm := range []string{"on", "off", "off-resp2"} {
					if d := news(t, s, arm); d.Delivered != d.Due || d.Unheard+d.Duplicates+d.Redelivered+d.Resubscribed+d.ReceiverRetries != 0 || len(d.ReceiverErrors) != 0 {
						t.Errorf("%s: %+v", arm, d)
					}
				}
			})
		})
	}
}

// The endpoint moves. With handoffs receivers that are busy move, too:
// subscribers by reconnecting themselves, the others between two commands.
// Without, they are cut off and find nobody to connect to.
func TestMessagesOfAMove(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				result, s := newMessageBench(t, "endpoint-rebind", workload.Pool{Kind: kind}, "on", "off").run(t.Context())
				wellFormed(t, result, s)
				on, off := news(t, s, "on"), news(t, s, "off")
				// On a network that takes no time a subscriber misses nothing while it
				// reconnects; a real one does (docs/METHODOLOGY.md).
				if on.Delivered != on.Due || len(on.ReceiverErrors) != 0 || on.ReceiverRetries != 0 {
					t.Errorf("on: %+v", on)
				}
				if off.ReceiverErrors["dial_refused"] == 0 {
					t.Errorf("off: %+v: want receivers that were refused", off)
				}
				if kind == workload.KindPubSub && (on.Resubscribed != 2 || off.Resubscribed < 2 || off.ReceiverErrors["eof"] != 2) {
					t.Errorf("subscribed again: on %d, off %d, errors %v", on.Resubscribed, off.Resubscribed, off.ReceiverErrors)
				}
				if on := arm2(t, s, "on"); on.SCH.Connections != on.SCH.OptedIn || on.Handoffs.Started != on.Handoffs.Succeeded || on.Connections.ClosedByServer != 0 {
					t.Errorf("on: %+v, %+v, %+v", on.SCH, on.Handoffs, on.Connections)
				}
			})
		})
	}
}

// Receivers that block for longer than the move takes are not covered: the old
// proxy closes under them, and those that did move are cut off by the relaxed
// timeouts, which replace the time that the command may take (go-redis 9.23).
// Those that are cut off before the name has moved take the pool's connections
// that have moved, and leave other operations none.
func TestBlockedReceivers(t *testing.T) {
	for _, kind := range []workload.Kind{workload.KindQueue, workload.KindStream, workload.KindConsumerGroup} {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newMessageBench(t, "endpoint-rebind", workload.Pool{Kind: kind, Block: 40 * time.Second, Keys: workload.Keys{Space: 8},
					Schedule: workload.Schedule{Rate: workload.Constant(0.2)}}, "on", "on-noretry", "off")
				b.config.Recovery = time.Minute
				result, s := b.run(t.Context())
				wellFormed(t, result, s)
				on, bare, off := news(t, s, "on"), news(t, s, "on-noretry"), news(t, s, "off")
				if on.ReceiverErrors["read_timeout"] == 0 || on.ReceiverRetries == 0 {
					t.Errorf("on: %+v: want receivers that timed out, and one whose end the library hid", on)
				}
				if bare.ReceiverErrors["eof"] == 0 || bare.ReceiverRetries != 0 {
					t.Errorf("on-noretry: %+v: want a receiver that saw its connection end", bare)
				}
				if off.ReceiverErrors["read_timeout"] != 0 || off.ReceiverErrors["dial_refused"] == 0 {
					t.Errorf("off: %+v: want receivers that were refused, and none that timed out", off)
				}
				if on := arm2(t, s, "on"); on.Operations.Failed == 0 || on.Errors["dial_refused"] != on.Operations.Failed || on.Connections.ClosedByServer == 0 {
					t.Errorf("on: %+v, %v, %+v: want operations beside that were refused", on.Operations, on.Errors, on.Connections)
				}
			})
		})
	}
}

// A client that asks for no address swaps the socket under its subscribers and
// subscribes to nothing there: they hear nothing, without an error, until the
// health check finds out.
func TestSubscribersWithoutAddress(t *testing.T) {
	if race.Enabled {
		t.Skip("go-redis 9.23 itself races while it hands a subscriber's connection over")
	}
	synctest.Test(t, func(t *testing.T) {
		result, s := newMessageBench(t, "endpoint-rebind", workload.Pool{Kind: workload.KindPubSub}, "on-none").run(t.Context())
		wellFormed(t, result, s)
		d := news(t, s, "on-none")
		if d.Lost == 0 || d.Gaps.LongestTime < bundle.Seconds(2*time.Second) || d.Resubscribed == 0 {
			t.Errorf("%+v: want gaps of seconds", d)
		}
	})
}

// A sharded channel whose slot leaves ends for its subscribers. The library
// subscribes nowhere else until their connection ends, with handoffs on or off.
func TestShardedSubscribers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newMessageBench(t, "oss-slot-remove", workload.Pool{Kind: workload.KindShardedPubSub, Keys: workload.Keys{Space: 12}}, "on", "off")
		result, s := b.run(t.Context())
		wellFormed(t, result, s)
		for _, arm := range []string{"on", "off"} {
			d := news(t, s, arm)
			if d.Unsubscribed == 0 || d.Resubscribed != d.Unsubscribed || d.Lost == 0 || d.Unheard == 0 || d.UnheardTime.Longest < bundle.Seconds(10*time.Second) {
				t.Errorf("%s: %+v: want subscriptions that end and come back much later", arm, d)
			}
			if o := arm2(t, s, arm).Operations; o.Failed != 0 {
				t.Errorf("%s: %+v", arm, o)
			}
		}
		if on, off := news(t, s, "on"), news(t, s, "off"); on.Unsubscribed != off.Unsubscribed || on.Lost != off.Lost {
			t.Errorf("on %+v, off %+v: want the same slots to leave both", on, off)
		}
	})
}

// roundTrip is what a dial and a request take on a network that is not in
// memory; of the order of that between two zones of a region.
const roundTrip = time.Millisecond

// distant is a connection whose far end is away: what is written arrives a
// round trip later. The whole trip is charged to who asks.
type distant struct {
	net.Conn
	trip time.Duration
}

func (d distant) Write(p []byte) (int, error) {
	time.Sleep(d.trip)
	return d.Conn.Write(p)
}

// afar opens clients to a target that is not next to them.
func (b *bench) afar() *bench {
	b.config.Open = func(ctx context.Context, a handoff.Arm, marks mark.Sink) (*handoff.Client, error) {
		target, err := handoff.ParseTarget("redis://" + b.sim.Seed())
		if err != nil {
			return nil, err
		}
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			time.Sleep(roundTrip)
			c, err := b.dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return distant{c, roundTrip}, nil
		}
		a.EndpointType = handoff.InternalIP
		return handoff.Open(ctx, handoff.Config{Arm: a, Target: target, Workers: b.connections(), Base: b.config.Base, Marks: marks, Dial: dial})
	}
	return b
}

// Law: with handoffs on a move costs subscribers what is published while they
// reconnect, and operations nothing. go-redis hands no subscriber's connection
// over in the background: it closes it, and then dials, shakes hands and
// subscribes anew, one round trip after the other (pubsub.go, reconnect), before
// it even returns the message that it had read; Redis keeps nothing for who does
// not listen. On a network that takes no time these steps are one instant, in
// which nothing is published (TestMessagesOfAMove); on one that does, nothing but
// the move costs anything.
func TestSubscribersLoseMessagesInAMove(t *testing.T) {
	for seed := range few(3) {
		for _, upgrade := range []string{"endpoint-rebind", "none"} {
			synctest.Test(t, func(t *testing.T) {
				b := newMessageBench(t, upgrade, workload.Pool{Kind: workload.KindPubSub, Schedule: workload.Schedule{Rate: workload.Constant(1000)}}, "on").afar()
				b.config.Seed = seed
				result, s := b.run(t.Context())
				if len(result.Invalid) > 0 || !s.Valid {
					t.Errorf("invalid: %q, %q", result.Invalid, s.InvalidReasons)
				}
				on, d := arm2(t, s, "on"), news(t, s, "on")
				if d.Due != d.Delivered+d.Lost || on.Operations.OK != on.Operations.Due {
					t.Errorf("seed %d, %s: %+v, %+v: want messages delivered or lost, and no operation harmed", seed, upgrade, d, on.Operations)
				}
				if upgrade == "none" {
					if d.Lost != 0 || d.Gaps != (compare.Gaps{}) || d.Resubscribed != 0 {
						t.Errorf("seed %d, without a move: %+v: want nothing lost", seed, d)
					}
					return
				}
				// A message a millisecond: as many to each of two subscribers as
				// dial, greeting, opt-in and subscription take, more or less one.
				if d.Resubscribed != 2 || d.Gaps.Count != 2 || d.Lost < 2*3 || d.Lost > 2*5 || d.Gaps.Longest > 5 {
					t.Errorf("seed %d: %+v: want two subscribers that missed 3 to 5 messages each, in a gap", seed, d)
				}
				if late := d.DeliveryTime.Maintenance.Max - d.DeliveryTime.Baseline.Max; late < bundle.Seconds(3*roundTrip) {
					t.Errorf("seed %d: %+v: want the message before the gap as late as the reconnect made it", seed, d.DeliveryTime)
				}
			})
		}
	}
}

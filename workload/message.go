package workload

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"schload/workload/delivery"
	"schload/workload/ledger"
)

// Messages says whether pools of the kind deliver messages.
func (k Kind) Messages() bool { return k >= KindPubSub && int(k) < len(kindNames) }

// Blocks says whether receivers of the kind block in commands, on connections
// of the client's pool. Subscribers have connections of their own.
func (k Kind) Blocks() bool { return k >= KindQueue && k.Messages() }

// Shares says whether each message goes to one of the receivers. Otherwise it
// goes to every one of them.
func (k Kind) Shares() bool { return k == KindQueue || k == KindConsumerGroup }

// publishes is the command by which pools of the kind send messages.
var publishes = map[Kind]string{KindPubSub: "PUBLISH", KindShardedPubSub: "SPUBLISH", KindQueue: "LPUSH", KindStream: "XADD", KindConsumerGroup: "XADD"}

// Channels are the channels, lists or streams of a pool that delivers
// messages; 0 for other pools.
func (p Pool) Channels() int {
	if !p.Kind.Messages() {
		return 0
	}
	return p.Keys.Space
}

// Connections is how many connections of a client's pool the pool may use at
// once: one for each worker, and for each receiver that blocks. A canary uses
// none of them: it has a client of its own.
func (p Pool) Connections() int {
	if p.Kind == KindCanary {
		return 0
	}
	if !p.Kind.Blocks() {
		return p.Workers
	}
	return p.Workers + p.Receivers*p.Channels()
}

// defaultShards is how many sharded channels a pool has by default: enough to
// meet every node of a small cluster.
const defaultShards = 6

// withMessages fills in what pools that deliver messages have.
func (p Pool) withMessages() Pool {
	if !p.Kind.Messages() {
		return p
	}
	if p.Mix == nil {
		p.Mix = Mix{{publishes[p.Kind], 1}}
	}
	if p.Receivers == 0 {
		p.Receivers = DefaultReceivers
	}
	if p.Block == 0 && p.Kind.Blocks() {
		p.Block = DefaultBlock
	}
	if p.Keys.Space == 0 {
		p.Keys.Space = 1
		if p.Kind == KindShardedPubSub {
			p.Keys.Space = defaultShards
		}
	}
	return p
}

// validateMessages reports what is wrong with what concerns messages.
func (p Pool) validateMessages() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(int(p.Kind) < len(kindNames), "unknown kind of pool %d", p.Kind)
	if !p.Kind.Messages() {
		check(p.Receivers == 0, "receivers %d: pools of kind %s deliver no messages; choose kind pubsub, sharded-pubsub, queue, stream or consumer-group", p.Receivers, p.Kind)
		check(p.Block == 0, "block %v: pools of kind %s have no receivers that block; choose kind queue, stream or consumer-group", p.Block, p.Kind)
		return errors.Join(errs...)
	}
	check(p.Mix == nil || len(p.Mix) == 1 && p.Mix[0].Command == publishes[p.Kind], "mix %s: pools of kind %s send %s and nothing else; leave the mix out", p.Mix, p.Kind, publishes[p.Kind])
	check(p.Schedule.Arrival != ClosedLoop, "arrival closed: messages are due at instants; choose constant or poisson")
	check(p.Receivers >= 0 && p.Receivers <= maxReceivers, "receivers %d: want 1 to %d (0 means %d)", p.Receivers, maxReceivers, DefaultReceivers)
	check(p.Keys.Space <= maxChannels, "keys: space %d: want at most %d channels, lists or streams in a pool of kind %s", p.Keys.Space, maxChannels, p.Kind)
	check(p.Block == 0 || p.Kind.Blocks(), "block %v: subscribers do not block; leave it out", p.Block)
	check(p.Block == 0 || p.Block >= time.Second && p.Block <= maxBlock, "block %v: want 1s to %v (0 means %v)", p.Block, maxBlock, DefaultBlock)
	return errors.Join(errs...)
}

// Book returns an account of the messages that an arm sends through the pool,
// whose defaults must be filled in. The nonce is the run's.
func (p Pool) Book(arm string, nonce uint32, sink delivery.Sink) *delivery.Book {
	return delivery.New(delivery.Config{
		Prefix: p.Keys.Prefix, Arm: arm, Pool: p.Name, Nonce: nonce,
		Channels: p.Channels(), Receivers: p.Receivers, Shared: p.Kind.Shares(), Sink: sink,
	})
}

// sending is what a worker needs to send messages.
type sending struct {
	book *delivery.Book // nil: it sends none
	base time.Time
	due  time.Duration // of the batch
}

// seal is the message of an operation in a slot.
type seal struct {
	channel int
	number  uint64
}

// replyKept is how much of the reply to a publishing is kept: a number.
const replyKept = 20

// send makes operation index a message.
func (m *maker) send(index uint64, op *Operation, s *slot, from *source) {
	channel := int(m.keys.number(from, index))
	number := m.sending.book.Issue(channel, m.sending.due, time.Since(m.sending.base))
	s.seal = seal{channel, number}
	s.entry.reply = ledger.Reply{Keep: replyKept, Value: s.entry.reply.Value[:0]}
	op.Form, op.Key, op.Reply = MessageForm, m.sending.book.Name(channel), &s.entry.reply
	b := m.sending.book.AppendToken(s.blank(op.Key, m.filler), channel, number, m.sending.due)
	op.Value = s.fill(len(b), m.size(from), m.filler)
}

// unsend says that the batch is not sent.
func (m *maker) unsend() {
	if m.sending.book == nil {
		return
	}
	now := time.Since(m.sending.base)
	for i := range m.slots {
		m.sending.book.End(m.slots[i].seal.channel, m.slots[i].seal.number, now, delivery.Refused, -1)
	}
}

// sent takes the outcomes of a batch to the account.
func (m *maker) sent(outcomes []Outcome) {
	if m.sending.book == nil {
		return
	}
	now := time.Since(m.sending.base)
	for i, out := range outcomes {
		end, reached := delivery.Open, -1
		switch {
		case out.Class == OK:
			end, reached = delivery.Acknowledged, m.reached(&m.slots[i])
		case out.Effect == NotApplied:
			end = delivery.Refused
		}
		m.sending.book.End(m.slots[i].seal.channel, m.slots[i].seal.number, now, end, reached)
	}
}

// reached is how many subscribers the server says got a message, -1 where it
// does not say.
func (m *maker) reached(s *slot) int {
	if kind := m.commands[0].name; kind != publishes[KindPubSub] && kind != publishes[KindShardedPubSub] {
		return -1
	}
	n, err := strconv.Atoi(string(s.entry.reply.Value))
	if err != nil {
		return -1
	}
	return n
}

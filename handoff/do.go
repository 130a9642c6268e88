package handoff

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"schload/telemetry/mark"
	"schload/workload"
	"schload/workload/ledger"
)

// flight carries a context through the library and brings back what the
// library measured on the way. It is a context of its own type because the
// recorder is given nothing else that belongs to one operation.
type flight struct {
	context.Context
	o       *observer
	lane    *waitLane // nil: it carries no operation
	cluster bool
	shared  bool        // the command travels with those of others
	cmd     redis.Cmder // what it carries, nil for a pipeline and for a transaction
	waits   string      // instead of cmd: the name of the command that a receiver waits in
	tx      bool        // it carries a transaction
	steps   int         // commands sent after the first because the one before was answered
	unsent  bool        // nothing that writes has been sent yet, although the operation writes

	took      time.Duration  // of all tries, without the pauses between them on a cluster
	attempts  int            // tries, redirected ones included; of a pipeline its rounds
	conn      redis.ConnInfo // the last one used, nil for none; see blind
	redirects atomic.Int64

	waited  time.Duration  // for a connection, since the last try that was told of
	slowest time.Duration  // of the tries, such waits left out
	slow    redis.ConnInfo // the connection of that try
	saved   atomic.Int64   // of a blind pipeline, commands that relaxed timeouts saved
}

// add takes what the library measured of one command. A cluster's client tells
// of every try by itself.
func (f *flight) add(took time.Duration, attempts int, conn redis.ConnInfo) {
	f.took += took
	f.attempts += attempts
	if conn != nil {
		f.conn = conn
	}
	f.spent(took, conn)
}

// spent notes how long a try took with its connection.
func (f *flight) spent(took time.Duration, conn redis.ConnInfo) {
	if took -= f.waited; took > f.slowest && conn != nil {
		f.slowest, f.slow = took, conn
	}
	f.waited = 0
}

// carries reports whether a command is the flight's own, and not one of the
// handshake of a connection that was dialled for it.
func (f *flight) carries(cmd redis.Cmder) bool {
	return f.cmd == cmd || f.waits != "" && f.waits == cmd.Name() || f.tx && isTransactions(cmd)
}

// process sends one command, by itself.
func (f *flight) process(db database, cmd redis.Cmder) {
	f.cmd = cmd
	_ = db.Process(f, cmd)
}

// piped reports whether the flight carries a pipeline.
func (f *flight) piped() bool { return f.cmd == nil && f.waits == "" && !f.tx }

// blind reports whether the library keeps the flight's connections to itself,
// as it does with pipelines over a cluster and with those it makes by itself.
func (f *flight) blind() bool { return f.shared || f.cluster && f.piped() }

// tries returns how often the operation was tried: its steps are one try.
func (f *flight) tries() int { return max(0, f.attempts-f.steps) }

// further returns how many tries were made because one before failed.
func (f *flight) further() int {
	redirects := int(f.redirects.Load())
	if f.piped() && redirects > 0 {
		return 0 // a round of a pipeline repeats both kinds
	}
	return max(0, f.tries()-1-redirects)
}

// batch is what one call of Do needs; it is used again, so that an operation
// costs no more memory than the library's own.
type batch struct {
	flight   flight
	commands []*command // to be used again
	sent     []exchange // by place
	pipe     redis.Pipeliner
	lane     *waitLane
}

func newBatch(client database, lane *waitLane) *batch {
	return &batch{pipe: client.Pipeline(), lane: lane}
}

func (b *batch) command(i int) *command {
	for len(b.commands) <= i {
		b.commands = append(b.commands, newCommand())
	}
	return b.commands[i]
}

// Do executes operations, one by itself and several as one pipeline, and fills
// outcomes, which must be as long as ops. It returns when all are answered or
// have failed. When ctx ends, waiting for a connection and between tries ends;
// a reply under way is waited for until its timeout, or Close.
//
// It panics on a command that is neither among Commands nor sends messages.
func (c *Client) Do(ctx context.Context, ops []workload.Operation, outcomes []workload.Outcome) {
	if c.bare != nil {
		c.bare.Do(ctx, ops, outcomes)
		return
	}
	b := c.batches.Get().(*batch)
	b.flight = flight{Context: ctx, o: c.o, lane: b.lane, cluster: c.config.Cluster}
	b.sent = b.sent[:0]
	for i := range ops {
		b.sent = append(b.sent, c.exchange(b, i, &ops[i]))
	}
	if len(ops) == 1 {
		b.sent[0].send(&b.flight, c.redis)
		if c.config.AutoPipeline {
			b.flight.shared, b.flight.attempts = true, 1
		}
	} else {
		for _, x := range b.sent {
			x.queue(&b.flight, b.pipe)
		}
		_, _ = b.pipe.Exec(&b.flight)
	}
	for i := range ops {
		outcomes[i] = c.outcome(&b.flight, b.sent[i], &ops[i])
	}
	if b.flight.tries() > 1 || b.flight.took > c.config.Arm.ReadTimeout {
		c.count(&b.flight, outcomes[:len(ops)])
	}
	b.flight = flight{}
	clear(b.sent)
	c.batches.Put(b)
}

// exchange returns how the operation of that place goes through the library:
// with the batch's own command, or one made for it.
func (c *Client) exchange(b *batch, place int, op *workload.Operation) exchange {
	if k := kindOf(op); k.fresh != nil {
		return k.fresh(k, op)
	}
	cmd := b.command(place)
	cmd.set(op)
	if c.config.Cluster {
		cmd.renew()
	}
	return cmd
}

// bring fills in what a ledger wants to know of a reply.
func (f *flight) bring(reply *ledger.Reply, x exchange, err error) {
	if err == nil || err == redis.Nil {
		reply.Set(x.text(), err == redis.Nil)
	}
	if _, conn := recordOf(f.conn); conn != nil {
		reply.Conn, reply.Node = conn.number, conn.node
	}
}

// outcome judges one reply.
func (c *Client) outcome(f *flight, x exchange, op *workload.Operation) workload.Outcome {
	out := workload.Outcome{Attempts: f.tries()}
	if c.tells {
		if out.Conn = f.number(); out.Conn > 0 {
			out.Conn += c.before
		}
	}
	err := x.Err()
	if op.Reply != nil {
		f.bring(op.Reply, x, err)
	}
	if err == redis.Nil && x.verb().nilOK {
		err = nil
	} else if err == nil && !x.belongs(op) {
		return c.wrongReply(f, x, op, out)
	}
	if err == nil {
		return out // workload.OK, workload.Applied
	}
	out.Class, out.Effect = Classify(err, c.o.crossing())
	switch out.Class {
	case workload.WrongReply, workload.CrossedReply:
		c.markWrong(f, op, out.Class, err.Error())
	default:
		if out.Effect == workload.Indeterminate && (f.Err() != nil || c.o.closing.Load()) {
			out.Class = workload.Canceled
		}
	}
	out.Effect = effect(f, x.verb(), out)
	return out
}

// effect corrects what Classify says of one try: what only reads changes
// nothing, what never had a connection was never sent, and an earlier try may
// have been executed, unless all it got was a redirect.
func effect(f *flight, k *kind, out workload.Outcome) workload.Effect {
	switch {
	case !k.writes, f.unsent, f.attempts > 0 && f.conn == nil && !f.blind():
		return workload.NotApplied
	case f.further() > 0, f.shared: // it may have been tried before
		return workload.Indeterminate
	}
	return out.Effect
}

func (c *Client) wrongReply(f *flight, x exchange, op *workload.Operation, out workload.Outcome) workload.Outcome {
	out.Class = workload.WrongReply
	if c.o.crossing() {
		out.Class = workload.CrossedReply
	}
	c.o.silent.Add(1)
	c.markWrong(f, op, out.Class, fmt.Sprintf("got %s, want %s", x.said(), x.verb().want(op)))
	out.Effect = workload.Indeterminate
	out.Effect = effect(f, x.verb(), out)
	return out
}

// markWrong leaves the evidence of a reply that belongs to no command or to
// another.
func (c *Client) markWrong(f *flight, op *workload.Operation, class workload.Class, got string) {
	counter := &c.o.wrong
	if class == workload.CrossedReply {
		counter = &c.o.crossed
	}
	counter.Add(1)
	m := mark.Mark{At: c.o.now(), Kind: mark.WrongReply, Name: class.String()}
	m.Detail = fmt.Sprintf("%s %.80q: %.200s%s", op.Command, op.Key, got, c.o.sinceMoving(m.At))
	if _, conn := recordOf(f.conn); conn != nil {
		m.Conn, m.Node = conn.number, conn.node
		if conn.handoff {
			m.Detail += "; the connection was dialled by a handoff " + (m.At - conn.dialled).Round(time.Millisecond).String() + " before"
		}
	}
	c.o.marks.put(m)
}

func (o *observer) sinceMoving(now time.Duration) string {
	last := o.lastMoving.Load()
	if last < 0 {
		return "; no MOVING so far"
	}
	return fmt.Sprintf("; %v after the last MOVING", (now - time.Duration(last)).Round(time.Millisecond))
}

// count records what the client hid or what relaxing saved. Few operations
// come here.
func (c *Client) count(f *flight, outcomes []workload.Outcome) {
	ok := uint64(0)
	for i := range outcomes {
		if outcomes[i].Class == workload.OK {
			ok++
		}
	}
	if further := f.further(); further > 0 {
		c.o.retried.Add(uint64(len(outcomes)))
		c.o.hidden.Add(ok)
		c.o.attempts.Add(uint64(further))
		return
	}
	switch {
	case f.blind():
		c.o.saved.Add(min(ok, uint64(f.saved.Load())))
	case c.o.outlasted(f.slow, f.slowest):
		c.o.saved.Add(ok)
	}
}

// outlasted reports whether a try that succeeded on a connection would have
// been a timeout without relaxing. The notice that ends the relaxation may have
// come right before the reply.
func (o *observer) outlasted(conn redis.ConnInfo, took time.Duration) bool {
	if conn == nil || took <= o.readTimeout {
		return false
	}
	p, c := recordOf(conn)
	if p == nil {
		return false
	}
	ended := time.Duration(c.unrelaxed.Load())
	return p.HasRelaxedTimeout() || ended > 0 && ended >= o.now()-took
}

package raw

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"schload/workload"
)

// lane is one connection and its buffers, used by one goroutine at a time.
type lane struct {
	client *Client
	conn   net.Conn // nil: to be dialled
	out    []byte
	in     reader
}

func newLane(c *Client) *lane { return &lane{client: c} }

// Do executes operations, several as one pipeline, and fills outcomes, which
// must be as long as ops. It returns when all are answered or have failed. A
// reply under way is waited for until its timeout, or Close.
//
// It panics on a command that is not among Commands.
func (l *lane) Do(ctx context.Context, ops []workload.Operation, outcomes []workload.Outcome) {
	if err := l.connect(ctx); err != nil {
		for i := range ops {
			outcomes[i] = l.failed(ctx, &ops[i], err)
			outcomes[i].Effect = workload.NotApplied // it was never sent
		}
		return
	}
	done := 0
	err := l.send(ops)
	for ; err == nil && done < len(ops); done++ {
		if outcomes[done], err = l.receive(&ops[done]); err != nil && err != errWrong {
			break
		}
	}
	if err == nil {
		return
	}
	l.disconnect(err)
	for ; done < len(ops); done++ {
		outcomes[done] = l.failed(ctx, &ops[done], err)
	}
}

func (l *lane) send(ops []workload.Operation) error {
	l.out = l.out[:0]
	for i := range ops {
		l.out = appendOperation(l.out, &ops[i])
	}
	return l.write(l.out)
}

func (l *lane) write(p []byte) error {
	if t := l.client.config.WriteTimeout; t > 0 {
		if err := l.conn.SetWriteDeadline(time.Now().Add(t)); err != nil {
			return err
		}
	}
	_, err := l.conn.Write(p)
	if err != nil {
		return err
	}
	if t := l.client.config.ReadTimeout; t > 0 {
		return l.conn.SetReadDeadline(time.Now().Add(t))
	}
	return nil
}

// errWrong ends a connection whose replies are out of step with its commands.
var errWrong = fmt.Errorf("%w: it belongs to another command", ErrUnreadable)

// receive reads and judges one reply. An error reply is an outcome and no
// error; an error says that the connection is lost. The outcome holds unless
// that is another than errWrong.
func (l *lane) receive(op *workload.Operation) (workload.Outcome, error) {
	r, err := l.in.reply()
	if err != nil {
		return workload.Outcome{}, err
	}
	if op.Reply != nil && r.kind != '-' && r.kind != '!' {
		op.Reply.Set(r.text, r.null)
	}
	v := verbOf(op)
	switch {
	case r.kind == '-' || r.kind == '!':
		return l.refused(v, ReplyError(r.text)), nil
	case r.null && !v.nilOK:
		return l.refused(v, ReplyError("nil")), nil // libraries take it for an error reply
	case r.null || v.own(op, r):
		return workload.Outcome{Attempts: 1}, nil
	}
	l.client.config.Wrong(l.conn, op, fmt.Sprintf("%c%.80q", r.kind, r.text))
	return workload.Outcome{Class: workload.WrongReply, Effect: v.unknown(), Attempts: 1}, errWrong
}

func (l *lane) refused(v *verb, err error) workload.Outcome {
	out := workload.Outcome{Attempts: 1}
	out.Class, out.Effect = l.client.config.Classify(err)
	if !v.writes {
		out.Effect = workload.NotApplied
	}
	return out
}

// failed is the outcome of an operation that got no reply.
func (l *lane) failed(ctx context.Context, op *workload.Operation, err error) workload.Outcome {
	out := l.refused(verbOf(op), err)
	if ctx.Err() != nil || l.client.closed.Load() {
		out.Class = workload.Canceled
	}
	return out
}

// connect dials and greets unless the lane is connected.
func (l *lane) connect(ctx context.Context) error {
	switch {
	case l.client.closed.Load():
		return ErrClosed
	case l.conn != nil:
		return ctx.Err()
	}
	conn, err := l.client.config.Dial(ctx)
	if err != nil {
		return err
	}
	if err := l.client.connected(conn); err != nil {
		return err
	}
	l.conn = conn
	l.in.reset(conn)
	if err := l.greet(); err != nil {
		l.disconnect(err)
		return err
	}
	return nil
}

func (l *lane) disconnect(err error) {
	l.client.drop(l.conn, err)
	l.conn = nil
}

// greet negotiates the protocol, authenticates and selects the database. A
// server without HELLO is spoken to in RESP2, as libraries do.
func (l *lane) greet() error {
	c := &l.client.config
	auth := append(make([]string, 0, 2), "default", c.Password)
	if c.Username != "" {
		auth[0] = c.Username
	}
	greeted := false
	if c.Protocol == 3 {
		hello := []string{"hello", "3"}
		if c.Password != "" {
			hello = append(hello, "auth", auth[0], auth[1])
		}
		err := l.ask(hello...)
		if refused, ok := errors.AsType[ReplyError](err); err != nil && (!ok || !refused.unknown()) {
			return err
		}
		greeted = err == nil
	}
	if !greeted && c.Password != "" {
		command := []string{"auth", c.Password} // Redis 5 knows no users
		if c.Username != "" {
			command = []string{"auth", auth[0], auth[1]}
		}
		if err := l.ask(command...); err != nil {
			return err
		}
	}
	if c.DB == 0 {
		return nil
	}
	return l.ask("select", strconv.Itoa(c.DB))
}

// ask sends a command and returns its error reply, or what the connection
// failed of.
func (l *lane) ask(args ...string) error {
	l.out = appendCommand(l.out[:0], args...)
	if err := l.write(l.out); err != nil {
		return err
	}
	r, err := l.in.reply()
	if err == nil && (r.kind == '-' || r.kind == '!') {
		err = ReplyError(r.text)
	}
	return err
}

func (l *lane) ping(ctx context.Context) error {
	if err := l.connect(ctx); err != nil {
		return err
	}
	err := l.ask("ping")
	if err != nil {
		l.disconnect(err)
	}
	return err
}

// ReplyError is an error reply. Its method is that by which error replies of
// any Redis client are told from other errors.
type ReplyError string

// Error implements error.
func (e ReplyError) Error() string { return string(e) }

// RedisError says that the error came from the server.
func (ReplyError) RedisError() {}

func (e ReplyError) unknown() bool {
	return strings.HasPrefix(string(e), "ERR unknown command") || strings.HasPrefix(string(e), "NOPROTO")
}

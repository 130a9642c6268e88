package handoff

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"schload/workload"
)

// exchange is how one operation goes through the library, and what came back.
// The operations that a load consists of mostly are a *command, which is used
// again; the others are made for one operation.
type exchange interface {
	// send executes the operation by itself, queue puts it into a pipeline.
	send(f *flight, db database)
	queue(f *flight, pipe redis.Pipeliner)

	// What came back: an error, or a reply that can be the operation's own, or
	// one that cannot.
	Err() error
	belongs(op *workload.Operation) bool
	said() string // the reply, for people
	text() []byte // the same for a ledger, nil of replies that no ledger judges

	verb() *kind
}

// once is a command with one element as its reply, made for one operation.
type once struct {
	*redis.StringCmd
	kind *kind
}

func scalar(k *kind, op *workload.Operation) exchange {
	return &once{redis.NewStringCmd(context.Background(), k.args(op)...), k}
}

func (o *once) verb() *kind                           { return o.kind }
func (o *once) belongs(op *workload.Operation) bool   { return o.kind.check(op, o.StringCmd) }
func (o *once) said() string                          { return fmt.Sprintf("%.80q", o.Val()) }
func (o *once) send(f *flight, db database)           { f.process(db, o) }
func (o *once) queue(f *flight, pipe redis.Pipeliner) { _ = pipe.Process(f, o) }

func (o *once) text() []byte {
	value, _ := o.Bytes()
	return value
}

// listing is a command whose reply has several elements.
type listing struct {
	*redis.Cmd
	kind *kind
}

func several(k *kind, op *workload.Operation) exchange {
	return &listing{redis.NewCmd(context.Background(), k.args(op)...), k}
}

func (l *listing) verb() *kind                           { return l.kind }
func (l *listing) said() string                          { return fmt.Sprintf("%.80q", fmt.Sprint(l.Val())) }
func (l *listing) text() []byte                          { return nil }
func (l *listing) send(f *flight, db database)           { f.process(db, l) }
func (l *listing) queue(f *flight, pipe redis.Pipeliner) { _ = pipe.Process(f, l) }

// belongs lays a map out as RESP2 does, fields and values in turn.
func (l *listing) belongs(op *workload.Operation) bool {
	switch reply := l.Val().(type) {
	case []any:
		return l.kind.list(op, reply)
	case map[any]any:
		elements := make([]any, 0, 2*len(reply))
		for field, value := range reply {
			elements = append(elements, field, value)
		}
		return l.kind.list(op, elements)
	}
	return false
}

// owns reports whether an element of a reply can be a value of a key.
func owns(key string, element any) bool {
	value, ok := element.(string)
	return ok && workload.Belongs(key, value)
}

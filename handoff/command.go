package handoff

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"schload/workload"
)

// kind is one of the commands a workload may use: how it is written and which
// replies can be its own.
type kind struct {
	name   string
	word   any // name as it is sent; an any, so that sending it allocates nothing
	shape  shape
	writes bool
	nilOK  bool // the nil reply is an answer
	check  func(op *workload.Operation, reply *redis.StringCmd) bool
	want   func(op *workload.Operation) string // what check accepts, for people

	// Of the commands that no shape fits: how one is made for an operation. It
	// costs memory, as it does in any application.
	fresh func(k *kind, op *workload.Operation) exchange
	args  func(op *workload.Operation) []any                // for fresh: name and arguments
	list  func(op *workload.Operation, elements []any) bool // instead of check, of replies with several elements
}

// shape is how the arguments follow the name.
type shape uint8

const (
	bare           shape = iota // PING
	onlyKey                     // GET key
	onlyValue                   // ECHO value
	keyValue                    // SET key value
	keyFixed                    // EXPIRE key 86400, HGET key f
	keyFixedValue               // HSET key f value, ZADD key 1 value
	keyValueFixed               // SET key value GET
	keyFixedsValue              // ZADD key INCR 1 value
	keyNewFixed                 // XADD key * m value, of a message
	shapes
)

// The fixed arguments, boxed once.
var (
	fixedField any = workload.HashField
	fixedScore any = "1"
	fixedLife  any = strconv.Itoa(workload.ExpireSeconds)
	fixedGet   any = "get"
	fixedIncr  any = "incr"
	fixedNew   any = "*"
	fixedEntry any = workload.MessageField
)

var kinds = map[string]*kind{
	"GET":    {shape: onlyKey, nilOK: true, check: ownValue, want: wantOwnValue},
	"SET":    {shape: keyValue, writes: true, check: okReply, want: wantOK},
	"DEL":    {shape: onlyKey, writes: true, check: numberReply, want: wantNumber},
	"INCR":   {shape: onlyKey, writes: true, check: numberReply, want: wantNumber},
	"EXISTS": {shape: onlyKey, check: numberReply, want: wantNumber},
	"EXPIRE": {shape: keyFixed, writes: true, check: numberReply, want: wantNumber},
	"HSET":   {shape: keyFixedValue, writes: true, check: numberReply, want: wantNumber},
	"HGET":   {shape: keyFixed, nilOK: true, check: ownValue, want: wantOwnValue},
	"LPUSH":  {shape: keyValue, writes: true, check: numberReply, want: wantNumber},
	"RPOP":   {shape: onlyKey, writes: true, nilOK: true, check: ownValue, want: wantOwnValue},
	"SADD":   {shape: keyValue, writes: true, check: numberReply, want: wantNumber},
	"ZADD":   {shape: keyFixedValue, writes: true, check: numberReply, want: wantNumber},
	"PING":   {shape: bare, check: pongReply, want: wantPong},
	"ECHO":   {shape: onlyValue, check: sameValue, want: wantSameValue},
}

// audited are commands on ledger keys that differ, or are used there alone:
// what they answer shows what was there.
var audited = map[string]*kind{
	"SET":   {shape: keyValueFixed, writes: true, nilOK: true, check: ownValue, want: wantOwnValue}, // SET key value GET
	"DEL":   {word: "getdel", shape: onlyKey, writes: true, nilOK: true, check: ownValue, want: wantOwnValue},
	"ZADD":  {shape: keyFixedsValue, writes: true, check: numberReply, want: wantNumber}, // ZADD key INCR 1 value
	"SCARD": {shape: onlyKey, check: numberReply, want: wantNumber},
}

// messages are the commands that send messages, where they differ.
var messages = map[string]*kind{
	"PUBLISH":  {shape: keyValue, writes: true, check: numberReply, want: wantNumber},
	"SPUBLISH": {shape: keyValue, writes: true, check: numberReply, want: wantNumber},
	"XADD":     {shape: keyNewFixed, writes: true, check: idReply, want: wantID},
}

// forms are the commands in each form. One that is not among those of another
// form is sent as a plain one.
var forms = map[workload.Form]map[string]*kind{
	workload.PlainForm: kinds, workload.AuditedForm: audited, workload.MessageForm: messages,
}

func init() {
	for _, family := range []map[string]*kind{groupKinds, leaseKinds, collectionKinds, scriptKinds, transactionKinds} {
		maps.Copy(kinds, family)
	}
	for _, form := range forms {
		for name, k := range form {
			k.name = name
			if k.word == nil {
				k.word = strings.ToLower(name)
			}
		}
	}
	for name, k := range kinds {
		k.name, k.word = name, strings.ToLower(name)
	}
}

// kindOf returns how an operation is sent. It panics on a command that is none.
func kindOf(op *workload.Operation) *kind {
	if op.Form != workload.PlainForm {
		if k := forms[op.Form][op.Command]; k != nil {
			return k
		}
	}
	if k := kinds[op.Command]; k != nil {
		return k
	}
	panic(fmt.Sprintf("handoff: unknown command %q; known are %s", op.Command, strings.Join(Commands(), ", ")))
}

// Commands returns the commands of mixes that Do executes, sorted.
func Commands() []string { return slices.Sorted(maps.Keys(kinds)) }

func (k *kind) fixed() any {
	switch k.name {
	case "EXPIRE":
		return fixedLife
	case "ZADD":
		return fixedScore
	}
	return fixedField
}

func ownValue(op *workload.Operation, reply *redis.StringCmd) bool {
	value, _ := reply.Bytes()
	return workload.Belongs(op.Key, value)
}

func wantOwnValue(op *workload.Operation) string {
	return fmt.Sprintf("nil or a value of the key (%.80q and more)", op.Key+"|")
}

func okReply(_ *workload.Operation, reply *redis.StringCmd) bool { return reply.Val() == "OK" }
func wantOK(*workload.Operation) string                          { return "OK" }

func pongReply(_ *workload.Operation, reply *redis.StringCmd) bool { return reply.Val() == "PONG" }
func wantPong(*workload.Operation) string                          { return "PONG" }

func numberReply(_ *workload.Operation, reply *redis.StringCmd) bool {
	_, err := strconv.ParseInt(reply.Val(), 10, 64)
	return err == nil
}
func wantNumber(*workload.Operation) string { return "a number" }

func sameValue(op *workload.Operation, reply *redis.StringCmd) bool {
	value, _ := reply.Bytes()
	return bytes.Equal(value, op.Value)
}
func wantSameValue(op *workload.Operation) string { return fmt.Sprintf("%.80q", op.Value) }

// command is one command on its way. It is the library's string command, which
// reads every scalar reply as text, with arguments that point into it: used
// again, it allocates nothing.
type command struct {
	*redis.StringCmd
	kind  *kind
	key   string
	value bulk
	words [shapes][]any // the arguments by shape; element 0 is the name
	cmds  [shapes]*redis.StringCmd
}

func (c *command) verb() *kind                         { return c.kind }
func (c *command) belongs(op *workload.Operation) bool { return c.kind.check(op, c.StringCmd) }
func (c *command) said() string                        { return fmt.Sprintf("%.80q", c.Val()) }
func (c *command) send(f *flight, db database)         { f.process(db, c) }

func (c *command) queue(f *flight, pipe redis.Pipeliner) { _ = pipe.Process(f, c) }

func (c *command) text() []byte {
	value, _ := c.Bytes()
	return value
}

// bulk is a value the library writes as it is.
type bulk struct{ bytes []byte }

// MarshalBinary implements encoding.BinaryMarshaler.
func (b *bulk) MarshalBinary() ([]byte, error) { return b.bytes, nil }

func newCommand() *command {
	c := new(command)
	c.words = [shapes][]any{
		bare:           {nil},
		onlyKey:        {nil, &c.key},
		onlyValue:      {nil, &c.value},
		keyValue:       {nil, &c.key, &c.value},
		keyFixed:       {nil, &c.key, nil},
		keyFixedValue:  {nil, &c.key, nil, &c.value},
		keyValueFixed:  {nil, &c.key, &c.value, fixedGet},
		keyFixedsValue: {nil, &c.key, fixedIncr, fixedScore, &c.value},
		keyNewFixed:    {nil, &c.key, fixedNew, fixedEntry, &c.value},
	}
	for s, words := range c.words {
		c.cmds[s] = redis.NewStringCmd(context.Background(), words...)
	}
	return c
}

// renew makes the library forget the command that was sent before. A cluster's
// client writes the slot of the first key into the command and would send the
// next one, with another key, to the same node. It costs an allocation.
func (c *command) renew() {
	s := c.kind.shape
	c.cmds[s] = redis.NewStringCmd(context.Background(), c.words[s]...)
	c.StringCmd = c.cmds[s]
}

// set makes the command an operation's.
func (c *command) set(op *workload.Operation) {
	k := kindOf(op)
	c.kind, c.key, c.value.bytes = k, op.Key, op.Value
	words := c.words[k.shape]
	words[0] = k.word
	switch k.shape {
	case keyFixed, keyFixedValue:
		words[2] = k.fixed()
	}
	c.StringCmd = c.cmds[k.shape]
	c.SetErr(nil)
	c.SetVal("")
}

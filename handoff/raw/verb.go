package raw

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"schload/workload"
)

// verb is one of the commands a workload may use: how it is written and which
// replies can be its own.
type verb struct {
	name   string // as it is sent, if it has another
	head   []byte // of the request, up to and with the command's name
	key    bool   // the key follows
	option string // then a fixed argument, "" for none
	fixed  string // then a fixed argument, "" for none
	value  bool   // then the value
	last   string // then another fixed argument, "" for none
	writes bool
	nilOK  bool                                       // the nil reply is an answer
	own    func(op *workload.Operation, r reply) bool // whether a reply with a value can be the command's own
}

var verbs = map[string]*verb{
	"GET":    {key: true, nilOK: true, own: ownValue},
	"SET":    {key: true, value: true, writes: true, own: text("OK")},
	"DEL":    {key: true, writes: true, own: isNumber},
	"INCR":   {key: true, writes: true, own: isNumber},
	"EXISTS": {key: true, own: isNumber},
	"EXPIRE": {key: true, fixed: strconv.Itoa(workload.ExpireSeconds), writes: true, own: isNumber},
	"HSET":   {key: true, fixed: workload.HashField, value: true, writes: true, own: isNumber},
	"HGET":   {key: true, fixed: workload.HashField, nilOK: true, own: ownValue},
	"LPUSH":  {key: true, value: true, writes: true, own: isNumber},
	"RPOP":   {key: true, writes: true, nilOK: true, own: ownValue},
	"SADD":   {key: true, value: true, writes: true, own: isNumber},
	"ZADD":   {key: true, fixed: "1", value: true, writes: true, own: isNumber},
	"PING":   {own: text("PONG")},
	"ECHO":   {value: true, own: sameValue},
}

// audited are commands on ledger keys that differ, or are used there alone:
// what they answer shows what was there.
var audited = map[string]*verb{
	"SET":   {key: true, value: true, last: "get", writes: true, nilOK: true, own: ownValue},
	"DEL":   {name: "GETDEL", key: true, writes: true, nilOK: true, own: ownValue},
	"ZADD":  {key: true, option: "incr", fixed: "1", value: true, writes: true, own: isScore},
	"SREM":  {key: true, value: true, writes: true, own: isNumber},
	"SCARD": {key: true, own: isNumber},
}

func init() {
	for name, v := range verbs {
		v.begin(name)
	}
	for name, v := range audited {
		v.begin(name)
	}
}

// begin writes the head of the verb's requests.
func (v *verb) begin(name string) {
	n := 1
	if v.name != "" {
		name = v.name
	}
	for _, has := range []bool{v.key, v.option != "", v.fixed != "", v.value, v.last != ""} {
		if has {
			n++
		}
	}
	v.head = append(v.head, '*')
	v.head = strconv.AppendInt(v.head, int64(n), 10)
	v.head = appendBulk(append(v.head, "\r\n"...), strings.ToLower(name))
}

// verbOf returns how an operation is sent, nil for a command that is none.
func verbOf(op *workload.Operation) *verb {
	if op.Reply != nil {
		if v := audited[op.Command]; v != nil {
			return v
		}
	}
	return verbs[op.Command]
}

// Commands returns the commands Do executes, sorted.
func Commands() []string {
	names := make([]string, 0, len(verbs))
	for name := range verbs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// unknown is what may have become of an operation without a reply of its own.
func (v *verb) unknown() workload.Effect {
	if v.writes {
		return workload.Indeterminate
	}
	return workload.NotApplied
}

func ownValue(op *workload.Operation, r reply) bool {
	return r.kind == '$' && workload.Belongs(op.Key, r.text)
}

func sameValue(op *workload.Operation, r reply) bool {
	return r.kind == '$' && bytes.Equal(r.text, op.Value)
}

func text(want string) func(*workload.Operation, reply) bool {
	return func(_ *workload.Operation, r reply) bool { return r.kind == '+' && string(r.text) == want }
}

func isNumber(_ *workload.Operation, r reply) bool {
	_, ok := number(r.text)
	return r.kind == ':' && ok
}

// isScore accepts a whole number as a double, or as the text that it is in
// RESP2.
func isScore(_ *workload.Operation, r reply) bool {
	_, ok := number(r.text)
	return (r.kind == ',' || r.kind == '$') && ok
}

// appendOperation appends an operation's request.
func appendOperation(b []byte, op *workload.Operation) []byte {
	v := verbOf(op)
	if v == nil {
		panic(fmt.Sprintf("raw: unknown command %q; known are %s", op.Command, strings.Join(Commands(), ", ")))
	}
	b = append(b, v.head...)
	if v.key {
		b = appendBulk(b, op.Key)
	}
	if v.option != "" {
		b = appendBulk(b, v.option)
	}
	if v.fixed != "" {
		b = appendBulk(b, v.fixed)
	}
	if v.value {
		b = appendBulk(b, op.Value)
	}
	if v.last != "" {
		b = appendBulk(b, v.last)
	}
	return b
}

func appendCommand(b []byte, args ...string) []byte {
	b = append(b, '*')
	b = strconv.AppendInt(b, int64(len(args)), 10)
	b = append(b, "\r\n"...)
	for _, a := range args {
		b = appendBulk(b, a)
	}
	return b
}

func appendBulk[T string | []byte](b []byte, arg T) []byte {
	b = append(b, '$')
	b = strconv.AppendInt(b, int64(len(arg)), 10)
	b = append(b, "\r\n"...)
	b = append(b, arg...)
	return append(b, "\r\n"...)
}

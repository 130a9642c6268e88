package raw

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"schload/workload"
)

// verb is one of the commands a workload may use: how it is written and which
// replies can be its own. Commands whose reply is a list, scripts and
// transactions are not among them.
type verb struct {
	name   string // as it is sent, if it has another
	head   []byte // of the request, up to and with the command's name
	key    bool   // the key follows
	fixed  string // then fixed arguments, separated by spaces
	value  bool   // then the value
	last   string // then a fixed argument, "" for none
	middle []byte // fixed, as it is sent
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

	"SETEX":   {key: true, fixed: lease, value: true, writes: true, own: text("OK")},
	"GETEX":   {key: true, fixed: "ex " + lease, writes: true, nilOK: true, own: ownValue},
	"TTL":     {key: true, own: upTo(workload.LeaseSeconds)},
	"PTTL":    {key: true, own: upTo(workload.LeaseSeconds * 1000)},
	"PERSIST": {key: true, writes: true, own: isBit},

	"GETRANGE":  {key: true, fixed: "0 " + strconv.Itoa(workload.RangeBytes-1), own: ownBeginning},
	"LTRIM":     {key: true, fixed: "0 " + strconv.Itoa(workload.ListCap-1), writes: true, own: text("OK")},
	"SREM":      {key: true, value: true, writes: true, own: isBit},
	"SISMEMBER": {key: true, value: true, own: isBit},
	"ZINCRBY":   {key: true, fixed: "1", value: true, writes: true, own: isScore},
	"ZSCORE":    {key: true, value: true, nilOK: true, own: isScore},
	"XADD": {key: true, fixed: "maxlen ~ " + strconv.Itoa(workload.StreamCap) + " * " + workload.HashField, value: true,
		writes: true, own: isID},
	"XLEN": {key: true, own: isNumber},
}

var lease = strconv.Itoa(workload.LeaseSeconds)

// audited are commands on ledger keys that differ, or are used there alone:
// what they answer shows what was there.
var audited = map[string]*verb{
	"SET":   {key: true, value: true, last: "get", writes: true, nilOK: true, own: ownValue},
	"DEL":   {name: "GETDEL", key: true, writes: true, nilOK: true, own: ownValue},
	"ZADD":  {key: true, fixed: "incr 1", value: true, writes: true, own: isScore},
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
	if v.name != "" {
		name = v.name
	}
	fixed := strings.Fields(v.fixed)
	for _, word := range fixed {
		v.middle = appendBulk(v.middle, word)
	}
	n := 1 + len(fixed)
	for _, has := range []bool{v.key, v.value, v.last != ""} {
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
	if op.Form == workload.AuditedForm {
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

func isBit(_ *workload.Operation, r reply) bool {
	return r.kind == ':' && (string(r.text) == "0" || string(r.text) == "1")
}

// upTo accepts what a time to live may have left, see package handoff.
func upTo(most int) func(*workload.Operation, reply) bool {
	return func(_ *workload.Operation, r reply) bool {
		n, ok := number(r.text)
		return r.kind == ':' && ok && n >= -2 && n <= most
	}
}

// isScore accepts a number, which is a text in RESP2.
func isScore(_ *workload.Operation, r reply) bool {
	n, err := strconv.ParseFloat(string(r.text), 64)
	return (r.kind == '$' || r.kind == ',') && err == nil && n >= 1 && n == math.Trunc(n)
}

func isID(_ *workload.Operation, r reply) bool {
	ms, n, ok := bytes.Cut(r.text, []byte("-"))
	_, one := number(ms)
	_, two := number(n)
	return r.kind == '$' && ok && one && two
}

func ownBeginning(op *workload.Operation, r reply) bool {
	token := op.Key + "|"
	return r.kind == '$' && len(r.text) <= workload.RangeBytes && (len(r.text) == 0 || workload.Belongs(op.Key, r.text) ||
		len(r.text) == workload.RangeBytes && strings.HasPrefix(token, string(r.text)))
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
	b = append(b, v.middle...)
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

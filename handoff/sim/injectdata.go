package sim

import (
	"bufio"
	"bytes"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2/server"

	"schload/handoff/sim/resp"
)

const (
	// mostTracked bounds the keys whose past is known, and trackedBytes their
	// values; faults that need a past are not done to others.
	mostTracked  = 1 << 16
	trackedBytes = 64 << 20
)

// tamper does faults of data in the in-process store. It lets one command at a
// time through, of those that it looks at: nobody sees a fault half done.
//
// It leaves a key that it harmed alone until a later write of the key was
// answered truly: two faults could hide each other.
type tamper struct {
	in    *injector
	mu    sync.Mutex
	keys  map[string]*trace
	bytes int    // of values in keys
	spare answer // the first value that a read showed, and whose it was

	peer *server.Peer
	out  bytes.Buffer
	back *journal // whose backups undo writes; nothing else
}

// trace is what is known of a key.
type trace struct {
	written int    // writes seen
	known   bool   // before is what a read would have shown before the last write
	before  answer // it
	writer  connID
	harmed  bool
	refused int    // of out of order: 1 a write was refused, 2 and one read saw it
	order   *order // it
}

// answer is the value that a read shows.
type answer struct {
	name  string // key and field
	key   string
	value []byte
	none  bool
}

// operation is one command on one key.
type operation struct {
	store *memoryStore
	args  []string
	name  string
	key   string
	keys  keys
	trace *trace
}

func newTamper(in *injector) *tamper {
	t := &tamper{in: in, keys: map[string]*trace{}}
	t.peer = server.NewPeer(bufio.NewWriter(&t.out))
	m := in.sim.shards.(*memory) // Injection.validate saw to it
	t.back = newJournal(m.server)
	t.back.attic = tamperAttic
	return t
}

// takes runs a command if it is one that faults are done to, or that changes
// what they rest on.
func (t *tamper) takes(s *memoryStore, args []string, cmd command) bool {
	if t == nil || len(args) < 2 || cmd.keys.at == none || s.conn.inMulti || s.elsewhere {
		return false
	}
	t.run(s, args, cmd.keys)
	return true
}

// run runs a command, perhaps with a fault.
func (t *tamper) run(s *memoryStore, args []string, keys keys) {
	t.mu.Lock()
	defer t.mu.Unlock()
	op := operation{store: s, args: args, name: strings.ToUpper(args[0]), key: args[1], keys: keys}
	op.trace = t.keys[op.key]
	if op.several() {
		t.pass(&op)
		return
	}
	if t.goOn(&op) {
		return
	}
	now := t.in.now()
	for _, o := range t.in.dueOf(now, op.name, op.key) {
		if t.try(&op, o) {
			return
		}
	}
	t.pass(&op)
}

// dueOf are the orders of which a fault is to be done to a command now.
func (in *injector) dueOf(now time.Duration, name, key string) (due []*order) {
	if in.sim.calm.Load() {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, o := range in.orders {
		if o.Fault.OfData() && o.due(now) && o.does(name) && o.concerns(key) {
			due = append(due, o)
		}
	}
	return due
}

// try does one fault of an order to a command if that is possible. Then the
// command was answered.
func (t *tamper) try(op *operation, o *order) bool {
	if o.Fault == WrongReply {
		return t.wrong(op, o)
	}
	if op.trace == nil || op.trace.harmed {
		return false
	}
	switch o.Fault {
	case StaleRead:
		return t.stale(op, o)
	case LostWrite:
		return t.lose(op, o)
	case Duplicate, HiddenDuplicate:
		return t.twice(op, o)
	}
	return t.refuse(op, o)
}

// pass runs a command as it should, and remembers what it must.
func (t *tamper) pass(op *operation) {
	switch {
	case op.name == "GET" || op.name == "HGET":
		t.keepSpare(op)
	case !op.writes():
	case known(op.name) && !op.several():
		t.remember(op)
		if op.trace != nil {
			op.trace.harmed = false // it shows what was done before
		}
	default:
		t.forget(op)
	}
	op.store.dispatch(op.args)
}

// known reports whether a command writes its first key and no other.
func known(name string) bool {
	for _, able := range injectable {
		for _, n := range able {
			if n == name {
				return name != "GET" && name != "HGET"
			}
		}
	}
	return false
}

// remember notes what a read would show before a write.
func (t *tamper) remember(op *operation) {
	if op.trace == nil {
		if len(t.keys) == mostTracked {
			return
		}
		op.trace = &trace{}
		t.keys[op.key] = op.trace
	}
	p := op.trace
	t.bytes -= len(p.before.value)
	p.before, p.known = t.look(op)
	if t.bytes+len(p.before.value) > trackedBytes {
		p.before, p.known = answer{}, false
	}
	t.bytes += len(p.before.value)
	p.written++
	p.writer = op.store.conn.id
}

// forget leaves keys out that a command changes in ways that nobody here
// understands.
func (t *tamper) forget(op *operation) {
	op.keys.each(rawArgs(op.args), func(key []byte) bool {
		if p := t.keys[string(key)]; p != nil {
			t.bytes -= len(p.before.value)
			if p.refused > 0 {
				p.order.claimed--
			}
			delete(t.keys, string(key))
		}
		return true
	})
}

// writes reports whether the operation changes what reads of the key show.
func (op *operation) writes() bool { return writes([]byte(op.name)) && op.name != "EXPIRE" }

// several reports whether the operation is one on several keys or fields at
// once: faults are not done to it.
func (op *operation) several() bool {
	switch op.name {
	case "DEL":
		return len(op.args) > 2
	case "HSET":
		return len(op.args) != 4
	}
	return false
}

// look is what a read of the key that an operation is about would show now.
// It reports false if that is no value.
func (t *tamper) look(op *operation) (answer, bool) {
	read, name := []string{"GET", op.key}, op.key
	if op.name == "HSET" || op.name == "HGET" {
		if len(op.args) < 3 {
			return answer{}, false
		}
		read, name = []string{"HGET", op.key, op.args[2]}, op.key+"\x00"+op.args[2]
	}
	frame := t.do(2, read...)
	switch {
	case string(frame) == "$-1\r\n":
		return answer{name: name, key: op.key, none: true}, true
	case len(frame) == 0 || frame[0] != '$':
		return answer{}, false
	}
	at := bytes.IndexByte(frame, '\n') + 1
	return answer{name: name, key: op.key, value: bytes.Clone(frame[at : len(frame)-2])}, true
}

// do runs a command beside all clients and returns the reply.
func (t *tamper) do(protocol int, args ...string) []byte {
	t.out.Reset()
	t.peer.Resp3 = protocol == 3
	t.back.server.Dispatch(t.peer, args)
	t.peer.Flush()
	return t.out.Bytes()
}

// perform runs an operation and keeps the reply.
func (t *tamper) perform(op *operation) []byte {
	return bytes.Clone(t.do(op.store.conn.protocol, op.args...))
}

// say answers an operation in place of the store.
func (op *operation) say(reply []byte) { op.store.conn.out.add(reply) }

func (op *operation) show(a answer) {
	if a.none {
		op.say(resp.AppendNull(nil, op.store.conn.protocol))
		return
	}
	op.say(resp.AppendBulk(nil, a.value))
}

// did notes a fault, and that the key is to be left alone.
func (t *tamper) did(op *operation, o *order, detail string) {
	if op.trace != nil && o.Fault != WrongReply { // after a wrong reply nothing is open
		op.trace.harmed = true
	}
	t.in.mu.Lock()
	defer t.in.mu.Unlock()
	t.in.done(o, op.store.conn.on(Injury{At: t.in.now(), Command: op.name, Key: op.key, Detail: detail}))
}

// keepSpare keeps a value that another key's read can be answered with.
func (t *tamper) keepSpare(op *operation) {
	if t.spare.key != "" {
		return
	}
	if a, ok := t.look(op); ok && !a.none {
		t.spare = a
	}
}

func (t *tamper) wrong(op *operation, o *order) bool {
	if t.spare.key == "" || t.spare.key == op.key || op.trace != nil && op.trace.harmed {
		return false
	}
	op.show(t.spare)
	t.did(op, o, "answered with the value of "+clip(t.spare.key))
	return true
}

// stale answers a read with what was there before the last write. That was
// acknowledged only if its writer is still there to hear of it.
func (t *tamper) stale(op *operation, o *order) bool {
	p := op.trace
	now, ok := t.look(op)
	if !ok || !p.known || p.before.name != now.name || p.before.same(now) || len(t.in.sim.connections([]connID{p.writer})) == 0 {
		return false
	}
	op.show(p.before)
	t.did(op, o, "answered with the value before the last write")
	return true
}

func (a answer) same(b answer) bool { return a.none == b.none && bytes.Equal(a.value, b.value) }

// lose undoes a write that is acknowledged. One that changes nothing cannot be
// lost.
func (t *tamper) lose(op *operation, o *order) bool {
	saved := t.back.save(op.key)
	before, one := t.look(op)
	reply := t.perform(op)
	if after, _ := t.look(op); void(op.name, reply) || one && after.same(before) {
		t.back.discard(saved)
		op.say(reply)
		return true
	}
	t.back.restore(saved)
	t.back.discard(saved)
	op.say(reply)
	t.did(op, o, "acknowledged, and lost")
	return true
}

// void reports whether a reply says that a write changed nothing.
func void(name string, reply []byte) bool {
	switch {
	case len(reply) == 0 || reply[0] == '-' || string(reply) == "*0\r\n":
		return true
	case name == "DEL" || name == "SADD" || name == "ZADD" || name == "SREM" || name == "ZREM":
		return string(reply) == ":0\r\n"
	case name == "RPOP" || name == "LPOP":
		return string(reply) == "$-1\r\n" || string(reply) == "_\r\n"
	}
	return false
}

// twice applies a write twice. What a number was before must be known to
// whoever looks, and members of sets are added once whatever is done.
func (t *tamper) twice(op *operation, o *order) bool {
	p := op.trace
	if p.written == 0 {
		return false
	}
	first := t.perform(op)
	ofSets := (op.name == "SADD" || op.name == "ZADD") && first[0] == ':'
	if first[0] == '-' || ofSets && (o.Fault == HiddenDuplicate || string(first) == ":0\r\n") {
		op.say(first)
		return true
	}
	second := t.perform(op)
	p.written++
	if o.Fault == Duplicate {
		op.say(second)
	} else {
		op.say(first)
	}
	t.did(op, o, "applied twice")
	return true
}

// refuse begins a fault out of order: a write that nobody acknowledges.
func (t *tamper) refuse(op *operation, o *order) bool {
	before, ok := t.look(op)
	if !ok || before.none || op.trace.written == 0 {
		return false
	}
	t.remember(op)
	reply := t.perform(op)
	if now, _ := t.look(op); now.same(before) { // it changed nothing: that is no secret
		op.say(reply)
		return true
	}
	op.say(resp.AppendError(nil, refusal))
	op.trace.harmed, op.trace.refused, op.trace.order = true, 1, o
	o.claimed++
	return true
}

// refusal is what a write is told that is applied all the same.
const refusal = "ERR injected: the outcome of this write is not told"

// goOn takes a fault out of order further: one read sees the write, the next
// does not. Another write in between ends it.
func (t *tamper) goOn(op *operation) bool {
	p := op.trace
	if p == nil || p.refused == 0 {
		return false
	}
	o := p.order
	switch read := op.name == "GET" || op.name == "HGET"; {
	case op.writes():
		p.refused, p.order = 0, nil
		o.claimed--
		return false
	case !read || t.in.sim.calm.Load():
		return false
	case p.refused == 1:
		p.refused = 2
		op.store.dispatch(op.args)
		return true
	}
	op.show(p.before)
	p.refused, p.order = 0, nil
	o.claimed--
	t.did(op, o, "answered with the value before the one that the last read showed")
	return true
}

package workload

import (
	"math"
	"slices"
	"strconv"
	"unsafe"

	"schload/workload/ledger"
)

// recipe says what operation i of a pool is: a pure function of the pool and
// i. Two pools that differ in nothing but the target thus offer the identical
// sequence, whichever worker takes which operation. It is read-only and shared
// by the workers.
type recipe struct {
	seed     uint64
	owner    string // see Run
	leases   int    // keys of leaseSpace of each worker
	pool     string
	commands []command
	upto     []uint64 // entry k is chosen by draws below upto[k]
	keys     keyset
	values   Values
	filler   []byte // what values hold after their header
	ledgered uint64 // operations whose draw is below go to ledger keys; 0: none
}

func newRecipe(p Pool) *recipe {
	r := &recipe{seed: p.Seed, pool: p.Name, values: p.Values, leases: max(1, min(p.Keys.Space, mostLeases)/max(1, p.Workers))}
	sum := 0.0
	for _, w := range p.Mix {
		c, err := p.command(w.Command)
		if err != nil {
			panic(err) // the pool was not validated
		}
		r.commands = append(r.commands, c)
		sum += w.Weight
	}
	part := 0.0
	for _, w := range p.Mix {
		part += w.Weight
		r.upto = append(r.upto, threshold(part/sum))
	}
	r.upto[len(r.upto)-1] = math.MaxUint64
	r.keys = newKeyset(p.Keys, r.commands)
	r.filler = filler(r.values.Max)
	return r
}

// threshold is share of 2^64.
func threshold(share float64) uint64 {
	if share >= 1 {
		return math.MaxUint64
	}
	return uint64(share * (1 << 64))
}

// filler is printable and repeats late enough not to compress to nothing.
func filler(n int) []byte {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	from := source(1)
	for i := range b {
		b[i] = letters[from.below(uint64(len(letters)))]
	}
	return b
}

func (r *recipe) choose(from *source) int {
	x := from.next()
	k := 0
	for x >= r.upto[k] && k < len(r.upto)-1 {
		k++
	}
	return k
}

// maker builds operations for one worker. It owns the memory behind Key and
// Value, one slot for each operation of a pipeline.
type maker struct {
	*recipe
	worker uint64
	writes uint64
	slots  []slot
	page   *ledger.Page // the worker's, nil without a ledger
	own    []string     // keys that no other worker uses, of transactionSpace

	leaseKeys []string // the same of leaseSpace
	leases    []lease  // and what is known of them
	wrong     func(op *Operation, what string)

	sending sending // of pools that deliver messages
}

type slot struct {
	key   []byte // a key of a space too large for names
	value []byte
	dirty int // bytes of value that are not filler
	entry entry
	group group
	leased
	seal seal
}

func newMaker(r *recipe, worker, pipeline int) *maker {
	m := &maker{recipe: r, worker: uint64(worker), slots: make([]slot, pipeline), wrong: func(*Operation, string) {}}
	if r.uses(transactionSpace) {
		m.own = r.ownKeys(transactionSpace, worker, ownKeys)
	}
	if r.uses(leaseSpace) {
		m.leaseKeys = r.ownKeys(leaseSpace, worker, r.leases)
		m.leases = make([]lease, r.leases)
	}
	return m
}

func (r *recipe) uses(of space) bool {
	return slices.ContainsFunc(r.commands, func(c command) bool { return c.space == of })
}

// build makes operation index in a slot. It allocates only while the slot's
// buffers grow.
func (m *maker) build(index uint64, op *Operation, in int) {
	from := draw(m.seed, index)
	op.Index = m.choose(&from)
	c := m.commands[op.Index]
	op.Command = c.name
	op.Form, op.Key, op.Slot = PlainForm, "", 0
	op.Value, op.Keys, op.Values, op.Reply = nil, nil, nil, nil
	s := &m.slots[in]
	s.lease = nil
	if m.sending.book != nil {
		m.send(index, op, s, &from)
		return
	}
	if m.page != nil && m.enter(index, c, op, s, &from) {
		return
	}
	m.aim(c, index, op, s, &from)
	switch {
	case c.space == batchSpace: // it has its values
	case c.payload == value:
		op.Value = m.write(s, op.Key, &from)
	case c.payload == member:
		op.Value = m.member(s, op.Key, from.below(Members))
	}
}

// aim gives an operation the key it is on, or the keys.
func (m *maker) aim(c command, index uint64, op *Operation, s *slot, from *source) {
	switch c.space {
	case keyless:
		return
	case batchSpace:
		m.fillGroup(&s.group, op, m.keys.number(from, index), c.payload, from)
	case transactionSpace:
		op.Key = m.own[from.below(uint64(len(m.own)))]
	case leaseSpace:
		m.takeLease(s, op, from)
	default:
		number := m.keys.number(from, index)
		op.Key = m.key(s, c.space, number)
		op.Slot = m.keys.slot(c.space, number, op.Key)
		return
	}
	op.Slot = slotOf(op.Key)
}

// key returns a key made in advance, or formats one into the slot. Subtle: the
// latter string changes with the slot's next operation; Operation.Key says so
// (TestKeyMemory).
func (m *maker) key(s *slot, of space, number uint64) string {
	if names := m.keys.names[of]; names != nil {
		return names[number]
	}
	s.key = strconv.AppendUint(append(s.key[:0], m.keys.heads[of]...), number, 10)
	return unsafe.String(unsafe.SliceData(s.key), len(s.key))
}

// write makes a value no other write of the run has.
func (m *maker) write(s *slot, key string, from *source) []byte {
	size := m.size(from)
	m.writes++
	return m.stamp(s, key, size)
}

// stamp makes the value of the last write for one of its keys.
func (m *maker) stamp(s *slot, key string, size int) []byte {
	b := append(append(s.blank(key, m.filler), key...), separator...)
	b = append(strconv.AppendUint(b, m.worker, 10), '.')
	b = append(strconv.AppendUint(b, m.writes, 10), separator...)
	return s.fill(len(b), size, m.filler)
}

func (m *maker) size(from *source) int {
	size := m.values.Size
	if spread := m.values.Max - size; spread > 0 {
		size += int(from.below(uint64(spread) + 1))
	}
	return size
}

// member makes one of the members of a set. Equal numbers make equal members,
// so their size is fixed.
func (m *maker) member(s *slot, key string, number uint64) []byte {
	b := append(append(s.blank(key, m.filler), key...), separator...)
	b = append(strconv.AppendUint(append(b, 'm'), number, 10), separator...)
	return s.fill(len(b), m.values.Size, m.filler)
}

// headerRoom is what a header holds beside its key: three numbers of 20 digits
// and four separators.
const headerRoom = 3*20 + 4

// blank returns the slot's buffer, empty and large enough for any value.
func (s *slot) blank(key string, filler []byte) []byte {
	if need := max(len(filler), len(key)+headerRoom); len(s.value) < need {
		s.value = make([]byte, need)
		copy(s.value, filler)
		s.dirty = 0
	}
	return s.value[:0]
}

// fill extends a header of n bytes to size. The slot's buffer keeps its filler
// from one operation to the next, so only what an earlier, longer header
// overwrote is filled anew: a large value costs no more than a small one.
func (s *slot) fill(n, size int, filler []byte) []byte {
	if n < s.dirty && n < len(filler) {
		copy(s.value[n:s.dirty], filler[n:])
	}
	s.dirty = n
	return s.value[:max(n, size)]
}

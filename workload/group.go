package workload

import (
	"fmt"
	"strconv"
	"strings"
	"unsafe"
)

// group is the memory of the keys and values of one MGET or MSET.
//
// Its keys share a hash tag, so that they live in one slot of a cluster, and
// are always written together: schload:batch4:{17}:0 to {17}:3. How many they
// are is part of their names: groups of other sizes, which other runs left
// behind, are other keys.
type group struct {
	slots  []slot
	keys   []string
	values [][]byte
}

// groups is what the keys of all groups begin with, up to the group's number.
func (k Keys) groups() string {
	return fmt.Sprintf("%s%s%d:{", k.Prefix, spaceNames[batchSpace], k.Batch)
}

// fillGroup makes an operation one on the group of a number. All values of one
// write have the same writer and counter: as MSET writes all or none at once,
// MGET finds those of one write.
func (m *maker) fillGroup(g *group, op *Operation, number uint64, p payload, from *source) {
	if g.slots == nil {
		g.slots, g.keys, g.values = make([]slot, m.keys.Batch), make([]string, m.keys.Batch), make([][]byte, m.keys.Batch)
	}
	if p == value {
		m.writes++
		op.Values = g.values
	}
	size := m.size(from)
	for i := range g.slots {
		s := &g.slots[i]
		s.key = strconv.AppendUint(append(s.key[:0], m.keys.heads[batchSpace]...), number, 10)
		s.key = strconv.AppendUint(append(s.key, "}:"...), uint64(i), 10)
		g.keys[i] = unsafe.String(unsafe.SliceData(s.key), len(s.key))
		if p == value {
			g.values[i] = m.stamp(s, g.keys[i], size)
		}
	}
	op.Keys, op.Key = g.keys, g.keys[0]
}

// Together reports whether values, each of its key (see Belongs), can have been
// written by one MSET.
func Together[T ~string | ~[]byte](keys []string, values []T) bool {
	for i := range values {
		if writer(keys[i], values[i]) != writer(keys[0], values[0]) {
			return false
		}
	}
	return true
}

// writer is the part of a key's value that names worker and counter.
func writer[T ~string | ~[]byte](key string, value T) string {
	header := string(value[len(key)+1:][:min(len(value)-len(key)-1, headerRoom)])
	name, _, _ := strings.Cut(header, separator)
	return name
}

// ownKeys is how many keys a worker has for its transactions.
const ownKeys = 16

// ownKeys returns the keys of a space that only one worker of the run uses, so
// that nothing another worker or arm does concerns them:
// schload:transaction:on:main:3:15.
func (r *recipe) ownKeys(of space, worker, n int) []string {
	head := fmt.Sprintf("%s%s:%s:%s:%d:", r.keys.Prefix, spaceNames[of], r.owner, r.pool, worker)
	return enumerate(strings.ReplaceAll(head, separator, "_"), n)
}

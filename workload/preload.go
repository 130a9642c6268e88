package workload

import (
	"iter"
	"slices"
)

// writers are the commands that fill a space that others read without failing
// to find their key. Lists are left out: RPOP takes what LPUSH brought.
var writers = map[space]string{stringSpace: "SET", hashSpace: "HSET", batchSpace: "MSET"}

// Preload yields the writes that give every key the pool's mix reads a value,
// in batches of at most size operations: after them a read that finds nothing
// has lost something (or the mix deletes). Their Index is -1, for they are no
// operations of the mix; no worker has their writer number. A batch is valid
// until the next one.
func (p Pool) Preload(size int) iter.Seq[[]Operation] {
	return func(yield func([]Operation) bool) {
		p := p.WithDefaults()
		m := newMaker(newRecipe(p), p.Workers, p.together(max(size, 1)))
		batch := make([]Operation, 0, len(m.slots))
		for _, of := range m.read() {
			for number := range uint64(p.Keys.Space) {
				if len(batch) == cap(batch) {
					if !yield(batch) {
						return
					}
					batch = batch[:0]
				}
				batch = append(batch, m.first(&m.slots[len(batch)], of, number))
			}
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
}

// first makes the write that gives a key, or a group of keys, its first value.
func (m *maker) first(s *slot, of space, number uint64) Operation {
	from := draw(m.seed, number)
	op := Operation{Index: -1, Command: writers[of]}
	if of == batchSpace {
		m.fillGroup(&s.group, &op, number, value, &from)
		return op
	}
	op.Key = m.key(s, of, number)
	op.Value = m.write(s, op.Key, &from)
	return op
}

// togetherBytes bounds what operations that are sent together, outside of the
// load, hold in values.
const togetherBytes = 16 << 20

// together is how many operations, at most most, are sent together outside of
// the load: large values go fewer at a time.
func (p Pool) together(most int) int {
	return max(1, min(most, togetherBytes/max(1, p.footprint())))
}

// Stored is what the values of the pool's keys take in a database at most, as
// far as each key holds one, in bytes. The pool must have its defaults.
func (p Pool) Stored() int {
	seen := map[space]bool{}
	values := 0
	for _, w := range p.Mix {
		c, err := p.command(w.Command)
		if err != nil || seen[c.space] || !oneValue[c.space] {
			continue
		}
		seen[c.space] = true
		if c.space == batchSpace {
			values += p.Keys.Batch
		} else {
			values++
		}
	}
	return values * p.Keys.Space * max(p.Values.Size, p.Values.Max)
}

// oneValue are the spaces whose keys hold one value each.
var oneValue = map[space]bool{stringSpace: true, hashSpace: true, batchSpace: true, leaseSpace: true}

// footprint is what the values of one operation take at most, in bytes.
func (p Pool) footprint() int {
	values := 1
	if p.Mix.names("MSET") || p.Mix.names("MGET") {
		values = max(1, p.Keys.Batch)
	}
	return values * max(p.Values.Size, p.Values.Max)
}

// read returns the spaces that commands of the mix read.
func (r *recipe) read() []space {
	var read []space
	for _, c := range r.commands {
		if c.payload == nothing && writers[c.space] != "" && !slices.Contains(read, c.space) {
			read = append(read, c.space)
		}
	}
	return read
}

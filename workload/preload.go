package workload

import (
	"iter"
	"slices"
)

// writers are the commands that fill a space that others read without failing
// to find their key. Lists are left out: RPOP takes what LPUSH brought.
var writers = map[space]string{stringSpace: "SET", hashSpace: "HSET"}

// Preload yields the writes that give every key the pool's mix reads a value,
// in batches of at most size operations: after them a read that finds nothing
// has lost something (or the mix deletes). Their Index is -1, for they are no
// operations of the mix; no worker has their writer number. A batch is valid
// until the next one.
func (p Pool) Preload(size int) iter.Seq[[]Operation] {
	return func(yield func([]Operation) bool) {
		p := p.WithDefaults()
		m := newMaker(newRecipe(p), p.Workers, max(size, 1))
		batch := make([]Operation, 0, len(m.slots))
		for _, of := range m.read() {
			for number := range uint64(p.Keys.Space) {
				if len(batch) == cap(batch) {
					if !yield(batch) {
						return
					}
					batch = batch[:0]
				}
				from := draw(m.seed, number)
				s := &m.slots[len(batch)]
				key := m.key(s, of, number)
				batch = append(batch, Operation{Index: -1, Command: writers[of], Key: key, Value: m.write(s, key, &from)})
			}
		}
		if len(batch) > 0 {
			yield(batch)
		}
	}
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

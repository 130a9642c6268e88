package sim

import (
	"bufio"
	"bytes"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/alicebob/miniredis/v2/server"
)

// journal remembers what keys of the in-process store were before the last
// writes. A failover can then lose writes that were acknowledged, as it does
// when the replica that takes over has not got them: those keys become again
// what they were.
//
// It remembers nothing until it is asked to, serves database 0, and lets one
// write at a time through: it is for those who want to see writes lost.
type journal struct {
	server *server.Server
	attic  string       // the store's database for backups, far beyond what clients select
	depth  atomic.Int64 // how many writes are remembered; 0: none

	mu     sync.Mutex
	peer   *server.Peer
	out    bytes.Buffer // what the store answers
	writes []written    // oldest first
	free   []string     // names in the attic to use again: the store remembers every name for ever
	last   uint64       // name made
}

// written is one write: its keys as they were before.
type written []backup

type backup struct {
	key  string
	name string // in the attic; empty: the key did not exist
}

// The attics in use.
const (
	lossAttic   = "1000000"
	tamperAttic = "1000001"
)

func newJournal(s *server.Server) *journal {
	j := &journal{server: s, attic: lossAttic}
	j.peer = server.NewPeer(bufio.NewWriter(&j.out))
	return j
}

// keep remembers so many writes from now on, 0 for none, and forgets those
// before.
func (j *journal) keep(depth int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.depth.Store(int64(depth))
	j.drop(len(j.writes))
}

// on reports whether writes are remembered.
func (j *journal) on() bool { return j.depth.Load() > 0 }

// write remembers the keys and runs a command that may write them.
func (j *journal) write(keys []string, run func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(keys) > 0 {
		j.remember(keys)
	}
	run()
}

// expect remembers the keys of a command that will run when it likes.
func (j *journal) expect(keys []string) { j.write(keys, func() {}) }

func (j *journal) remember(keys []string) {
	var w written
	for _, key := range keys {
		w = append(w, j.save(key))
	}
	j.writes = append(j.writes, w)
	j.drop(len(j.writes) - int(j.depth.Load()))
}

// save makes a backup of a key.
func (j *journal) save(key string) backup {
	b := backup{key: key}
	if name := j.name(); j.do("COPY", key, name, "DB", j.attic) == ":1\r\n" {
		b.name = name
	} else {
		j.free = append(j.free, name)
	}
	return b
}

// name takes a name in the attic that nothing has.
func (j *journal) name() string {
	if n := len(j.free); n > 0 {
		name := j.free[n-1]
		j.free = j.free[:n-1]
		return name
	}
	j.last++
	return strconv.FormatUint(j.last, 10)
}

// drop forgets the oldest writes.
func (j *journal) drop(n int) {
	if n <= 0 {
		return
	}
	for _, w := range j.writes[:n] {
		for _, b := range w {
			j.discard(b)
		}
	}
	j.writes = j.writes[n:]
}

// discard takes a backup out of the attic.
func (j *journal) discard(b backup) {
	if b.name == "" {
		return
	}
	j.do("SELECT", j.attic)
	j.do("DEL", b.name)
	j.do("SELECT", "0")
	j.free = append(j.free, b.name)
}

// lose undoes the last n writes, the newest first, and returns how many it
// knew.
func (j *journal) lose(n int) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	n = min(n, len(j.writes))
	for i := range n {
		w := j.writes[len(j.writes)-1-i]
		for k := range w {
			j.restore(w[len(w)-1-k])
		}
	}
	j.drop(len(j.writes)) // older ones are of no use any more
	return n
}

// restore is one transaction: nobody sees the key in between.
func (j *journal) restore(b backup) {
	j.do("MULTI")
	j.do("DEL", b.key)
	if b.name != "" {
		j.do("SELECT", j.attic)
		j.do("COPY", b.name, b.key, "DB", "0")
		j.do("SELECT", "0")
	}
	j.do("EXEC")
}

func (j *journal) do(args ...string) string {
	j.out.Reset()
	j.server.Dispatch(j.peer, args)
	j.peer.Flush()
	return j.out.String()
}

// keysOf are the keys that a command may change.
func (j *journal) keysOf(args []string, cmd command) (keys []string) {
	if j.server.IsReadOnlyCommand(args[0]) {
		return nil
	}
	cmd.keys.each(rawArgs(args), func(key []byte) bool {
		keys = append(keys, string(key))
		return true
	})
	return keys
}

func rawArgs(args []string) [][]byte {
	raw := make([][]byte, len(args))
	for i, arg := range args {
		raw[i] = []byte(arg)
	}
	return raw
}

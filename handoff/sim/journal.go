package sim

import (
	"bufio"
	"bytes"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2/server"
)

// journal remembers what keys of the in-process store were before they were
// written last, for as long as a replica is said to lag. A failover then loses
// what the replica had not got: those keys become again what they were.
//
// It serves database 0, and one write at a time: it is for those who want to
// see writes lost, not for speed.
type journal struct {
	lag    time.Duration
	server *server.Server

	mu      sync.Mutex
	peer    *server.Peer
	out     bytes.Buffer // what the store answers
	entries []entry      // by time
	free    []string     // names in the attic to use again: the store remembers every name for ever
	last    uint64       // name made
}

// entry is one key before a write.
type entry struct {
	at     time.Time
	key    string
	backup string // its name in the attic; empty: the key did not exist
}

// attic is the store's database for backups, beyond what clients may select.
const attic = "1000000"

func newJournal(lag time.Duration, s *server.Server) *journal {
	j := &journal{lag: lag, server: s}
	j.peer = server.NewPeer(bufio.NewWriter(&j.out))
	return j
}

// write remembers the keys and runs a command that may write them.
func (j *journal) write(keys []string, run func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.remember(keys)
	run()
}

// expect remembers the keys of a command that will run when it likes.
func (j *journal) expect(keys []string) { j.write(keys, func() {}) }

func (j *journal) remember(keys []string) {
	now := time.Now()
	j.trim(now)
	for _, key := range keys {
		e := entry{at: now, key: key}
		if name := j.name(); j.do("COPY", key, name, "DB", attic) == ":1\r\n" {
			e.backup = name
		} else {
			j.free = append(j.free, name)
		}
		j.entries = append(j.entries, e)
	}
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

// trim forgets what the replica has got by now.
func (j *journal) trim(now time.Time) {
	n := 0
	for n < len(j.entries) && now.Sub(j.entries[n].at) > j.lag {
		n++
	}
	j.drop(j.entries[:n])
	j.entries = j.entries[n:]
}

// drop deletes backups.
func (j *journal) drop(entries []entry) {
	if len(entries) == 0 {
		return
	}
	j.do("SELECT", attic)
	for _, e := range entries {
		if e.backup != "" {
			j.do("DEL", e.backup)
			j.free = append(j.free, e.backup)
		}
	}
	j.do("SELECT", "0")
}

// lose undoes the writes that the replica has not got, and returns how many
// keys are not what they were.
func (j *journal) lose() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.trim(time.Now())
	undone := map[string]bool{}
	for _, e := range j.entries {
		if !undone[e.key] { // the first backup is the oldest
			undone[e.key] = true
			j.restore(e)
		}
	}
	j.drop(j.entries)
	j.entries = nil
	return len(undone)
}

// restore is one transaction: nobody sees the key in between.
func (j *journal) restore(e entry) {
	j.do("MULTI")
	j.do("DEL", e.key)
	if e.backup != "" {
		j.do("SELECT", attic)
		j.do("COPY", e.backup, e.key, "DB", "0")
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

// writes are the keys that a command may change.
func (j *journal) writes(args []string, cmd command) (keys []string) {
	if j.server.IsReadOnlyCommand(args[0]) {
		return nil
	}
	raw := make([][]byte, len(args))
	for i, arg := range args {
		raw[i] = []byte(arg)
	}
	cmd.keys.each(raw, func(key []byte) bool {
		keys = append(keys, strings.Clone(string(key)))
		return true
	})
	return keys
}

package sim

import (
	"fmt"
	"net"
	"sync"
	"time"
)

// Bounds of what waits for a client.
const (
	// maxUnread is how much of pushes and messages a client may leave unread
	// before it is cut off, as Redis cuts off its slow subscribers.
	maxUnread = 8 << 20
	// roomy is how much may wait before replies wait too: the client is then
	// slower than its own requests.
	roomy = 256 << 10
	// writeTimeout is how long a client may take nothing at all.
	writeTimeout = 10 * time.Second
	// keepBuffer is the largest buffer that a connection keeps for later.
	keepBuffer = 64 << 10
)

// outbox is what waits to be written to a client: whole frames in the order
// they were added, by several goroutines. Whoever flushes writes for all. The
// lock is never held while writing, so adding never waits for a client.
type outbox struct {
	conn  net.Conn
	spawn func(func())        // starts a goroutine that somebody waits for
	drop  func(reason string) // ends the connection: the client is too slow, or gone
	held  func() bool         // reports whether nothing gets through; nil: never

	mu       sync.Mutex
	room     sync.Cond // of mu: less waits than before, or the box is shut
	buf      []byte
	spare    []byte // the other buffer: one is filled while one is written
	writing  bool
	kicked   bool // a goroutine was spawned to flush
	shut     bool
	deadline time.Time // of writes, as the connection knows it
}

func newOutbox(conn net.Conn, spawn func(func()), drop func(reason string)) *outbox {
	o := &outbox{conn: conn, spawn: spawn, drop: drop}
	o.room.L = &o.mu
	return o
}

// add appends whole frames. They leave with the next flush.
func (o *outbox) add(frames []byte) {
	o.mu.Lock()
	if !o.shut {
		o.buf = append(o.buf, frames...)
	}
	o.mu.Unlock()
}

// push appends whole frames and sees to it that they leave. It never waits.
func (o *outbox) push(frames []byte) {
	o.add(frames)
	o.hurry()
}

// hurry has somebody flush, or cuts off a client that leaves too much unread.
// It never waits. Spawning within the lock makes sure that nobody is spawned
// once the box is shut.
func (o *outbox) hurry() {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.shut:
	case len(o.buf) > maxUnread:
		o.stop()
		o.spawn(func() { o.drop(fmt.Sprintf("left more than %d MB unread", maxUnread>>20)) })
	case !o.writing && !o.kicked && len(o.buf) > 0:
		o.kicked = true
		o.spawn(o.flush)
	}
}

// flush writes what waits, and returns when it is written. If another
// goroutine is writing it will write this too; then flush returns at once,
// unless too much waits.
func (o *outbox) flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.writing && len(o.buf) > roomy && !o.shut {
		o.room.Wait()
	}
	if o.writing {
		return
	}
	o.writing, o.kicked = true, false
	for len(o.buf) > 0 && !o.shut && !(o.held != nil && o.held()) {
		o.write()
	}
	o.writing = false
	o.room.Broadcast()
}

// write writes one buffer. It is called, and returns, with the lock held.
func (o *outbox) write() {
	out := o.buf
	o.buf, o.spare = o.spare[:0], nil
	o.mu.Unlock()
	o.extend()
	_, err := o.conn.Write(out)
	o.mu.Lock()
	if cap(out) <= keepBuffer {
		o.spare = out[:0]
	}
	o.room.Broadcast()
	if err != nil && !o.shut {
		o.stop()
		o.mu.Unlock()
		o.drop(unwritable(err))
		o.mu.Lock()
	}
}

// unwritable is why a client could not be written to; empty when it left.
func unwritable(err error) string {
	if isTimeout(err) {
		return fmt.Sprintf("read nothing for %v", writeTimeout)
	}
	return ""
}

// extend moves the write deadline, which only the goroutine that writes does.
// It moves it seldom: a client has between half the timeout and all of it.
func (o *outbox) extend() {
	if now := time.Now(); o.deadline.Sub(now) < writeTimeout/2 {
		o.deadline = now.Add(writeTimeout)
		o.conn.SetWriteDeadline(o.deadline)
	}
}

// close drops what waits and everything that is added later.
func (o *outbox) close() {
	o.mu.Lock()
	o.stop()
	o.mu.Unlock()
}

// finish closes the box and has last run, unless the box was closed before.
func (o *outbox) finish(last func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.shut {
		o.stop()
		o.spawn(last)
	}
}

func (o *outbox) stop() {
	o.shut, o.buf, o.spare = true, nil, nil
	o.room.Broadcast()
}

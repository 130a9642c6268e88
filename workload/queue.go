package workload

import (
	"sync"
	"time"
)

// ticket is a batch that fell due.
type ticket struct {
	intended time.Duration
	number   uint64 // of the batch, from 0
}

// queue hands tickets from the dispatcher to whichever worker is free. It
// knows how many tickets are with workers, so the dispatcher can tell whether
// one is free.
type queue struct {
	mu      sync.Mutex
	ready   sync.Cond
	waiting []ticket // a ring of length 2^k
	head    int
	n       int
	bound   int // most tickets that wait
	workers int
	busy    int // tickets taken and not done
	closed  bool
	meter   meter
}

func newQueue(workers, bound int) *queue {
	q := &queue{workers: workers, bound: bound, meter: meter{workers: workers, size: 1}}
	q.ready.L = &q.mu
	return q
}

// put appends a ticket, unless the queue is full or (free) no worker is free.
// It also reports whether the oldest ticket was intended before an instant.
func (q *queue) put(t ticket, free bool, before time.Duration) (put, stale bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	stale = q.n > 0 && q.waiting[q.head].intended < before
	if q.n >= q.bound || free && q.busy+q.n >= q.workers {
		return false, stale
	}
	if q.n == len(q.waiting) {
		q.grow()
	}
	q.meter.advance(q.busy, q.n)
	q.waiting[(q.head+q.n)&(len(q.waiting)-1)] = t
	q.n++
	q.ready.Signal()
	return true, stale
}

// expire takes the oldest ticket if it was intended before an instant.
func (q *queue) expire(before time.Duration) (ticket, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == 0 || q.waiting[q.head].intended >= before {
		return ticket{}, false
	}
	q.meter.advance(q.busy, q.n)
	return q.pop(), true
}

// load returns what the workers were busy with.
func (q *queue) load() Load {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.meter.read(q.busy, q.n)
}

// take waits for a ticket; done says that the caller's last one is finished.
// It reports false once the queue is closed and empty.
func (q *queue) take(done bool) (ticket, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.meter.advance(q.busy, q.n)
	if done {
		q.busy--
	}
	for q.n == 0 {
		if q.closed {
			return ticket{}, false
		}
		q.ready.Wait()
		q.meter.advance(q.busy, q.n)
	}
	q.busy++
	return q.pop(), true
}

// close says that no more tickets come; those that wait are still handed out.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.ready.Broadcast()
}

func (q *queue) pop() ticket {
	t := q.waiting[q.head]
	q.head = (q.head + 1) & (len(q.waiting) - 1)
	q.n--
	return t
}

func (q *queue) grow() {
	bigger := make([]ticket, max(64, 2*len(q.waiting)))
	k := copy(bigger, q.waiting[q.head:])
	copy(bigger[k:], q.waiting[:q.head])
	q.waiting, q.head = bigger, 0
}

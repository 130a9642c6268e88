package record

import (
	"runtime"
	"sync/atomic"
	"time"

	"schload/workload"
)

// shard is the Sink of one goroutine, the worker. Another goroutine, the
// reader, takes what it recorded, without a lock and without ever waiting for
// a worker that is idle or blocked in an operation:
//
//   - the worker claims its buffer (current becomes nil), records, and
//     releases it (current becomes the buffer again). It never waits.
//   - the reader exchanges a buffer that is not claimed for an empty one. If
//     it finds none, the worker is in the few nanoseconds between claim and
//     release: the reader yields and looks again.
//
// Whoever holds a buffer got it from an atomic operation on current that
// follows the other side's atomic operation, so all that was recorded is
// visible to it, and plain memory suffices in the buffer
// (TestCollectConcurrentSafe, under the race detector).
//
// What was tried instead: claiming by the number of one of two buffers saves
// a tenth and is harder to follow; buffers exchanged by epoch, without a
// claim, save both atomic operations, but an idle worker never sees the epoch
// and needs a lock; atomic adds cost 5 ns per word, and a sample touches more
// than ten.
type shard struct {
	pool    *pool
	current atomic.Pointer[buffer]
	_       [112]byte // current has two cache lines to itself: workers do not share one
	need    need      // the reader's
}

func (s *shard) claim() *buffer    { return s.current.Swap(nil) }
func (s *shard) release(b *buffer) { s.current.Store(b) }

// take exchanges the shard's buffer for an empty one.
func (s *shard) take(empty *buffer) *buffer {
	for {
		b := s.current.Load()
		if b != nil && s.current.CompareAndSwap(b, empty) {
			return b
		}
		runtime.Gosched()
	}
}

// Due implements workload.Sink.
func (s *shard) Due(intended time.Duration, n int) {
	b := s.claim()
	b.pageAt(intended).due += uint64(n)
	b.bins.at(intended).fellDue(intended, n)
	s.release(b)
}

// Missed implements workload.Sink.
func (s *shard) Missed(intended time.Duration, reason workload.Reason, n int) {
	b := s.claim()
	b.pageAt(intended).missed[reason] += uint64(n)
	b.bins.at(intended).ended += int64(n)
	s.release(b)
}

// Done implements workload.Sink.
func (s *shard) Done(x workload.Sample, n int) {
	b := s.claim()
	b.pageAt(x.Intended).add(&x, uint64(n), s.pool.lateAfter)
	b.bins.at(x.Done).done(x.Done, s.pool.end(&x), n)
	s.release(b)
}

// Sent implements workload.SlotSink.
func (s *shard) Sent(at time.Duration, ops []workload.Operation) {
	if s.pool.slots == nil {
		return
	}
	b := s.claim()
	for i := range ops {
		if r, ok := s.pool.slots.rangeOf(ops[i].Slot); ok {
			b.ranges[r].at(at).fellDue(at, 1)
		}
	}
	s.release(b)
}

// Answered implements workload.SlotSink.
func (s *shard) Answered(at time.Duration, ops []workload.Operation, outcomes []workload.Outcome) {
	if s.pool.slots == nil {
		return
	}
	b := s.claim()
	for i := range ops {
		if r, ok := s.pool.slots.rangeOf(ops[i].Slot); ok {
			e := unsuccessful
			if outcomes[i].Class == workload.OK {
				e = timely // the limit of response time is no matter of slots
			}
			b.ranges[r].at(at).done(at, e, 1)
		}
	}
	s.release(b)
}

// end says how an operation of the pool ended.
func (p *pool) end(x *workload.Sample) end {
	switch {
	case x.Outcome.Class != workload.OK:
		return unsuccessful
	case x.ResponseTime() > p.lateAfter:
		return late
	}
	return timely
}

var _ workload.SlotSink = (*shard)(nil)

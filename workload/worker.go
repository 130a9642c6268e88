package workload

import (
	"context"
	"time"
)

// worker sends batches, one at a time.
type worker struct {
	account
	slots    SlotSink // nil: nobody asks
	base     time.Time
	target   Target
	pool     Pool
	maker    *maker
	ops      []Operation
	outcomes []Outcome
}

// serve is the open loop: it sends what the dispatcher hands out. No ticket is
// judged before it is here, so what waited too long counts as missed now.
func (w *worker) serve(ctx context.Context, q *queue) {
	for t, ok := q.take(false); ok; t, ok = q.take(true) {
		w.send(ctx, t)
	}
}

func (w *worker) send(ctx context.Context, t ticket) {
	size := len(w.ops)
	if ctx.Err() != nil {
		w.missed(t.intended, Ended, size)
		return
	}
	w.build(t.number, t.intended)
	sent := time.Since(w.base)
	if sent-t.intended > w.pool.StartDeadline {
		w.maker.withdraw()
		w.missed(t.intended, Deadline, size)
		return
	}
	w.do(ctx, t.intended, sent)
}

// build comes before the clock is read: making a value is the harness's work
// and no part of the service time.
func (w *worker) build(batch uint64, due time.Duration) {
	first := batch * uint64(len(w.ops))
	w.maker.sending.due = due
	for i := range w.ops {
		w.maker.build(first+uint64(i), &w.ops[i], i)
		w.outcomes[i] = Outcome{Class: Other}
	}
}

func (w *worker) do(ctx context.Context, intended, sent time.Duration) {
	if w.slots != nil {
		w.slots.Sent(sent, w.ops)
	}
	w.target.Do(ctx, w.ops, w.outcomes)
	s := Sample{Intended: intended, Sent: sent, Done: time.Since(w.base)}
	w.maker.judge(w.ops, w.outcomes)
	if w.slots != nil {
		w.slots.Answered(s.Done, w.ops, w.outcomes)
	}
	for i := 0; i < len(w.ops); {
		s.Operation, s.Outcome = w.ops[i].Index, w.outcomes[i]
		n := 1
		for i+n < len(w.ops) && w.ops[i+n].Index == s.Operation && w.outcomes[i+n] == s.Outcome {
			n++
		}
		w.done(s, n)
		i += n
	}
}

// repeat is the closed loop: the next batch starts when the last one ended
// (and the think time is over). Batch k of worker w is number k*workers + w,
// so the sequence of operations depends on no race.
func (w *worker) repeat(ctx context.Context, h *Horizon, here *presence) {
	size := len(w.ops)
	if !w.pause(ctx, h, -time.Since(w.base)) {
		return
	}
	here.change(1)
	defer here.change(-1)
	for number := w.maker.worker; ; number += uint64(w.pool.Workers) {
		w.build(number, 0)
		now := time.Since(w.base)
		if ctx.Err() != nil || now >= h.end() {
			w.maker.withdraw()
			return
		}
		w.due(now, size)
		w.do(ctx, now, now)
		w.Horizon = now + 1
		if !w.think(ctx, h, here) {
			return
		}
	}
}

// think is the pause between operations; the worker has none in flight then.
func (w *worker) think(ctx context.Context, h *Horizon, here *presence) bool {
	if w.pool.Schedule.Think <= 0 {
		return true
	}
	here.change(-1)
	defer here.change(1)
	return w.pause(ctx, h, w.pool.Schedule.Think)
}

// pause waits, at most until the horizon; it reports false when ctx ended it.
func (w *worker) pause(ctx context.Context, h *Horizon, length time.Duration) bool {
	if length <= 0 {
		return true
	}
	until := time.Since(w.base) + length
	timer := time.NewTimer(length)
	defer timer.Stop()
	ended := h.ended()
	for {
		select {
		case <-timer.C:
			return true
		case <-ctx.Done():
			return false
		case <-ended:
			ended = nil
			timer.Reset(min(until, h.end()) - time.Since(w.base))
		}
	}
}

package workload

import (
	"context"
	"runtime"
	"time"
)

// dispatcher walks the schedule, waits for each instant and hands the batch to
// the queue. It alone says what is due. One goroutine runs it.
type dispatcher struct {
	account
	base    time.Time
	pool    Pool
	pacer   Pacer
	queue   *queue
	horizon *Horizon
	early   context.Context     // ends when the horizon is set
	lag     func(time.Duration) // Run.Lag, or nil
	turn    Turn

	now  time.Duration // last reading of the clock
	next time.Duration // behind the last instant that fell due
	cut  time.Duration // when ctx was seen to be done; forever before

	handed bool // a ticket was put since the last wait
}

// run dispatches until the horizon, the end of ctx or an overload that aborts.
// Whatever ends it, Horizon says where, and every instant before it fell due.
func (d *dispatcher) run(ctx context.Context) (err error) {
	defer d.queue.close()
	d.cut, d.now = forever, -forever
	number := uint64(0)
	for at := range d.pool.Schedule.batches(d.pool.Pipeline) {
		due, err := d.await(ctx, at, d.turn.delay(number))
		if due && err == nil {
			err = d.offer(ticket{intended: at, number: number})
		}
		if !due || err != nil {
			d.Horizon = d.end(ctx, err)
			return err
		}
		number++
	}
	_, err = d.await(ctx, forever, 0) // the schedule is silent from here on
	d.Horizon = d.end(ctx, err)
	return err
}

// end is where dispatching ends as things stand: never before what fell due
// already, at once after an error.
func (d *dispatcher) end(ctx context.Context, err error) time.Duration {
	if err != nil {
		return d.next
	}
	if d.cut == forever && ctx.Err() != nil {
		d.cut = time.Since(d.base)
	}
	return max(d.next, min(d.cut, d.horizon.end()))
}

// await waits for an instant, or for the end if that comes first; it reports
// whether the instant is due. The clock is read only when the last reading
// does not decide, so one wake-up serves everything that is due by then. If it
// has to be woken, that is put off by the turn's delay.
func (d *dispatcher) await(ctx context.Context, at, turn time.Duration) (bool, error) {
	for {
		end := d.end(ctx, nil)
		if d.cut != forever {
			return at < end, nil // nothing is waited for any more
		}
		until := min(at, end)
		if until > d.now {
			d.now = time.Since(d.base)
		}
		if until <= d.now {
			return at < end, nil
		}
		if d.handed {
			// Let a worker send before the pacer's system calls: this saves
			// some 10 us of lateness (BenchmarkEngineLateness).
			d.handed = false
			runtime.Gosched()
			continue
		}
		wait := d.early
		if d.horizon.end() != forever {
			wait = ctx
		}
		if err := d.pacer.Wait(wait, until+turn); err != nil && wait.Err() == nil {
			return false, err
		}
	}
}

// offer states that a batch is due and hands it over, or says why not.
func (d *dispatcher) offer(t ticket) error {
	size := d.pool.Pipeline
	d.due(t.intended, size)
	d.next = t.intended + 1
	if d.lag != nil {
		d.lag(max(0, d.now-t.intended))
	}
	if d.cut != forever {
		d.missed(t.intended, Ended, size)
		return nil
	}
	put, stale := d.queue.put(t, d.pool.Overload != Queue, d.now-d.pool.StartDeadline)
	if stale {
		d.expire()
		if !put {
			put, _ = d.queue.put(t, d.pool.Overload != Queue, 0)
		}
	}
	switch {
	case put:
		d.handed = true
		return nil
	case d.pool.Overload == Queue:
		d.missed(t.intended, QueueFull, size)
		return nil
	}
	d.missed(t.intended, NoWorker, size)
	if d.pool.Overload == Drop {
		return nil
	}
	return &OverloadError{Pool: d.pool.Name, Intended: t.intended, Workers: d.pool.Workers}
}

// expire removes what has waited too long, so that a stalled target does not
// keep fresh operations out of the queue and misses show while it lasts.
func (d *dispatcher) expire() {
	for {
		t, ok := d.queue.expire(d.now - d.pool.StartDeadline)
		if !ok {
			return
		}
		d.missed(t.intended, Deadline, d.pool.Pipeline)
	}
}

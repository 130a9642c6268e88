package workload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"schload/workload/delivery"
	"schload/workload/ledger"
)

// Run is one pool at work on one target.
type Run struct {
	// Base is the instant that all instants count from; the schedule begins
	// there. Choose it a little ahead, so that Do is ready when it comes. It
	// must carry a monotonic reading, as time.Now returns it.
	Base   time.Time
	Pool   Pool
	Target Target

	// Owner names who loads, among all who load the target with the same pool:
	// it is part of the keys that only one worker uses. May be empty.
	Owner string

	// Wrong, if set, is told of replies that the engine itself finds to be wrong,
	// those of a ledger aside, and why. Many goroutines may call it at once; the
	// operation is valid until it returns.
	Wrong func(op *Operation, why string)

	// Sink is called once for every goroutine that observes, before it starts.
	// Nil discards the samples.
	Sink func() Sink

	// Pacer makes the pacer. Nil means NewPacer; in a testing/synctest bubble
	// it must return a NewTimerPacer.
	Pacer func() (Pacer, error)

	// Lag, if set, is told how late the dispatcher itself handed a batch over,
	// which is the harness's doing and never the target's. One goroutine calls
	// it, once a batch. A closed loop has none.
	Lag func(time.Duration)

	// Ledger, if set, takes its share of the operations to keys of its own,
	// whose replies it judges. It must have a page for each worker.
	Ledger *ledger.Book
	// Messages, for a pool that delivers some, is their account. Its instants
	// count from Base.
	Messages *delivery.Book

	// Occupancy, if set, tells how busy the workers are.
	Occupancy *Occupancy

	// Turn is the run's place among those that share its instants.
	Turn Turn

	// Horizon ends the run. Nil means that only ctx does.
	Horizon *Horizon
}

// Do runs the pool until the horizon and until what was due before it has
// ended or was missed. It returns the account of the run, also next to an
// error, and an error if the account is not exact.
//
// When ctx is done the horizon becomes now: operations that wait are missed
// (Ended), those in flight end as the target says. That is no error.
func (r Run) Do(ctx context.Context) (Tally, error) {
	if err := r.validate(); err != nil {
		return Tally{}, err
	}
	r.Pool = r.Pool.WithDefaults()
	if r.Sink == nil {
		r.Sink = func() Sink { return discard{} }
	}
	if r.Pool.Schedule.Arrival == ClosedLoop {
		return r.closed(ctx)
	}
	return r.open(ctx)
}

func (r Run) validate() error {
	errs := []error{r.Pool.Validate()}
	if r.Base.IsZero() {
		errs = append(errs, fmt.Errorf("pool %q: the run has no base instant", r.Pool.Name))
	}
	if r.Pool.Kind.Messages() && r.Messages == nil {
		errs = append(errs, fmt.Errorf("pool %q: kind %s without an account of its messages", r.Pool.Name, r.Pool.Kind))
	}
	if r.Target == nil {
		errs = append(errs, fmt.Errorf("pool %q: the run has no target", r.Pool.Name))
	}
	return errors.Join(errs...)
}

func (r Run) open(ctx context.Context) (Tally, error) {
	pacer, err := r.pacer()
	if err != nil {
		return Tally{}, err
	}
	defer pacer.Close()
	early, cancel := context.WithCancel(ctx)
	defer cancel()
	d := &dispatcher{
		account: account{sink: r.Sink()},
		base:    r.Base, pool: r.Pool, pacer: pacer, horizon: r.Horizon, early: early, lag: r.Lag, turn: r.Turn,
		queue: newQueue(r.Pool.Workers, max(1, r.Pool.Backlog/r.Pool.Pipeline)),
	}
	d.queue.meter = r.meter()
	r.Occupancy.follow(d.queue.load)
	workers := r.workers()

	var g errgroup.Group
	for _, w := range workers {
		g.Go(func() error { w.serve(ctx, d.queue); return nil })
	}
	g.Go(func() error { defer cancel(); return d.run(ctx) })
	g.Go(func() error {
		select {
		case <-r.Horizon.ended():
			cancel()
		case <-early.Done():
		}
		return nil
	})
	err = g.Wait()

	tally := d.Tally
	for _, w := range workers {
		tally.add(w.Tally)
	}
	return tally, errors.Join(err, r.check(tally))
}

func (r Run) closed(ctx context.Context) (Tally, error) {
	workers := r.workers()
	here := &presence{meter: r.meter()}
	r.Occupancy.follow(here.read)
	var g errgroup.Group
	for _, w := range workers {
		g.Go(func() error { w.repeat(ctx, r.Horizon, here); return nil })
	}
	err := g.Wait()
	tally := Tally{Closed: true}
	for _, w := range workers {
		tally.add(w.Tally)
	}
	return tally, errors.Join(err, r.check(tally))
}

// check holds the account against the law and, in an open loop, against the
// schedule.
func (r Run) check(t Tally) error {
	err := t.Check()
	if want := r.Pool.Due(t.Horizon); err == nil && !t.Closed && t.Due != want {
		err = fmt.Errorf("schedule: %d operations are due before %v, but %d fell due", want, t.Horizon, t.Due)
	}
	if err != nil {
		return fmt.Errorf("pool %q: %w", r.Pool.Name, err)
	}
	return nil
}

func (r Run) meter() meter {
	return meter{base: r.Base, workers: r.Pool.Workers, size: r.Pool.Pipeline}
}

func (r Run) pacer() (Pacer, error) {
	if r.Pacer == nil {
		return NewPacer(r.Base)
	}
	return r.Pacer()
}

func (r Run) workers() []*worker {
	recipe := newRecipe(r.Pool)
	recipe.owner = r.Owner
	if r.Ledger != nil {
		recipe.ledgered = threshold(r.Ledger.Share())
	}
	workers := make([]*worker, r.Pool.Workers)
	for i := range workers {
		sink := r.Sink()
		slots, _ := sink.(SlotSink)
		workers[i] = &worker{
			account: account{sink: sink}, slots: slots,
			base: r.Base, target: own(r.Target), pool: r.Pool,
			maker:    r.maker(recipe, i),
			ops:      make([]Operation, r.Pool.Pipeline),
			outcomes: make([]Outcome, r.Pool.Pipeline),
		}
	}
	return workers
}

func (r Run) maker(recipe *recipe, worker int) *maker {
	m := newMaker(recipe, worker, r.Pool.Pipeline)
	if r.Wrong != nil {
		m.wrong = r.Wrong
	}
	if r.Ledger != nil {
		m.page = r.Ledger.Page(worker)
	}
	m.sending = sending{book: r.Messages, base: r.Base}
	return m
}

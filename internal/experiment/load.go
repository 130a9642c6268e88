package experiment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"schload/handoff"
	"schload/telemetry/record"
	"schload/workload"
)

// arm is one client configuration under load: with order sequential, during
// one turn.
type arm struct {
	name    string
	client  *handoff.Client
	canary  []*handoff.Client   // by pool; nil for those that are none
	before  handoff.Observation // as of the last reading
	proof   handoff.Proof       // as of the last reading
	tallies []workload.Tally    // by pool, once the load has ended
	books   []*book             // by pool; nil without a ledger

	exchanges []*exchange // by pool; nil for those that deliver no messages

	occupancy []*workload.Occupancy // by pool
	load      []workload.Load       // of these, as of the last reading

	dialled bool // in the interval before the last reading

	connsBefore uint64   // connections that its clients of other turns had
	sinks       []*stash // by pool
}

// conn returns the number of a connection within the arm, of that which its
// client gave it; 0 stands for unknown.
func (a *arm) conn(number uint64) uint64 {
	if number == 0 {
		return 0
	}
	return number + a.connsBefore
}

// load is every arm's pools at work.
type load struct {
	horizon workload.Horizon
	start   time.Duration // of the schedules, since the run's base
	done    chan struct{} // closed when all pools have drained
	err     error         // read it after done
}

// startLoad lets every pool of every arm begin at one instant, start.
func (r *run) startLoad(ctx context.Context, round int, start time.Duration) *load {
	if r.Processes != nil {
		return r.startProcesses(ctx, start)
	}
	l := &load{start: start, done: make(chan struct{})}
	base := r.Base.Add(start)
	g, ctx := errgroup.WithContext(ctx)
	for place, a := range r.arms {
		a.tallies = make([]workload.Tally, len(r.Pools))
		for i, pool := range r.Pools {
			pool = r.inTurn(pool, round)
			a.sinks[i].next = 0
			engine := workload.Run{
				Base: base, Pool: pool, Target: a.target(i), Owner: a.name, Horizon: &l.horizon,
				Sink: func() workload.Sink {
					return since{a.sinks[i].take(func() workload.SlotSink { return r.traced(a.name, pool, r.recorder.Sink(a.name, pool.Name)) }), start}
				},
				Pacer: func() (workload.Pacer, error) { return r.Pacer(base) },
				Lag:   r.lag.add, Occupancy: a.occupancy[i], Wrong: r.unbelievable(a, pool.Name),
				Turn: r.place(place),
			}
			if a.books != nil && a.books[i] != nil {
				engine.Ledger = a.books[i].Book
			}
			if x := a.exchanges[i]; x != nil {
				engine.Messages = x.book
			}
			g.Go(func() (err error) {
				a.tallies[i], err = engine.Do(ctx)
				if err != nil {
					err = fmt.Errorf("arm %s: %w", a.name, err)
				}
				return err
			})
		}
	}
	go func() {
		l.err = g.Wait()
		close(l.done)
	}()
	return l
}

// place is an arm's among all of the run, also those that others load.
func (r *run) place(i int) workload.Turn {
	if r.Lead != nil {
		return r.Turn
	}
	return workload.Turn{Place: i, Of: len(r.arms)}
}

// end makes at, since the run's base, the load's end, and waits until all that
// was due has ended or was missed. Clients that do not come back within grace
// are closed under the workers, whose operations then fail: they are counted,
// not abandoned.
func (r *run) end(ctx context.Context, l *load, at, grace time.Duration) error {
	r.endLoad(l, at)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	interrupted := ctx.Done()
	for {
		select {
		case <-l.done:
			return l.err
		case <-interrupted:
			interrupted = nil
			timer.Reset(min(grace, r.grace(hurry)))
		case <-timer.C:
			r.closeClients()
			<-l.done
			return l.err
		}
	}
}

// check holds the engine's account against the recorder's: two counts of the
// same operations, made independently, must agree to the last one.
func (r *run) check() error {
	var wrong []error
	for _, a := range r.Arms {
		engine, recorded := r.standings[a.Name].tally, r.recorder.Totals(a.Name)
		if err := recorded.Conservation(); err != nil {
			wrong = append(wrong, fmt.Errorf("arm %s: %w", a.Name, err))
		}
		if engine.Due != recorded.Due || engine.OK != recorded.OK || engine.Failed != recorded.Failed || engine.Missed != recorded.Missed {
			wrong = append(wrong, fmt.Errorf("arm %s: the engine counted %d due, %d ok, %d failed, %d missed, the recorder %d, %d, %d, %d",
				a.Name, engine.Due, engine.OK, engine.Failed, engine.Missed, recorded.Due, recorded.OK, recorded.Failed, recorded.Missed))
		}
	}
	return errors.Join(wrong...)
}

// since is a sink for an engine whose base is later than the run's: it moves
// every instant by the difference.
type since struct {
	sink  workload.SlotSink
	start time.Duration
}

func (s since) Due(intended time.Duration, n int) { s.sink.Due(intended+s.start, n) }

func (s since) Done(sample workload.Sample, n int) {
	sample.Intended += s.start
	sample.Sent += s.start
	sample.Done += s.start
	s.sink.Done(sample, n)
}

func (s since) Missed(intended time.Duration, reason workload.Reason, n int) {
	s.sink.Missed(intended+s.start, reason, n)
}

func (s since) Sent(at time.Duration, ops []workload.Operation) { s.sink.Sent(at+s.start, ops) }

func (s since) Answered(at time.Duration, ops []workload.Operation, outcomes []workload.Outcome) {
	s.sink.Answered(at+s.start, ops, outcomes)
}

var _ workload.SlotSink = since{}

// recorder returns the recorder for the run's arms and pools, which tells these
// ranges of hash slots apart.
func (c Config) recorder(slots []record.SlotRange) *record.Recorder {
	return record.New(record.Config{
		Arms: c.arms(), LateAfter: c.LateAfter, OutageAfter: c.OutageAfter, Slots: slots, Marks: c.Timeline.Mark,
	})
}

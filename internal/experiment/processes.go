package experiment

import (
	"context"
	"time"

	"schload/internal/report"
	"schload/telemetry/record"
)

const (
	// farLead is lead where arms have processes of their own: an announcement
	// has to reach them first, and on a busy machine they have to get to run.
	farLead = 250 * time.Millisecond

	// farGrace is how much longer processes are waited for than what they wait
	// for themselves.
	farGrace = 5 * time.Second
)

// Processes are the arms of a run, each in a process of its own. The run leads
// them: it decides on every instant, plays the upgrade and records nothing of
// the load, which they do. Its methods are called by one goroutine at a time,
// but for Progress and Interrupt. All instants count from the run's base.
type Processes interface {
	// Open has the arms opened and returns the ranges of hash slots that they
	// tell apart.
	Open(ctx context.Context) ([]record.SlotRange, error)
	// Tell announces what happens next.
	Tell(c Cue)
	// Resolve has what a round left open read back, and returns when it was.
	Resolve(ctx context.Context, round int) error
	// Loaded is closed once the load of all has ended, or one has failed; then
	// LoadError says what was wrong.
	Loaded() <-chan struct{}
	LoadError() error
	// Interrupt has the load given up for a reason, by order of the user or not.
	Interrupt(cause error, byUser bool)
	// Settle waits until all messages have a verdict. Finish has keys read back
	// and bundles finished, waits until the processes have ended, and returns
	// what went wrong since the load ended.
	Settle(ctx context.Context)
	Finish(ctx context.Context) error
	// Kill ends those that are still there.
	Kill()
	// Progress is that of the arms, in order, as last heard.
	Progress() []report.ArmProgress
}

// Cue says what a run that is led does next. All instants count from its base.
type Cue struct {
	// Start: the first operation falls due At. Otherwise a phase of a round
	// begins At, or, with End, the load ends At.
	Start, End bool

	Round  int
	Phase  record.Phase
	Source string // who decided on the phase
	At     time.Duration
}

// lead is how far ahead phases are announced.
func (r *run) lead() time.Duration {
	if r.Processes != nil {
		return farLead
	}
	return lead
}

// grace is for how long the load is waited for that ends by itself within d.
func (r *run) grace(d time.Duration) time.Duration {
	if r.Processes != nil {
		return d + farGrace
	}
	return d
}

// startProcesses is startLoad where arms have processes.
func (r *run) startProcesses(ctx context.Context, start time.Duration) *load {
	l := &load{start: start, done: make(chan struct{})}
	r.Processes.Tell(Cue{Start: true, At: start})
	ended := r.Processes.Loaded()
	go func() {
		select {
		case <-ended:
			if err := r.Processes.LoadError(); err != nil {
				r.Processes.Interrupt(err, false) // the others need not go on
			}
		case <-ctx.Done():
			r.Processes.Interrupt(context.Cause(ctx), r.user.Err() != nil)
			<-ended
		}
		l.err = r.Processes.LoadError()
		close(l.done)
	}()
	return l
}

// endLoad sets the load's end, unless it was set.
func (r *run) endLoad(l *load, at time.Duration) {
	r.recorder.End(at)
	l.horizon.End(at - l.start)
	r.ceased.CompareAndSwap(0, int64(at)+1)
	if r.Processes != nil {
		r.Processes.Tell(Cue{End: true, At: at})
	}
}

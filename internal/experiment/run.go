package experiment

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"schload/handoff/stage"
	"schload/handoff/upgrade"
	"schload/internal/bundle"
	"schload/internal/vitals"
	"schload/telemetry"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/telemetry/trace"
)

const (
	// lead is how far ahead a phase is announced, so that operations due at its
	// first instant already find it.
	lead = 50 * time.Millisecond

	// drain is how long operations may take to end after the last one fell due;
	// hurry is the same after an interrupt.
	drain = 30 * time.Second
	hurry = 2 * time.Second
)

// Result says where the run's data is and how it ended. Everything else is
// computed from the bundle.
type Result struct {
	Dir         string
	Interrupted bool     // the context was cancelled; the bundle holds everything up to then
	Invalid     []string // why the numbers must not be used; empty: valid
}

// run is one run while it goes on.
type run struct {
	Config
	recorder  *record.Recorder
	picker    *trace.Picker        // nil: no traces
	standings map[string]*standing // by arm
	attaching sync.Mutex           // guards arms against the watch
	arms      []*arm               // that are open: all or, in order sequential, the one whose turn it is
	turns     int                  // that have begun
	over      chan chan struct{}   // a turn is over: read, and close what is sent
	bundle    *bundle.Writer
	exports   telemetry.Stats // as of the last reading
	invalid   []string
	boundary  chan struct{} // a phase begins: read now
	watching  chan struct{} // closed to end the watch
	watched   chan error    // its result
	beating   sync.WaitGroup
	lag       lag
	vitals    *vitals.Monitor // the watch's
	strain    strain          // the watch's
	total     time.Duration   // expected length of the load
	start     time.Duration   // of the load
	marking   sync.Mutex      // guards concluded and with it the right to mark
	concluded bool            // the bundle is closed
	turn      string          // the arm whose turn it is; "": none has one
	played    int             // rounds that are over
	endedBy   string          // why there are no more, where the run decided
	began     atomic.Int64    // the same, for the receivers of messages, who listen before
	ceased    atomic.Int64    // where the load ends, plus 1; 0 while that is open
	slots     []record.SlotRange
	peers     map[string]bool // nodes that arms were connected to before the load, host:port
	user      context.Context // ends when the user interrupts
}

// Run opens the arms, plays the rounds and leaves a bundle. An error before
// the load began leaves nothing; afterwards the bundle holds what was recorded
// up to the error, and Result says where it is.
func Run(ctx context.Context, c Config) (Result, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return Result{}, err
	}
	if c.Processes != nil {
		c.Arms = nil // they are the processes'
	}
	r := &run{Config: c, standings: newStandings(c), boundary: make(chan struct{}, 1), over: make(chan chan struct{}), watching: make(chan struct{}), watched: make(chan error, 1), user: ctx}
	slots, err := r.open(ctx)
	if err != nil {
		return Result{}, err
	}
	defer r.closeClients()
	if err := r.awaitStart(ctx); err != nil {
		return Result{}, err
	}
	r.slots = slots
	r.recorder = c.recorder(slots)
	r.openTraces()
	c.Describe.SlotRanges = described(slots)
	w, err := bundle.Create(c.Dir, c.Describe)
	if err != nil {
		return Result{}, err
	}
	r.bundle = w
	if c.Telemetry != nil {
		c.Telemetry.Begin(w.Description(), w.Redact)
	}
	c.Timeline.attach(r.mark)
	if c.Telemetry != nil {
		zeros, cancel := context.WithTimeout(ctx, time.Second)
		c.Telemetry.Prepare(zeros, c.arms(), r.zeros()...)
		cancel()
	}
	return r.play(ctx)
}

// open opens what is needed before the run leaves anything: all arms or, where
// they take turns, each for a moment, to see that it can be what it claims. It
// returns the ranges of hash slots that are told apart.
func (r *run) open(ctx context.Context) ([]record.SlotRange, error) {
	if r.Processes != nil {
		slots, err := r.Processes.Open(ctx)
		if err != nil {
			r.Processes.Kill()
		}
		return slots, err
	}
	if r.Sequential {
		return r.probe(ctx)
	}
	if err := r.attach(ctx, r.Arms); err != nil {
		return nil, err
	}
	r.connected(r.arms)
	return slotRanges(ctx, r.arms[0].client), nil
}

// play leads the load through the phases and always finishes the bundle.
func (r *run) play(ctx context.Context) (Result, error) {
	start, err := r.firstDue(ctx)
	if err != nil {
		return Result{}, err
	}
	r.start = start
	r.began.Store(int64(r.start))
	r.total = r.expected()
	r.vitals = vitals.NewMonitor()
	if r.Sequential {
		r.observe()
		err = r.takeTurns(ctx)
	} else {
		err = r.loadThrough(ctx, 1, start, r.observe, r.phases)
	}
	interrupted := ctx.Err() != nil // also one that came while the last operations drained
	return Result{Dir: r.bundle.Dir(), Interrupted: interrupted, Invalid: r.invalid}, r.finish(err, interrupted)
}

// observe starts what looks at the run while it goes on.
func (r *run) observe() {
	go r.watch()
	r.beating.Go(func() { r.heartbeat(r.watching) })
}

// loadThrough loads the arms that are open from an instant on, in a round and
// those that follow, leads the load through some phases, lets it drain and settles what its operations and
// messages came to.
func (r *run) loadThrough(ctx context.Context, round int, start time.Duration, begun func(), phases func(context.Context, *load) error) error {
	loadCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	l := r.startLoad(loadCtx, round, start)
	begun()
	err := phases(loadCtx, l)
	grace := drain
	if err != nil {
		stop(err) // the engine counts what waits as missed, ended
		grace = hurry
	}
	ended := r.end(ctx, l, time.Since(r.Base), r.grace(grace))
	ended = errors.Join(ended, r.settle(ctx, ended))
	if ctx.Err() != nil || err == nil || errors.Is(err, errLoad) {
		err = ended
	}
	return err
}

// settle gives all that is open its verdict, once the load has ended.
func (r *run) settle(ctx context.Context, ended error) error {
	if r.Lead != nil {
		r.Lead.Loaded(ended)
	}
	r.settleExchanges(ctx)
	switch {
	case r.Lead != nil:
		if r.Lead.Settled(ctx) != nil {
			return nil // the target may be gone as well; what is open stays so
		}
	case r.Processes != nil:
		r.Processes.Settle(ctx)
	}
	r.calm(true)
	r.settleLedgers(ctx)
	if r.Processes != nil {
		return r.Processes.Finish(ctx)
	}
	return nil
}

// phases walks through warm-up and rounds. It ends early with the context's
// cause, or with errLoad when the load ended by itself.
func (r *run) phases(ctx context.Context, l *load) error {
	if r.Lead != nil {
		return r.led(ctx, l)
	}
	r.enter(0, record.Warmup, r.start)
	if err := r.wait(ctx, l, r.start+r.Warmup-r.lead()); err != nil {
		return err
	}
	for round := 1; round <= r.Rounds; round++ {
		if err := r.round(ctx, l, round); err != nil {
			return err
		}
		r.played = round
		if round == r.Rounds {
			r.exhausted()
			return nil
		}
		if enough, err := r.enough(ctx, l, round); enough || err != nil {
			return err
		}
	}
	return nil
}

func (r *run) round(ctx context.Context, l *load, round int) error {
	plan, err := r.plan(round)
	if err != nil {
		return err
	}
	if err := r.prepare(ctx, l, round, plan); err != nil {
		return err
	}
	if r.onlyLoad() {
		return r.follow(ctx, l, round)
	}
	return r.upgrade(ctx, l, round, plan)
}

// upgrade leads a load through the phases of a round.
func (r *run) upgrade(ctx context.Context, l *load, round int, plan upgrade.Plan) error {
	if err := r.wait(ctx, l, r.baselineEnd(l, round, r.begin(round, record.Baseline))-r.lead()); err != nil {
		return err
	}
	if err := r.perform(ctx, l, func(ctx context.Context) error { return r.await(ctx, round) }); err != nil {
		return err
	}
	if err := r.wait(ctx, l, r.begin(round, record.Maintenance)); err != nil {
		return err
	}
	if err := r.perform(ctx, l, func(ctx context.Context) error { return r.Stage.Play(ctx, plan) }); err != nil {
		return err
	}
	return r.last(ctx, l, round, r.begin(round, record.Recovery)+r.Recovery)
}

// plan draws the choreography of a round. Of an upgrade that really takes
// place there is none.
func (r *run) plan(round int) (upgrade.Plan, error) {
	seed := r.Seed + uint64(round) - 1
	if r.real() != nil {
		return upgrade.Plan{Upgrade: r.Upgrade, Seed: seed, Speed: 1}, nil
	}
	return r.Upgrade.Plan(seed, r.Speed)
}

// await waits for a real upgrade to begin.
func (r *run) await(ctx context.Context, round int) error {
	if real := r.real(); real != nil {
		return real.Begin(ctx, round)
	}
	return nil
}

// perform has the stage do its part while the load goes on, and not longer.
func (r *run) perform(ctx context.Context, l *load, part func(context.Context) error) error {
	performing, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		select {
		case <-l.done: // nothing is left to feel the upgrade
			stop(errLoad)
		case <-performing.Done():
		}
	}()
	err := part(performing)
	if err == nil {
		return nil
	}
	if cause := context.Cause(performing); cause != nil {
		return cause
	}
	return fmt.Errorf("upgrade %s: %w", r.Upgrade.Name, err)
}

// prepare reads back what the round before left open, and brings a stage that
// needs it to where the plan begins. What the arms feel of that is no part of
// the round: after the first, whose warm-up has just passed, it is filed under
// a warm-up of its own.
func (r *run) prepare(ctx context.Context, l *load, round int, plan upgrade.Plan) error {
	p, ok := r.Stage.(stage.Preparer)
	if round > 1 && (ok || r.Ledger > 0) {
		if err := r.wait(ctx, l, r.begin(round, record.Warmup)); err != nil {
			return err
		}
		if err := r.resolve(ctx, round-1); err != nil {
			return err
		}
	}
	if !ok {
		return nil
	}
	if err := p.Prepare(ctx, plan); err != nil {
		return fmt.Errorf("upgrade %s: preparing round %d: %w", r.Upgrade.Name, round, err)
	}
	return nil
}

// resolve reads back what a round left open.
func (r *run) resolve(ctx context.Context, round int) error {
	if r.Processes == nil {
		r.resolveLedgers(ctx, round)
		return nil
	}
	r.calm(true)
	defer r.calm(false)
	return r.Processes.Resolve(ctx, round)
}

// last waits for the end of a round's last phase. The end of the last round is
// the load's, and set ahead: every arm then ends with the same operation.
func (r *run) last(ctx context.Context, l *load, round int, end time.Duration) error {
	return r.wait(ctx, l, r.closing(l, round, end))
}

// closing announces where a round ends and returns until when to wait for it.
func (r *run) closing(l *load, round int, end time.Duration) time.Duration {
	if round < r.Rounds && !r.Sequential { // a turn has a load of its own
		return end - r.lead()
	}
	r.endLoad(l, end)
	return end
}

// begin announces a phase a little ahead and returns its first instant.
func (r *run) begin(round int, p record.Phase) time.Duration {
	at := time.Since(r.Base) + r.lead()
	r.enter(round, p, at)
	return at
}

func (r *run) enter(round int, p record.Phase, at time.Duration) {
	r.enterFor("harness", round, p, at)
}

// enterFor is enter for a source that decided when the phase begins.
func (r *run) enterFor(source string, round int, p record.Phase, at time.Duration) {
	if r.Processes != nil && at > r.start { // it begins in warm-up
		r.Processes.Tell(Cue{Round: round, Phase: p, Source: source, At: at})
	}
	r.recorder.BeginTurn(r.turn, round, p, at) // first of all: at is only lead ahead, and what falls due behind it must not be recorded before
	r.turnLedgers(round)
	time.AfterFunc(at-time.Since(r.Base), r.readNow)
	r.Timeline.enter(r.turn, round, p.String())
	r.Timeline.Mark(mark.Mark{At: at, Kind: mark.Phase, Name: p.String(), Round: round, Arm: r.turn, Source: source})
}

// errLoad says that the load ended before the phases did; its own error is the reason.
var errLoad = errors.New("the load ended early")

// wait waits until an instant since the run's base.
func (r *run) wait(ctx context.Context, l *load, until time.Duration) error {
	timer := time.NewTimer(until - time.Since(r.Base))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-l.done:
		if time.Since(r.Base) >= until {
			return nil // it ended when it was to
		}
		return errLoad
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// onlyLoad says that there is no stage: a round is its baseline.
func (r *run) onlyLoad() bool {
	_, none := r.Stage.(stage.None)
	return none
}

// real returns the stage if upgrades really take place on it, else nil.
func (r *run) real() stage.Real {
	real, _ := r.Stage.(stage.Real)
	return real
}

// expected is the load's length as planned, for progress only; 0 when nobody
// knows how long the upgrade takes.
func (r *run) expected() time.Duration {
	if r.real() != nil || r.Auto.Enough != nil {
		return 0
	}
	total := time.Duration(0)
	if !r.Sequential {
		total = r.Warmup
	}
	for round := range r.Rounds {
		total += r.planned(round + 1)
	}
	return total
}

// planned is how long a round is to take, as far as its plan says.
func (r *run) planned(round int) time.Duration {
	length := r.Baseline
	if plan, err := r.plan(round); err == nil && !r.onlyLoad() {
		length += plan.Length + r.Recovery
	}
	if r.Sequential {
		return (r.Warmup + length) * time.Duration(len(r.Arms))
	}
	return length
}

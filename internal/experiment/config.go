package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"schload/handoff"
	"schload/handoff/stage"
	"schload/handoff/upgrade"
	"schload/internal/bundle"
	"schload/internal/report"
	"schload/telemetry"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// Config is one run: arms x rounds x phases.
type Config struct {
	// Base is the instant all instants of the run count from. It must carry a
	// monotonic reading. Stage and clients write their marks against it too.
	Base time.Time

	// StartAt is when the first operation falls due, agreed with other workers.
	// Zero: as soon as the arms are open. A run that is not ready 2 s before
	// ends with a StartPassedError and leaves nothing.
	StartAt time.Time

	Arms  []handoff.Arm
	Pools []workload.Pool // of every arm; defaults written out

	// Connections is how many each arm opens before the load, on a cluster to
	// each node. One for each worker is the least.
	Connections int

	// Sequential has the arms take turns in every round, each with its own playing
	// of the upgrade, in place of all at once: see Config.turnsOf.
	Sequential bool

	Upgrade upgrade.Upgrade
	Stage   stage.Stage
	Seed    uint64 // round r plays the plan of Seed+r-1
	Speed   float64
	Rounds  int // with Auto the most
	Auto    Auto

	Warmup, Baseline, Recovery time.Duration
	LateAfter, OutageAfter     time.Duration

	// Ledger is the share of the operations that goes to the ledger's keys,
	// whose replies are judged: 0 none, 1 all that a ledger can judge.
	Ledger float64

	// LedgerKeys is how many keys of each type a worker's ledger has. Default: 16
	// when a share goes there, as many as the pool has when all do.
	LedgerKeys int

	// Interval is how often what was recorded is read. Default 1 s.
	Interval time.Duration

	// Open opens an arm's client, and one more for each of its canaries. Its error ends the run before it began.
	Open func(ctx context.Context, arm handoff.Arm, marks mark.Sink) (*handoff.Client, error)

	// Dir is the bundle's directory and Describe what run.json says; both are
	// used once every arm is open, so that a run that cannot start leaves nothing.
	Dir      string
	Describe bundle.Run

	// Info are the attributes of the metric that says what ran.
	Info []record.Attr

	// Timeline carries the marks of every source. The zero value is ready; a
	// stage that writes marks is given Timeline.Mark.
	Timeline *Timeline

	Telemetry *telemetry.Exporter   // nil: none; it is flushed, not closed
	Traces    Traces                // of what spans are made, if Telemetry exports any
	Progress  func(report.Progress) // nil: none; called once an interval, must not block for long

	// Processes load the arms in place of the run itself, which then opens none.
	// Nil: the run loads all arms.
	Processes Processes

	// Lead decides on all instants in place of the run, whose arm has the Turn
	// among those of the whole. Nil: the run decides.
	Lead Lead
	Turn workload.Turn

	// Pacer makes the pools' pacers. Nil means the most precise the system
	// has; tests in virtual time give workload.NewTimerPacer.
	Pacer func(base time.Time) (workload.Pacer, error)
}

func (c Config) withDefaults() Config {
	if c.Interval <= 0 {
		c.Interval = time.Second
	}
	if c.Timeline == nil {
		c.Timeline = &Timeline{}
	}
	if c.Pacer == nil {
		c.Pacer = workload.NewPacer
	}
	if c.Progress == nil {
		c.Progress = func(report.Progress) {}
	}
	return c
}

func (c Config) validate() error {
	var wrong []error
	if len(c.Arms) == 0 {
		wrong = append(wrong, errors.New("no arms: name at least one, such as on,off"))
	}
	if !slices.ContainsFunc(c.Pools, func(p workload.Pool) bool { return p.Kind != workload.KindCanary }) {
		wrong = append(wrong, errors.New("no pools beside canaries: nothing would be loaded"))
	}
	if !(c.Ledger >= 0 && c.Ledger <= 1) {
		wrong = append(wrong, fmt.Errorf("ledger share %v: want 0 to 1", c.Ledger))
	}
	if c.LedgerKeys < 0 || c.LedgerKeys > mostLedgerKeys {
		wrong = append(wrong, fmt.Errorf("ledger keys %d: want 1 to %d, or 0 for the default", c.LedgerKeys, mostLedgerKeys))
	}
	if c.Sequential && (c.Processes != nil || c.Lead != nil) {
		wrong = append(wrong, errors.New("order sequential with arms in processes of their own: those that rest would only wait; choose one of them"))
	}
	if c.Rounds < 1 {
		wrong = append(wrong, fmt.Errorf("rounds %d: want 1 or more", c.Rounds))
	}
	if c.Sequential {
		wrong = append(wrong, c.unfitForTurns()...)
	}
	if c.Base.IsZero() || c.Open == nil || c.Stage == nil {
		wrong = append(wrong, errors.New("experiment: Base, Open and Stage must be set"))
	}
	return errors.Join(wrong...)
}

// arms describes the arms and pools as the recorder files them.
func (c Config) arms() []record.Arm {
	var pools []record.Pool
	for _, p := range c.Pools {
		rp := record.Pool{Name: p.Name, Apart: p.Kind == workload.KindCanary}
		for _, w := range p.Mix {
			rp.Operations = append(rp.Operations, w.Command)
		}
		pools = append(pools, rp)
	}
	arms := make([]record.Arm, len(c.Arms))
	for i, a := range c.Arms {
		arms[i] = record.Arm{Name: a.Name, Pools: pools}
	}
	return arms
}

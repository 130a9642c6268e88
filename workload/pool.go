package workload

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Overload is what an open loop does with an operation that cannot start at
// its intended instant because all workers are busy.
type Overload uint8

// The overload policies.
const (
	Queue Overload = iota // it waits, at most StartDeadline; its response time includes the wait
	Drop                  // it is missed (NoWorker)
	Abort                 // it is missed and the run ends with an *OverloadError
)

var overloadNames = []string{"queue", "drop", "abort"}

// String returns the policy as profiles and flags spell it.
func (o Overload) String() string { return nameOf("overload", overloadNames, o) }

// MarshalText implements encoding.TextMarshaler.
func (o Overload) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (o *Overload) UnmarshalText(text []byte) (err error) {
	*o, err = valueOf[Overload]("overload policy", overloadNames, string(text))
	return err
}

// OverloadError ends a run whose policy is Abort.
type OverloadError struct {
	Pool     string
	Intended time.Duration // of the first operation that could not start at once
	Workers  int
}

func (e *OverloadError) Error() string {
	return fmt.Sprintf("pool %q: all %d workers are busy at %v: offer less, add workers or choose overload queue",
		e.Pool, e.Workers, e.Intended)
}

// Pool is one stream of operations and the workers that send it.
type Pool struct {
	Name string
	Kind Kind // default KindCommands

	// Receivers of each channel, list or stream, for kinds that deliver
	// messages; 0 means DefaultReceivers. Block is how long those that block
	// wait in one command; 0 means DefaultBlock.
	Receivers int
	Block     time.Duration

	// Workers bounds the operations in flight (times Pipeline); 0 means
	// DefaultWorkers. Idle workers cost a parked goroutine each.
	Workers  int
	Schedule Schedule

	Mix    Mix // nil means DefaultMix
	Keys   Keys
	Values Values

	// Pipeline is the number of operations sent together; 0 means 1. The rate
	// stays operations a second: a batch of P is due at the instant of its
	// first operation, each has the batch's latency.
	Pipeline int

	Overload Overload

	// StartDeadline is how long after its intended instant an operation may
	// still be sent; after that it is missed. 0 means DefaultStartDeadline.
	StartDeadline time.Duration

	// Backlog bounds the operations that wait under Queue; 0 means what falls
	// due within StartDeadline at the schedule's highest rate. More are missed
	// (QueueFull).
	Backlog int

	Seed uint64 // of commands, keys and sizes
}

// The defaults of Pool.
const (
	DefaultWorkers       = 64
	DefaultStartDeadline = 5 * time.Second
	DefaultReceivers     = 2
	DefaultBlock         = 5 * time.Second
)

// Limits of Pool: each bounds memory.
const (
	maxWorkers  = 1 << 16
	maxPipeline = 1 << 14
	maxBacklog  = 1 << 22
	maxValues   = 1 << 30 // bytes of values that workers prepare

	maxChannels  = 64 // of a pool that delivers messages
	maxReceivers = 64
	maxBlock     = time.Hour
)

// WithDefaults returns the pool with its defaults filled in, as Run uses it.
func (p Pool) WithDefaults() Pool {
	p = p.withMessages()
	if p.Workers == 0 {
		p.Workers = DefaultWorkers
	}
	if p.Mix == nil {
		p.Mix, _ = ParseMix(DefaultMix)
	}
	if p.Pipeline == 0 {
		p.Pipeline = 1
	}
	if p.StartDeadline == 0 {
		p.StartDeadline = DefaultStartDeadline
	}
	if p.Backlog == 0 {
		p.Backlog = p.backlog()
	}
	p.Keys = p.Keys.withDefaults()
	p.Values = p.Values.withDefaults()
	return p
}

// backlog is what falls due within the start deadline. Random arrivals exceed
// their mean, hence a quarter more; the queue allocates what it needs only.
func (p Pool) backlog() int {
	n := p.Schedule.Rate.Peak() * p.StartDeadline.Seconds()
	if p.Schedule.Arrival == PoissonArrival {
		n *= 1.25
	}
	return int(min(n, maxBacklog)) + p.Pipeline
}

// Validate reports everything that is wrong with the pool.
func (p Pool) Validate() error {
	errs := []error{p.Schedule.Validate(), p.Keys.Validate(), p.Values.Validate(), p.validateMessages()}
	if !p.Kind.Messages() {
		errs = append(errs, p.Mix.Validate())
	}
	bounded := func(name string, n, most int) {
		if n < 0 || n > most {
			errs = append(errs, fmt.Errorf("%s %d: want 1 to %d (0 means the default)", name, n, most))
		}
	}
	bounded("workers", p.Workers, maxWorkers)
	bounded("pipeline", p.Pipeline, maxPipeline)
	bounded("backlog", p.Backlog, maxBacklog)
	if p.Mix != nil && len(p.Mix) == 0 {
		errs = append(errs, errors.New("mix is empty: name at least one command"))
	}
	if int(p.Overload) >= len(overloadNames) {
		errs = append(errs, unknown("overload policy", p.Overload.String(), overloadNames))
	}
	errs = append(errs, p.validateCommands())
	if p.StartDeadline < 0 {
		errs = append(errs, fmt.Errorf("start deadline %v: want a positive time (0 means %v)", p.StartDeadline, DefaultStartDeadline))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("pool %q: %w", p.Name, err)
	}
	return nil
}

// validateCommands reports what the commands of the mix do not go with.
func (p Pool) validateCommands() error {
	var errs []error
	if p.Pipeline > 1 && p.Mix.names("MULTI") {
		errs = append(errs, fmt.Errorf("pipeline %d with MULTI: a transaction is several round trips; put it in a pool without pipeline", p.Pipeline))
	}
	if strings.Contains(p.Keys.Prefix, "{}") && (p.Mix.names("MGET") || p.Mix.names("MSET")) {
		errs = append(errs, fmt.Errorf("key prefix %q with MGET or MSET: an empty hash tag hides the one by which their keys share a slot", p.Keys.Prefix))
	}
	q := p.WithDefaults()
	if n := q.footprint() * q.Pipeline; n > 0 && q.Workers > maxValues/n {
		errs = append(errs, fmt.Errorf("values of %d bytes for %d workers: that is more than %d MiB of values at once; take fewer workers, a shorter pipeline or smaller values",
			n, q.Workers, maxValues>>20))
	}
	return errors.Join(errs...)
}

// Due returns how many operations fall due before until: what an open-loop run
// with that horizon accounts for. It is 0 for a ClosedLoop.
func (p Pool) Due(until time.Duration) uint64 {
	size := max(p.Pipeline, 1)
	return p.Schedule.countBatches(until, size) * uint64(size)
}

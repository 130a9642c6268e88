package record

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"schload/telemetry/mark"
	"schload/workload"
)

// Config says what a Recorder records.
type Config struct {
	Arms []Arm

	// LateAfter is the response time above which a success counts as late.
	// Default 100 ms.
	LateAfter time.Duration

	// OutageAfter is the length above which a span without success although
	// operations were due counts as an outage. Default 100 ms.
	OutageAfter time.Duration

	// Marks receives a mark for each outage once it is certain, about a
	// second after its end. Default mark.Discard.
	Marks mark.Sink
}

// Arm is one client configuration under load.
type Arm struct {
	Name  string
	Pools []Pool
}

// Pool is one worker pool of an arm.
type Pool struct {
	Name       string
	Operations []string // names by Sample.Operation; equal names share their series

	// Apart keeps the pool out of the arm's outages: what it gets through ends
	// none, and what it does not begins none. Its operations are counted.
	Apart bool
}

func (c Config) withDefaults() Config {
	if c.LateAfter <= 0 {
		c.LateAfter = 100 * time.Millisecond
	}
	if c.OutageAfter <= 0 {
		c.OutageAfter = 100 * time.Millisecond
	}
	if c.Marks == nil {
		c.Marks = mark.Discard
	}
	return c
}

// Recorder takes the samples of all arms. Sink, Begin and Totals may be called
// at any time from any goroutine; Collect and Finish by one goroutine at a
// time.
//
// Memory: a goroutine that records holds one buffer, and each pool has one to
// spare. A buffer holds the series its goroutine touches between two Collects,
// 42 KB each, and is recycled; nothing grows with the run's length.
type Recorder struct {
	config Config
	arms   []*arm
	spans  timeline
	until  atomic.Int64 // where the load ends, plus 1; 0 while that is open

	from time.Duration // of the next interval; Collect's

	mu     sync.Mutex
	totals map[string]Totals // as of the last Collect
}

// arm is the Recorder's own view of an Arm. All but its pools' shards belong
// to the goroutine that collects.
type arm struct {
	name    string
	pools   []*pool
	tallies tallies
	outages outages
}

// New returns a Recorder whose timeline begins in warm-up, round 0.
func New(c Config) *Recorder {
	c = c.withDefaults()
	r := &Recorder{config: c, totals: map[string]Totals{}}
	r.spans.begin(span{at: beginning, phase: Warmup})
	width := binWidth(c.OutageAfter)
	for _, from := range c.Arms {
		a := &arm{name: from.Name, outages: newOutages(c.OutageAfter)}
		for _, p := range from.Pools {
			a.pools = append(a.pools, &pool{
				name: p.Name, operations: slices.Clone(p.Operations), apart: p.Apart,
				spans: &r.spans, lateAfter: c.LateAfter, width: width,
			})
		}
		r.arms = append(r.arms, a)
		r.totals[a.name] = Totals{}
	}
	return r
}

// Sink returns a sink for one goroutine of the engine: it may be handed on,
// but not used by two at a time. It panics on an arm or pool Config does not
// name: that is a mistake of the program, not of its user.
func (r *Recorder) Sink(arm, pool string) workload.Sink {
	for _, a := range r.arms {
		if a.name != arm {
			continue
		}
		for _, p := range a.pools {
			if p.name == pool {
				return p.newShard()
			}
		}
	}
	panic(fmt.Sprintf("record: no pool %q in arm %q: Config must name it", pool, arm))
}

// Begin says that a phase begins: what is intended at or after the instant at
// is filed under it, whenever it ends. Phases begin in order; an instant
// before the latest phase's counts as that one's.
//
// Subtle: what was recorded before Begin stays where it was filed. For exact
// filing call it ahead, before operations due after at are recorded.
func (r *Recorder) Begin(round int, p Phase, at time.Duration) {
	r.spans.begin(span{at: at, phase: p, round: round})
}

// End says where the load ends. Nothing is due behind it, so outages end there.
func (r *Recorder) End(at time.Duration) { r.until.CompareAndSwap(0, int64(at)+1) }

// Collect takes what all sinks hold and returns it as the interval that ends
// now. It waits for no goroutine: idle and blocked ones hold nothing back.
// Series and Counts are sorted, and the caller's.
func (r *Recorder) Collect(now time.Duration) Interval { return r.collect(now, false) }

// Finish is the last Collect: it closes outages that are still open with end,
// the instant the run ended, and leaves no mark unsent. Sinks must be at rest.
func (r *Recorder) Finish(end time.Duration) Interval { return r.collect(end, true) }

func (r *Recorder) collect(now time.Duration, last bool) Interval {
	i := Interval{From: r.from, To: max(now, r.from)}
	r.from = i.To
	spans := r.spans.load()
	for _, a := range r.arms {
		for _, p := range a.pools {
			p.collect(&i, a, spans)
		}
		r.follow(a, now, last, spans)
		i.Levels = append(i.Levels, r.levels(a.name)...)
	}
	i.sort()
	return i
}

// follow brings an arm's outages and totals up to date.
func (r *Recorder) follow(a *arm, now time.Duration, last bool, spans []span) {
	if until := r.until.Load(); until != 0 {
		a.outages.tracker.until = time.Duration(until - 1)
	}
	closed := a.outages.advance(now, last)
	for _, w := range closed {
		s := spans[spanAt(spans, w.start)]
		a.tallies[isWarmup(s.phase)].Outage.add(w)
		r.config.Marks(w.mark(a.name, s.round))
	}
	totals := a.totals(now, spans)
	r.mu.Lock()
	r.totals[a.name] = totals
	r.mu.Unlock()
}

// Totals returns an arm's sums as of the last Collect; zero for an arm that
// Config does not name.
func (r *Recorder) Totals(arm string) Totals {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.totals[arm]
}

// levels returns the gauges the totals give.
func (r *Recorder) levels(arm string) []Level {
	outage := r.Totals(arm).Outage
	active := 0.0
	if outage.Open {
		active = 1
	}
	return []Level{
		{Name: OutageActive, Arm: arm, Value: active},
		{Name: OutageLongest, Arm: arm, Value: outage.Longest.Seconds()},
	}
}

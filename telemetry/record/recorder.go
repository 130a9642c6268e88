package record

import (
	"fmt"
	"maps"
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

	// Slots are the ranges of hash slots whose outages are told apart, the same
	// for all arms; they do not overlap. None by default, MaxSlotRanges at most.
	Slots []SlotRange

	// Marks receives a mark for each outage and each brown-out once it is
	// certain, about a second after its end, and for the longest gap of a reading
	// if it is news. Default mark.Discard.
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
	totals map[place]Totals    // as of the last Collect
	slots  map[string][]Totals // by arm, as of the last Collect
}

// place is an arm, or one of its pools.
type place struct{ arm, pool string }

// arm is the Recorder's own view of an Arm. All but its pools' shards belong
// to the goroutine that collects.
type arm struct {
	name   string
	pools  []*pool
	scope  *scope
	ranges []*scope // of hash slots
}

// New returns a Recorder whose timeline begins in warm-up, round 0.
func New(c Config) *Recorder {
	c = c.withDefaults()
	r := &Recorder{config: c, totals: map[place]Totals{}, slots: map[string][]Totals{}}
	r.spans.begin(span{at: beginning, phase: Warmup})
	width, slots := binWidth(c.OutageAfter), newSlotTable(c.Slots)
	for _, from := range c.Arms {
		a := &arm{name: from.Name, scope: &scope{arm: from.Name, outages: newOutages(c.OutageAfter)}}
		for _, p := range from.Pools {
			own := &pool{
				name: p.Name, operations: slices.Clone(p.Operations), apart: p.Apart,
				spans: &r.spans, lateAfter: c.LateAfter, width: width, slots: slots,
			}
			if p.Apart {
				own.slots = nil
			}
			if p.Apart || len(from.Pools) > 1 {
				own.scope = &scope{arm: from.Name, pool: p.Name, outages: newOutages(c.OutageAfter)}
			}
			a.pools = append(a.pools, own)
		}
		for _, s := range c.Slots {
			a.ranges = append(a.ranges, &scope{arm: from.Name, slots: s.String(), outages: newOutages(c.OutageAfter)})
		}
		r.arms = append(r.arms, a)
	}
	return r
}

// Sink returns a sink for one goroutine of the engine: it may be handed on,
// but not used by two at a time. It panics on an arm or pool Config does not
// name: that is a mistake of the program, not of its user.
func (r *Recorder) Sink(arm, pool string) workload.SlotSink {
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
func (r *Recorder) Begin(round int, p Phase, at time.Duration) { r.BeginTurn("", round, p, at) }

// BeginTurn is Begin of a phase in which one arm is loaded and the others rest:
// nothing may fall due for them. An empty name stands for all arms.
func (r *Recorder) BeginTurn(arm string, round int, p Phase, at time.Duration) {
	r.spans.begin(span{at: at, phase: p, round: round, arm: arm})
}

// At returns the phase and round of what is intended at an instant, as far as
// phases have begun.
func (r *Recorder) At(at time.Duration) (round int, p Phase) {
	spans := r.spans.load()
	s := spans[spanAt(spans, at)]
	return s.round, s.phase
}

// End says where the load ends. Nothing is due behind it, so outages end there.
// It holds until Rest.
func (r *Recorder) End(at time.Duration) { r.until.CompareAndSwap(0, int64(at)+1) }

// Collect takes what all sinks hold and returns it as the interval that ends
// now. It waits for no goroutine: idle and blocked ones hold nothing back.
// Series and Counts are sorted, and the caller's.
func (r *Recorder) Collect(now time.Duration) Interval { return r.collect(now, false) }

// Finish is the last Collect: it closes outages that are still open with end,
// the instant the run ended, and leaves no mark unsent. Sinks must be at rest.
func (r *Recorder) Finish(end time.Duration) Interval { return r.collect(end, true) }

// Rest is Finish of a load that is not the last: afterwards another may begin,
// and end.
func (r *Recorder) Rest(end time.Duration) Interval {
	i := r.collect(end, true)
	r.until.Store(0)
	return i
}

func (r *Recorder) collect(now time.Duration, last bool) Interval {
	i := Interval{From: r.from, To: max(now, r.from)}
	r.from = i.To
	spans := r.spans.load()
	middle := spans[spanAt(spans, i.From+(i.To-i.From)/2)]
	i.Phase, i.Round = middle.phase, middle.round
	for _, a := range r.arms {
		for _, p := range a.pools {
			p.collect(&i, a, spans)
		}
		i.Distributions = append(i.Distributions, durations(a.name, r.follow(a, now, last, spans), spans)...)
		i.Levels = append(i.Levels, r.levels(a)...)
	}
	i.sort()
	return i
}

// follow brings an arm's outages and totals up to date, and returns the arm's
// outages that became certain.
func (r *Recorder) follow(a *arm, now time.Duration, last bool, spans []span) (certain []window) {
	until, warm := forever, warmups(spans)
	if at := r.until.Load(); at != 0 {
		until = time.Duration(at - 1)
	}
	update := func(s *scope) [2]Gaps {
		s.outages.tracker.until = until
		found := s.follow(now, last, spans, warm, r.config.Marks)
		if s == a.scope {
			certain = found
		}
		return s.ahead(now, warm)
	}
	whole := update(a.scope)
	var sum tallies
	totals := make(map[place]Totals, 1+len(a.pools))
	for _, p := range a.pools {
		gaps := whole
		if p.scope != nil {
			gaps = update(p.scope)
		}
		totals[place{a.name, p.name}] = p.tallies.totals(gaps)
		for part := range sum {
			sum[part] = sum[part].plus(p.tallies[part])
		}
	}
	totals[place{a.name, ""}] = sum.totals(whole)
	slots := make([]Totals, len(a.ranges))
	for i, s := range a.ranges {
		slots[i] = tallies{}.totals(update(s))
	}
	r.mu.Lock()
	maps.Copy(r.totals, totals)
	r.slots[a.name] = slots
	r.mu.Unlock()
	return certain
}

// Totals returns an arm's sums as of the last Collect; zero for an arm that
// Config does not name.
func (r *Recorder) Totals(arm string) Totals { return r.PoolTotals(arm, "") }

// PoolTotals returns those of one pool of the arm.
func (r *Recorder) PoolTotals(arm, pool string) Totals {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.totals[place{arm, pool}]
}

// SlotTotals returns those of an arm's ranges of hash slots, in the order of
// Config.Slots. All they hold is outages.
func (r *Recorder) SlotTotals(arm string) []Totals {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.slots[arm])
}

package trace

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"schload/telemetry/histogram"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// DefaultLimit bounds the operations that are traced a second and arm.
const DefaultLimit = 10

// MostLimit is the highest limit: what is chosen has to be kept, and sent.
const MostLimit = 1000

// Config says what is traced.
type Config struct {
	Arms []string

	// Limit is how many operations of an arm are traced of those that ended in
	// one second. Default DefaultLimit, at most MostLimit.
	Limit int

	// Beyond is the response time above which a success is traced. Default
	// LateAfter.
	Beyond time.Duration
	// Share, if above 0, takes the place of Beyond: successes are traced whose
	// response time is above this quantile (0.999) of the arm's successes in the
	// interval before. Until there is one with enough of them, LateAfter counts.
	Share float64
	// LateAfter is the limit of response time. Default 100 ms.
	LateAfter time.Duration

	// At returns the round and phase of an intended instant. Default: none, warm-up.
	At func(intended time.Duration) (round int, phase record.Phase)
	// Connection returns an arm's connection by its number. Default: unknown.
	Connection func(arm string, number uint64) Connection
}

func (c Config) withDefaults() Config {
	c.Limit = min(max(cmp.Or(c.Limit, DefaultLimit), 1), MostLimit)
	c.LateAfter = cmp.Or(c.LateAfter, 100*time.Millisecond)
	c.Beyond = cmp.Or(c.Beyond, c.LateAfter)
	if c.Share > 0 {
		c.Beyond = c.LateAfter
	}
	if c.At == nil {
		c.At = func(time.Duration) (int, record.Phase) { return 0, record.Warmup }
	}
	if c.Connection == nil {
		c.Connection = func(_ string, number uint64) Connection { return Connection{Number: number} }
	}
	return c
}

// Picker chooses the operations that are traced. Its methods are safe for
// concurrent use. Memory is bounded: windows of a few seconds with Limit
// operations each, and a thousand marks an arm.
type Picker struct {
	config Config
	arms   map[string]*arm
}

// arm is what is chosen and counted of one arm.
type arm struct {
	name   string
	beyond atomic.Int64 // successes that took longer qualify

	mu      sync.Mutex
	windows []*window // of seconds that were not taken yet, in order
	untaken int64     // the first second that was not
	events  events
}

// Picked counts an arm's operations that qualified: those that are traced, and
// those beyond the limit.
type Picked struct {
	Arm             string
	Traced, Limited uint64
}

// New returns a Picker.
func New(c Config) *Picker {
	p := &Picker{config: c.withDefaults(), arms: map[string]*arm{}}
	for _, name := range c.Arms {
		a := &arm{name: name}
		a.beyond.Store(int64(p.config.Beyond))
		p.arms[name] = a
	}
	return p
}

// Sink returns a sink that offers what inner has recorded. It belongs to one
// goroutine of the engine, like inner. It panics on an arm that Config does
// not name: that is a mistake of the program.
func (p *Picker) Sink(arm string, pool workload.Pool, inner workload.SlotSink) workload.SlotSink {
	a := p.arms[arm]
	if a == nil {
		panic("trace: no arm " + arm + ": Config must name it")
	}
	return &sink{SlotSink: inner, arm: a, pool: &pool, limit: p.config.Limit}
}

// Take returns the operations that were chosen of all seconds that are over,
// those that ended first at the beginning, and counts what qualified since the
// last call. With last it takes the second that is not over, too. What is
// taken was recorded before: a reading of the recorder that comes after has it.
func (p *Picker) Take(now time.Duration, last bool) ([]Operation, []Picked) {
	before := int64(now / time.Second)
	if last {
		before = math.MaxInt64
	}
	var chosen []Operation
	var counts []Picked
	for _, name := range p.config.Arms {
		a := p.arms[name]
		picked := Picked{Arm: name}
		for _, w := range a.over(before) {
			list, total := w.draw(p.config.Limit)
			picked.Limited += total
			for _, c := range list {
				picked.Traced += uint64(c.alike)
				picked.Limited -= uint64(c.alike)
				chosen = append(chosen, p.operation(a, c))
			}
		}
		counts = append(counts, picked)
	}
	slices.SortStableFunc(chosen, func(x, y Operation) int { return cmp.Compare(x.Done, y.Done) })
	return chosen, counts
}

// operation gathers what is known of a candidate.
func (p *Picker) operation(a *arm, c candidate) Operation {
	o := Operation{Sample: c.sample, Arm: a.name, Pool: c.pool.Name, Reason: p.reasonOf(&c.sample), Alike: c.alike, Batch: max(1, c.pool.Pipeline)}
	if c.sample.Operation < len(c.pool.Mix) {
		o.Name = c.pool.Mix[c.sample.Operation].Command
	}
	o.Round, o.Phase = p.config.At(c.sample.Intended)
	if number := uint64(c.sample.Outcome.Conn); number > 0 {
		o.Connection = p.config.Connection(a.name, number)
		a.mu.Lock()
		o.Events = a.events.of(number, c.sample.Sent-EventsBefore, c.sample.Done)
		a.mu.Unlock()
	}
	return o
}

// over takes the windows of the seconds before one.
func (a *arm) over(second int64) []*window {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for n < len(a.windows) && a.windows[n].second < second {
		n++
	}
	taken := a.windows[:n:n]
	a.windows = slices.Clone(a.windows[n:])
	if second < math.MaxInt64 {
		a.untaken = max(a.untaken, second)
	}
	return taken
}

// Observe moves the quantile of Config.Share to that of an interval. One with
// too few successes to have such a quantile moves nothing.
func (p *Picker) Observe(i record.Interval) {
	if p.config.Share <= 0 {
		return
	}
	for _, name := range p.config.Arms {
		var response histogram.Histogram
		for _, s := range i.Series {
			if s.Arm == name && s.Outcome == workload.OK.String() && s.Response != nil {
				response.Merge(s.Response)
			}
		}
		if float64(response.Count())*(1-p.config.Share) >= 1 {
			p.arms[name].beyond.Store(int64(response.Quantile(p.config.Share)))
		}
	}
}

// Mark implements mark.Sink: it remembers what befalls connections.
func (p *Picker) Mark(m mark.Mark) {
	a := p.arms[m.Arm]
	if a == nil || m.Conn == 0 {
		return
	}
	a.mu.Lock()
	a.events.put(m)
	a.mu.Unlock()
}

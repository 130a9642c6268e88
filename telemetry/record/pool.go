package record

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"schload/workload"
)

// pool is the Recorder's own view of a Pool.
type pool struct {
	name       string
	operations []string
	apart      bool
	spans      *timeline
	lateAfter  time.Duration
	width      time.Duration // of a bin
	slots      *slotTable    // nil: slots are no matter

	scope   *scope // nil: the arm has no other pool, so what is told of the arm holds for it
	tallies tallies

	mu     sync.Mutex
	shards []*shard

	// The reader's: the empty buffer to exchange for the next shard's, cells
	// on their way from a buffer that has too many to one that has too few,
	// and how many spans have had their counters shown, zeros included.
	spare   *buffer
	reserve []*cell
	shown   int
}

func (p *pool) newBuffer() *buffer {
	b := &buffer{
		spans: p.spans, operations: len(p.operations),
		bins: bins{width: p.width, list: make([]bin, 0, usualBins)},
	}
	if p.slots != nil {
		b.ranges = make([]bins, p.slots.ranges)
		for i := range b.ranges {
			b.ranges[i] = bins{width: p.width, most: maxRangeBins}
		}
	}
	return b
}

func (p *pool) newShard() *shard {
	s := &shard{pool: p}
	s.release(p.newBuffer())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shards = append(p.shards, s)
	return s
}

// collect takes what the pool's shards hold, and adds it to the interval, to
// the tallies and to what outages are told from.
func (p *pool) collect(i *Interval, a *arm, spans []span) {
	sum := p.newBuffer() // fresh: its histograms leave with the interval
	for number := p.shown; number < len(spans); number++ {
		if spans[number].of(a.name) {
			sum.turnTo(number)
		}
	}
	p.mu.Lock()
	shards := p.shards
	p.mu.Unlock()
	// The dispatcher's shard is the first. It is taken last: whatever a worker
	// has ended by then, the dispatcher had stated as due before.
	for _, s := range slices.Backward(shards) {
		p.take(s, sum, a)
	}
	clear(p.reserve) // what is left nobody needs
	p.reserve = p.reserve[:0]
	for _, page := range sum.pages {
		// A sample may name a span begun since the caller loaded spans.
		s := p.spans.load()[page.span]
		p.tallies[isWarmup(s.phase)].add(page)
		p.report(i, a.name, page, s)
	}
	p.shown = len(spans)
}

// take empties one shard into sum.
func (p *pool) take(s *shard, sum *buffer, a *arm) {
	b := s.take(p.emptyFor(s))
	for _, page := range b.pages {
		sum.turnTo(page.span).merge(page)
	}
	if !p.apart {
		a.scope.outages.add(b.bins.list)
	}
	if p.scope != nil {
		p.scope.outages.add(b.bins.list)
	}
	for i := range b.ranges {
		a.ranges[i].outages.add(b.ranges[i].list)
	}
	s.need.note(b.reset())
	p.spare = b
}

// emptyFor prepares the spare buffer for a shard: with the cells its goroutine
// is going to need, so that it makes none itself.
func (p *pool) emptyFor(s *shard) *buffer {
	b := p.spare
	if b == nil {
		b = p.newBuffer()
	}
	for len(b.freeCells) > s.need.cells {
		p.reserve = append(p.reserve, b.newCell())
	}
	for len(b.freeCells) < s.need.cells {
		b.freeCells = append(b.freeCells, p.newCell())
	}
	return b
}

func (p *pool) newCell() *cell {
	if n := len(p.reserve); n > 0 {
		c := p.reserve[n-1]
		p.reserve = p.reserve[:n-1]
		return c
	}
	return new(cell)
}

// need is how many cells a shard's buffer should hold: the most it ever used
// between two Collects, until its goroutine has been idle for so long that it
// seems to have ended. A pause during maintenance is not so long.
type need struct{ cells, idle int }

const idleCollects = 60

func (n *need) note(used int) {
	if used > 0 {
		n.cells, n.idle = max(n.cells, used), 0
		return
	}
	if n.idle++; n.idle >= idleCollects {
		n.cells = 0
	}
}

// merge adds another page of the same pool.
func (p *page) merge(from *page) {
	p.due += from.due
	p.late += from.late
	for i, n := range from.missed {
		p.missed[i] += n
	}
	for i := range from.ended {
		p.ended[i].merge(&from.ended[i])
	}
}

func (e *ended) merge(from *ended) {
	for i, n := range from.classes {
		e.classes[i] += n
	}
	for o, c := range from.cells {
		if c == nil {
			continue
		}
		if e.cells[o] == nil {
			e.cells[o] = new(cell)
		}
		e.cells[o].response.Merge(&c.response)
		e.cells[o].service.Merge(&c.service)
		e.cells[o].lateness.Merge(&c.lateness)
	}
	e.again = e.again.merge(from.again)
}

// report writes a page into the interval. A span's page has its counters even
// at zero the first time, so that "none" can be told from "not recorded".
func (p *pool) report(i *Interval, arm string, page *page, s span) {
	first := page.span >= p.shown
	attrs := func(more ...Attr) []Attr {
		all := append(more, Attr{AttrPool, p.name}, Attr{AttrPhase, s.phase.String()}, Attr{AttrRound, strconv.Itoa(s.round)})
		slices.SortFunc(all, Attr.compare)
		return all
	}
	count := func(name string, n uint64, more ...Attr) {
		if n > 0 || first {
			i.Counts = append(i.Counts, Count{Name: name, Arm: arm, Attrs: attrs(more...), Value: n})
		}
	}
	count(OperationsDue, page.due)
	count(OperationsLate, page.late)
	for reason, n := range page.missed {
		count(OperationsMissed, n, Attr{AttrReason, workload.Reason(reason).String()})
	}
	for op, e := range p.byName(page) {
		for class, n := range e.classes {
			if n > 0 || first && class == int(workload.OK) {
				count(Operations, n, Attr{AttrOperation, op}, Attr{AttrOutcome, workload.Class(class).String()})
			}
		}
		e.again.report(i, Key{Arm: arm, Pool: p.name, Operation: op, Phase: s.phase, Round: s.round})
		for o, c := range e.cells {
			if c != nil {
				key := Key{Arm: arm, Pool: p.name, Operation: op, Outcome: outcomeNames[o], Phase: s.phase, Round: s.round}
				first := e.again.serviceOf(o, &c.service)
				i.Series = append(i.Series, Series{Key: key, Response: &c.response, Service: &c.service, Lateness: &c.lateness, First: first})
			}
		}
	}
}

// byName returns how operations ended, those of equal names together.
func (p *pool) byName(page *page) map[string]*ended {
	byName := make(map[string]*ended, len(p.operations))
	for i, name := range p.operations {
		if e := byName[name]; e != nil {
			e.merge(&page.ended[i])
		} else {
			byName[name] = &page.ended[i]
		}
	}
	return byName
}

func (i *Interval) sort() {
	slices.SortFunc(i.Series, func(x, y Series) int { return x.Key.Compare(y.Key) })
	slices.SortFunc(i.Counts, Count.compare)
	slices.SortFunc(i.Levels, Level.compare)
	slices.SortFunc(i.Distributions, Distribution.compare)
}

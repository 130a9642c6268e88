package record

import (
	"time"

	"schload/telemetry/histogram"
	"schload/workload"
)

// buffer is what one goroutine recorded since the reader last came: a page per
// span it touched, and the bins from which outages are told: of all of its
// pool, and of each range of hash slots. It is plain memory of whoever claimed
// it.
//
// Pages and cells are made at the first touch and recycled for whatever span,
// operation and outcome comes next: a buffer needs as many as there are series
// in one span, or in two at a phase's boundary.
type buffer struct {
	spans  *timeline
	pages  []*page // in use, the one touched last at the end
	bins   bins
	ranges []bins

	operations int
	freePages  []*page
	freeCells  []*cell
}

// page holds what belongs to one span.
type page struct {
	span   int
	due    uint64
	late   uint64
	missed [workload.Reasons]uint64
	ended  []ended // by operation
	buffer *buffer
}

// ended is how the operations of one kind ended.
type ended struct {
	classes [workload.Classes]uint64
	cells   [outcomes]*cell // nil until touched
	again   *again          // nil: none took more than one try
}

// cell holds the three histograms of one series. The service times of what took
// more than one try are in ended.again.
type cell struct{ response, service, lateness histogram.Histogram }

// The two outcomes of a series; classes are counted, not spread over
// histograms, to bound memory.
const (
	ok = iota
	failed
	outcomes
)

var outcomeNames = [outcomes]string{"ok", "failed"}

func outcomeOf(c workload.Class) int {
	if c == workload.OK {
		return ok
	}
	return failed
}

// pageAt returns the page of the span the instant belongs to.
func (b *buffer) pageAt(intended time.Duration) *page {
	span := spanAt(b.spans.load(), intended)
	if n := len(b.pages); n > 0 && b.pages[n-1].span == span {
		return b.pages[n-1]
	}
	return b.turnTo(span)
}

// turnTo moves the page of a span to the end, or puts a fresh one there.
func (b *buffer) turnTo(span int) *page {
	last := len(b.pages) - 1
	for i, p := range b.pages {
		if p.span == span {
			b.pages[i], b.pages[last] = b.pages[last], p
			return p
		}
	}
	p := b.newPage()
	p.span = span
	b.pages = append(b.pages, p)
	return p
}

func (b *buffer) newPage() *page {
	if n := len(b.freePages); n > 0 {
		p := b.freePages[n-1]
		b.freePages = b.freePages[:n-1]
		return p
	}
	return &page{buffer: b, ended: make([]ended, b.operations)}
}

func (b *buffer) newCell() *cell {
	if n := len(b.freeCells); n > 0 {
		c := b.freeCells[n-1]
		b.freeCells = b.freeCells[:n-1]
		return c
	}
	return new(cell)
}

// add counts n operations that ended like x.
func (p *page) add(x *workload.Sample, n uint64, lateAfter time.Duration) {
	e := &p.ended[x.Operation]
	e.classes[x.Outcome.Class] += n
	response := x.ResponseTime()
	if x.Outcome.Class == workload.OK && response > lateAfter {
		p.late += n
	}
	c := e.cells[outcomeOf(x.Outcome.Class)]
	if c == nil {
		c = p.buffer.newCell()
		e.cells[outcomeOf(x.Outcome.Class)] = c
	}
	service := &c.service
	if x.Outcome.Attempts > 1 {
		service = e.tried(x, n)
	}
	if n == 1 {
		c.response.Record(response)
		service.Record(x.ServiceTime())
		c.lateness.Record(x.Lateness())
		return
	}
	c.response.RecordN(response, n)
	service.RecordN(x.ServiceTime(), n)
	c.lateness.RecordN(x.Lateness(), n)
}

// reset empties the buffer, keeps its memory, and returns how many cells were
// in use.
func (b *buffer) reset() (used int) {
	free := len(b.freeCells)
	for _, p := range b.pages {
		p.reset()
		b.freePages = append(b.freePages, p)
	}
	b.pages = b.pages[:0]
	b.bins.reset()
	for i := range b.ranges {
		b.ranges[i].reset()
	}
	return len(b.freeCells) - free
}

func (p *page) reset() {
	p.due, p.late = 0, 0
	clear(p.missed[:])
	for i := range p.ended {
		e := &p.ended[i]
		clear(e.classes[:])
		e.again = nil
		for o, c := range e.cells {
			if c != nil {
				c.response.Reset()
				c.service.Reset()
				c.lateness.Reset()
				p.buffer.freeCells = append(p.buffer.freeCells, c)
				e.cells[o] = nil
			}
		}
	}
}

package matrix

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// Player plays cells.
type Player struct {
	// Run plays a cell and leaves its bundle in dir, which does not exist. It
	// says how far it is. An error is the cell's; whether its numbers can be
	// used, its bundle says. It is called by Plan.Parallel goroutines.
	Run func(ctx context.Context, c Cell, dir string, progress func(Progress)) error

	// Changed is told how the matrix stands, at any time and from any
	// goroutine, but never twice at once; and of an event, in words. Either may be nil.
	Changed func(Board)
	Event   func(string)

	// Strict has cells played again in which the harness was the bottleneck.
	Strict bool

	m       *Matrix
	mu      sync.Mutex
	began   time.Time
	waiting []int
	running map[int]*Progress
	kept    int
	broken  error // the directory cannot be written
}

// Play plays what is missing of a matrix. Finished cells are kept, once their
// bundles have been checked. It returns the context's cause if that was
// cancelled, and an error if the matrix cannot be kept; what became of cells
// is in the rows.
func (p *Player) Play(ctx context.Context, m *Matrix) error {
	unlock, err := m.lock()
	if err != nil {
		return err
	}
	defer unlock()
	p.m, p.began, p.running = m, time.Now(), map[int]*Progress{}
	if err := p.sift(); err != nil {
		return err
	}
	var all sync.WaitGroup
	for range m.Plan.Parallel {
		all.Go(func() { p.work(ctx) })
	}
	all.Wait()
	if p.broken != nil {
		return p.broken
	}
	return context.Cause(ctx)
}

// sift decides which cells are kept, and takes away what is left of others.
func (p *Player) sift() error {
	type found struct {
		s   compare.Summary
		err error
	}
	all := make([]found, len(p.m.Plan.Cells))
	beside(len(all), func(i int) { all[i].s, all[i].err = p.m.finished(p.m.Plan.Cells[i]) })
	for _, i := range p.m.Plan.order() {
		c, s, err := p.m.Plan.Cells[i], all[i].s, all[i].err
		if err == nil && p.Strict && s.Harness.Saturated {
			err = errors.New("the harness was the bottleneck: " + strings.Join(s.Harness.SaturatedReasons, "; "))
		}
		if err == nil {
			p.m.Rows[i] = row(c, s)
			p.kept++
			continue
		}
		if err != errAbsent {
			p.say("cell " + c.Name() + " is played again: " + err.Error())
			if err := os.RemoveAll(p.m.BundleDir(c)); err != nil {
				return err
			}
		}
		p.m.Rows[i] = pending(c)
		p.waiting = append(p.waiting, i)
	}
	return p.m.save()
}

// work plays one cell after the other.
func (p *Player) work(ctx context.Context) {
	for ctx.Err() == nil {
		i, ok := p.next()
		if !ok {
			return
		}
		c := p.m.Plan.Cells[i]
		err := p.Run(ctx, c, p.m.BundleDir(c), func(x Progress) { p.progress(i, x) })
		p.end(i, p.outcome(ctx, c, err))
	}
}

func (p *Player) next() (int, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 || p.broken != nil {
		return 0, false
	}
	i := p.waiting[0]
	p.waiting = p.waiting[1:]
	c := p.m.Plan.Cells[i]
	p.running[i] = &Progress{Cell: p.m.Plan.Spelled(c), Total: c.Expected.Duration()}
	return i, true
}

// outcome reads what a cell left. The bundle is the judge: an error that left
// none is all that is known.
func (p *Player) outcome(ctx context.Context, c Cell, err error) Row {
	b, unreadable := bundle.Open(p.m.BundleDir(c))
	if unreadable == nil {
		var s compare.Summary
		if s, unreadable = compare.Summarize(b); unreadable == nil {
			return row(c, s)
		}
	}
	switch {
	case ctx.Err() != nil:
		r := pending(c)
		r.State, r.Reasons = Incomplete, []string{"it was interrupted before it left anything"}
		return r
	case err != nil:
		return failed(c, err)
	}
	return failed(c, unreadable)
}

func (p *Player) end(i int, r Row) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.running, i)
	p.m.Rows[i] = r
	p.m.correct()
	if err := p.m.save(); err != nil && p.broken == nil {
		p.broken = err
	}
	p.say(p.sentence(i))
}

func (p *Player) progress(i int, x Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.running[i]; known != nil {
		x.Cell = known.Cell
		*known = x
	}
	if p.Changed != nil {
		p.Changed(p.board())
	}
}

func (p *Player) say(text string) {
	if p.Event != nil {
		p.Event(text)
	}
}

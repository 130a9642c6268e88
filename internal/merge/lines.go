package merge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/record"
)

// stream hands out a worker's intervals, each decoded by a goroutine of its own
// while others are added.
type stream struct {
	*worker
	number  int
	next    chan read
	done    chan struct{} // the head is no longer needed: its memory is used again
	pending bool          // the next one was asked for
	head    record.Interval
	ended   bool           // there is no head, and will be none
	levels  []record.Level // its share of the gauges of the line that is being added
	own     []record.Level // scratch
}

type read struct {
	iv  record.Interval
	err error
}

// decode hands out the intervals, until there is none or ctx ends.
func (s *stream) decode(ctx context.Context) {
	defer close(s.next)
	for iv, err := range s.Pass() {
		select {
		case s.next <- read{iv, err}:
		case <-ctx.Done():
			return
		}
		select {
		case <-s.done:
		case <-ctx.Done():
			return
		}
	}
}

// look waits for the head and says whether there is one.
func (s *stream) look() (bool, error) {
	if !s.pending {
		return !s.ended, nil
	}
	s.pending = false
	r, ok := <-s.next
	if r.err != nil {
		return false, fmt.Errorf("worker %s: %s: %w", s.name, s.Dir, r.err)
	}
	s.head, s.ended = r.iv, !ok
	return ok, nil
}

// advance gives the head back and asks for the next one. It must be called
// once the head was looked at.
func (s *stream) advance(ctx context.Context) {
	s.pending = true
	select {
	case s.done <- struct{}{}:
	case <-ctx.Done():
	}
}

// middle is that of the head, since the base of the merged run.
func (s *stream) middle() time.Duration { return s.head.From + (s.head.To-s.head.From)/2 + s.offset }

// lines adds the workers' intervals line by line. The first worker that still
// has some sets the pace: a line ends where its interval does, and holds of each
// worker the intervals whose middle lies before. A line is written while the next
// one is added. No goroutine of its own is left when it returns.
func lines(ctx context.Context, list []*worker, write func(record.Interval) error) (err error) {
	streams, end := startAll(ctx, list)
	defer end()
	p := pen{write: write}
	defer func() {
		if last := p.wait(); err == nil {
			err = last
		}
	}()
	var sheets [2]adding
	var e events
	apart := canaries(list[0].Run)
	from := time.Duration(0)
	for n := 0; ; n++ {
		lead, err := leader(streams)
		// Asked afterwards: a stream that was interrupted ends like one that is read.
		if err := errors.Join(context.Cause(ctx), err); err != nil || lead == nil {
			return err
		}
		line := &sheets[n%len(sheets)]
		line.begin(from, max(from, lead.head.To+lead.offset))
		if err := fill(ctx, line, &e, streams, lead, apart); err != nil {
			return err
		}
		if next, err := leader(streams); err != nil {
			return err
		} else if next == nil { // the last line ends with the last worker
			for _, s := range streams {
				line.To = max(line.To, s.facts.life.to)
			}
		}
		line.Counts = join(line.Counts, e.give(), compareCounts, func(x, y *record.Count) { x.Value += y.Value })
		if err := errors.Join(context.Cause(ctx), p.wait()); err != nil {
			return err
		}
		p.begin(line.Interval)
		from = line.To
	}
}

// startAll starts a stream of each worker. end ends them, wherever they are.
func startAll(ctx context.Context, list []*worker) (streams []*stream, end func()) {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	for i, w := range list {
		s := &stream{worker: w, number: i, next: make(chan read), done: make(chan struct{}), pending: true}
		running.Go(func() { s.decode(ctx) })
		streams = append(streams, s)
	}
	return streams, func() { stop(); running.Wait() }
}

// pen writes a line while the caller does something else.
type pen struct {
	write   func(record.Interval) error
	written chan error // of the line that is being written; nil: none is
}

// begin begins to write a line, which must not change until wait has returned.
func (p *pen) begin(iv record.Interval) {
	written := make(chan error, 1)
	p.written = written
	go func() { written <- p.write(iv) }()
}

// wait returns what became of the line that was begun, if any was.
func (p *pen) wait() error {
	if p.written == nil {
		return nil
	}
	err := <-p.written
	p.written = nil
	return err
}

// leader is the first stream that has an interval left.
func leader(streams []*stream) (*stream, error) {
	for _, s := range streams {
		if has, err := s.look(); has || err != nil {
			return s, err
		}
	}
	return nil, nil
}

// fill adds all intervals that belong to a line; its leader's head does in any
// case. Every worker's first is added before anybody's second is waited for: to
// know that there is no second the next one has to be decoded, which for all
// workers goes on at the same time then.
func fill(ctx context.Context, line *adding, e *events, streams []*stream, lead *stream, apart map[string]bool) error {
	for _, s := range streams {
		s.levels = s.levels[:0]
		if has, err := s.look(); err != nil {
			return err
		} else if has && (s == lead || s.middle() < line.To) {
			s.into(ctx, line, e, len(streams), apart)
		}
	}
	for _, s := range streams {
		for {
			has, err := s.look()
			if err != nil {
				return err
			}
			if !has || s.middle() >= line.To {
				break
			}
			s.into(ctx, line, e, len(streams), apart)
		}
	}
	for _, s := range streams {
		line.Levels = beside(line.Levels, s.levels, s.rules())
	}
	return nil
}

// into adds a worker's head to a line, but for its gauges, and asks for the next.
func (s *stream) into(ctx context.Context, line *adding, e *events, workers int, apart map[string]bool) {
	iv := s.head
	s.note(iv, apart)
	iv.Counts = e.take(s.number, workers, s.process() != "", iv.Counts)
	if s.process() == "" { // what all of them had is an outage of the whole, and no sum of theirs
		iv.Distributions = slices.DeleteFunc(iv.Distributions, func(d record.Distribution) bool { return d.Name == record.OutageDuration })
	}
	line.add(iv)
	s.own = ownLevels(s.own[:0], iv, s.offset, line.To-line.From)
	s.levels = later(s.levels, s.own)
	s.advance(ctx)
}

// rules are those by which the worker's gauges are joined with others'.
func (s *stream) rules() func(record.Level) rule {
	if s.process() != "" {
		return ruleOfProcesses
	}
	return ruleOf
}

func seconds(d time.Duration) bundle.Seconds { return bundle.Seconds(d) }

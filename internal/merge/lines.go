package merge

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	ended   bool // there is no head, and will be none
}

type read struct {
	iv  record.Interval
	err error
}

func (s *stream) start(ctx context.Context) {
	s.next, s.done, s.pending = make(chan read), make(chan struct{}), true
	go func() {
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
	}()
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
// worker the intervals whose middle lies before.
func lines(ctx context.Context, list []*worker, write func(record.Interval) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	streams := make([]*stream, len(list))
	for i, w := range list {
		streams[i] = &stream{worker: w, number: i}
		streams[i].start(ctx)
	}
	var e events
	var line adding
	apart := canaries(list[0].Run)
	for from := time.Duration(0); ; {
		lead, err := leader(streams)
		// Asked afterwards: a stream that was interrupted ends like one that is read.
		if err := errors.Join(context.Cause(ctx), err); err != nil || lead == nil {
			return err
		}
		line.begin(from, max(from, lead.head.To+lead.offset))
		for _, s := range streams {
			if err := s.into(ctx, &line, &e, len(streams), apart, s == lead); err != nil {
				return err
			}
		}
		if next, err := leader(streams); err != nil {
			return err
		} else if next == nil { // the last line ends with the last worker
			for _, s := range streams {
				line.To = max(line.To, s.facts.life.to)
			}
		}
		line.Counts = join(line.Counts, e.give(), compareCounts, func(x, y *record.Count) { x.Value += y.Value })
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if err := write(line.Interval); err != nil {
			return err
		}
		from = line.To
	}
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

// into adds all intervals of a worker that belong to a line; its leader's head
// does in any case.
func (s *stream) into(ctx context.Context, line *adding, e *events, workers int, apart map[string]bool, lead bool) error {
	var levels []record.Level
	for {
		has, err := s.look()
		if err != nil {
			return err
		}
		if !has || !lead && s.middle() >= line.To {
			break
		}
		lead = false
		iv := s.head
		s.note(iv, apart)
		iv.Counts = e.take(s.number, workers, s.process() != "", iv.Counts)
		if s.process() == "" { // what all of them had is an outage of the whole, and no sum of theirs
			iv.Distributions = slices.DeleteFunc(iv.Distributions, func(d record.Distribution) bool { return d.Name == record.OutageDuration })
		}
		line.add(iv)
		levels = later(levels, ownLevels(iv, s.offset, line.To-line.From))
		s.advance(ctx)
	}
	rules := ruleOf
	if s.process() != "" {
		rules = ruleOfProcesses
	}
	line.Levels = beside(line.Levels, levels, rules)
	return nil
}

func seconds(d time.Duration) bundle.Seconds { return bundle.Seconds(d) }

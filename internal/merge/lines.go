package merge

import (
	"context"
	"fmt"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/record"
)

// stream hands out a worker's intervals, decoded ahead by a goroutine of its own.
type stream struct {
	*worker
	number int
	next   chan read
	head   *record.Interval // the next one; nil: there is none
}

type read struct {
	iv  record.Interval
	err error
}

func (s *stream) start(ctx context.Context) {
	s.next = make(chan read)
	go func() {
		defer close(s.next)
		for iv, err := range s.Intervals() {
			select {
			case s.next <- read{iv, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
}

// advance takes the next interval.
func (s *stream) advance() error {
	r, ok := <-s.next
	s.head = nil
	if r.err != nil {
		return fmt.Errorf("worker %s: %s: %w", s.name, s.Dir, r.err)
	}
	if ok {
		s.head = &r.iv
	}
	return nil
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
	for _, s := range streams {
		if err := s.advance(); err != nil {
			return err
		}
	}
	var e events
	apart := canaries(list[0].Run)
	for from := time.Duration(0); ; {
		// Asked for first: a stream that was interrupted ends like one that is read.
		if err := context.Cause(ctx); err != nil {
			return err
		}
		lead := leader(streams)
		if lead == nil {
			return nil
		}
		line := record.Interval{From: from, To: max(from, lead.head.To+lead.offset)}
		for _, s := range streams {
			if err := s.into(&line, &e, len(streams), apart, s == lead); err != nil {
				return err
			}
		}
		if leader(streams) == nil { // the last line ends with the last worker
			for _, s := range streams {
				line.To = max(line.To, s.facts.life.to)
			}
		}
		line.Counts = join(line.Counts, e.give(), compareCounts, func(x, y *record.Count) { x.Value += y.Value })
		if err := write(line); err != nil {
			return err
		}
		from = line.To
	}
}

func leader(streams []*stream) *stream {
	for _, s := range streams {
		if s.head != nil {
			return s
		}
	}
	return nil
}

// into adds all intervals of a worker that belong to a line; its leader's head
// does in any case.
func (s *stream) into(line *record.Interval, e *events, workers int, apart map[string]bool, lead bool) error {
	var levels []record.Level
	for s.head != nil && (lead || s.middle() < line.To) {
		lead = false
		iv := *s.head
		s.note(iv, apart)
		iv.Counts = e.take(s.number, workers, s.process() != "", iv.Counts)
		addInterval(line, iv)
		levels = later(levels, ownLevels(iv, s.offset, line.To-line.From))
		if err := s.advance(); err != nil {
			return err
		}
	}
	rules := ruleOf
	if s.process() != "" {
		rules = ruleOfProcesses
	}
	line.Levels = beside(line.Levels, levels, rules)
	return nil
}

func seconds(d time.Duration) bundle.Seconds { return bundle.Seconds(d) }

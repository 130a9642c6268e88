package merge

import (
	"iter"
	"time"

	"schload/telemetry/mark"
)

// copyMarks writes the marks of all workers, nearly in the order of their
// instants as those of one run are, and among them those of the whole.
func copyMarks(list []*worker, whole []mark.Mark, write func(mark.Mark)) error {
	type tape struct {
		next func() (mark.Mark, error, bool)
		head mark.Mark
		open bool
	}
	var tapes []*tape
	pull := func(seq iter.Seq2[mark.Mark, error]) (*tape, func()) {
		next, stop := iter.Pull2(seq)
		t := &tape{next: next}
		tapes = append(tapes, t)
		return t, stop
	}
	advance := func(t *tape) (err error) {
		t.head, err, t.open = t.next()
		return err
	}
	for _, seq := range append([]iter.Seq2[mark.Mark, error]{each(whole)}, own(list)...) {
		t, stop := pull(seq)
		defer stop()
		if err := advance(t); err != nil {
			return err
		}
	}
	for {
		var first *tape
		for _, t := range tapes {
			if t.open && (first == nil || t.head.At < first.head.At) {
				first = t
			}
		}
		if first == nil {
			return nil
		}
		write(first.head)
		if err := advance(first); err != nil {
			return err
		}
	}
}

func each(list []mark.Mark) iter.Seq2[mark.Mark, error] {
	return func(yield func(mark.Mark, error) bool) {
		for _, m := range list {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func own(list []*worker) (all []iter.Seq2[mark.Mark, error]) {
	for _, w := range list {
		all = append(all, func(yield func(mark.Mark, error) bool) {
			for m, err := range w.Marks() {
				m, keep := w.mark(m, w.offset)
				if (keep || err != nil) && !yield(m, err) {
					return
				}
			}
		})
	}
	return all
}

// mark returns a worker's mark as it stands in the merged bundle. Those that
// the whole has instead are left out, or say what the worker felt alone.
func (w *worker) mark(m mark.Mark, offset time.Duration) (mark.Mark, bool) {
	m.At += offset
	if w.process() != "" {
		return w.beside(m)
	}
	m.Worker = w.name
	if m.Conn > 0 {
		m.Conn += w.told.ConnOffset
	}
	switch {
	case m.Kind == mark.Phase, m.Kind == mark.Gap:
		return m, false
	case m.Kind == mark.Outage, m.Kind == mark.BrownOut:
		m.Kind, m.Name = mark.Worker, string(m.Kind)
	case m.Kind == mark.Harness && m.Name == "stall":
		m.Kind = mark.Worker
	case m.Kind == mark.Invalid:
		m.Detail = w.says(m.Detail)
	}
	return m, true
}

func (w *worker) says(text string) string { return w.told.Who() + ": " + text }

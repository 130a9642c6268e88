package bundle

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"schload/telemetry/histogram"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

func duration(ns int64) time.Duration { return time.Duration(ns) }

// extremes are the smallest and the largest duration of a histogram.
type extremes struct{ min, max time.Duration }

// intervals yields the intervals of the run as its bundle has them.
func (w *whole) intervals() iter.Seq2[record.Interval, error] {
	return func(yield func(record.Interval, error) bool) {
		for _, r := range w.readings {
			iv, err := w.interval(r)
			if err != nil {
				err = fmt.Errorf("run %s, the reading from %v to %v: %w", w.run.ID, r.From, r.To, err)
			}
			if !yield(iv, err) || err != nil {
				return
			}
		}
	}
}

// lines are the intervals as lines of a bundle.
func (w *whole) lines() iter.Seq2[[]byte, error] {
	encoder := newEncoder(w.run)
	return func(yield func([]byte, error) bool) {
		for iv, err := range w.intervals() {
			var line []byte
			if err == nil {
				line, err = encoder.line(iv)
			}
			if !yield(bytes.TrimSuffix(line, []byte("\n")), err) || err != nil {
				return
			}
		}
	}
}

func (w *whole) timelineMarks() iter.Seq2[mark.Mark, error] {
	return func(yield func(mark.Mark, error) bool) {
		for _, m := range w.marks {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func (w *whole) interval(r record.Reading) (record.Interval, error) {
	d := decoder{iv: record.Interval{From: r.From, To: r.To}, at: map[record.Key]int{}}
	of, left := extremesOf(r), unstatedOf(r)
	for arm, a := range w.at[w.instant(r)] {
		for _, c := range a.counts {
			d.iv.Counts = append(d.iv.Counts, record.Count{Name: c.of.name, Arm: arm, Attrs: slices.Clone(c.of.attrs), Value: c.n})
		}
		for _, l := range a.levels {
			if !left[place(l.of.name, arm, nil)] && !left[l.of.place] {
				d.iv.Levels = append(d.iv.Levels, record.Level{Name: l.of.name, Arm: arm, Attrs: l.of.attrs, Value: l.value})
			}
		}
		for _, parts := range a.places() {
			s := parts[0].of
			x, ok := of[s.place]
			if !ok {
				return d.iv, fmt.Errorf("arm %s metric %s %v: its extremes are missing", arm, s.name, s.attrs)
			}
			h, err := unpack(parts, x)
			if err != nil {
				return d.iv, fmt.Errorf("arm %s metric %s %v: %w", arm, s.name, s.attrs, err)
			}
			if err := d.times(arm, s, h); err != nil {
				return d.iv, err
			}
		}
	}
	for i := range d.iv.Series { // a bundle has the three times of operations, empty or not
		s := &d.iv.Series[i]
		for _, h := range []**histogram.Histogram{&s.Response, &s.Service, &s.Lateness} {
			if *h == nil && s.Delivery == nil {
				*h = new(histogram.Histogram)
			}
		}
	}
	d.sort()
	return d.iv, nil
}

// times files a histogram as a bundle's line does.
func (d *decoder) times(arm string, of *wholeSeries, h *histogram.Histogram) error {
	switch of.name {
	case record.ResponseTime, record.ServiceTime, record.Lateness, record.MessageDeliveryTime:
	default:
		d.iv.Distributions = append(d.iv.Distributions, record.Distribution{Name: of.name, Arm: arm, Attrs: of.attrs, Times: h})
		return nil
	}
	key := record.Key{Arm: arm, Pool: of.byKey[record.AttrPool], Operation: of.byKey[record.AttrOperation], Outcome: of.byKey[record.AttrOutcome]}
	if err := key.Phase.UnmarshalText([]byte(of.byKey[record.AttrPhase])); err != nil {
		return err
	}
	var err error
	if key.Round, err = strconv.Atoi(of.byKey[record.AttrRound]); err != nil || key.Round < 0 {
		return fmt.Errorf("%s %q is not a round (0, 1, ...)", record.AttrRound, of.byKey[record.AttrRound])
	}
	i, ok := d.at[key]
	if !ok {
		i = len(d.iv.Series)
		d.at[key] = i
		d.iv.Series = append(d.iv.Series, record.Series{Key: key})
	}
	set(&d.iv.Series[i], of.name, h)
	return nil
}

func place(name, arm string, attrs map[string]string) string {
	if attrs == nil {
		return name + "\xff" + arm
	}
	return fmt.Sprintf("%s\xff%s\xff%q", name, arm, record.Attrs(attrs))
}

func extremesOf(r record.Reading) map[string]extremes {
	of := map[string]extremes{}
	for _, e := range r.Extremes {
		for name, times := range e.Times {
			of[place(name, e.Arm, orEmpty(e.Attrs))] = extremes{times[0], times[1]}
		}
	}
	return of
}

func unstatedOf(r record.Reading) map[string]bool {
	left := map[string]bool{}
	for _, u := range r.Unstated {
		left[place(u.Name, u.Arm, u.Attrs)] = true
	}
	return left
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

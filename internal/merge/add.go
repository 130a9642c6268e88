package merge

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// adding is a line while the workers' intervals are added. Its lists and
// histograms are used again by the next one.
type adding struct {
	record.Interval
	lent []*histogram.Histogram
	used int
}

func (l *adding) begin(from, to time.Duration) {
	l.used = 0
	l.Interval = record.Interval{
		From: from, To: to,
		Series: l.Series[:0], Counts: l.Counts[:0], Distributions: l.Distributions[:0], Levels: l.Levels[:0],
	}
}

// add adds what a worker recorded, all lists being sorted as package bundle
// hands them out, and keeps nothing of it. Gauges and counters of events have
// rules of their own.
func (l *adding) add(from record.Interval) {
	l.Series = joinOwn(l.Series, from.Series, func(x, y *record.Series) int { return x.Key.Compare(y.Key) }, l.addSeries, func(x *record.Series) {
		own := record.Series{Key: x.Key}
		l.addSeries(&own, x)
		*x = own
	})
	l.Counts = join(l.Counts, from.Counts, compareCounts, func(x, y *record.Count) { x.Value += y.Value })
	l.Distributions = joinOwn(l.Distributions, from.Distributions, func(x, y *record.Distribution) int {
		return compareNamed(x.Name, y.Name, x.Arm, y.Arm, x.Attrs, y.Attrs)
	}, func(x, y *record.Distribution) { x.Times.Merge(y.Times) }, func(x *record.Distribution) {
		times := x.Times
		x.Times = nil
		l.addTimes(&x.Times, times)
	})
}

func (l *adding) addSeries(x, y *record.Series) {
	l.addTimes(&x.Response, y.Response)
	l.addTimes(&x.Service, y.Service)
	l.addTimes(&x.Lateness, y.Lateness)
	l.addTimes(&x.Delivery, y.Delivery)
}

// addTimes keeps a histogram that nobody has absent.
func (l *adding) addTimes(into **histogram.Histogram, from *histogram.Histogram) {
	if from == nil {
		return
	}
	if *into == nil {
		*into = l.empty()
	}
	(*into).Merge(from)
}

// empty returns an empty histogram that is the line's own.
func (l *adding) empty() *histogram.Histogram {
	if l.used == len(l.lent) {
		l.lent = append(l.lent, new(histogram.Histogram))
	}
	h := l.lent[l.used]
	l.used++
	h.Reset()
	return h
}

// join adds a sorted list to a sorted one: equal elements by add, the others as
// they are.
func join[T any](into, from []T, compare func(x, y *T) int, add func(x, y *T)) []T {
	return joinOwn(into, from, compare, add, func(*T) {})
}

// joinOwn is join for elements that hold memory of others: own gives those that
// are kept memory of their own.
func joinOwn[T any](into, from []T, compare func(x, y *T) int, add func(x, y *T), own func(*T)) []T {
	before := len(into)
	i := 0
	for j := range from {
		order := 1
		for i < before {
			if order = compare(&into[i], &from[j]); order >= 0 {
				break
			}
			i++
		}
		if i < before && order == 0 {
			add(&into[i], &from[j])
			continue
		}
		into = append(into, from[j])
		own(&into[len(into)-1])
	}
	if len(into) == before || before == 0 {
		return into
	}
	slices.SortStableFunc(into, func(x, y T) int { return compare(&x, &y) })
	return into
}

func compareCounts(x, y *record.Count) int {
	return compareNamed(x.Name, y.Name, x.Arm, y.Arm, x.Attrs, y.Attrs)
}

func compareNamed(name, other, arm, otherArm string, attrs, others []record.Attr) int {
	if name != other {
		return strings.Compare(name, other)
	}
	if arm != otherArm {
		return strings.Compare(arm, otherArm)
	}
	return slices.CompareFunc(attrs, others, func(a, b record.Attr) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Value, b.Value))
	})
}

// events are counters of what happened once for all workers, and which each of
// them counts: the merged counter is that of the worker that has seen most.
type events struct {
	seen map[string][]uint64 // by series, of each worker so far
	out  map[string]uint64   // what was handed out
	now  []record.Count      // series of the line that is being added
}

func isEvent(name string) bool {
	return name == record.MaintenanceEvents || name == record.NoticeEvents
}

// take takes the counters of events out of a worker's interval.
func (e *events) take(worker, workers int, oneMachine bool, counts []record.Count) []record.Count {
	if e.seen == nil {
		e.seen, e.out = map[string][]uint64{}, map[string]uint64{}
	}
	return slices.DeleteFunc(counts, func(c record.Count) bool {
		if !isEvent(c.Name) && !(oneMachine && c.Name == record.HarnessClockSteps) {
			return false
		}
		id := identity(c)
		if e.seen[id] == nil {
			e.seen[id] = make([]uint64, workers)
		}
		e.seen[id][worker] += c.Value
		e.now = append(e.now, c)
		return true
	})
}

// give returns the merged counters of the line.
func (e *events) give() (list []record.Count) {
	slices.SortStableFunc(e.now, func(x, y record.Count) int { return compareCounts(&x, &y) })
	e.now = slices.CompactFunc(e.now, func(x, y record.Count) bool { return compareCounts(&x, &y) == 0 })
	for _, c := range e.now {
		id := identity(c)
		most := slices.Max(e.seen[id])
		c.Value = most - e.out[id]
		e.out[id] = most
		list = append(list, c)
	}
	e.now = e.now[:0]
	return list
}

func identity(c record.Count) string {
	var b strings.Builder
	b.WriteString(c.Name + "\xff" + c.Arm)
	for _, a := range c.Attrs {
		b.WriteString("\xff" + a.Key + "\xff" + a.Value)
	}
	return b.String()
}

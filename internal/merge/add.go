package merge

import (
	"cmp"
	"slices"
	"strings"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// addInterval adds what a worker recorded, all lists being sorted as package
// bundle hands them out. Gauges and counters of events have rules of their own.
func addInterval(into *record.Interval, from record.Interval) {
	into.Series = join(into.Series, from.Series, func(x, y *record.Series) int { return x.Key.Compare(y.Key) }, addSeries)
	into.Counts = join(into.Counts, from.Counts, compareCounts, func(x, y *record.Count) { x.Value += y.Value })
	into.Distributions = join(into.Distributions, from.Distributions, func(x, y *record.Distribution) int {
		return compareNamed(x.Name, y.Name, x.Arm, y.Arm, x.Attrs, y.Attrs)
	}, func(x, y *record.Distribution) { x.Times.Merge(y.Times) })
}

func addSeries(x, y *record.Series) {
	addTimes(&x.Response, y.Response)
	addTimes(&x.Service, y.Service)
	addTimes(&x.Lateness, y.Lateness)
	addTimes(&x.Delivery, y.Delivery)
}

// addTimes keeps a histogram that nobody has absent.
func addTimes(into **histogram.Histogram, from *histogram.Histogram) {
	switch {
	case from == nil:
	case *into == nil:
		*into = from
	default:
		(*into).Merge(from)
	}
}

// join adds a sorted list to a sorted one: equal elements by add, the others as
// they are.
func join[T any](into, from []T, compare func(x, y *T) int, add func(x, y *T)) []T {
	var fresh []T
	i := 0
	for j := range from {
		for i < len(into) && compare(&into[i], &from[j]) < 0 {
			i++
		}
		if i < len(into) && compare(&into[i], &from[j]) == 0 {
			add(&into[i], &from[j])
		} else {
			fresh = append(fresh, from[j])
		}
	}
	if len(fresh) == 0 {
		return into
	}
	into = append(into, fresh...)
	slices.SortStableFunc(into, func(x, y T) int { return compare(&x, &y) })
	return into
}

func compareCounts(x, y *record.Count) int {
	return compareNamed(x.Name, y.Name, x.Arm, y.Arm, x.Attrs, y.Attrs)
}

func compareNamed(name, other, arm, otherArm string, attrs, others []record.Attr) int {
	return cmp.Or(strings.Compare(name, other), strings.Compare(arm, otherArm), slices.CompareFunc(attrs, others, func(a, b record.Attr) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Value, b.Value))
	}))
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

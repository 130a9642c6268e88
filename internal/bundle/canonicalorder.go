package bundle

import (
	"cmp"
	"slices"
	"strings"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// order remembers in what order the elements of a line came and where each
// belongs, for lines whose elements come as those before.
type order[K comparable, V any] struct {
	seen, last []K
	places     []int // places[i] is where element i of the sorted list came
	sorted     []V   // scratch, where lists are used again
}

// arrange returns list in the order of compare, equal elements as they came.
func (o *order[K, V]) arrange(list []V, compare func(x, y V) int, again bool) []V {
	if !slices.Equal(o.seen, o.last) {
		o.places = o.places[:0]
		for i := range list {
			o.places = append(o.places, i)
		}
		slices.SortStableFunc(o.places, func(i, j int) int { return compare(list[i], list[j]) })
		o.seen, o.last = o.last, o.seen
	}
	if len(list) == 0 {
		return nil
	}
	sorted := o.sorted[:0]
	if !again {
		sorted = make([]V, 0, len(list))
	}
	for _, place := range o.places {
		sorted = append(sorted, list[place])
	}
	if again {
		o.sorted = sorted
	}
	return sorted
}

// interval returns what was found, in the order in which package record hands
// intervals out.
func (c *canonical) interval() record.Interval {
	found := &c.found.iv
	return record.Interval{
		From: found.From, To: found.To,
		Series:        c.series.arrange(found.Series, compareSeries, c.again),
		Counts:        c.count.arrange(found.Counts, compareCounts, c.again),
		Levels:        c.level.arrange(found.Levels, compareLevels, c.again),
		Distributions: c.distribution.arrange(found.Distributions, compareDistributions, c.again),
	}
}

func compareSeries(x, y record.Series) int { return x.Key.Compare(y.Key) }

func compareCounts(x, y record.Count) int {
	return compareNamed(x.Name, y.Name, x.Arm, y.Arm, x.Attrs, y.Attrs)
}

func compareLevels(x, y record.Level) int {
	return compareNamed(x.Name, y.Name, x.Arm, y.Arm, x.Attrs, y.Attrs)
}

func compareDistributions(x, y record.Distribution) int {
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

// empty returns an empty histogram: where memory is used again, one of the line
// before.
func (c *canonical) empty() *histogram.Histogram {
	if !c.again {
		return new(histogram.Histogram)
	}
	if c.used == len(c.lent) {
		c.lent = append(c.lent, new(histogram.Histogram))
	}
	h := c.lent[c.used]
	c.used++
	h.Reset()
	return h
}

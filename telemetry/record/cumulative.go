package record

import (
	"slices"
	"strings"
	"time"

	"schload/telemetry/histogram"
)

// Cumulative is the exact sum of intervals: of one run in order, or of many
// runs merged. The zero value is empty and ready. It is not safe for
// concurrent use. It grows with the number of different series, which pools,
// operations and rounds bound, not with the number of intervals.
type Cumulative struct {
	From, To time.Duration // the stretch the intervals cover
	added    bool
	series   map[Key]*Series
	counts   map[string]*Count
	levels   map[string]*Level

	distributions map[string]*Distribution
}

// Add adds an interval: histograms merge, counts add up, a level replaces
// the one before. It keeps nothing of i.
func (c *Cumulative) Add(i Interval) {
	c.cover(i.From, i.To)
	for _, s := range i.Series {
		c.seriesOf(s.Key).merge(s)
	}
	for _, n := range i.Counts {
		c.countOf(n).Value += n.Value
	}
	for _, l := range i.Levels {
		c.levelOf(l).Value = l.Value
	}
	for _, d := range i.Distributions {
		c.distributionOf(d).Times.Merge(d.Times)
	}
}

// Series returns the sums in the order of Key.Compare. The histograms are
// c's own: read them before the next Add, Clone to keep.
func (c *Cumulative) Series() []Series { return sorted(c.series, compareSeries) }

// Counts returns the sums in the order of name, arm and attributes.
func (c *Cumulative) Counts() []Count { return sorted(c.counts, Count.compare) }

// Levels returns the latest values in the order of name, arm and attributes.
func (c *Cumulative) Levels() []Level { return sorted(c.levels, Level.compare) }

// Distributions returns the sums in the order of name, arm and attributes. The
// histograms are c's own, as those of Series.
func (c *Cumulative) Distributions() []Distribution {
	return sorted(c.distributions, Distribution.compare)
}

func compareSeries(x, y Series) int { return x.Key.Compare(y.Key) }

func sorted[K comparable, V any](m map[K]*V, compare func(x, y V) int) []V {
	values := make([]V, 0, len(m))
	for _, v := range m {
		values = append(values, *v)
	}
	slices.SortFunc(values, compare)
	return values
}

func (c *Cumulative) cover(from, to time.Duration) {
	if !c.added {
		c.From, c.To, c.added = from, to, true
		c.series, c.counts, c.levels = map[Key]*Series{}, map[string]*Count{}, map[string]*Level{}
		c.distributions = map[string]*Distribution{}
	}
	c.From, c.To = min(c.From, from), max(c.To, to)
}

func (c *Cumulative) seriesOf(k Key) *Series {
	s := c.series[k]
	if s == nil {
		s = &Series{Key: k, Response: new(histogram.Histogram), Service: new(histogram.Histogram), Lateness: new(histogram.Histogram)}
		c.series[k] = s
	}
	return s
}

// merge adds o's histograms; one that is missing counts as empty.
func (s *Series) merge(o Series) {
	for _, p := range []struct{ to, from *histogram.Histogram }{
		{s.Response, o.Response}, {s.Service, o.Service}, {s.Lateness, o.Lateness},
	} {
		if p.from != nil {
			p.to.Merge(p.from)
		}
	}
	if o.Delivery != nil {
		if s.Delivery == nil {
			s.Delivery = new(histogram.Histogram)
		}
		s.Delivery.Merge(o.Delivery)
	}
}

func (c *Cumulative) countOf(n Count) *Count {
	id := identity(n.Name, n.Arm, n.Attrs)
	sum := c.counts[id]
	if sum == nil {
		sum = &Count{Name: n.Name, Arm: n.Arm, Attrs: slices.Clone(n.Attrs)}
		c.counts[id] = sum
	}
	return sum
}

func (c *Cumulative) levelOf(l Level) *Level {
	id := identity(l.Name, l.Arm, l.Attrs)
	latest := c.levels[id]
	if latest == nil {
		latest = &Level{Name: l.Name, Arm: l.Arm, Attrs: slices.Clone(l.Attrs)}
		c.levels[id] = latest
	}
	return latest
}

func (c *Cumulative) distributionOf(d Distribution) *Distribution {
	id := identity(d.Name, d.Arm, d.Attrs)
	sum := c.distributions[id]
	if sum == nil {
		sum = &Distribution{Name: d.Name, Arm: d.Arm, Attrs: slices.Clone(d.Attrs), Times: new(histogram.Histogram)}
		c.distributions[id] = sum
	}
	return sum
}

// identity spells a series in one string. The separator cannot be part of a
// name, an arm or an attribute as UTF-8 text.
func identity(name, arm string, attrs []Attr) string {
	var b strings.Builder
	b.WriteString(name)
	b.WriteByte(0xff)
	b.WriteString(arm)
	for _, a := range attrs {
		b.WriteByte(0xff)
		b.WriteString(a.Key)
		b.WriteByte(0xff)
		b.WriteString(a.Value)
	}
	return b.String()
}

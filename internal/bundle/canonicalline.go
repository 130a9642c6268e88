package bundle

import (
	"bytes"
	"math"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// knownArm is a resource that was read before: an arm, or the run itself.
type knownArm struct {
	text    string // of its attributes
	arm     string
	metrics map[string]*knownMetric // by name
}

// knownMetric is a metric of an arm that was read before.
type knownMetric struct {
	name    string
	least   float64                                    // of a gauge, see leastOf
	place   func(*record.Series) **histogram.Histogram // nil: not one of operations
	points  []*knownPoint                              // in the order of the line before
	by      map[string]*knownPoint                     // by the text of their attributes
	nothing *knownPoint                                // the one without attributes
}

// knownPoint names a series: an arm, a metric, attributes.
type knownPoint struct {
	text  string
	attrs []record.Attr
	filed *filed // nil: not of operations, or its attributes are wrong
}

// filed is where a key's histograms are.
type filed struct {
	key  record.Key
	line uint64 // the line that last had some
	at   int    // index in that line's Series
}

// read returns the interval of a line, or false if it is not of this layout.
func (c *canonical) read(line []byte, started time.Time) (record.Interval, bool) {
	c.text, c.at, c.bad = line, 0, false
	c.line++
	c.bounds, c.used = nil, 0
	c.series.seen, c.count.seen, c.level.seen, c.distribution.seen = c.series.seen[:0], c.count.seen[:0], c.level.seen[:0], c.distribution.seen[:0]
	d := &c.found
	d.begin(started)
	c.want("{")
	if c.has(`"resourceMetrics":[`) {
		for i := 0; !c.bad; i++ {
			c.resource(i, d)
			if !c.has(",") {
				break
			}
		}
		c.want("]")
	}
	c.want("}")
	if c.bad || c.at != len(line) || !d.bounds {
		return record.Interval{}, false
	}
	return c.interval(), true
}

func (c *canonical) resource(i int, d *decoder) {
	first := true
	var arm *knownArm
	c.want("{")
	if c.field(`"resource":{"attributes":[`, &first) {
		arm = c.armOf(i)
		c.want("}")
	} else {
		arm = c.newArm("", nil)
	}
	if c.field(`"scopeMetrics":[`, &first) {
		for !c.bad {
			c.scope(arm, d)
			if !c.has(",") {
				break
			}
		}
		c.want("]")
	}
	c.want("}")
}

// armOf takes the attributes of a line's resource number i.
func (c *canonical) armOf(i int) *knownArm {
	if i < len(c.expected) && c.has(c.expected[i].text) {
		return c.expected[i]
	}
	text, list := c.attributes()
	a := c.newArm(string(text), list)
	switch {
	case i < len(c.expected):
		c.expected[i] = a
	case i == len(c.expected) && c.keep():
		c.expected = append(c.expected, a)
	}
	return a
}

func (c *canonical) newArm(text string, list []*commonpb.KeyValue) *knownArm {
	if a := c.arms[text]; a != nil {
		return a
	}
	a := &knownArm{text: text, arm: value(list, attrArm), metrics: map[string]*knownMetric{}}
	if c.keep() {
		c.arms[text] = a
	}
	return a
}

func (c *canonical) scope(arm *knownArm, d *decoder) {
	first := true
	c.want("{")
	if c.field(`"scope":{"name":`, &first) {
		c.word()
		if c.has(`,"version":`) {
			c.word()
		}
		c.want("}")
	}
	if c.field(`"metrics":[`, &first) {
		for !c.bad {
			c.metric(arm, d)
			if !c.has(",") {
				break
			}
		}
		c.want("]")
	}
	c.want("}")
}

func (c *canonical) metric(arm *knownArm, d *decoder) {
	c.want(`{"name":`)
	m := c.metricOf(arm, c.word())
	if c.has(`,"unit":`) {
		c.word()
	}
	switch {
	case c.has(`,"gauge":{"dataPoints":[`):
		c.each(func(i int) { c.gauge(arm, m, i) })
	case c.has(`,"sum":{"dataPoints":[`):
		c.each(func(i int) { c.sum(arm, m, i) })
		c.want(`,"aggregationTemporality":1,"isMonotonic":true`)
	case c.has(`,"exponentialHistogram":{"dataPoints":[`):
		c.each(func(i int) { c.exponential(arm, m, i) })
		c.want(`,"aggregationTemporality":1`)
	default:
		c.bad = true
	}
	c.want("}}")
}

// each takes the points of a metric.
func (c *canonical) each(point func(i int)) {
	for i := 0; !c.bad; i++ {
		point(i)
		if !c.has(",") {
			break
		}
	}
	c.want("]")
}

func (c *canonical) metricOf(arm *knownArm, name string) *knownMetric {
	m := arm.metrics[name]
	if m == nil {
		m = &knownMetric{name: name, least: leastOf(name), place: placeOf(name), by: map[string]*knownPoint{}}
		if c.keep() {
			arm.metrics[name] = m
		}
	}
	return m
}

// point takes what all points begin with, number i of its metric, and returns
// its series.
func (c *canonical) point(arm *knownArm, m *knownMetric, i int) *knownPoint {
	first := true
	c.want("{")
	p := m.nothing
	if c.field(`"attributes":[`, &first) {
		p = c.pointOf(arm, m, i)
	} else if p == nil {
		p = newPoint(c, arm, m, "", nil)
		m.nothing = p
	}
	c.bound(first)
	return p
}

// pointOf takes a point's attributes: those expected, else those of another
// point that is known, else new ones.
func (c *canonical) pointOf(arm *knownArm, m *knownMetric, i int) *knownPoint {
	if i < len(m.points) && c.has(m.points[i].text) {
		return m.points[i]
	}
	const end = `"}}]`
	length := bytes.Index(c.text[min(c.at, len(c.text)):], []byte(end)) + len(end)
	if c.bad || length < len(end) {
		c.bad = true
		return nil
	}
	p := m.by[string(c.text[c.at:c.at+length])]
	if p != nil {
		c.at += length
	} else {
		text, list := c.attributes()
		if c.bad {
			return nil
		}
		p = newPoint(c, arm, m, string(text), list)
		if c.keep() {
			m.by[p.text] = p
		}
	}
	switch {
	case i < len(m.points):
		m.points[i] = p
	case i == len(m.points) && i < mostKnown:
		m.points = append(m.points, p)
	}
	return p
}

func newPoint(c *canonical, arm *knownArm, m *knownMetric, text string, list []*commonpb.KeyValue) *knownPoint {
	p := &knownPoint{text: text, attrs: attributes(list)}
	if m.place == nil {
		return p
	}
	key, err := keyOf(arm.arm, list)
	if err != nil {
		return p
	}
	if p.filed = c.keys[key]; p.filed == nil {
		p.filed = &filed{key: key}
		c.keys[key] = p.filed
	}
	return p
}

// bound takes a point's instants, which are those of the line's other points.
func (c *canonical) bound(first bool) {
	if !first {
		c.want(",")
	}
	if c.bounds != nil && c.has(string(c.bounds)) {
		return
	}
	begin := c.at
	start := uint64(0)
	if c.has(`"startTimeUnixNano":`) {
		start = c.quoted()
		c.want(",")
	}
	c.want(`"timeUnixNano":`)
	end := c.quoted()
	if c.bad || c.found.bound(start, end) != nil {
		c.bad = true
		return
	}
	c.bounds = c.text[begin:c.at]
}

func (c *canonical) gauge(arm *knownArm, m *knownMetric, i int) {
	p := c.point(arm, m, i)
	v := 0.0
	switch {
	case c.has(`,"asDouble":`):
		v = c.double()
	case c.has(`,"asInt":`):
		v = float64(c.whole())
	default:
		c.bad = true
	}
	c.want("}")
	if !(v >= m.least && v < mostLevel) {
		c.bad = true
	}
	if c.bad || m.name == intervalName {
		return
	}
	c.level.seen = append(c.level.seen, p)
	c.found.iv.Levels = append(c.found.iv.Levels, record.Level{Name: m.name, Arm: arm.arm, Attrs: p.attrs, Value: v})
}

func (c *canonical) sum(arm *knownArm, m *knownMetric, i int) {
	p := c.point(arm, m, i)
	c.want(`,"asInt":`)
	n := c.whole()
	c.want("}")
	if c.bad {
		return
	}
	c.count.seen = append(c.count.seen, p)
	c.found.iv.Counts = append(c.found.iv.Counts, record.Count{Name: m.name, Arm: arm.arm, Attrs: p.attrs, Value: n})
}

// whole takes a whole number as OTLP has one, of 63 bits.
func (c *canonical) whole() uint64 {
	n := c.quoted()
	if n > math.MaxInt64 {
		c.bad = true
	}
	return n
}

func (c *canonical) exponential(arm *knownArm, m *knownMetric, i int) {
	p := c.point(arm, m, i)
	h := c.times()
	c.want("}")
	switch {
	case c.bad:
	case m.place != nil && p.filed == nil, m.place == nil && units[m.name] == "":
		c.bad = true
	case m.place == nil:
		c.distribution.seen = append(c.distribution.seen, p)
		c.found.iv.Distributions = append(c.found.iv.Distributions, record.Distribution{Name: m.name, Arm: arm.arm, Attrs: p.attrs, Times: h})
	default:
		c.file(m, p.filed, h)
	}
}

// file puts a histogram of operations beside the others of its key.
func (c *canonical) file(m *knownMetric, f *filed, h *histogram.Histogram) {
	iv := &c.found.iv
	if f.line != c.line {
		f.line, f.at = c.line, len(iv.Series)
		c.series.seen = append(c.series.seen, f)
		iv.Series = append(iv.Series, record.Series{Key: f.key})
	}
	into := m.place(&iv.Series[f.at])
	if *into != nil {
		c.bad = true
		return
	}
	*into = h
}

// times takes a histogram, which holds what it says it holds.
func (c *canonical) times() *histogram.Histogram {
	var count, zero uint64
	var offset int32
	if c.has(`,"count":`) {
		count = c.quoted()
	}
	sum := c.seconds(`,"sum":`)
	c.want(scaleText)
	if c.has(`,"zeroCount":`) {
		zero = c.quoted()
	}
	c.counts = c.counts[:0]
	if c.has(`,"positive":{`) {
		first := true
		if c.field(`"offset":`, &first) {
			offset = c.integer()
		}
		if c.field(`"bucketCounts":[`, &first) {
			c.buckets()
		}
		c.want("}")
	}
	low, high := c.seconds(`,"min":`), c.seconds(`,"max":`)
	c.want(thresholdText)
	if c.bad {
		return nil
	}
	h := c.empty()
	if err := h.Load(offset, c.counts, zero, sum, low, high); err != nil || h.Count() != count {
		c.bad = true
	}
	return h
}

// The texts of what is the same in every histogram (TestEncoderIsCanonical).
const (
	scaleText     = `,"scale":6`
	thresholdText = `,"zeroThreshold":9.5367431640625e-7`
)

// seconds takes an optional number of seconds.
func (c *canonical) seconds(name string) time.Duration {
	if !c.has(name) {
		return 0
	}
	d, err := FromSeconds(c.double())
	if err != nil {
		c.bad = true
	}
	return d
}

// buckets takes a list of counts into c.counts, its end included.
func (c *canonical) buckets() {
	for !c.bad {
		c.oneDigits()
		c.counts = append(c.counts, c.quoted())
		if !c.has(",") {
			break
		}
	}
	c.want("]")
}

// oneDigits takes the next counts that have one digit, as most have, and another
// one behind them.
func (c *canonical) oneDigits() {
	text, at := c.text, c.at
	for len(text)-at >= 4 && text[at] == '"' && text[at+2] == '"' && text[at+3] == ',' && text[at+1]-'0' <= 9 {
		c.counts = append(c.counts, uint64(text[at+1]-'0'))
		at += 4
	}
	c.at = at
}

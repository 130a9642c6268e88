package bundle

import (
	"bytes"
	"strconv"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
)

// canonical reads lines in the layout that encoder writes, ten times as fast as
// protojson does: no spaces, no escapes, the fields in the order of their
// declaration. It gives up at anything else, and protojson reads the line then,
// so that it decides on nothing: what it accepts means the same to both
// (FuzzCanonical). Messages of attributes are shared between lines.
type canonical struct {
	text []byte
	at   int
	bad  bool

	strings map[string]string
	attrs   map[string][]*commonpb.KeyValue
	counts  []uint64 // scratch
}

// mostKnown bounds what is kept between lines.
const mostKnown = 1 << 14

func newCanonical() *canonical {
	return &canonical{strings: map[string]string{}, attrs: map[string][]*commonpb.KeyValue{}}
}

// read returns the line, or false if it is not of this layout.
func (c *canonical) read(line []byte) (*metricspb.MetricsData, bool) {
	c.text, c.at, c.bad = line, 0, false
	data := &metricspb.MetricsData{}
	c.want("{")
	if c.has(`"resourceMetrics":[`) {
		c.list(func() { data.ResourceMetrics = append(data.ResourceMetrics, c.resourceMetrics()) })
	}
	c.want("}")
	return data, !c.bad && c.at == len(line)
}

// has takes a token if it is next.
func (c *canonical) has(token string) bool {
	if c.bad || len(c.text)-c.at < len(token) || string(c.text[c.at:c.at+len(token)]) != token {
		return false
	}
	c.at += len(token)
	return true
}

// want takes a token, or gives up.
func (c *canonical) want(token string) {
	if !c.has(token) {
		c.bad = true
	}
}

// field takes the name of a field behind others of its message.
func (c *canonical) field(name string, first *bool) bool {
	at := c.at
	if (*first || c.has(",")) && c.has(name) {
		*first = false
		return true
	}
	c.at = at
	return false
}

// list takes the elements of a list and its end. An empty one is not written.
func (c *canonical) list(element func()) {
	for !c.bad {
		element()
		if !c.has(",") {
			break
		}
	}
	c.want("]")
}

func (c *canonical) resourceMetrics() *metricspb.ResourceMetrics {
	rm, first := &metricspb.ResourceMetrics{}, true
	c.want("{")
	if c.field(`"resource":{"attributes":[`, &first) {
		rm.Resource = &resourcepb.Resource{Attributes: c.attributes()}
		c.want("}")
	}
	if c.field(`"scopeMetrics":[`, &first) {
		c.list(func() { rm.ScopeMetrics = append(rm.ScopeMetrics, c.scopeMetrics()) })
	}
	c.want("}")
	return rm
}

func (c *canonical) scopeMetrics() *metricspb.ScopeMetrics {
	sm, first := &metricspb.ScopeMetrics{}, true
	c.want("{")
	if c.field(`"scope":{"name":`, &first) {
		sm.Scope = &commonpb.InstrumentationScope{Name: c.word()}
		if c.has(`,"version":`) {
			sm.Scope.Version = c.word()
		}
		c.want("}")
	}
	if c.field(`"metrics":[`, &first) {
		c.list(func() { sm.Metrics = append(sm.Metrics, c.metric()) })
	}
	c.want("}")
	return sm
}

func (c *canonical) metric() *metricspb.Metric {
	m := &metricspb.Metric{}
	c.want(`{"name":`)
	m.Name = c.word()
	if c.has(`,"unit":`) {
		m.Unit = c.word()
	}
	switch {
	case c.has(`,"gauge":{"dataPoints":[`):
		g := &metricspb.Gauge{}
		c.list(func() { g.DataPoints = append(g.DataPoints, c.number()) })
		m.Data = &metricspb.Metric_Gauge{Gauge: g}
	case c.has(`,"sum":{"dataPoints":[`):
		s := &metricspb.Sum{AggregationTemporality: delta, IsMonotonic: true}
		c.list(func() { s.DataPoints = append(s.DataPoints, c.number()) })
		c.want(`,"aggregationTemporality":1,"isMonotonic":true`)
		m.Data = &metricspb.Metric_Sum{Sum: s}
	case c.has(`,"exponentialHistogram":{"dataPoints":[`):
		h := &metricspb.ExponentialHistogram{AggregationTemporality: delta}
		c.list(func() { h.DataPoints = append(h.DataPoints, c.exponential()) })
		c.want(`,"aggregationTemporality":1`)
		m.Data = &metricspb.Metric_ExponentialHistogram{ExponentialHistogram: h}
	default:
		c.bad = true
	}
	c.want("}}")
	return m
}

// bounds takes what all points begin with.
func (c *canonical) bounds() (attrs []*commonpb.KeyValue, start, end uint64) {
	first := true
	c.want("{")
	if c.field(`"attributes":[`, &first) {
		attrs = c.attributes()
	}
	if c.field(`"startTimeUnixNano":`, &first) {
		start = c.quoted()
	}
	if !c.field(`"timeUnixNano":`, &first) {
		c.bad = true
	}
	return attrs, start, c.quoted()
}

func (c *canonical) number() *metricspb.NumberDataPoint {
	p := &metricspb.NumberDataPoint{}
	p.Attributes, p.StartTimeUnixNano, p.TimeUnixNano = c.bounds()
	switch {
	case c.has(`,"asDouble":`):
		p.Value = &metricspb.NumberDataPoint_AsDouble{AsDouble: c.double()}
	case c.has(`,"asInt":`):
		n := c.quoted()
		if n > 1<<63-1 {
			c.bad = true
		}
		p.Value = &metricspb.NumberDataPoint_AsInt{AsInt: int64(n)}
	}
	c.want("}")
	return p
}

func (c *canonical) exponential() *metricspb.ExponentialHistogramDataPoint {
	p := &metricspb.ExponentialHistogramDataPoint{}
	p.Attributes, p.StartTimeUnixNano, p.TimeUnixNano = c.bounds()
	if c.has(`,"count":`) {
		p.Count = c.quoted()
	}
	optional := func(name string) *float64 {
		if !c.has(name) {
			return nil
		}
		v := c.double()
		return &v
	}
	p.Sum = optional(`,"sum":`)
	if c.has(`,"scale":`) {
		p.Scale = c.integer()
	}
	if c.has(`,"zeroCount":`) {
		p.ZeroCount = c.quoted()
	}
	if c.has(`,"positive":{`) {
		p.Positive = c.buckets()
	}
	p.Min, p.Max = optional(`,"min":`), optional(`,"max":`)
	if c.has(`,"zeroThreshold":`) {
		p.ZeroThreshold = c.double()
	}
	c.want("}")
	return p
}

func (c *canonical) buckets() *metricspb.ExponentialHistogramDataPoint_Buckets {
	b, first := &metricspb.ExponentialHistogramDataPoint_Buckets{}, true
	if c.field(`"offset":`, &first) {
		b.Offset = c.integer()
	}
	if c.field(`"bucketCounts":[`, &first) {
		c.counts = c.counts[:0]
		c.list(func() { c.counts = append(c.counts, c.quoted()) })
		b.BucketCounts = append([]uint64(nil), c.counts...)
	}
	c.want("}")
	return b
}

// attributes takes a list of attributes with strings, its end included. The
// same text is taken apart once.
func (c *canonical) attributes() []*commonpb.KeyValue {
	const end = `"}}]`
	i := bytes.Index(c.text[min(c.at, len(c.text)):], []byte(end))
	if c.bad || i < 0 {
		c.bad = true
		return nil
	}
	text := c.text[c.at : c.at+i+len(end)]
	if known, ok := c.attrs[string(text)]; ok {
		c.at += len(text)
		return known
	}
	begin := c.at
	var list []*commonpb.KeyValue
	c.list(func() {
		c.want(`{"key":`)
		key := c.word()
		c.want(`,"value":{"stringValue":`)
		list = append(list, &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: c.word()}}})
		c.want("}}")
	})
	if c.bad || c.at-begin != len(text) {
		c.bad = true
		return nil
	}
	if len(c.attrs) < mostKnown {
		c.attrs[string(text)] = list
	}
	return list
}

// word takes a string without escapes.
func (c *canonical) word() string {
	c.want(`"`)
	begin := c.at
	for ; c.at < len(c.text); c.at++ {
		switch b := c.text[c.at]; {
		case b == '"':
			text := c.text[begin:c.at]
			c.at++
			if known, ok := c.strings[string(text)]; ok {
				return known
			}
			s := string(text)
			if len(c.strings) < mostKnown {
				c.strings[s] = s
			}
			return s
		case b < ' ' || b == '\\' || b >= 0x7f:
			c.bad = true
			return ""
		}
	}
	c.bad = true
	return ""
}

// quoted takes a whole number in quotes.
func (c *canonical) quoted() (n uint64) {
	c.want(`"`)
	begin := c.at
	for ; c.at < len(c.text) && c.text[c.at] >= '0' && c.text[c.at] <= '9'; c.at++ {
		n = n*10 + uint64(c.text[c.at]-'0')
	}
	if digits := c.at - begin; digits == 0 || digits > 19 || digits > 1 && c.text[begin] == '0' {
		c.bad = true
	}
	c.want(`"`)
	return n
}

// integer takes a small number without quotes.
func (c *canonical) integer() int32 {
	negative := c.has("-")
	begin, n := c.at, int32(0)
	for ; c.at < len(c.text) && c.text[c.at] >= '0' && c.text[c.at] <= '9'; c.at++ {
		if c.at-begin >= 9 {
			c.bad = true
			return 0
		}
		n = n*10 + int32(c.text[c.at]-'0')
	}
	if c.at == begin || c.text[begin] == '0' && (negative || c.at-begin > 1) || !c.ends() {
		c.bad = true
	}
	if negative {
		return -n
	}
	return n
}

// double takes a number without quotes: digits, perhaps a fraction and an
// exponent.
func (c *canonical) double() float64 {
	begin := c.at
	c.has("-")
	whole := c.digits()
	if whole == 0 || whole > 1 && c.text[c.at-whole] == '0' {
		c.bad = true
	}
	if c.has(".") && c.digits() == 0 {
		c.bad = true
	}
	if c.has("e") {
		if !c.has("-") {
			c.has("+")
		}
		if c.digits() == 0 {
			c.bad = true
		}
	}
	if c.bad || !c.ends() {
		c.bad = true
		return 0
	}
	v, err := strconv.ParseFloat(string(c.text[begin:c.at]), 64)
	if err != nil {
		c.bad = true
	}
	return v
}

func (c *canonical) digits() (n int) {
	for ; c.at < len(c.text) && c.text[c.at] >= '0' && c.text[c.at] <= '9'; c.at++ {
		n++
	}
	return n
}

// ends says whether a number without quotes ends here.
func (c *canonical) ends() bool {
	return c.at < len(c.text) && (c.text[c.at] == ',' || c.text[c.at] == '}')
}

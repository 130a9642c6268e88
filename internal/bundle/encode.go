package bundle

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// encoder turns intervals into lines: OTLP/JSON as protojson writes it, without
// the spaces that it puts at random, so that canonical reads them. A line has
// the fields of ExportMetricsServiceRequest and can be posted to a collector as
// it is. It spells the text itself, twenty times as fast as by way of OTLP's
// types; TestEncoderIsProtojson holds both against each other.
type encoder struct {
	run  Run
	arms []string // "" for the run itself, then the arms in their order

	metrics map[string]*metricText // by name
	order   []*metricText          // of the arm that is being written
	bounds  []byte                 // what is the same in all points of a line
	counts  []uint64               // scratch
	out     []byte                 // the line, whose memory the next one uses again
	err     error
}

// kind is the member of OTLP's Metric that holds the points.
type kind string

const (
	gaugeKind       kind = "gauge"
	sumKind         kind = "sum"
	exponentialKind kind = "exponentialHistogram"
)

// metricText collects the points of one metric of an arm.
type metricText struct {
	name   string
	kind   kind
	points []byte
	used   bool // by this arm
}

func newEncoder(run Run) *encoder {
	e := &encoder{run: run, arms: []string{""}, metrics: map[string]*metricText{}}
	for _, a := range run.Arms {
		e.arms = append(e.arms, a.Name)
	}
	return e
}

// line returns the interval as one line, newline included, valid until the next.
// The same interval gives the same bytes.
func (e *encoder) line(iv record.Interval) ([]byte, error) {
	if iv.From < 0 || iv.To < iv.From {
		return nil, fmt.Errorf("interval from %v to %v: want 0 <= from <= to", iv.From, iv.To)
	}
	e.know(iv)
	e.err = nil
	e.bounds = e.appendBounds(e.bounds[:0], iv)
	out := append(e.out[:0], `{"resourceMetrics":[`...)
	for _, arm := range e.arms {
		e.collect(arm, iv)
		if len(e.order) > 0 {
			out = append(e.appendArm(out, arm), ',')
		}
	}
	e.out = out
	if e.err != nil {
		return nil, fmt.Errorf("interval from %v to %v: %w", iv.From, iv.To, e.err)
	}
	return append(out[:len(out)-1], "]}\n"...), nil
}

// know makes sure that every arm that has something is written.
func (e *encoder) know(iv record.Interval) {
	know := func(arm string) {
		if !slices.Contains(e.arms, arm) {
			e.arms = append(e.arms, arm)
		}
	}
	for i := range iv.Series {
		know(iv.Series[i].Arm)
	}
	for i := range iv.Counts {
		know(iv.Counts[i].Arm)
	}
	for i := range iv.Levels {
		know(iv.Levels[i].Arm)
	}
	for i := range iv.Distributions {
		know(iv.Distributions[i].Arm)
	}
}

// appendBounds spells when the line's points begin and end; 0 is not written.
func (e *encoder) appendBounds(out []byte, iv record.Interval) []byte {
	for _, x := range [...]struct {
		name string
		ns   uint64
	}{
		{`"startTimeUnixNano":"`, uint64(e.run.Started.Add(iv.From).UnixNano())},
		{`"timeUnixNano":"`, uint64(e.run.Started.Add(iv.To).UnixNano())},
	} {
		if x.ns == 0 {
			continue
		}
		if len(out) > 0 {
			out = append(out, ',')
		}
		out = append(strconv.AppendUint(append(out, x.name...), x.ns, 10), '"')
	}
	return out
}

// collect spells the points of one arm, those of a name together, in the order
// of their first point.
func (e *encoder) collect(arm string, iv record.Interval) {
	for _, m := range e.order {
		m.used, m.points = false, m.points[:0]
	}
	e.order = e.order[:0]
	if arm == "" {
		e.level(&record.Level{Name: intervalName, Value: record.Seconds(iv.To - iv.From)})
	}
	for i := range iv.Series {
		if iv.Series[i].Arm == arm {
			e.series(&iv.Series[i])
		}
	}
	for i := range iv.Distributions {
		if d := &iv.Distributions[i]; d.Arm == arm {
			e.exponential(d.Name, d.Attrs, d.Times)
		}
	}
	for i := range iv.Counts {
		if iv.Counts[i].Arm == arm {
			e.count(&iv.Counts[i])
		}
	}
	for i := range iv.Levels {
		if l := &iv.Levels[i]; l.Arm == arm {
			if l.Name == intervalName {
				e.fail(fmt.Errorf("gauge %s: the name is taken", l.Name))
			}
			e.level(l)
		}
	}
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// metric returns the metric of that name, to which a point may be added.
func (e *encoder) metric(name string, of kind) *metricText {
	m := e.metrics[name]
	if m == nil {
		m = &metricText{name: name}
		e.metrics[name] = m
	}
	switch {
	case !m.used:
		m.used, m.kind = true, of
		e.order = append(e.order, m)
	case m.kind != of:
		what := map[kind]string{gaugeKind: "gauge", sumKind: "counter", exponentialKind: "histogram"}[of]
		e.fail(fmt.Errorf("%s %s: another kind of metric has this name", what, name))
	}
	if len(m.points) > 0 {
		m.points = append(m.points, ',')
	}
	return m
}

func (e *encoder) series(s *record.Series) {
	var round [20]byte
	number := string(strconv.AppendInt(round[:0], int64(s.Round), 10))
	attrs := [...]record.Attr{
		{Key: record.AttrSystem, Value: "redis"}, // which the semantic conventions require of their metric
		{Key: record.AttrOperation, Value: s.Operation},
		{Key: record.AttrOutcome, Value: s.Outcome},
		{Key: record.AttrPhase, Value: s.Phase.String()},
		{Key: record.AttrRound, Value: number},
		{Key: record.AttrPool, Value: s.Pool},
	}
	if s.Delivery != nil {
		e.exponential(record.MessageDeliveryTime, attrs[3:], s.Delivery)
	}
	if s.Response != nil {
		e.exponential(record.ResponseTime, attrs[1:], s.Response)
	}
	if s.Service != nil {
		e.exponential(record.ServiceTime, attrs[:], s.Service)
	}
	if s.Lateness != nil {
		e.exponential(record.Lateness, attrs[1:], s.Lateness)
	}
}

func (e *encoder) count(c *record.Count) {
	if c.Value > math.MaxInt64 {
		e.fail(fmt.Errorf("counter %s: %d exceeds OTLP's 64-bit signed integer", c.Name, c.Value))
	}
	m := e.metric(c.Name, sumKind)
	out := append(e.appendPoint(m.points, c.Attrs), `,"asInt":"`...)
	m.points = append(strconv.AppendUint(out, c.Value, 10), `"}`...)
}

func (e *encoder) level(l *record.Level) {
	m := e.metric(l.Name, gaugeKind)
	out := append(e.appendPoint(m.points, l.Attrs), `,"asDouble":`...)
	m.points = append(appendDouble(out, l.Value), '}')
}

// exponential adds a histogram.
func (e *encoder) exponential(name string, attrs []record.Attr, h *histogram.Histogram) {
	m := e.metric(name, exponentialKind)
	out := e.appendPoint(m.points, attrs)
	count := h.Count()
	if count > 0 {
		out = append(strconv.AppendUint(append(out, `,"count":"`...), count, 10), '"')
	}
	out = appendDouble(append(out, `,"sum":`...), record.Seconds(h.Sum()))
	out = append(out, scaleText...)
	if zero := h.Zero(); zero > 0 {
		out = append(strconv.AppendUint(append(out, `,"zeroCount":"`...), zero, 10), '"')
	}
	out = e.appendBuckets(append(out, `,"positive":{`...), h)
	if count > 0 {
		out = appendDouble(append(out, `},"min":`...), record.Seconds(h.Min()))
		out = appendDouble(append(out, `,"max":`...), record.Seconds(h.Max()))
	} else {
		out = append(out, '}')
	}
	m.points = append(append(out, thresholdText...), '}')
}

func (e *encoder) appendBuckets(out []byte, h *histogram.Histogram) []byte {
	var offset int32
	offset, e.counts = h.AppendBuckets(e.counts[:0])
	if len(e.counts) == 0 {
		return out
	}
	if offset != 0 {
		out = append(strconv.AppendInt(append(out, `"offset":`...), int64(offset), 10), ',')
	}
	out = append(out, `"bucketCounts":[`...)
	for _, n := range e.counts {
		if n < 10 {
			out = append(out, '"', byte('0'+n), '"', ',')
			continue
		}
		out = append(strconv.AppendUint(append(out, '"'), n, 10), '"', ',')
	}
	out[len(out)-1] = ']'
	return out
}

// errText says what no JSON can hold.
var errText = errors.New("a name or an attribute is not UTF-8")

package telemetry

import (
	"cmp"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// A metric of an arm may have this many series: at most 42 KB each for
// operations with their three histograms, a few hundred bytes each for the
// others (the default bound of the SDK). A run comes to about a tenth; more
// means a label that should not be one, such as the address of each of
// thousands of nodes, and is merged. The bound is each metric's own, so that
// one which grows takes nothing from the others.
const (
	maxOperations = 512
	maxPoints     = 2000
	roundsBound   = 4 // times as many where rounds are told apart
)

// The outcomes of record.Series.
const (
	succeeded = "ok"
	failed    = "failed"
)

// source is the state of one arm, or of the run itself when arm is empty:
// what was recorded since the beginning, added up. The mutex guards memory
// only; nobody waits for a network while holding it.
type source struct {
	arm      string
	start    time.Time // of every series: the run's base
	contract contract
	library  string // of the client: go-redis:v9.23.0; may be empty
	rounds   bool   // are told apart
	server   server
	health   *health
	traces   bool // spans are exported

	mu         sync.Mutex
	now        time.Time // end of the latest interval: the time of all points
	before     time.Time // what now was before
	number     int       // of the latest interval
	increased  int       // counters that it increased
	pushed     bool      // points with the time now were handed out to be pushed
	operations table[operationKey, *operation]
	deliveries table[deliveryKey, *delivery]
	counts     table[pointKey, *count]
	levels     table[pointKey, *level]

	distributions table[pointKey, *distribution]
	exemplars     []exemplar // of operations that the next interval holds
}

func newSource(arm string, base time.Time, h *health) *source {
	return &source{arm: arm, start: base, now: base, before: base, health: h}
}

// operationKey is record.Key as it is exported: the arm is the source. The
// round is 0 where rounds are summed.
type operationKey struct {
	pool, name, outcome string
	phase               record.Phase
	round               int
}

// operation holds the histograms of one key. The service time goes out under
// the semantic conventions' name and has their attributes too.
type operation struct {
	ours, standard              attribute.Set
	birth                       time.Time
	response, service, lateness histogram.Histogram // service of those that took one try
	again                       [record.MostRetries]*again
	exemplars                   []exemplar
}

// pointKey identifies a counter or gauge series; labels is what its
// attributes come to as text.
type pointKey struct{ metric, labels string }

type count struct {
	points
	birth time.Time
	value uint64
	added int // the number of the last interval that increased it
}

type level struct {
	points
	value  float64
	stated bool // by the last interval
}

// merge takes one more value into a series that was set to 0: overflow merges
// several into one. Things are added; of spans and peaks the largest counts.
func (l *level) merge(value float64) {
	if d := described(l.metric, record.Gauge, record.UpDownCounter); d.Unit == "s" || d.Unit == "{dial}" {
		l.value = max(l.value, value)
		return
	}
	l.value += value
}

type distribution struct {
	points
	birth time.Time
	times histogram.Histogram
}

// add takes one interval into the sums.
func (s *source) add(i record.Interval) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(s.start.Add(i.To))
	s.number, s.increased = s.number+1, 0
	for _, series := range i.Series {
		if series.Arm == s.arm {
			s.addSeries(series)
		}
	}
	for _, r := range i.Retried {
		if r.Arm == s.arm {
			s.addRetried(r)
		}
	}
	s.attach()
	for _, c := range i.Counts {
		if c.Arm == s.arm {
			s.addCount(c, i)
			s.addErrors(c)
		}
	}
	for _, d := range i.Distributions {
		if d.Arm == s.arm {
			s.distribution(d.Name, s.placed(d.Name, d.Attrs, i.Phase, i.Round)).times.Merge(d.Times)
		}
	}
	s.replaceLevels(i.Levels)
	if s.arm == "" {
		s.stateExports()
	}
}

func (s *source) addCount(c record.Count, i record.Interval) {
	to := s.count(c.Name, s.placed(c.Name, c.Attrs, i.Phase, i.Round))
	to.value += c.Value
	if c.Value > 0 && to.added != s.number {
		to.added = s.number
		s.increased++
	}
}

// advance moves the time of the points on. What was handed out with a time
// must not change under that time: Prometheus takes a repetition and refuses a
// correction. So a second part of an interval comes a little after the first.
func (s *source) advance(to time.Time) {
	if s.pushed && !to.After(s.now) {
		to = s.now.Add(time.Millisecond)
	}
	if to.After(s.now) {
		s.before, s.now, s.pushed = s.now, to, false
	}
}

// stateExports makes the health of the export part of the export.
func (s *source) stateExports() {
	stats := s.health.stats()
	s.count(record.TelemetryExports, []record.Attr{{Key: record.AttrResult, Value: succeeded}}).value = stats.Sent
	s.count(record.TelemetryExports, []record.Attr{{Key: record.AttrResult, Value: failed}}).value = stats.Failed
	if s.traces {
		s.count(record.TelemetrySpans, []record.Attr{{Key: record.AttrResult, Value: succeeded}}).value = stats.SpansSent
		s.count(record.TelemetrySpans, []record.Attr{{Key: record.AttrResult, Value: "lost"}}).value = stats.SpansLost
	}
}

func (s *source) addSeries(from record.Series) {
	if from.Delivery != nil {
		s.delivery(deliveryKey{from.Pool, from.Phase, s.round(from.Round)}).time.Merge(from.Delivery)
		return
	}
	to := s.operation(operationKey{from.Pool, from.Operation, from.Outcome, from.Phase, s.round(from.Round)})
	for _, pair := range []struct{ to, from *histogram.Histogram }{
		{&to.response, from.Response}, {&to.service, cmp.Or(from.First, from.Service)}, {&to.lateness, from.Lateness},
	} {
		if pair.from != nil {
			pair.to.Merge(pair.from)
		}
	}
}

// replaceLevels takes the gauges as they are now. When a metric is stated,
// series of it that are not have become 0 (a node without connections is not
// listed): left alone they would linger in the database. A metric that is not
// stated at all keeps its values, because an interval may come in parts.
func (s *source) replaceLevels(levels []record.Level) {
	stated := map[string]bool{}
	for _, l := range levels {
		if l.Arm == s.arm {
			stated[l.Name] = true
		}
	}
	for _, l := range s.levels.all {
		l.stated = false
		if stated[l.metric] {
			l.value = 0
		}
	}
	for _, l := range levels {
		if l.Arm == s.arm {
			to := s.level(l.Name, l.Attrs)
			to.merge(l.Value)
			to.stated = true
		}
	}
}

// birth is the time at which a series that is made now was last zero. It is
// pushed with the series' first value, because a database that computes rates
// makes nothing of a value that has no predecessor. Before the first interval
// a series is zero itself and needs none.
func (s *source) birth() time.Time {
	if s.now.Equal(s.start) {
		return time.Time{}
	}
	return s.before
}

func (s *source) operation(key operationKey) *operation {
	return s.operations.get(record.ResponseTime, key, operationKey{}, s.bound(maxOperations), s.health, func(overflow bool) *operation {
		o := s.newOperation(key, overflow)
		o.birth = s.birth()
		return o
	})
}

func (s *source) count(name string, attrs []record.Attr) *count {
	return s.counts.get(name, s.keyOf(name, attrs), pointKey{metric: name, labels: "overflow"}, s.bound(maxPoints), s.health, func(overflow bool) *count {
		described(name, record.Counter)
		return &count{points: s.newPoints(name, attrs, overflow), birth: s.birth()}
	})
}

func (s *source) level(name string, attrs []record.Attr) *level {
	return s.levels.get(name, s.keyOf(name, attrs), pointKey{metric: name, labels: "overflow"}, s.bound(maxPoints), s.health, func(overflow bool) *level {
		described(name, record.Gauge, record.UpDownCounter)
		return &level{points: s.newPoints(name, attrs, overflow)}
	})
}

func (s *source) distribution(name string, attrs []record.Attr) *distribution {
	return s.distributions.get(name, s.keyOf(name, attrs), pointKey{metric: name, labels: "overflow"}, s.bound(maxOperations), s.health, func(overflow bool) *distribution {
		described(name, record.Histogram)
		return &distribution{points: s.newPoints(name, attrs, overflow), birth: s.birth()}
	})
}

// table finds series by key and keeps them in the order of their appearance.
type table[K comparable, V any] struct {
	index map[K]V
	all   []V
	sizes map[string]int // series of each metric
}

// get returns the series of a key, and makes it when it is new. When the metric
// has as many as it may, keys that are new share the series of the key rest.
func (t *table[K, V]) get(metric string, key, rest K, limit int, h *health, make func(overflow bool) V) V {
	if v, ok := t.index[key]; ok {
		return v
	}
	overflow := t.sizes[metric] >= limit
	if overflow {
		h.overflow(metric, limit)
		key = rest
		if v, ok := t.index[key]; ok {
			return v
		}
	}
	if t.index == nil {
		t.index, t.sizes = map[K]V{}, map[string]int{}
	}
	t.sizes[metric]++
	v := make(overflow)
	t.index[key] = v
	t.all = append(t.all, v)
	return v
}

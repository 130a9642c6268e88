package telemetry

import (
	"encoding/json"
	"sync"
	"time"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// event is one log event that waits to be sent: a mark, or a text.
type event struct {
	number int64
	at     time.Time
	seen   time.Time // when it was put
	name   string
	mark   mark.Mark // of mark.EventMark
	body   string    // of the others
	lost   uint64    // of mark.EventEnd
}

// essential says whether the event is among the last to be dropped.
func (e event) essential() bool { return e.name != mark.EventMark || e.mark.Kind.Essential() }

// events numbers the run's events and hands each to every way out.
type events struct {
	base      time.Time
	transport transport

	mu     sync.Mutex
	number int64
	redact func(string) string // nil: the run has not begun
	ways   []*outbox
}

// put numbers an event and queues it. It never waits.
func (e *events) put(one event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.redact == nil {
		return
	}
	e.number++
	one.number, one.seen = e.number, time.Now()
	for _, way := range e.ways {
		way.put(one, e.redact)
	}
}

// begin states the run. Marks before it are none of its events.
func (e *events) begin(run []byte, redact func(string) string) {
	e.mu.Lock()
	e.redact = redact
	e.mu.Unlock()
	e.put(event{at: e.base, name: mark.EventRun, body: string(run)})
}

func (e *events) mark(m mark.Mark) {
	e.put(event{at: e.base.Add(m.At), name: mark.EventMark, mark: m})
}

// reading states what the metrics do not tell of an interval.
func (e *events) reading(i record.Interval, sources []*source) {
	r := record.Reading{From: i.From, To: i.To, At: sources[0].at(), Counters: map[string]int{}, Gauges: map[string]int{}, Extremes: i.Extremes()}
	for _, s := range sources {
		r.Counters[s.arm], r.Gauges[s.arm] = s.increases()
		r.Unstated = append(r.Unstated, s.unstated()...)
	}
	body, err := json.Marshal(r)
	if err != nil { // it holds nothing that JSON cannot
		panic(err)
	}
	e.put(event{at: e.base.Add(i.To), name: mark.EventReading, body: string(body)})
}

// end states the run as it stays, and what was lost of its events.
func (e *events) end(run []byte) {
	var lost uint64
	for _, way := range e.ways {
		lost = max(lost, way.missing())
	}
	e.put(event{at: time.Now(), name: mark.EventEnd, body: string(run), lost: lost})
}

// at is the time of the source's points, since the run's base.
func (s *source) at() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now.Sub(s.start)
}

// increases is how many counters the last interval increased, and how many
// gauges there are.
func (s *source) increases() (counters, gauges int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.increased, len(s.levels.all)
}

// unstated are the gauges that the last interval did not state.
func (s *source) unstated() (list []record.Unstated) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stated := map[string]bool{}
	for _, l := range s.levels.all {
		stated[l.metric] = stated[l.metric] || l.stated
	}
	whole := map[string]bool{}
	for _, l := range s.levels.all {
		switch {
		case l.stated || whole[l.metric]:
		case !stated[l.metric]:
			whole[l.metric] = true
			list = append(list, record.Unstated{Name: l.metric, Arm: s.arm})
		default:
			attrs := map[string]string{}
			for _, kv := range l.attributes.ToSlice() {
				if key := string(kv.Key); !record.Added(key) {
					attrs[key] = kv.Value.AsString()
				}
			}
			list = append(list, record.Unstated{Name: l.metric, Arm: s.arm, Attrs: attrs})
		}
	}
	return list
}

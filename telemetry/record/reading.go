package record

import (
	"slices"
	"strconv"
	"time"

	"schload/telemetry/histogram"
)

// Reading is what cumulative metrics do not tell of one interval: where it
// begins and ends, the extremes of the durations in it, and which gauges it
// does not state. With them the interval can be had back from the points before
// and after it.
type Reading struct {
	From time.Duration `json:"from_ns"`
	To   time.Duration `json:"to_ns"`
	At   time.Duration `json:"at_ns"` // the time of its points; To, or a little later where another interval ended then

	// Counters are how many series of counters increased, Gauges how many of
	// gauges were exported, by arm; "" is the run itself. Who finds others has
	// not all of the interval's points.
	Counters map[string]int `json:"counters"`
	Gauges   map[string]int `json:"gauges"`

	Extremes []Extremes `json:"extremes,omitempty"`
	Unstated []Unstated `json:"unstated,omitempty"`
}

// Extremes are the smallest and the largest duration of each histogram, by
// metric, that an arm has under some attributes; empty ones are left out.
type Extremes struct {
	Arm   string                      `json:"arm"`
	Attrs map[string]string           `json:"attrs"`
	Times map[string][2]time.Duration `json:"times_ns"`
}

// Unstated is a gauge that is exported on because it was stated before: all of
// its series, or the one of Attrs.
type Unstated struct {
	Name  string            `json:"name"`
	Arm   string            `json:"arm"`
	Attrs map[string]string `json:"attrs,omitempty"` // nil: all series
}

// Placed says whether a metric's phase and round are told by the instants of
// intervals: the bundle leaves them out, exports state them.
func Placed(metric string) bool { return placed[metric] }

var placed = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range []string{
		ClientNotifications, AttemptsHidden, ConnectionCloses, ConnectionDials, DialsLeaving, DialsSurplus, ConnectionsLeaving,
		HandoffDuration, Handoffs, NoticeConnections, NoticeDelay, NoticeEvents, OperationsSaved, Pipelines, PipelineCommands, ReconnectionTime,
		ReceiverErrors, ReceiverRetries, ReceiverSubscription, Redirects, RelaxedDuration, RelaxedWindows, RepliesSilent, SlotMapReads,
	} {
		m[name] = true
	}
	return m
}()

// Extremes returns those of the interval's histograms.
func (i Interval) Extremes() (list []Extremes) {
	add := func(arm string, attrs map[string]string, of map[string]*histogram.Histogram) {
		e := Extremes{arm, attrs, map[string][2]time.Duration{}}
		for name, h := range of {
			if h != nil && h.Count() > 0 {
				e.Times[name] = [2]time.Duration{h.Min(), h.Max()}
			}
		}
		if len(e.Times) > 0 {
			list = append(list, e)
		}
	}
	for _, s := range i.Series {
		if s.Delivery != nil {
			add(s.Arm, s.attributes(true), map[string]*histogram.Histogram{MessageDeliveryTime: s.Delivery})
			continue
		}
		add(s.Arm, s.attributes(false), map[string]*histogram.Histogram{ResponseTime: s.Response, ServiceTime: s.Service, Lateness: s.Lateness})
	}
	for _, d := range i.Distributions {
		add(d.Arm, Map(d.Attrs), map[string]*histogram.Histogram{d.Name: d.Times})
	}
	return list
}

// attributes are those of the key's histograms, or of the one of deliveries.
func (k Key) attributes(delivery bool) map[string]string {
	m := map[string]string{AttrPool: k.Pool, AttrPhase: k.Phase.String(), AttrRound: strconv.Itoa(k.Round)}
	if !delivery {
		m[AttrOperation], m[AttrOutcome] = k.Operation, k.Outcome
	}
	return m
}

// Derived says whether a counter is none of the intervals': exports make it of
// others, or count themselves.
func Derived(metric string) bool {
	return metric == ClientErrors || metric == TelemetryExports || metric == TelemetrySpans
}

// Added says whether an attribute is one that exports add to what a bundle
// has: what the conventions ask of metrics of clients.
func Added(key string) bool {
	switch key {
	case AttrSystem, AttrLibrary, AttrPoolName, AttrError, AttrServer, AttrServerPort, AttrRetries:
		return true
	}
	return false
}

// Map returns attributes by key, never nil.
func Map(attrs []Attr) map[string]string {
	m := make(map[string]string, len(attrs))
	for _, a := range attrs {
		m[a.Key] = a.Value
	}
	return m
}

// Attrs is the inverse of Map, sorted.
func Attrs(m map[string]string) []Attr {
	list := make([]Attr, 0, len(m))
	for k, v := range m {
		list = append(list, Attr{k, v})
	}
	slices.SortFunc(list, Attr.compare)
	return list
}

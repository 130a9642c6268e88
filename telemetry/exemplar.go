package telemetry

import (
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace"

	"schload/telemetry/record"
	operations "schload/telemetry/trace"
)

// exemplar links points of histograms to an operation's spans.
type exemplar struct {
	key                         operationKey
	at                          time.Time
	response, service, lateness time.Duration
	retries                     int
	whole, call                 trace.SpanContext
}

// mostExemplars bounds those of a series. Prometheus keeps as many of a series
// as its storage has room for; a dashboard shows a few.
const mostExemplars = 8

// exemplify takes an operation for an exemplar of the series it is in, once the
// interval comes that has recorded it.
func (s *source) exemplify(o *operations.Operation, whole, call trace.SpanContext) {
	outcome := failed
	if o.Reason == operations.Late || o.Reason == operations.Slow {
		outcome = succeeded
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exemplars = append(s.exemplars, exemplar{
		key: operationKey{pool: o.Pool, name: o.Name, outcome: outcome, phase: o.Phase, round: s.round(o.Round)}, at: s.start.Add(o.Done),
		response: o.ResponseTime(), service: o.ServiceTime(), lateness: o.Lateness(), retries: min(max(0, o.Outcome.Attempts-1), record.MostRetries), whole: whole, call: call})
}

// attach gives series their exemplars: of each the latest ones, which stay
// until others come. An operation of a series that overflow merged has none.
func (s *source) attach() {
	fresh := map[*operation]bool{}
	for _, x := range s.exemplars {
		o := s.operations.index[x.key]
		if o == nil {
			continue
		}
		if !fresh[o] {
			fresh[o], o.exemplars = true, nil
		}
		if len(o.exemplars) == mostExemplars {
			o.exemplars = o.exemplars[1:]
		}
		o.exemplars = append(o.exemplars, x)
	}
	s.exemplars = nil
}

// linked gives a point the exemplars of its operation, each with the value that
// the point's histogram holds of it and the span that lasted so long.
func linked(p metricdata.ExponentialHistogramDataPoint[float64], list []exemplar, value func(exemplar) (time.Duration, trace.SpanContext, bool)) metricdata.ExponentialHistogramDataPoint[float64] {
	for _, x := range list {
		v, span, ok := value(x)
		if !ok {
			continue
		}
		traceID, spanID := span.TraceID(), span.SpanID()
		p.Exemplars = append(p.Exemplars, metricdata.Exemplar[float64]{Time: x.at, Value: v.Seconds(), TraceID: traceID[:], SpanID: spanID[:]})
	}
	return p
}

func ofResponse(x exemplar) (time.Duration, trace.SpanContext, bool) {
	return x.response, x.whole, true
}
func ofLateness(x exemplar) (time.Duration, trace.SpanContext, bool) {
	return x.lateness, x.whole, true
}

// ofService takes those with so many retries, whose service times have a series
// of their own.
func ofService(retries int) func(exemplar) (time.Duration, trace.SpanContext, bool) {
	return func(x exemplar) (time.Duration, trace.SpanContext, bool) {
		return x.service, x.call, x.retries == retries
	}
}

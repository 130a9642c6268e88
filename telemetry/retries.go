package telemetry

import (
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// again are the service times of operations that were tried again so often:
// Redis' specification has the number of retries as an attribute. It is bounded,
// and a series is there once there is something in it.
type again struct {
	standard attribute.Set
	birth    time.Time
	service  histogram.Histogram
}

// addRetried takes the service times of operations that took more than one try,
// which are left out of those of their series, and tells their errors apart
// from those of one try.
func (s *source) addRetried(r record.Retried) {
	o := s.operation(operationKey{r.Pool, r.Operation, r.Outcome, r.Phase, s.round(r.Round)})
	a := o.again[r.Retries-1]
	if a == nil {
		a = &again{standard: retrying(o.standard, r.Retries), birth: s.birth()}
		o.again[r.Retries-1] = a
	}
	a.service.Merge(r.Service)
	for class, n := range r.Classes {
		if class := workload.Class(class); class != workload.OK && n > 0 {
			s.count(record.ClientErrors, clientError(class.String(), category(class), "false", 0)).value -= n
			s.count(record.ClientErrors, clientError(class.String(), category(class), "false", r.Retries)).value += n
		}
	}
}

// retrying is the attribute set with another number of retries. What overflow
// has merged stays so.
func retrying(of attribute.Set, retries int) attribute.Set {
	if of.Equivalent() == overflowed.Equivalent() {
		return of
	}
	return attribute.NewSet(append(of.ToSlice(), attribute.Int(record.AttrRetries, retries))...)
}

// retriesAttr is the attribute as counts carry it, all of whose values are text.
func retriesAttr(n int) record.Attr {
	return record.Attr{Key: record.AttrRetries, Value: strconv.Itoa(n)}
}

// keyValue is an attribute as it is exported: retries and ports are numbers.
func keyValue(a record.Attr) attribute.KeyValue {
	switch a.Key {
	case record.AttrRetries, record.AttrPeerPort:
		if n, err := strconv.Atoi(a.Value); err == nil {
			return attribute.Int(a.Key, n)
		}
	}
	return attribute.String(a.Key, a.Value)
}

// served are the service times of all tries.
func (o *operation) served() *histogram.Histogram {
	all := o.service.Clone()
	for _, a := range o.again {
		if a != nil {
			all.Merge(&a.service)
		}
	}
	return all
}

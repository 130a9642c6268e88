package record

import (
	"schload/telemetry/histogram"
	"schload/workload"
)

// MostRetries bounds how many retries of an operation are told apart: those
// with more count as MostRetries.
const MostRetries = 3

// Retried are the operations of an interval, out of those that its Series and
// Counts hold, which took more than one try. They are few, and no part of a
// bundle: exports tell them apart, as the specification of clients' metrics asks.
type Retried struct {
	Key                              // Outcome is ok or failed
	Retries int                      // 1 to MostRetries
	Classes [workload.Classes]uint64 // how many ended in each class
	Service *histogram.Histogram
}

// again is Retried while it is recorded: by retries less one, and outcome.
type again [MostRetries][outcomes]*retried

type retried struct {
	classes [workload.Classes]uint64
	service histogram.Histogram
}

// tried counts n operations that ended like x after more than one try, and
// returns where their service time belongs. The memory is made when an operation
// was tried again, which took longer than that.
func (e *ended) tried(x *workload.Sample, n uint64) *histogram.Histogram {
	if e.again == nil {
		e.again = new(again)
	}
	to := e.again.at(min(x.Outcome.Attempts-1, MostRetries)-1, outcomeOf(x.Outcome.Class))
	to.classes[x.Outcome.Class] += n
	return &to.service
}

func (a *again) at(retries, outcome int) *retried {
	if a[retries][outcome] == nil {
		a[retries][outcome] = new(retried)
	}
	return a[retries][outcome]
}

// merge adds what another holds.
func (a *again) merge(from *again) *again {
	if from == nil {
		return a
	}
	if a == nil {
		a = new(again)
	}
	for retries := range from {
		for outcome, r := range from[retries] {
			if r == nil {
				continue
			}
			to := a.at(retries, outcome)
			to.service.Merge(&r.service)
			for class, k := range r.classes {
				to.classes[class] += k
			}
		}
	}
	return a
}

// serviceOf completes the service times of an outcome, which so far are of
// those that took one try, and returns these; nil if there are no others.
func (a *again) serviceOf(outcome int, all *histogram.Histogram) (first *histogram.Histogram) {
	if a == nil {
		return nil
	}
	for retries := range a {
		if r := a[retries][outcome]; r != nil {
			if first == nil {
				first = all.Clone()
			}
			all.Merge(&r.service)
		}
	}
	return first
}

// report writes what is held into the interval.
func (a *again) report(i *Interval, key Key) {
	if a == nil {
		return
	}
	for retries := range a {
		for outcome, r := range a[retries] {
			if r != nil {
				key.Outcome = outcomeNames[outcome]
				i.Retried = append(i.Retried, Retried{Key: key, Retries: retries + 1, Classes: r.classes, Service: &r.service})
			}
		}
	}
}

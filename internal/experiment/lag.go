package experiment

import (
	"sync"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// lag is how late the harness itself handed operations over: that of the last
// interval and that of the whole run. The dispatchers of all pools add to it;
// the lock is held for nanoseconds.
type lag struct {
	mu              sync.Mutex
	interval, whole histogram.Histogram
}

// add takes one batch's lag.
func (l *lag) add(d time.Duration) {
	l.mu.Lock()
	l.interval.Record(d)
	l.mu.Unlock()
}

// levels returns the last interval's lag and begins the next one.
func (l *lag) levels() []record.Level {
	l.mu.Lock()
	last := l.interval
	l.interval.Reset()
	l.mu.Unlock()
	l.whole.Merge(&last)
	if last.Count() == 0 {
		return nil
	}
	level := func(quantile string, d time.Duration) record.Level {
		return record.Level{Name: record.HarnessStartLag, Attrs: []record.Attr{{Key: record.AttrQuantile, Value: quantile}}, Value: record.Seconds(d)}
	}
	return []record.Level{level("0.5", last.Quantile(0.5)), level("0.99", last.Quantile(0.99)), level("1", last.Max())}
}

// final is that of the whole run; nil for a closed loop, which has none.
func (l *lag) final() *bundle.Lag {
	if l.whole.Count() == 0 {
		return nil
	}
	return &bundle.Lag{Count: l.whole.Count(), P50: bundle.Seconds(l.whole.Quantile(0.5)), P99: bundle.Seconds(l.whole.Quantile(0.99)), Max: bundle.Seconds(l.whole.Max())}
}

package calibrate

import (
	"testing"
	"time"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// made makes a check that needs no clock.
func made(t *testing.T, c check, s spoil) Line {
	t.Helper()
	return c.line(t.Context(), &bench{seed: 1, dir: t.TempDir(), spoil: s})
}

func TestQuantiles(t *testing.T) {
	wantPass(t, made(t, quantiles, spoil{}))
}

func TestQuantilesAreNoticed(t *testing.T) {
	for _, tt := range []struct {
		name, word string
		spoil      spoil
	}{
		{"longer by 1 %", "off by", spoil{sink: filtered(func(x *workload.Sample) bool {
			x.Done += x.ServiceTime() / 100
			return true
		})}},
		{"the longest cut off", "to 1", spoil{sink: filtered(func(x *workload.Sample) bool {
			x.Done = min(x.Done, x.Sent+10*time.Second)
			return true
		})}},
		{"a sample lost", "invalid", spoil{sink: filtered(every(100_000))}},
		{"service and response mixed up", "constant response time", spoil{interval: func(iv *record.Interval) {
			for i := range iv.Series {
				iv.Series[i].Service, iv.Series[i].Response = iv.Series[i].Response, iv.Series[i].Service
			}
		}}},
		{"a bucket off", "off by", spoil{interval: func(iv *record.Interval) {
			for i := range iv.Series {
				iv.Series[i].Lateness = moved(iv.Series[i].Lateness)
			}
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) { wantFail(t, made(t, quantiles, tt.spoil), tt.word) })
	}
}

// moved is a histogram whose buckets are one place too far, all but the
// extremes.
func moved(h *histogram.Histogram) *histogram.Histogram {
	offset, counts := h.Buckets()
	if len(counts) < 4 {
		return h
	}
	next := make([]uint64, len(counts))
	copy(next, counts)
	copy(next[2:len(next)-1], counts[1:len(counts)-2])
	next[1] = 0
	next[len(next)-2] += counts[len(counts)-2]
	m, err := histogram.FromBuckets(offset, next, h.Zero(), h.Sum(), h.Min(), h.Max())
	if err != nil {
		panic(err)
	}
	return m
}

package calibrate

import (
	"testing"

	"schload/telemetry/record"
)

func TestMerging(t *testing.T) {
	wantPass(t, made(t, merging, spoil{}))
}

func TestMergingIsNoticed(t *testing.T) {
	once := func(what func(*record.Interval)) func(*record.Interval) {
		done := false
		return func(iv *record.Interval) {
			if !done && len(iv.Series) > 0 {
				done = true
				what(iv)
			}
		}
	}
	for _, tt := range []struct {
		name, word string
		interval   func(*record.Interval)
	}{
		{"a series lost", "in the bundle, want", once(func(iv *record.Interval) { iv.Series = iv.Series[1:] })},
		{"an interval lost", "in the bundle, want", once(func(iv *record.Interval) { iv.Series, iv.Counts = nil, nil })},
		{"a duration twice", "in the bundle, want", once(func(iv *record.Interval) {
			h := iv.Series[0].Service
			h.Record(h.Min())
		})},
		{"a count too many", "the summary has", once(func(iv *record.Interval) {
			for i, c := range iv.Counts {
				if c.Name == record.OperationsLate {
					iv.Counts[i].Value++
					return
				}
			}
		})},
		{"filed under another phase", "in the bundle", once(func(iv *record.Interval) { iv.Series[0].Phase = record.Warmup })},
	} {
		t.Run(tt.name, func(t *testing.T) { wantFail(t, made(t, merging, spoil{interval: tt.interval}), tt.word) })
	}
}

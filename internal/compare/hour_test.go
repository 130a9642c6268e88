package compare

import (
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/internal/hour"
)

// BenchmarkHour computes the summary of an hour with 144 series of histograms
// an arm, which takes longer to make: run it with -benchtime 3x.
func BenchmarkHour(b *testing.B) {
	dir := b.TempDir() + "/hour"
	if err := hour.Write(dir, hour.Options{ID: "hour", Started: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC), Length: time.Hour, Seed: 7}); err != nil {
		b.Fatal(err)
	}
	x, err := bundle.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if s, err := Summarize(x); err != nil || !s.Valid {
			b.Fatalf("error %v, invalid for %v", err, s.InvalidReasons)
		}
	}
}

package merge

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"schload/internal/hour"
)

// BenchmarkTwentyHours merges 20 bundles of an hour, which take a minute to
// make: run it with -benchtime 1x.
func BenchmarkTwentyHours(b *testing.B) {
	dirs, err := hour.Workers(b.TempDir(), 20, hour.Options{ID: "hour", Started: base, Length: time.Hour, Seed: 7})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if _, err := Merge(context.Background(), dirs, filepath.Join(b.TempDir(), fmt.Sprint(i)), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

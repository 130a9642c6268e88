package merge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// hours makes a bundle of an hour of two arms with two operations, 10 000
// operations a second, and n workers that left the same lines.
func hours(b *testing.B, n int) (dirs []string) {
	b.Helper()
	parent := b.TempDir()
	if keep := os.Getenv("MERGE_BENCH_DIR"); keep != "" {
		parent = keep
	}
	r := rand.New(rand.NewPCG(7, 7))
	for i := range n {
		run := describe(fmt.Sprintf("hour-%02d", i), base)
		run.Pools = run.Pools[:1]
		dir := filepath.Join(parent, run.ID)
		w, err := bundle.Create(dir, run)
		if err != nil {
			b.Fatal(err)
		}
		for second := range 3600 {
			if i > 0 {
				break
			}
			iv := record.Interval{From: time.Duration(second) * time.Second, To: time.Duration(second+1) * time.Second}
			for _, arm := range []string{"off", "on"} {
				for _, op := range []string{"GET", "SET"} {
					h := &histogram.Histogram{}
					for range 2500 {
						h.Record(time.Duration(float64(200*time.Microsecond) * (0.5 + r.ExpFloat64())))
					}
					key := record.Key{Arm: arm, Pool: "main", Operation: op, Outcome: "ok", Phase: record.Baseline, Round: 1}
					iv.Series = append(iv.Series, record.Series{Key: key, Response: h, Service: h, Lateness: h})
				}
			}
			if err := w.Interval(iv); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Finish(bundle.Final{Ended: base.Add(time.Hour), Valid: true}); err != nil {
			b.Fatal(err)
		}
		lines := filepath.Join(dir, "metrics.otlp.jsonl")
		if i > 0 {
			if err := os.Remove(lines); err != nil {
				b.Fatal(err)
			}
			if err := os.Link(filepath.Join(dirs[0], "metrics.otlp.jsonl"), lines); err != nil {
				b.Fatal(err)
			}
		}
		dirs = append(dirs, dir)
	}
	return dirs
}

// BenchmarkTwentyHours merges 20 bundles of an hour: run it with -benchtime 1x.
func BenchmarkTwentyHours(b *testing.B) {
	dirs := hours(b, 20)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if _, err := Merge(context.Background(), dirs, filepath.Join(b.TempDir(), fmt.Sprint(i)), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

package hour

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/record"
)

// A short hour is a valid run, and has the series that are promised.
func TestWrite(t *testing.T) {
	o := Options{ID: "hour", Started: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC), Length: 2 * time.Minute, Seed: 7, Rate: 500}
	dirs, err := Workers(t.TempDir(), 2, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		b, err := bundle.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		s, err := compare.Summarize(b)
		if err != nil || !s.Valid {
			t.Fatalf("error %v, invalid for %v", err, s.InvalidReasons)
		}
		have := map[string]map[record.Key]bool{}
		for iv, err := range b.Intervals() {
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range iv.Series {
				x.Round = 0
				if have[x.Arm] == nil {
					have[x.Arm] = map[record.Key]bool{}
				}
				have[x.Arm][x.Key] = true
			}
		}
		for arm, keys := range have {
			if 3*len(keys) != Series {
				t.Errorf("arm %s has %d series of histograms, want %d", arm, 3*len(keys), Series)
			}
		}
	}
	if read(t, dirs[0]) == nil || !bytes.Equal(read(t, dirs[0]), read(t, dirs[1])) {
		t.Error("two workers recorded different lines")
	}
	again := filepath.Join(t.TempDir(), "hour-a")
	o.ID = "hour-a"
	if err := Write(again, o); err != nil || !bytes.Equal(read(t, again), read(t, dirs[0])) {
		t.Errorf("made again the bytes differ (error %v)", err)
	}
}

func read(t *testing.T, dir string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "metrics.otlp.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

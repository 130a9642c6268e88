package merge

import (
	"math/rand/v2"
	"testing"
	"time"

	"schload/telemetry/record"
)

// An instant that is moved is the one of that nanosecond, as if the worker had
// counted from the merged run's base itself.
func TestInstantsMoveExactly(t *testing.T) {
	random, summed := rand.New(rand.NewPCG(1, 2)), 0
	for range 10_000 {
		at, offset := time.Duration(random.Int64N(int64(time.Hour))), time.Duration(random.Int64N(int64(time.Minute)))
		levels := []record.Level{{Name: record.DialsPeak, Value: 3}, {Name: record.DialsPeakAt, Value: record.Seconds(at)}}
		got := ownLevels(nil, record.Interval{Levels: levels}, offset, time.Second)
		if want := record.Seconds(at + offset); got[1].Value != want {
			t.Fatalf("%v moved by %v: %v, want %v", at, offset, got[1].Value, want)
		}
		if record.Seconds(at)+record.Seconds(offset) != record.Seconds(at+offset) {
			summed++
		}
	}
	if summed == 0 {
		t.Error("the sum of two doubles is exact each time: nothing was put to the test")
	}
}

package experiment

import (
	"testing"
	"time"

	"schload/telemetry/mark"
)

func TestWindows(t *testing.T) {
	type seen struct {
		at   int // seconds
		name string
		seq  int64
		time int // seconds
		over int // seconds until the windows are over, after it
	}
	lapse := int((unclosed + settle) / time.Second)
	for name, notices := range map[string][]seen{
		"MOVING lasts as long as it announces": {{10, "MOVING", 0, 15, 30}},
		"late joiners are no news":             {{10, "MOVING", 0, 15, 30}, {20, "MOVING", 0, 5, 30}, {22, "MOVING", 0, 15, 30}},
		"the second of two moves":              {{10, "MOVING", 2, 15, 30}, {90, "MOVING", 3, 15, 110}},
		"the longest of several counts":        {{10, "MOVING", 0, 15, 30}, {12, "MOVING", 1, 1, 30}},
		"closed":                               {{10, "MIGRATING", 0, 2, 12 + lapse}, {17, "MIGRATED", 1, 0, 22}},
		"each by its own kind":                 {{10, "MIGRATING", 0, 2, 12 + lapse}, {17, "FAILED_OVER", 1, 0, 12 + lapse}, {18, "SMIGRATED", 2, 0, 12 + lapse}},
		"one after the other": {{10, "FAILING_OVER", 0, 2, 12 + lapse}, {11, "FAILING_OVER", 1, 2, 13 + lapse},
			{13, "FAILED_OVER", 2, 0, 13 + lapse}, {13, "FAILED_OVER", 2, 0, 13 + lapse}, {15, "FAILED_OVER", 3, 0, 20}},
		"slots":                      {{10, "SMIGRATING", 0, 0, 10 + lapse}, {11, "SMIGRATED", 1, 0, 16}},
		"closed before we came":      {{10, "MIGRATED", 1, 0, 0}},
		"announced time of long ago": {{10, "MOVING", 1, 0, 15}},
	} {
		t.Run(name, func(t *testing.T) {
			var w windows
			for _, n := range notices {
				w.note(mark.Mark{At: time.Duration(n.at) * time.Second, Kind: mark.Notice, Name: n.name, Seq: &n.seq, Duration: time.Duration(n.time) * time.Second})
				if got := w.over(); got != time.Duration(n.over)*time.Second {
					t.Errorf("after %+v: over at %v, want %d s", n, got, n.over)
				}
			}
		})
	}
}

// Whatever comes, what is remembered is bounded.
func TestWindowsAreBounded(t *testing.T) {
	var w windows
	for n := range int64(3 * mostSeen) {
		w.note(mark.Mark{Name: "SMIGRATING", Seq: &n})
	}
	if len(w.seen) > mostSeen || len(w.open) > mostSeen {
		t.Errorf("%d ids and %d windows are remembered", len(w.seen), len(w.open))
	}
}

package merge

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"schload/telemetry/record"
)

// A line that cannot be written ends the merge with its error, the last one too,
// which nobody is added beside; no other is begun after it, and every goroutine
// ends, which the bubble waits for.
func TestLineThatCannotBeWritten(t *testing.T) {
	const seconds = 4
	a, b := newTape(t, describe("a", base)), newTape(t, describe("b", base))
	for i := range seconds {
		iv := record.Interval{From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second}
		a.read(t, iv, 0)
		b.read(t, iv, 1)
	}
	list, _, err := open([]string{a.finish(t), b.finish(t)}, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range list {
		if err := w.readFacts(); err != nil {
			t.Fatal(err)
		}
	}
	full := errors.New("the disk is full")
	for bad := range seconds {
		synctest.Test(t, func(t *testing.T) {
			written := 0
			// Of a context that nobody ends: what is left behind would stay.
			err := lines(context.WithoutCancel(t.Context()), list, func(iv record.Interval) error {
				if want := time.Duration(written) * time.Second; iv.From != want {
					t.Errorf("line from %v, want from %v", iv.From, want)
				}
				written++
				if written > bad {
					return full
				}
				return nil
			})
			if !errors.Is(err, full) || written != bad+1 {
				t.Errorf("line %d fails: error %v after %d lines", bad, err, written)
			}
		})
	}
}

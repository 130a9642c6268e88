package merge

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// One worker that stood still saturates the whole, but takes nothing off its
// outages; only what all stood still for does that. Numbers of connections stay
// apart.
func TestStalls(t *testing.T) {
	a, b := newTape(t, describe("a", base)), newTape(t, describe("b", base))
	stall := func(at, length time.Duration) mark.Mark {
		return mark.Mark{At: at, Duration: length, Kind: mark.Harness, Name: "stall", Source: "harness"}
	}
	a.writer.Mark(stall(5*time.Second, time.Second))
	a.writer.Mark(mark.Mark{At: 6 * time.Second, Kind: mark.Dial, Name: "ok", Arm: "on", Conn: 4})
	b.writer.Mark(stall(5800*time.Millisecond, 300*time.Millisecond))
	b.writer.Mark(mark.Mark{At: 6 * time.Second, Kind: mark.Dial, Name: "ok", Arm: "on", Conn: 4})
	for i := range 12 {
		iv := record.Interval{From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second}
		a.read(t, iv, 0)
		b.read(t, iv, 1)
	}
	merged, m := mustMerge(t, []string{a.finish(t), b.finish(t)}, Options{})
	s := summarize(t, merged)
	text := strings.Join(s.Harness.SaturatedReasons, "\n")
	if !strings.Contains(text, "worker a stood still for 1s in all") || strings.Contains(text, "worker b") {
		t.Errorf("saturated: %q, want worker a alone", text)
	}
	if m.Workers[0].Stalled != bundle.Seconds(time.Second) || m.Workers[0].Measured != bundle.Seconds(10*time.Second) {
		t.Errorf("worker a stood %v of %v", m.Workers[0].Stalled, m.Workers[0].Measured)
	}
	marks, err := merged.Timeline()
	if err != nil {
		t.Fatal(err)
	}
	conns := map[uint64]string{}
	var whole, own []mark.Mark
	for _, x := range marks {
		switch {
		case x.Kind == mark.Dial:
			conns[x.Conn] = x.Worker
		case x.Kind == mark.Harness && x.Name == "stall":
			whole = append(whole, x)
		case x.Kind == mark.Worker && x.Name == "stall":
			own = append(own, x)
		}
	}
	if len(conns) != 2 || conns[4] != "a" || conns[8] != "b" {
		t.Errorf("connections %v, want 4 of a and 8 of b", conns)
	}
	if len(own) != 2 || len(whole) != 1 || whole[0].At != 5800*time.Millisecond || whole[0].Duration != 200*time.Millisecond {
		t.Errorf("stalls of the whole %+v (want 5.8 to 6.0 s), of workers %+v", whole, own)
	}
}

// What a worker says of itself reaches the whole, with its name.
func TestInvalidWorker(t *testing.T) {
	a, b := newTape(t, describe("a", base)), newTape(t, describe("b", base))
	for _, x := range []*tape{a, b} {
		x.read(t, record.Interval{To: length}, 0)
	}
	if err := b.writer.Finish(bundle.Final{Ended: base.Add(length), InvalidReasons: []string{"arm on never opted in"}}); err != nil {
		t.Fatal(err)
	}
	merged, m := mustMerge(t, []string{a.finish(t), b.writer.Dir()}, Options{})
	s := summarize(t, merged)
	if s.Valid || !strings.Contains(strings.Join(s.InvalidReasons, "\n"), "worker b: arm on never opted in") {
		t.Errorf("valid %v, reasons %q", s.Valid, s.InvalidReasons)
	}
	if m.Workers[1].Valid || !m.Workers[0].Valid {
		t.Errorf("workers %+v", m.Workers)
	}
}

// Who ends a merge finds nothing of it.
func TestInterruptLeavesNothing(t *testing.T) {
	a, b := newTape(t, describe("a", base)), newTape(t, describe("b", base))
	for _, x := range []*tape{a, b} {
		x.read(t, record.Interval{To: length}, 0)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	parent := t.TempDir()
	if _, err := Merge(ctx, []string{a.finish(t), b.finish(t)}, filepath.Join(parent, "out"), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	if left, _ := os.ReadDir(parent); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
}

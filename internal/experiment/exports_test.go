package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"schload/internal/bundle"
	"schload/telemetry"
)

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// exportsTo has the bench export to a writer.
func (b *bench) exportsTo(w io.Writer) {
	b.t.Helper()
	b.exportsEvery(w, time.Second)
}

func (b *bench) exportsEvery(w io.Writer, interval time.Duration) {
	b.t.Helper()
	c := telemetry.Config{File: telemetry.Stdout, Console: w, Interval: interval, Base: b.config.Base, RunID: "test", Getenv: func(string) string { return "" }}
	for _, a := range b.config.Arms {
		c.Arms = append(c.Arms, a.Name)
	}
	exporter, err := telemetry.Start(b.t.Context(), c)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = exporter.Close(context.Background()) })
	b.config.Telemetry = exporter
}

// loses adds to a bundle losses that no short run comes to.
func loses(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "run.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var run bundle.Run
	if err := json.Unmarshal(data, &run); err != nil {
		t.Fatal(err)
	}
	run.Final.Exports.Add(bundle.Exports{Overflowed: 7, SpansLost: 11, EventsLost: 13})
	if data, err = json.Marshal(run); err == nil {
		err = os.WriteFile(path, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever exporting loses is in the bundle, each under its own name.
func TestLossesOfExportsAreKept(t *testing.T) {
	got := exportsOf(telemetry.Stats{Sent: 1, Failed: 2, Held: 3, Overflowed: 4, SpansSent: 90, SpansLost: 5, Events: telemetry.Events{Sent: 91, Lost: 6, Failed: 92}})
	want := bundle.Exports{Sent: 1, Failed: 2, Held: 3, Overflowed: 4, SpansLost: 5, EventsLost: 6}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

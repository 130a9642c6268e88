package bundle

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one with %q", words)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q lacks %q", err, word)
		}
	}
}

func TestCreateRefusesUsedDirectory(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c", "d"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Create(dir, testRun())
	wantError(t, err, dir, "not empty (a, b, c, ...)", "never overwritten", "choose a new directory")
	if entries, _ := os.ReadDir(dir); len(entries) != 4 {
		t.Errorf("the refused directory now holds %d files", len(entries))
	}
}

func TestCreateUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		_, err := Create(dir, testRun())
		wantError(t, err, dir, "cannot be written", "choose a directory you may write to")
		if !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("error %v does not wrap its cause", err)
		}
	}
}

func TestCreateRefusesRun(t *testing.T) {
	for want, change := range map[string]func(*Run){
		"without an id":    func(r *Run) { r.ID = "" },
		"without a start":  func(r *Run) { r.Started = time.Time{} },
		"without arms":     func(r *Run) { r.Arms = nil },
		`arm name "on"`:    func(r *Run) { r.Arms[1].Name = "on" },
		"profile of run":   func(r *Run) { r.Profile = []byte("{") },
		"settings of arm":  func(r *Run) { r.Arms[0].Settings = []byte("{") },
		"settings of pool": func(r *Run) { r.Pools[0].Settings = []byte("{") },
		"plan of upgrade":  func(r *Run) { r.Upgrade.Plan = []byte("{") },
	} {
		run := testRun()
		change(&run)
		dir := filepath.Join(t.TempDir(), "bundle")
		_, err := Create(dir, run)
		wantError(t, err, want)
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the directory was made all the same", want)
		}
	}
}

func TestWriterAfterEnd(t *testing.T) {
	w := create(t, testRun())
	if err := w.Finish(Final{}); err != nil {
		t.Fatal(err)
	}
	wantError(t, w.Interval(record.Interval{}), "is closed", "too late")
	wantError(t, w.Finish(Final{}), "is closed already")
	w.Mark(mark.Mark{Kind: mark.Step}) // must not panic
	if err := w.Close(); err != nil {
		t.Errorf("Close after Finish: %v", err)
	}
}

// A full disk is an error that names the file; the goroutine lives on.
func TestDiskFull(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full on this system")
	}
	w := create(t, testRun())
	metrics, marks := w.metrics.f, w.marks.file.f
	defer metrics.Close()
	defer marks.Close()
	w.metrics.f = full
	err = w.Interval(record.Interval{To: 1})
	wantError(t, err, w.Dir(), "/dev/full", "what was written before stays readable")
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v does not wrap ENOSPC", err)
	}
	w.metrics.f = metrics
	if err := w.Interval(record.Interval{To: 1}); err != nil {
		t.Errorf("the disk has room again: %v", err)
	}
}

// Law: Mark never waits. With the disk stalled the queue fills, what does not
// fit is counted, and the kinds without which a bundle cannot be read get in
// last.
func TestMarkNeverBlocks(t *testing.T) {
	dir := t.TempDir()
	file, err := newAppender(filepath.Join(dir, marksFile))
	if err != nil {
		t.Fatal(err)
	}
	m := &marks{file: file, queue: make(chan mark.Mark, queued), done: make(chan struct{})} // nobody writes yet
	for range queued {
		m.put(mark.Mark{Kind: mark.Dial, Name: "ok"})
	}
	if got := m.lost.Load(); got != reserved {
		t.Errorf("%d of %d dials dropped, want %d", got, queued, reserved)
	}
	for range reserved + 2 {
		m.put(mark.Mark{Kind: mark.Outage, Arm: "off"})
	}
	if got := m.lost.Load(); got != reserved+2 {
		t.Errorf("%d marks dropped after the outages, want %d", got, reserved+2)
	}
	go m.write()
	if err := m.close(); err != nil {
		t.Fatal(err)
	}
	m.put(mark.Mark{Kind: mark.Outage})
	kinds := map[mark.Kind]int{}
	for one, err := range readLines(file.f.Name(), func(_ int, line []byte) (mark.Mark, error) { return decodeMark(line) }) {
		if err != nil {
			t.Fatal(err)
		}
		kinds[one.Kind]++
		if one.Kind == mark.Harness {
			wantError(t, errors.New(one.Detail), "4098 marks")
		}
	}
	if kinds[mark.Dial] != queued-reserved || kinds[mark.Outage] != reserved || kinds[mark.Harness] != 1 {
		t.Errorf("the file holds %v", kinds)
	}
	if got := m.lost.Load(); got != reserved+3 {
		t.Errorf("%d marks dropped at the end, want %d: a mark after the end counts", got, reserved+3)
	}
}

package bundle

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// The files of a bundle.
const (
	runFile     = "run.json"
	metricsFile = "metrics.otlp.jsonl"
	marksFile   = "marks.jsonl"
	summaryFile = "summary.json"
)

// Writer writes a bundle. Its methods may be called from several goroutines.
type Writer struct {
	dir     string
	run     Run
	redact  redactor
	marks   *marks
	mu      sync.Mutex // guards what follows
	encoder *encoder
	metrics *appender
	closed  bool
}

// Create makes the directory, which must not exist or be empty, and writes
// run.json. It starts the goroutine that writes marks; Finish or Close ends
// it.
func Create(dir string, run Run) (*Writer, error) {
	if err := run.validate(); err != nil {
		return nil, err
	}
	run.Schema, run.Final = Schema, nil
	redact := redactor{run.Secrets}
	run, err := run.redacted()
	if err != nil {
		return nil, err
	}
	if err := claim(dir); err != nil {
		return nil, err
	}
	if err := writeAtomic(filepath.Join(dir, runFile), run); err != nil {
		return nil, unwritable(dir, err)
	}
	metrics, err := newAppender(filepath.Join(dir, metricsFile))
	if err != nil {
		return nil, unwritable(dir, err)
	}
	file, err := newAppender(filepath.Join(dir, marksFile))
	if err != nil {
		return nil, errors.Join(unwritable(dir, err), metrics.close())
	}
	return &Writer{
		dir: dir, run: run, redact: redact,
		marks:   startMarks(file, redact),
		encoder: newEncoder(run),
		metrics: metrics,
	}, nil
}

// claim makes an empty directory of that name.
func claim(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return unwritable(dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return unwritable(dir, err)
	}
	if len(entries) == 0 {
		return nil
	}
	var names []string
	for _, e := range entries[:min(3, len(entries))] {
		names = append(names, e.Name())
	}
	if len(entries) > 3 {
		names = append(names, "...")
	}
	return fmt.Errorf("bundle directory %s is not empty (%s): a bundle is never overwritten, choose a new directory", dir, strings.Join(names, ", "))
}

func unwritable(dir string, err error) error {
	return fmt.Errorf("bundle directory %s cannot be written: %w; choose a directory you may write to", dir, err)
}

// Description returns run.json as it stands, without secrets, on one line.
func (w *Writer) Description() []byte {
	text, err := marshal(w.run)
	if err != nil { // it was written to the file
		panic(err)
	}
	return text
}

// Redact hides in a text what the bundle hides in it.
func (w *Writer) Redact(text string) string { return w.redact.text(text) }

// Dir returns the bundle's directory.
func (w *Writer) Dir() string { return w.dir }

// Interval appends one interval. When it fails, earlier intervals stay
// readable and later ones may be tried.
func (w *Writer) Interval(iv record.Interval) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return fmt.Errorf("bundle %s is closed: the interval from %v to %v came too late", w.dir, iv.From, iv.To)
	}
	line, err := w.encoder.line(iv)
	if err != nil {
		return err
	}
	if err := w.metrics.append(line); err != nil {
		return fmt.Errorf("bundle %s: %w; what was written before stays readable", w.dir, err)
	}
	return nil
}

// Mark is a mark.Sink: it hands the mark to the writing goroutine and never
// waits for the disk. When too many are waiting, the mark is dropped and
// counted; phases, steps, outages and invalidations are the last to go.
func (w *Writer) Mark(m mark.Mark) { w.marks.put(m) }

// Copy writes a mark that was recorded before. Unlike Mark it waits for the
// disk and drops nothing.
func (w *Writer) Copy(m mark.Mark) { w.marks.wait(m) }

// Describe replaces what run.json says of a merge, of a run whose workers are
// known in full only once they have been read.
func (w *Writer) Describe(m Merge) { w.run.Merge = &m }

// Finish writes the last marks and completes run.json with f. The bundle is
// complete from then on; summary.json is left to package compare.
func (w *Writer) Finish(f Final) error {
	first, err := w.close()
	if !first {
		return errors.Join(err, fmt.Errorf("bundle %s is closed already", w.dir))
	}
	f = f.redacted(w.redact)
	f.MarksDropped += w.marks.lost.Load()
	f.Lines = &Lines{Intervals: w.metrics.lines, Marks: w.marks.file.lines}
	w.run.Final = &f
	return errors.Join(err, writeAtomic(filepath.Join(w.dir, runFile), w.run))
}

// Leave ends an unfinished bundle as Close does, and writes run.json again.
func (w *Writer) Leave() error {
	_, err := w.close()
	return errors.Join(err, writeAtomic(filepath.Join(w.dir, runFile), w.run))
}

// Close ends an unfinished bundle, which stays readable as an incomplete one.
// After Finish it does nothing.
func (w *Writer) Close() error {
	_, err := w.close()
	return err
}

func (w *Writer) close() (first bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false, nil
	}
	w.closed = true
	return true, errors.Join(w.marks.close(), w.metrics.close())
}

package calibrate

import (
	"errors"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// tape carries samples the way of every run, from sinks through the recorder
// and a bundle to a summary, without a client and without a target.
type tape struct {
	b        *bench
	recorder *record.Recorder
	writer   *bundle.Writer
	started  time.Time
	levels   func(length time.Duration) []record.Level // of each interval; nil: none
	err      error
}

const (
	tapePool  = "main"
	lateAfter = 100 * time.Millisecond
	outAfter  = 500 * time.Millisecond
)

// newTape begins a bundle of the arms, each with one pool of the operations.
func (b *bench) newTape(name string, arms, operations []string) (*tape, error) {
	run := bundle.Run{
		ID: "calibrate-" + name, Started: time.Now(), Stage: "sim", Rounds: 1, Seed: b.seed, Upgrade: bundle.Upgrade{Name: "none"},
		Pools:     []bundle.Pool{{Name: tapePool, Operations: operations}},
		LateAfter: bundle.Seconds(lateAfter), OutageAfter: bundle.Seconds(outAfter),
	}
	config := record.Config{LateAfter: lateAfter, OutageAfter: outAfter}
	for _, a := range arms {
		run.Arms = append(run.Arms, bundle.Arm{Name: a, Requested: "off"})
		config.Arms = append(config.Arms, record.Arm{Name: a, Pools: []record.Pool{{Name: tapePool, Operations: operations}}})
	}
	w, err := bundle.Create(b.bundleDir(name), run)
	if err != nil {
		return nil, err
	}
	config.Marks = w.Mark
	return &tape{b: b, recorder: record.New(config), writer: w, started: run.Started}, nil
}

// begin says when a phase begins.
func (t *tape) begin(round int, p record.Phase, at time.Duration) {
	t.recorder.Begin(round, p, at)
	t.writer.Mark(mark.Mark{At: at, Kind: mark.Phase, Name: p.String(), Round: round, Source: "harness"})
}

// sink returns a sink for one goroutine.
func (t *tape) sink(arm string) workload.Sink {
	s := t.recorder.Sink(arm, tapePool)
	if t.b.spoil.sink != nil {
		return t.b.spoil.sink(s)
	}
	return s
}

// read writes what was recorded until now into the bundle.
func (t *tape) read(now time.Duration) { t.write(t.recorder.Collect(now)) }

func (t *tape) write(iv record.Interval) {
	if t.levels != nil {
		iv.Levels = append(iv.Levels, t.levels(iv.To-iv.From)...)
	}
	if t.b.spoil.interval != nil {
		t.b.spoil.interval(&iv)
	}
	t.err = errors.Join(t.err, t.writer.Interval(iv))
}

// finish ends the bundle and returns what the files say.
func (t *tape) finish(end time.Duration) (played, error) {
	t.write(t.recorder.Finish(end))
	err := t.writer.Finish(bundle.Final{Ended: t.started.Add(end), Valid: true})
	if err = errors.Join(t.err, err); err != nil {
		return played{}, err
	}
	return open(t.writer.Dir())
}

// close gives up a tape that was not finished.
func (t *tape) close() { t.writer.Close() }

// played is a bundle that was read again: what every command prints comes from
// its summary, and that from its sums.
type played struct {
	compare.Summary
	sums record.Cumulative
}

func open(dir string) (played, error) {
	var p played
	b, err := bundle.Open(dir)
	if err != nil {
		return p, err
	}
	if p.Summary, err = compare.Summarize(b); err != nil {
		return p, err
	}
	for iv, err := range b.Intervals() {
		if err != nil {
			return p, err
		}
		p.sums.Add(iv)
	}
	return p, nil
}

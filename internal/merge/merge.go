package merge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// Options say what to do where bundles do not fit.
type Options struct {
	// Force merges what differs and leaves out what cannot be read. The merged
	// bundle says what was ignored.
	Force bool
}

// Merge adds the bundles of the workers of one run into a new one, and returns
// what its run.json says of them. Bundles that are not of one run are refused
// with ErrUnlike. On any error, and when ctx ends, out does not exist.
func Merge(ctx context.Context, dirs []string, out string, o Options) (bundle.Merge, error) {
	if err := vacant(out); err != nil {
		return bundle.Merge{}, err
	}
	list, missing, err := open(dirs, o.Force)
	if err != nil {
		return bundle.Merge{}, err
	}
	if len(list) < 2 && len(missing) == 0 || len(list) == 0 {
		return bundle.Merge{}, fmt.Errorf("%d bundle to merge: name those of two workers or more", len(list))
	}
	var m bundle.Merge
	for i, w := range list {
		w.offset = w.Run.Started.Sub(list[0].Run.Started)
		w.describe()
		m.Ignored = append(m.Ignored, unlike(list[0], w)...)
		if i > 0 && !isolated(list) {
			w.told.ConnOffset = list[i-1].told.ConnOffset + list[i-1].facts.conns
		}
		if err := w.readFacts(); err != nil {
			return m, fmt.Errorf("worker %s: %s: %w", w.name, w.Dir, err)
		}
	}
	if len(m.Ignored) > 0 && !o.Force {
		return m, fmt.Errorf("%w: %s", ErrUnlike, strings.Join(m.Ignored, "; "))
	}
	wholes(list)
	return build(ctx, list, missing, m, out)
}

// ErrWrite says that the merged bundle could not be written. All other errors
// are of what was given.
var ErrWrite = errors.New("the merged bundle could not be written, and nothing of it is left")

func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrWrite, err)
}

// vacant says whether a bundle may be made there.
func vacant(out string) error {
	_, err := os.Lstat(out)
	switch {
	case err == nil:
		return fmt.Errorf("--out %s exists: a bundle is never overwritten, choose a new directory", out)
	case !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("--out %s: %w", out, err)
	}
	return nil
}

// build writes the merged bundle beside its place and moves it there.
func build(ctx context.Context, list []*worker, missing []bundle.Merged, m bundle.Merge, out string) (_ bundle.Merge, err error) {
	out = filepath.Clean(out)
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return m, fmt.Errorf("--out %s cannot be written: %w", out, err)
	}
	temporary, err := os.MkdirTemp(filepath.Dir(out), "."+filepath.Base(out)+".merging-")
	if err != nil {
		return m, fmt.Errorf("--out %s cannot be written: %w", out, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(temporary))
		}
	}()
	w, err := bundle.Create(temporary, merged(list, m))
	if err != nil {
		return m, err
	}
	defer w.Close()
	if err := lines(ctx, list, func(iv record.Interval) error { return unwritten(w.Interval(iv)) }); err != nil {
		return m, err
	}
	phases, uneven := phaseMarks(list)
	whole := outages(list, phases, list[0].Run.OutageAfter.Duration())
	m.Warnings = warnings(list, whole, uneven)
	for _, x := range list {
		stalled, measured := x.facts.stood()
		x.told.Stalled, x.told.Measured = seconds(stalled), seconds(measured)
		x.told.From, x.told.To = seconds(x.facts.life.from), seconds(x.facts.life.to)
		x.late()
		m.Workers = append(m.Workers, x.told)
	}
	m.Workers = append(m.Workers, missing...)
	all := append(slices.Clone(phases), whole...)
	slices.SortStableFunc(all, func(x, y mark.Mark) int { return cmp.Compare(x.At, y.At) })
	if err := copyMarks(list, all, w.Copy); err != nil {
		return m, err
	}
	w.Describe(m)
	if f := final(list); f != nil {
		err = unwritten(w.Finish(*f))
	} else {
		err = unwritten(w.Leave())
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = os.Chmod(temporary, 0o755)
	}
	if err == nil {
		err = os.Rename(temporary, out)
	}
	return m, err
}

// late notes what a worker recorded after its last line.
func (w *worker) late() {
	const lastReading = 5 * time.Second
	if f := w.Run.Final; f != nil {
		if ended := f.Ended.Sub(w.Run.Started); ended > w.facts.life.to-w.offset+lastReading {
			w.gaps = append(w.gaps, fmt.Sprintf("what was recorded after %v is missing: it ended at %v", w.facts.life.to-w.offset, ended))
		}
	}
}

// merged is what run.json says of the whole. What differs between workers is
// told of each of them.
func merged(list []*worker, m bundle.Merge) bundle.Run {
	run := list[0].Run
	run.Worker, run.Final = nil, nil
	if run.Isolated != nil {
		run.Isolated = &bundle.Isolated{Arms: run.Isolated.Arms}
	}
	run.Merge = &m
	run.Seed = family(list[0].Run)
	for _, w := range list[1:] {
		for _, a := range w.Run.Arms {
			if !slices.ContainsFunc(run.Arms, func(o bundle.Arm) bool { return o.Name == a.Name }) {
				run.Arms = append(slices.Clip(run.Arms), a)
			}
		}
		for _, p := range w.Run.Pools {
			if !slices.ContainsFunc(run.Pools, func(o bundle.Pool) bool { return o.Name == p.Name }) {
				run.Pools = append(slices.Clip(run.Pools), p)
			}
		}
	}
	return run
}

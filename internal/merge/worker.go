package merge

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"schload/internal/bundle"
)

// worker is one of the bundles that are added.
type worker struct {
	*bundle.Bundle
	name   string
	offset time.Duration // of its base after the merged one
	told   bundle.Merged
	gaps   []string // what was recorded and is missing in its bundle
	facts  facts    // of its marks
	whole  []string // why the run is invalid as a whole, of processes: the stage's reasons
}

// open opens the bundles and puts them in the order of their base instants.
// With force those that cannot be read are named as missing instead.
func open(dirs []string, force bool) (list []*worker, missing []bundle.Merged, err error) {
	for _, dir := range dirs {
		b, err := bundle.Open(dir)
		if err == nil && b.Run.Merge != nil {
			err = fmt.Errorf("bundle %s was merged already: merge all its workers at once instead", dir)
		}
		if err != nil {
			if !force {
				return nil, nil, fmt.Errorf("%w; --force leaves it out and says so", err)
			}
			missing = append(missing, bundle.Merged{Name: filepath.Base(filepath.Clean(dir)), Missing: err.Error()})
			continue
		}
		list = append(list, &worker{Bundle: b})
	}
	slices.SortStableFunc(list, func(x, y *worker) int {
		return cmp.Or(cmp.Compare(x.place(), y.place()), x.Run.Started.Compare(y.Run.Started), strings.Compare(x.Run.ID, y.Run.ID), strings.Compare(x.Dir, y.Dir))
	})
	for i, w := range list {
		for _, o := range list[:i] {
			if o.Run.ID == w.Run.ID && o.Run.Started.Equal(w.Run.Started) && index(o) == index(w) && o.place() == w.place() {
				return nil, nil, fmt.Errorf("%s and %s are the same %s of run %s: what it recorded does not count twice", o.Dir, w.Dir, kind(w), w.Run.ID)
			}
		}
	}
	nameAll(list)
	return list, slices.Concat(missing, absent(list), absentProcesses(list)), nil
}

// index is that of a worker among those that agreed to start together, -1 of
// one that did not.
func index(w *worker) int {
	if w.Run.Worker == nil {
		return -1
	}
	return w.Run.Worker.Index
}

// nameAll names each worker by its index, else by its directory, and numbers
// names that occur twice.
func nameAll(list []*worker) {
	taken := map[string]bool{}
	for _, w := range list {
		name := filepath.Base(absolute(w.Dir))
		if i := index(w); i >= 0 {
			name = fmt.Sprintf("worker-%d", i)
		}
		switch w.process() {
		case bundle.ArmProcess:
			name = w.Run.Arms[0].Name
		case bundle.StageProcess:
			name = bundle.StageProcess
		}
		w.name = name
		for n := 2; taken[w.name]; n++ {
			w.name = fmt.Sprintf("%s-%d", name, n)
		}
		taken[w.name] = true
	}
}

func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// absent are the workers that were agreed on and of which there is no bundle.
func absent(list []*worker) (missing []bundle.Merged) {
	have, of := map[int]bool{}, 0
	for _, w := range list {
		if w.Run.Worker != nil {
			have[w.Run.Worker.Index] = true
			of = max(of, w.Run.Worker.Workers)
		}
	}
	for i := range of {
		if !have[i] {
			missing = append(missing, bundle.Merged{Name: fmt.Sprintf("worker-%d", i),
				Missing: fmt.Sprintf("the run had %d workers, and its bundle was not given", of)})
		}
	}
	return missing
}

// describe fills in what run.json says of the worker.
func (w *worker) describe() {
	f := w.Run.Final
	w.gaps = append(w.gaps, w.Damage...)
	w.told = bundle.Merged{
		Name: w.name, RunID: w.Run.ID, Seed: w.Run.Seed, Started: w.Run.Started, Offset: bundle.Seconds(w.offset),
		Process: w.process(), Environment: w.Run.Environment, Complete: f != nil && !f.Interrupted, Valid: f != nil && f.Valid,
	}
	if f != nil && w.process() != "" {
		w.told.StartLag, w.told.Health = f.StartLag, f.Health
	}
}

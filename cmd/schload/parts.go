package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/experiment"
	"schload/internal/isolate"
	"schload/internal/merge"
)

// parts are the bundles of a run's processes, in a directory beside that of the
// run, until they are merged.
type parts struct {
	dir, out string
	arms     []string
	keep     bool // they could not be merged
	fresh    bool // the directory that theirs is in was made for them
}

// errUnmerged says that a run left its parts instead of a bundle.
var errUnmerged = errors.New("the bundles of the processes were not merged")

// newParts makes the directory of the parts. The run's own must be free.
func newParts(out string) (*parts, error) {
	out = filepath.Clean(out)
	entries, err := os.ReadDir(out)
	if len(entries) > 0 {
		return nil, fmt.Errorf("bundle directory %s is not empty (%s): a bundle is never overwritten, choose a new directory", out, entries[0].Name())
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("bundle directory %s: %w", out, err)
	}
	fresh := !exists(filepath.Dir(out))
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return nil, fmt.Errorf("bundle directory %s cannot be written: %w; choose a directory you may write to", out, err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(out), "."+filepath.Base(out)+".processes-")
	if err != nil {
		return nil, fmt.Errorf("bundle directory %s cannot be written: %w; choose a directory you may write to", out, err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	return &parts{dir: dir, out: out, fresh: fresh}, nil
}

// stage is the directory of the bundle of the stage's process, arm that of an
// arm's, whose name may be no name for a directory.
func (x *parts) stage() string { return filepath.Join(x.dir, bundle.StageProcess) }

func (x *parts) arm(place int) string {
	return filepath.Join(x.dir, fmt.Sprintf("%s-%d", bundle.ArmProcess, place))
}

// remove removes them, unless they are all there is of the run.
func (x *parts) remove() error {
	if x.keep {
		return nil
	}
	err := os.RemoveAll(x.dir)
	if x.fresh && !exists(x.out) {
		_ = os.Remove(filepath.Dir(x.out)) // a run that cannot start leaves nothing
	}
	return err
}

// all are those there are.
func (x *parts) all() (dirs []string) {
	dirs = []string{x.stage()}
	for i := range x.arms {
		if dir := x.arm(i); exists(dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// enough merges what there is so far and says whether it was enough.
func (x *parts) enough(ctx context.Context, width float64) (bool, string, error) {
	so := filepath.Join(x.dir, "so-far")
	defer os.RemoveAll(so)
	if _, err := merge.Merge(ctx, x.all(), so, merge.Options{}); err != nil {
		return false, "", err
	}
	return compare.Narrow(so, width)
}

// result merges the parts into the run's bundle, whatever became of the run.
// What went wrong with the process of an arm is in there.
func (x *parts) result(ctx context.Context, err error) (result experiment.Result, _ error) {
	b, unmerged := x.merge(ctx)
	if unmerged != nil {
		x.keep = true
		return result, errors.Join(err, fmt.Errorf("%w: %w; they are in %s, and schload merge adds them up", errUnmerged, unmerged, x.dir))
	}
	result.Dir = x.out
	if final := b.Run.Final; final != nil {
		result.Interrupted, result.Invalid = final.Interrupted, final.InvalidReasons
	}
	if _, ok := errors.AsType[*isolate.ArmError](err); ok && len(result.Invalid) > 0 {
		err = nil
	}
	return result, err
}

func (x *parts) merge(ctx context.Context) (*bundle.Bundle, error) {
	if exists(x.out) {
		_ = os.Remove(x.out) // it is empty; else merging says what is wrong
	}
	if _, err := merge.Merge(context.WithoutCancel(ctx), x.all(), x.out, merge.Options{}); err != nil {
		return nil, err
	}
	others, err := bundle.Others(x.stage())
	for _, name := range others { // an upgrade command was told that it may leave files there
		err = errors.Join(err, os.Rename(filepath.Join(x.stage(), name), filepath.Join(x.out, name)))
	}
	if err != nil {
		return nil, err
	}
	return bundle.Open(x.out)
}

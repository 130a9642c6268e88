package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/experiment"
	"schload/internal/isolate"
	"schload/internal/merge"
	"schload/profiles"
	"schload/workload"
)

// checkIsolate refuses what arms in processes of their own cannot do.
func (f *runFlags) checkIsolate(p profiles.Profile) error {
	switch {
	case !f.isolate:
	case p.Saturates():
		return errors.New("--isolate with --saturate: it looks for the ceiling of a target and compares no arms; leave one of them out")
	case f.of > 0:
		return fmt.Errorf("--isolate with --worker %s: the bundles of workers are merged once, by hand; leave one of them out", f.worker)
	case f.exports.prometheus != "" || strings.Contains(os.Getenv("OTEL_METRICS_EXPORTER"), "prometheus"):
		return errors.New("--isolate with Prometheus' scraping: several processes cannot serve one address; send metrics with --otlp-endpoint")
	case f.exports.file != "":
		return fmt.Errorf("--isolate with --otlp-file %s: several processes cannot write one file; send metrics with --otlp-endpoint", f.exports.file)
	}
	return nil
}

// parts are the bundles of a run's processes, in a directory beside that of the
// run, until they are merged.
type parts struct {
	dir, out string
}

// inProcesses is experiment.Run with a process for each arm.
func (f *runFlags) inProcesses(p profiles.Profile, l lab, stderr io.Writer) func(context.Context, experiment.Config) (experiment.Result, error) {
	return func(ctx context.Context, c experiment.Config) (experiment.Result, error) {
		x, err := newParts(c.Dir)
		if err != nil {
			return experiment.Result{}, err
		}
		names := make([]string, len(c.Arms))
		for i, a := range c.Arms {
			names[i] = a.Name
		}
		arms := c.Describe.Arms
		c.Describe.Isolated = &bundle.Isolated{Arms: names, Process: bundle.StageProcess}
		c.Describe.Arms, c.Dir = nil, x.of(bundle.StageProcess, 0)
		if enough := c.Auto.Enough; enough != nil {
			c.Auto.Enough = func(string) (bool, string, error) { return x.enough(ctx, len(names), p.Width) }
		}
		processes, err := f.start(p, l, c, arms, x, stderr)
		if err != nil {
			return experiment.Result{}, errors.Join(err, x.remove())
		}
		c.Processes = processes
		result, err := experiment.Run(ctx, c)
		processes.Kill() // what is left of them
		if result.Dir == "" {
			return result, errors.Join(opened(err), x.remove())
		}
		return x.result(ctx, len(names), err)
	}
}

// opened gives the failure of a process the exit code that it has there.
func opened(err error) error {
	if arm, ok := errors.AsType[*isolate.ArmError](err); ok && arm.Code > 0 {
		return &exitError{arm.Code, errors.New(arm.Text)}
	}
	return err
}

// start starts the processes of all arms.
func (f *runFlags) start(p profiles.Profile, l lab, c experiment.Config, arms []bundle.Arm, x parts, stderr io.Writer) (*isolate.Processes, error) {
	profile, err := p.YAML()
	if err != nil {
		return nil, err
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("--isolate: the path of schload itself is not known: %w", err)
	}
	var children []isolate.Child
	var assignments []any
	for i, a := range arms {
		run := c.Describe
		run.Arms, run.Isolated = []bundle.Arm{a}, &bundle.Isolated{Arms: run.Isolated.Arms, Process: bundle.ArmProcess}
		text, err := json.Marshal(run)
		if err != nil {
			return nil, err
		}
		assignments = append(assignments, assignment{
			Profile: string(profile), Hash: p.Hash(), Describe: text, Base: isolate.NewBase(c.Base), Dir: x.of(bundle.ArmProcess, i),
			Turn: workload.Turn{Place: i, Of: len(arms)}, Simulator: l.simulator, Cluster: l.cluster, Inject: f.inject, Exports: f.exports.passed(),
		})
		child, err := isolate.Start(a.Name, executable, []string{"schload", armProcess}, stderr)
		if err != nil {
			for _, started := range children {
				started.Kill()
				_ = started.Wait() // it was killed
			}
			return nil, err
		}
		children = append(children, child)
	}
	return isolate.New(children, assignments, c.Timeline.Hear)
}

// newParts makes the directory of the parts. The run's own must be free.
func newParts(out string) (parts, error) {
	out = filepath.Clean(out)
	entries, err := os.ReadDir(out)
	if len(entries) > 0 {
		return parts{}, fmt.Errorf("bundle directory %s is not empty (%s): a bundle is never overwritten, choose a new directory", out, entries[0].Name())
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return parts{}, fmt.Errorf("bundle directory %s: %w", out, err)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return parts{}, fmt.Errorf("bundle directory %s cannot be written: %w; choose a directory you may write to", out, err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(out), "."+filepath.Base(out)+".processes-")
	if err != nil {
		return parts{}, fmt.Errorf("bundle directory %s cannot be written: %w; choose a directory you may write to", out, err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return parts{}, err
	}
	return parts{dir, out}, nil
}

// of is the directory of a process's bundle. An arm's name may be no name for a
// directory.
func (x parts) of(process string, place int) string {
	if process == bundle.StageProcess {
		return filepath.Join(x.dir, process)
	}
	return filepath.Join(x.dir, fmt.Sprintf("%s-%d", process, place))
}

func (x parts) remove() error { return os.RemoveAll(x.dir) }

// all are the parts there are.
func (x parts) all(arms int) (dirs []string) {
	dirs = []string{x.of(bundle.StageProcess, 0)}
	for i := range arms {
		if dir := x.of(bundle.ArmProcess, i); exists(dir) {
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
func (x parts) enough(ctx context.Context, arms int, width float64) (bool, string, error) {
	so := filepath.Join(x.dir, "so-far")
	defer os.RemoveAll(so)
	if _, err := merge.Merge(ctx, x.all(arms), so, merge.Options{}); err != nil {
		return false, "", err
	}
	return compare.Narrow(so, width)
}

// result merges the parts into the run's bundle, whatever became of the run.
// What went wrong with the process of an arm is in there.
func (x parts) result(ctx context.Context, arms int, err error) (experiment.Result, error) {
	if exists(x.out) {
		_ = os.Remove(x.out) // it is empty; else merging says what is wrong
	}
	if _, wrong := merge.Merge(context.WithoutCancel(ctx), x.all(arms), x.out, merge.Options{}); wrong != nil {
		return experiment.Result{Dir: x.of(bundle.StageProcess, 0)}, errors.Join(err, fmt.Errorf("%w; what the processes recorded is in %s: schload merge adds it up", wrong, x.dir))
	}
	b, wrong := bundle.Open(x.out)
	if wrong != nil {
		return experiment.Result{Dir: x.out}, errors.Join(err, wrong)
	}
	result := experiment.Result{Dir: x.out}
	if final := b.Run.Final; final != nil {
		result.Interrupted, result.Invalid = final.Interrupted, final.InvalidReasons
	}
	if _, ok := errors.AsType[*isolate.ArmError](err); ok && len(result.Invalid) > 0 {
		err = nil
	}
	return result, errors.Join(err, x.remove())
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"schload/internal/bundle"
	"schload/internal/experiment"
	"schload/internal/isolate"
	"schload/profiles"
	"schload/telemetry"
	"schload/workload"
)

// checkIsolate refuses what arms in processes of their own cannot do.
func (f *runFlags) checkIsolate(p profiles.Profile) error {
	switch {
	case !f.isolate:
	case p.Saturates():
		return errors.New("--isolate with --saturate: it looks for the ceiling of a target and compares no arms; leave one of them out")
	case p.Sequential():
		return errors.New("--isolate with order sequential: arms that take turns share no processor time; leave one of them out")
	case f.of > 0:
		return fmt.Errorf("--isolate with --worker %s: the bundles of workers are merged once, by hand; leave one of them out", f.worker)
	case f.exports.prometheus != "" || strings.Contains(os.Getenv("OTEL_METRICS_EXPORTER"), "prometheus"):
		return errors.New("--isolate with Prometheus' scraping: several processes cannot serve one address; send metrics with --otlp-endpoint")
	case f.exports.marks || telemetry.AsksForMarks(os.Getenv):
		return errors.New("--isolate with --export-marks (or OTEL_LOGS_EXPORTER): the timeline of several processes is put together after the run; compare the bundle, or leave one of them out")
	case f.exports.file != "":
		return fmt.Errorf("--isolate with --otlp-file %s: several processes cannot write one file; send metrics with --otlp-endpoint", f.exports.file)
	}
	return nil
}

// inProcesses is experiment.Run with a process for each arm.
func (f *runFlags) inProcesses(x *parts, p profiles.Profile, l lab, stderr io.Writer) func(context.Context, experiment.Config) (experiment.Result, error) {
	return func(ctx context.Context, c experiment.Config) (experiment.Result, error) {
		for _, a := range c.Arms {
			x.arms = append(x.arms, a.Name)
		}
		arms := c.Describe.Arms
		c.Describe.Arms, c.Describe.Isolated = nil, &bundle.Isolated{Arms: x.arms, Process: bundle.StageProcess}
		if c.Auto.Enough != nil {
			c.Auto.Enough = func(string) (bool, string, error) { return x.enough(ctx, p.Width) }
		}
		processes, err := f.start(p, l, c, arms, x, stderr)
		if err != nil {
			return experiment.Result{}, err
		}
		c.Processes = processes
		result, err := experiment.Run(ctx, c)
		processes.Kill() // what is left of them
		if result.Dir == "" {
			return result, opened(err)
		}
		return x.result(ctx, err)
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
func (f *runFlags) start(p profiles.Profile, l lab, c experiment.Config, arms []bundle.Arm, x *parts, stderr io.Writer) (*isolate.Processes, error) {
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
			Profile: string(profile), Hash: p.Hash(), Describe: text, Base: isolate.NewBase(c.Base), Dir: x.arm(i),
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

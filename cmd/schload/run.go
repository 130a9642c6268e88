package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"schload/handoff"
	"schload/internal/compare"
	"schload/internal/doctor"
	"schload/internal/experiment"
	"schload/internal/report"
	"schload/profiles"
	"schload/telemetry/record"
	"schload/workload"
)

func newRun() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [PROFILE]",
		Short: "Load with every arm, play an upgrade, compare what each arm felt",
		Long:  runHelp(),
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			base, err := f.profile(cmd, args)
			if err != nil {
				return usageError(err)
			}
			return f.runs(cmd, base)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func runHelp() string {
	var b strings.Builder
	b.WriteString("Load Redis with every arm at the same instants, play an upgrade, and compare what each arm felt.\n" +
		"Without a profile it plays an endpoint move on the embedded simulator; nothing needs to be installed.\n" +
		"The results are printed, and kept in a bundle that schload compare reads.\n\nArms:\n")
	for _, p := range handoff.Presets() {
		fmt.Fprintf(&b, "  %-12s %s\n", p.Name, p.Isolates)
	}
	b.WriteString("  PRESET+option=value+...   a preset with options: read_timeout, max_retries, relaxed_timeout, pool_size, ...\n" +
		"\nFlags beat the profile. The default profile has rate 1000, workers 16, warmup 2s, baseline 5s, recovery 5s, rounds 1,\n" +
		"speed 1, late-after 100ms, outage-after 500ms; schload profiles NAME prints a profile.\n" +
		fmt.Sprintf("\nOne round is a look, and gives no verdict on what differs: give --rounds %d or more, or --rounds auto, for one.\n", compare.FewestRounds) +
		"\nCommands of a mix (docs/METHODOLOGY.md says what each of them sends):\n" + commandList() +
		"\nTargets: redis://[user:password@]host:port, rediss:// for TLS (a profile's tls names certificates). With --cluster the\n" +
		"target is an OSS cluster, named by one node or several: redis://host:port,host:port.\n" +
		"\nA real upgrade: with --stage manual you start and end it while the load runs, and say so by Enter, over --control, or by\n" +
		"SIGUSR1 and SIGUSR2; with --stage command it is --upgrade-command. --upgrade then only names it.\n" +
		"With --stage fault-injector the service at --fault-injector is asked for it and waited for: Redis' own, or that of schload sim.\n" +
		"\nObjectives (--slo, in a profile slo:) are [ARM.]METRIC, one of < <= > >=, and a limit: maintenance.failed_ratio < 0.001,\n" +
		"on.maintenance.p99 < 250ms, availability >= 99.9%. Without an arm they are for every arm whose handoffs are on. Metrics:\n" + metricList() +
		"\nExit codes: 0 ok, 1 failed, 2 usage or bad input, 3 what --fail-on names came true, 4 run invalid (with\n" +
		"--fail-on-saturated also: the harness was the bottleneck), 130 interrupted. 4 beats 3; of several runs the worst counts.")
	return b.String()
}

// commandList lists the commands of a mix, a few on each line.
func commandList() string {
	var b strings.Builder
	for line := range slices.Chunk(workload.Commands(), 14) {
		b.WriteString("  " + strings.Join(line, " ") + "\n")
	}
	return b.String()
}

// metricList lists what objectives bound, a few on each line.
func metricList() string {
	var b strings.Builder
	for line := range slices.Chunk(compare.SLOMetrics(), 6) {
		b.WriteString("  " + strings.Join(line, " ") + "\n")
	}
	return b.String()
}

// profile returns the named profile with the flags that were given, checked.
func (f *runFlags) profile(cmd *cobra.Command, args []string) (profiles.Profile, error) {
	name := profiles.Default
	if len(args) == 1 {
		name = args[0]
	}
	p, err := profiles.Load(name)
	if err != nil {
		return p, err
	}
	if p, err = f.apply(p, func(flag string) bool { return cmd.Flags().Changed(flag) }); err != nil {
		return p, err
	}
	p = p.WithDefaults()
	if len(f.upgrades) == 0 {
		f.upgrades = []string{p.Upgrade}
	}
	for _, u := range f.upgrades { // all of them before the first begins
		p.Upgrade = u
		if err := p.Validate(); err != nil {
			return p, err
		}
	}
	p.Upgrade = f.upgrades[0]
	return p, errors.Join(f.checkControl(p), f.checkInject(p), f.gate.validate(cmd.Flags().Changed), f.gate.failOn.needsObjectives(len(p.SLO)),
		f.exports.check(f.json, cmd.Flags().Changed), f.workerFlags.check(f, cmd.Flags().Changed), f.checkIsolate(p), checkAttributes(p.Attributes))
}

// runs makes one run for each upgrade, again and again with --forever. A run
// that is invalid or fails does not keep the next from being made; the worst
// of them decides the exit code.
func (f *runFlags) runs(cmd *cobra.Command, p profiles.Profile) error {
	var worst error
	for i := 0; f.forever || i < len(f.upgrades); i++ {
		p.Upgrade = f.upgrades[i%len(f.upgrades)]
		err := f.once(cmd, p)
		if code := exitCode(err); code == codeUsage || code == codeInterrupted {
			return err
		}
		if severity(err) > severity(worst) {
			worst = err
		}
		if more := f.forever || i+1 < len(f.upgrades); err != nil && more {
			fmt.Fprintf(cmd.ErrOrStderr(), "schload: %v\n", err)
		}
		if err := f.prune(); err != nil {
			return err
		}
	}
	return worst
}

// once makes one run and prints its results.
func (f *runFlags) once(cmd *cobra.Command, p profiles.Profile) error {
	ctx, stderr := cmd.Context(), cmd.ErrOrStderr()
	view := newLiveView(stderr)
	result, err := f.measure(ctx, p, stderr, view)
	if result.Dir == "" { // it could not start, and left nothing
		return interrupted(ctx, err)
	}
	f.made = append(f.made, result.Dir)
	summary, perr := f.results(cmd.OutOrStdout(), result)
	if err == nil {
		err = perr
	}
	if text := report.Saturated(summary); text != "" && !f.strict {
		view.say("schload: " + text)
	}
	keepReport(stderr, result.Dir, summary)
	err = errors.Join(outcome(ctx, result, err), f.gate.add(summary))
	if err == nil && f.strict {
		err = saturated(summary)
	}
	if err == nil {
		err = f.gate.failOn.check([]compare.Summary{summary}, nil)
	}
	return err
}

// measure makes one run, which leaves a bundle. Notes go to stderr.
func (f *runFlags) measure(ctx context.Context, p profiles.Profile, stderr io.Writer, view *liveView) (none experiment.Result, err error) {
	id, base := f.runID(), time.Now()
	p = f.workersOwn(p)
	timeline := &experiment.Timeline{}
	lab, err := openLab(ctx, p, base, timeline.Mark)
	if err != nil {
		return none, err
	}
	defer func() { lab.close() }()
	dir, play := f.directory(id), experiment.Run
	var x *parts
	if f.isolate {
		if x, err = newParts(dir); err != nil {
			return none, usageError(err)
		}
		defer func() { err = errors.Join(err, x.remove()) }()
		dir = x.stage()
	}
	if err := f.leaveToOthers(ctx, &lab, p, scene{base, timeline.Mark, view, dir}); err != nil {
		return none, err
	}
	if err := lab.inject(p, f.inject); err != nil {
		return none, err
	}
	if lab.note != "" {
		fmt.Fprintln(stderr, "note:", lab.note)
	}
	if p, err = lab.arms(ctx, p, stderr); err != nil {
		return none, err
	}
	config, err := f.experiment(ctx, p, lab, id, base)
	if err != nil {
		return none, err
	}
	config.Timeline, config.Dir = timeline, dir
	if x != nil {
		play = f.inProcesses(x, p, lab, stderr)
	}
	if config.Telemetry != nil {
		defer func() {
			_ = config.Telemetry.Close(context.WithoutCancel(ctx)) // what failed is counted
			ended(stderr, config.Telemetry.Stats())
		}()
	}
	config.Progress = view.show
	result, err := play(ctx, config)
	view.end()
	if result.Dir == "" && !errors.Is(err, errUnmerged) {
		err = usageError(err)
	}
	return result, err
}

// interrupted returns the interrupt where there was one, and err otherwise.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// outcome chooses the error, and with it the exit code, of a run that left a
// bundle.
func outcome(ctx context.Context, result experiment.Result, err error) error {
	switch {
	case err != nil:
		if _, overload := errors.AsType[*workload.OverloadError](err); overload {
			return invalidError(err) // the policy abort: the load was not offered
		}
		return err
	case result.Interrupted:
		return fmt.Errorf("%w: the bundle %s holds everything up to then", context.Cause(ctx), result.Dir)
	case len(result.Invalid) > 0:
		return invalidError(fmt.Errorf("run invalid: %s", strings.Join(result.Invalid, "; ")))
	}
	return nil
}

// arms chooses the arms of a profile that names none: handoffs on and off
// where the target supports them, else off alone, and says so.
func (l lab) arms(ctx context.Context, p profiles.Profile, stderr io.Writer) (profiles.Profile, error) {
	if len(p.Arms) > 0 {
		return p, nil
	}
	found, missing, err := doctor.Arms(ctx, l.client(1, time.Now()))
	if err != nil {
		return p, err
	}
	if missing != nil {
		fmt.Fprintf(stderr, "note: %v\nnote: only the arm off can run here; name --arms to choose others\n", missing)
	}
	p.Arms = nil
	for _, a := range found {
		p.Arms = append(p.Arms, profiles.Arm{Arm: a})
	}
	return p, nil
}

// experiment turns a profile into the run's configuration.
func (f *runFlags) experiment(ctx context.Context, p profiles.Profile, l lab, id string, base time.Time) (experiment.Config, error) {
	c, err := f.configure(p, l, id, base)
	if err != nil {
		return c, err
	}
	if c.Describe, err = describe(id, base, l.cluster, p, c); err != nil {
		return c, err
	}
	c.Describe.Worker = f.describe()
	c.Describe.Injections = f.inject
	exported := c
	if f.isolate {
		exported.Arms = nil // their processes export them
	}
	c.Telemetry, err = f.exports.start(ctx, id, base, exported, p, f.instance(id), l.server(), f.json)
	return c, usageError(err)
}

// configure is experiment without what a process of an arm has of its own.
func (f *runFlags) configure(p profiles.Profile, l lab, id string, base time.Time) (experiment.Config, error) {
	u, err := p.LoadUpgrade()
	if err != nil {
		return experiment.Config{}, usageError(err)
	}
	pools, err := p.Workload()
	if err != nil {
		return experiment.Config{}, usageError(err)
	}
	c := experiment.Config{
		Base: base, StartAt: f.startInstant, Sequential: p.Sequential(), Pools: pools, Upgrade: u, Stage: l.stage, Seed: p.Seed, Speed: p.Speed, Rounds: int(p.Rounds),
		Warmup: time.Duration(p.Warmup), Baseline: time.Duration(p.Baseline), Recovery: time.Duration(p.Recovery),
		LateAfter: time.Duration(p.LateAfter), OutageAfter: time.Duration(p.OutageAfter),
		Connections: p.Opened(), Open: l.client(p.Opened(), base), Dir: f.directory(id),
	}
	if p.Rounds == profiles.AutoRounds && !p.Comparable() {
		return c, usageError(errors.New("--rounds auto: the target knows no handoffs, so that one arm alone is loaded and nothing is compared; give a number of rounds, or name the arms"))
	}
	if p.Rounds == profiles.AutoRounds {
		c.Rounds, c.Auto.Budget = profiles.MostAutoRounds, time.Duration(p.Budget)
		c.Auto.Enough = func(dir string) (bool, string, error) { return compare.Narrow(dir, p.Width) }
	}
	if c.Ledger, err = p.Ledger(); err != nil {
		return c, usageError(err)
	}
	c.Info = []record.Attr{
		{Key: "client.version", Value: buildVersions()["go-redis"]}, {Key: "config.hash", Value: p.Hash()},
		{Key: "seed", Value: strconv.FormatUint(p.Seed, 10)},
	}
	if p.Saturates() {
		c.Info = append(c.Info, record.Attr{Key: "mode", Value: compare.ModeSaturation})
	}
	for _, a := range p.Arms {
		c.Arms = append(c.Arms, a.Resolve(p.Opened()))
	}
	if len(f.inject) > 0 {
		c.LedgerKeys = injectedKeys
	}
	if c.Traces, err = f.exports.traces.rule(); err != nil {
		return c, usageError(err)
	}
	return c, nil
}

// results reads the bundle that was left, completes it with summary.json and
// prints what it says.
func (f *runFlags) results(stdout io.Writer, result experiment.Result) (compare.Summary, error) {
	summary, err := compare.Save(result.Dir)
	if summary.RunID == "" {
		return summary, err
	}
	if f.json {
		return summary, errors.Join(writeJSON(stdout, summary), err)
	}
	return summary, errors.Join(report.Text(stdout, summary), err)
}

// parent is the folder of the run's bundle, directory the bundle itself.
func (f *runFlags) parent() string {
	if f.out != "" {
		return f.out
	}
	return "runs"
}

func (f *runFlags) directory(id string) string {
	if f.of > 0 {
		return filepath.Join(f.parent(), fmt.Sprintf("worker-%d", f.index))
	}
	if f.out != "" && !f.forever && len(f.upgrades) == 1 {
		return f.out
	}
	return filepath.Join(f.parent(), id)
}

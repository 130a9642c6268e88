package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/handoff/stage"
	"schload/internal/bundle"
	"schload/internal/experiment"
	"schload/internal/isolate"
	"schload/profiles"
	"schload/telemetry/mark"
	"schload/workload"
)

// armProcess is the command that is the process of an arm.
const armProcess = "arm-process"

// orphaned is for how long a process whose lead is gone may go on finishing its
// bundle.
const orphaned = 90 * time.Second

// assignment is what the process of an arm needs to know. It comes over a pipe:
// there may be secrets in it.
type assignment struct {
	Profile   string          `json:"profile"` // YAML, resolved
	Hash      string          `json:"hash"`    // of the profile
	Describe  json.RawMessage `json:"describe"`
	Base      isolate.Base    `json:"base"`
	Dir       string          `json:"dir"`
	Turn      workload.Turn   `json:"turn"`
	Simulator *simulator      `json:"simulator,omitempty"` // nil: the profile's target
	Cluster   bool            `json:"cluster,omitempty"`
	Inject    []string        `json:"inject,omitempty"`
	Exports   passedExports   `json:"exports"`
}

// simulator is where that of the run is found.
type simulator struct {
	Target string `json:"target"` // URL
	DNS    string `json:"dns,omitempty"`
}

func newArmProcess() *cobra.Command {
	return &cobra.Command{
		Use: armProcess, Hidden: true, Args: cobra.NoArgs,
		Short: "The process of an arm, which schload run --isolate starts and leads",
		RunE: func(cmd *cobra.Command, _ []string) error {
			isolate.Outlive()
			lead := isolate.NewLead(cmd.InOrStdin(), cmd.OutOrStdout())
			var a assignment
			if err := lead.Assignment(&a); err != nil {
				return usageError(fmt.Errorf("schload run --isolate starts this and leads it over a pipe: %w", err))
			}
			ctx, cancel := context.WithCancelCause(cmd.Context())
			defer cancel(nil)
			context.AfterFunc(ctx, func() {
				if errors.Is(context.Cause(ctx), isolate.ErrLeft) {
					time.AfterFunc(orphaned, func() { os.Exit(codeFailed) })
				}
			})
			lead.Listen(cancel)
			err := a.load(ctx, lead, cmd.ErrOrStderr())
			lead.Ended(err, exitCode(err))
			return nil // the lead says it
		},
	}
}

// load loads the arm as it is led to.
func (a assignment) load(ctx context.Context, lead *isolate.Lead, stderr io.Writer) error {
	c, err := a.config(ctx, lead)
	if err != nil {
		return usageError(err)
	}
	if c.Telemetry != nil {
		defer func() {
			_ = c.Telemetry.Close(context.WithoutCancel(ctx)) // what failed is counted
			ended(stderr, c.Telemetry.Stats())
		}()
	}
	result, err := experiment.Run(ctx, c)
	if result.Dir == "" {
		return usageError(err)
	}
	if _, stopped := errors.AsType[*isolate.StoppedError](err); stopped {
		return nil // the lead knows why
	}
	return err
}

func (a assignment) config(ctx context.Context, lead *isolate.Lead) (c experiment.Config, err error) {
	p, err := profiles.Parse("", "the run's profile", []byte(a.Profile))
	if err != nil {
		return c, err
	}
	if p = p.WithDefaults(); p.Hash() != a.Hash {
		return c, fmt.Errorf("the profile changed on its way to the process (%s, not %s): this is a mistake of schload", p.Hash(), a.Hash)
	}
	l, err := a.lab(ctx, p)
	if err != nil {
		return c, err
	}
	run := bundle.Run{}
	if err := json.Unmarshal(a.Describe, &run); err != nil {
		return c, err
	}
	run.Secrets = p.Secrets()
	f := runFlags{inject: a.Inject}
	f.exports.take(a.Exports)
	base := a.Base.Time()
	if c, err = f.configure(p, l, run.ID, base); err != nil {
		return c, err
	}
	own := c.Arms[a.Turn.Place]
	c.Arms, c.Auto = []handoff.Arm{own}, experiment.Auto{}
	c.Describe, c.Dir = run, a.Dir
	c.Lead, c.Turn, c.Progress = lead, a.Turn, lead.Progress
	open := c.Open
	c.Open = func(ctx context.Context, arm handoff.Arm, marks mark.Sink) (*handoff.Client, error) {
		return open(ctx, arm, lead.Marks(marks))
	}
	c.Telemetry, err = f.exports.start(ctx, run.ID, base, c, p, run.ID+"-"+own.Name, l.server(), true)
	return c, err
}

// lab is the run's, as it is seen from here.
func (a assignment) lab(ctx context.Context, p profiles.Profile) (lab, error) {
	resolver, err := nameServer(ctx, p.Resolver)
	if err != nil {
		return lab{}, err
	}
	l := lab{stage: stage.None{}, cluster: a.Cluster, tls: p.TLS, resolver: resolver}
	url := p.Target
	if s := a.Simulator; s != nil {
		url = s.Target
		if s.DNS != "" {
			l.resolver = sim.ResolverAt(s.DNS)
		}
	}
	l.target, err = handoff.ParseTarget(url)
	return l, err
}

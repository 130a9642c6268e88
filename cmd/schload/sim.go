package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"schload/handoff/sim"
	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

type simFlags struct {
	port     int
	nodes    int
	shards   []string
	username string
	password string
	upgrade  string
	set      []string
	speed    float64
	seed     uint64
	every    time.Duration
	once     bool
	control  controlFlags
}

func newSim() *cobra.Command {
	var f simFlags
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Run the maintenance simulator: a database that sends notices and moves, for any client",
		Long: "Run the maintenance simulator until it is interrupted: a database behind one name, served by several\n" +
			"nodes on loopback addresses, with a DNS server of its own. With --upgrade it plays that upgrade again and\n" +
			"again; what it does is printed as it happens.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.IntVar(&f.port, "port", 12000, "database port of every node; 0 picks a free one")
	flags.IntVar(&f.nodes, "nodes", 3, "nodes, each at its own loopback address")
	flags.StringSliceVar(&f.shards, "shards", nil, "redis:// URLs of real Redis servers behind the proxies (default: in process)")
	flags.StringVar(&f.username, "username", "", "user clients must give (default: default)")
	flags.StringVar(&f.password, "password", "", "password clients must give (default: none)")
	flags.StringVar(&f.upgrade, "upgrade", "none", "upgrade to play, see schload upgrades")
	flags.StringArrayVar(&f.set, "set", nil, "parameter of the upgrade, KEY=VALUE; may be repeated")
	flags.Float64Var(&f.speed, "speed", 1, "compresses the upgrade's time")
	flags.Uint64Var(&f.seed, "seed", 1, "of everything drawn")
	flags.DurationVar(&f.every, "every", 30*time.Second, "pause before each playing")
	flags.BoolVar(&f.once, "once", false, "play the upgrade once, then only serve")
	f.control.register(flags)
	return cmd
}

func (f simFlags) run(ctx context.Context, out io.Writer) error {
	u, err := upgrade.Load(f.upgrade)
	if err == nil {
		u, err = u.Set(f.set)
	}
	if err == nil {
		_, err = u.Plan(f.seed, f.speed)
	}
	suite, cerr := f.control.check()
	if err := errors.Join(err, cerr); err != nil {
		return usageError(err)
	}
	base := time.Now()
	s, err := sim.Start(ctx, sim.Config{
		Support: suite.Support,
		Nodes:   f.nodes, Port: f.port, Shards: f.shards, Username: f.username, Password: f.password,
		Base: base, Seed: f.seed, Marks: printMarks(out, base),
	})
	if err != nil {
		return usageError(err)
	}
	defer s.Close()
	f.announce(out, s)
	stop, err := f.control.serve(ctx, out, controlled(s, suite, f.speed, f.seed))
	if err != nil {
		return usageError(err)
	}
	defer stop()
	return f.play(ctx, s, u)
}

func (f simFlags) announce(out io.Writer, s *sim.Simulator) {
	fmt.Fprintf(out, "database  redis://%s\nDNS       %s (udp and tcp)\n", s.Addr(), s.DNS())
	for _, n := range s.Nodes() {
		fmt.Fprintf(out, "node      %s\n", n.Addr)
	}
	if note := s.Fallback(); note != "" {
		fmt.Fprintf(out, "note      %s\n", note)
	}
}

// play plays the upgrade after each pause, until the context ends.
func (f simFlags) play(ctx context.Context, s *sim.Simulator, u upgrade.Upgrade) error {
	for round := uint64(0); ; round++ {
		plan, err := u.Plan(f.seed+round, f.speed)
		if err != nil {
			return err
		}
		if len(plan.Actions) == 0 || f.once && round > 0 {
			<-ctx.Done()
			return nil
		}
		timer := time.NewTimer(f.every)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		if err := s.Play(ctx, plan); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// printMarks writes what the simulator does, a line each.
func printMarks(out io.Writer, base time.Time) mark.Sink {
	return func(m mark.Mark) {
		fmt.Fprintf(out, "%s  %-8s %-18s %s\n", base.Add(m.At).Format("15:04:05.000"), m.Name, m.Node, m.Detail)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"schload/handoff/sim"
	"schload/handoff/sim/control"
	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

type simFlags struct {
	nodes     int
	hosts     []string      // of the nodes, addresses or names of this machine
	dns       string        // where the name server listens
	database  databaseFlags // the first one
	databases []string      // the others, as SPEC
	support   []string
	printEnv  bool
	dir       string
	advertise string
	upgrade   string
	set       []string
	speed     float64
	seed      uint64
	every     time.Duration
	once      bool
	inject    []string // into the first database
	control   controlFlags
	entrance  bool // endpoints have an address of their own
}

func newSim() *cobra.Command {
	var f simFlags
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Run the maintenance simulator: a database that sends notices and moves, for any client",
		Long: "Run the maintenance simulator until it is interrupted: databases behind names, served by several nodes\n" +
			"on loopback addresses, with a DNS server of their own. With --upgrade it plays that upgrade again and\n" +
			"again on the first database; what it does is printed as it happens.\n\n" +
			"SPEC of --database: comma-separated, with the meaning of the flags of the same name:\n  " + databaseKeys() +
			"\nsuch as --database name=orders.schload.test,port=12001,password=secret,tls\n\n" +
			"Switches of --support, which make the server differ from the one that was measured:\n  " +
			strings.Join(sim.SupportSwitches(), ", ") + "\nSHAPE being one of " + sim.FrameShapes(),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func (f *simFlags) register(flags *pflag.FlagSet) {
	flags.IntVar(&f.nodes, "nodes", 0, "nodes, each at its own loopback address (default: 3, or 4 with an OSS cluster)")
	flags.StringSliceVar(&f.hosts, "node-hosts", nil, "IPv4 addresses of this machine, or names for them, that the nodes are to have, one each, so that clients on other machines reach them")
	flags.StringVar(&f.dns, "dns", "", "HOST:PORT of the DNS server (default: a free port at 127.0.0.1)")
	f.database.register(flags)
	flags.StringArrayVar(&f.databases, "database", nil, "one more database, as SPEC; may be repeated")
	flags.StringArrayVar(&f.support, "support", nil, "switch of how opt-ins are answered and notices sent; may be repeated")
	flags.BoolVar(&f.printEnv, "print-env", false, "print what another client needs as shell variables; what happens goes to stderr")
	flags.StringVar(&f.dir, "dir", "", "where --print-env and TLS put endpoints.json and certificates (default: a temporary directory)")
	flags.StringVar(&f.advertise, "advertise", "address", "how endpoints.json names endpoints: address, or name (needs the DNS server that is printed)")
	flags.StringVar(&f.upgrade, "upgrade", "none", "upgrade to play, see schload upgrades")
	flags.StringArrayVar(&f.set, "set", nil, "parameter of the upgrade, KEY=VALUE; may be repeated")
	flags.Float64Var(&f.speed, "speed", 1, "compresses the upgrade's time")
	flags.Uint64Var(&f.seed, "seed", 1, "of everything drawn")
	flags.DurationVar(&f.every, "every", 30*time.Second, "pause before each playing")
	flags.BoolVar(&f.once, "once", false, "play the upgrade once, then only serve")
	flags.StringSliceVar(&f.inject, "inject", nil, injectUsage+"; in the first database, from the start on")
	f.control.register(flags)
}

func (f *simFlags) run(ctx context.Context, out, stderr io.Writer) error {
	u, err := f.choreography()
	if err != nil {
		return usageError(err)
	}
	suite, suiteErr := f.control.check()
	if err := errors.Join(suiteErr, f.lookUp(ctx)); err != nil {
		return usageError(err)
	}
	f.suit(suite)
	f.nodes = f.nodeCount()
	configs, err := f.configs(suite)
	if err != nil {
		return usageError(err)
	}
	happens := out
	if f.printEnv {
		happens = stderr
	}
	base := time.Now()
	c, err := sim.StartCluster(sim.ClusterConfig{
		Nodes: f.nodes, Hosts: f.hosts, DNS: f.dns, Base: base, Seed: f.seed, Marks: printMarks(happens, base),
		Log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return usageError(err)
	}
	defer c.Close()
	for _, config := range configs {
		if _, err := c.Create(ctx, config); err != nil {
			return usageError(err)
		}
	}
	plane := f.plane(c, suite)
	env, err := f.environment(c, plane)
	if err != nil {
		return usageError(err)
	}
	defer env.remove()
	servers, err := f.control.serve(ctx, plane)
	if err != nil {
		return usageError(err)
	}
	defer servers.close()
	if f.printEnv {
		env.print(out)
		servers.print(out)
		fmt.Fprintln(stderr, "serving") // whoever waits for the variables can go on
	} else {
		env.announce(out)
		servers.announce(out)
	}
	return f.play(ctx, c.Databases()[0], u)
}

// nodeCount is how many nodes there are by default: an OSS cluster wants one
// without slots.
func (f *simFlags) nodeCount() int {
	oss := f.database.ossCluster || slices.ContainsFunc(f.databases, func(spec string) bool { return strings.Contains(spec, "oss-cluster") })
	switch {
	case f.nodes != 0:
		return f.nodes
	case len(f.hosts) > 0:
		return len(f.hosts)
	case oss:
		return 4
	}
	return 3
}

// choreography is the upgrade with its parameters set, known to be playable.
func (f *simFlags) choreography() (upgrade.Upgrade, error) {
	u, err := upgrade.Load(f.upgrade)
	if err == nil {
		u, err = u.Set(f.set)
	}
	if err == nil {
		_, err = u.Plan(f.seed, f.speed)
	}
	return u, err
}

// configs are the databases to create, the one of the flags first.
func (f *simFlags) configs(suite control.Suite) ([]sim.Config, error) {
	support := suite.Support
	var errs []error
	for _, assignment := range f.support {
		errs = append(errs, support.Set(assignment))
	}
	if f.advertise != "address" && f.advertise != "name" {
		errs = append(errs, fmt.Errorf("advertise %q: want address or name", f.advertise))
	}
	var configs []sim.Config
	injections, err := parseInjections(f.inject)
	errs = append(errs, err)
	add := func(d databaseFlags, what string) {
		config, err := d.config()
		config.Inject, injections = injections, nil
		config.Support, config.Nodes, config.Entrance = support, f.nodes, f.entrance
		if err := errors.Join(err, config.Validate()); err != nil {
			errs = append(errs, fmt.Errorf("%s%w", what, err))
		}
		configs = append(configs, config)
	}
	add(f.database, "")
	for _, spec := range f.databases {
		d, err := parseDatabase(spec)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		add(d, "database "+d.redacted(spec)+": ")
	}
	return configs, errors.Join(errs...)
}

// play plays the upgrade after each pause, until the context ends.
func (f *simFlags) play(ctx context.Context, s *sim.Simulator, u upgrade.Upgrade) error {
	for round := uint64(0); ; round++ {
		plan, err := u.Plan(f.seed+round, f.speed)
		if err != nil {
			return err
		}
		if len(plan.Actions) == 0 || f.once && round > 0 {
			<-ctx.Done()
			return nil
		}
		if err := s.Prepare(ctx, plan); err != nil && ctx.Err() == nil {
			return usageError(err)
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

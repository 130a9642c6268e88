package calibrate

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"schload/internal/bundle"
	"schload/internal/spelling"
	"schload/workload"
)

// Config says what is checked.
type Config struct {
	Seed     uint64          // of everything drawn
	Only     []string        // names of checks; empty: all
	Versions bundle.Versions // as the certificate names them

	// Began is told what is done next, before each check; nil: nobody is.
	Began func(done string)
}

// check is one line of the certificate in the making.
type check struct {
	name, done string
	run        func(context.Context, *bench) (finding, error)
}

// checks are all there are, in the order they are run: laws comes last because
// it looks at the runs of the others, too.
func checks() []check {
	return []check{stall, quantiles, merging, schedule, faults, equalArms, laws}
}

// Names returns the names of the checks, in order.
func Names() (names []string) {
	for _, c := range checks() {
		names = append(names, c.name)
	}
	return names
}

// Validate says what of the configuration is no check.
func (c Config) Validate() error {
	for _, name := range c.Only {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("no check %q%s: want some of %s", name, spelling.Hint(name, Names()), strings.Join(Names(), ", "))
		}
	}
	return nil
}

// Run makes the checks, one after the other, and returns the certificate. A
// check that could not be made is a line that failed. An error means that
// there is no certificate: the context ended, or nothing can be written.
func Run(ctx context.Context, c Config) (Certificate, error) {
	if err := c.Validate(); err != nil {
		return Certificate{}, err
	}
	dir, err := os.MkdirTemp("", "schload-calibrate-")
	if err != nil {
		return Certificate{}, err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	cert := Certificate{
		Schema: Schema, Date: began.UTC().Truncate(time.Second), Seed: c.Seed, Versions: c.Versions,
		Environment: bundle.Environment{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()},
	}
	b := &bench{seed: c.Seed, dir: dir, pacer: workload.NewPacer}
	for _, x := range checks() {
		if len(c.Only) > 0 && !slices.Contains(c.Only, x.name) {
			continue
		}
		if c.Began != nil {
			c.Began(x.done)
		}
		line := x.line(ctx, b)
		if ctx.Err() != nil {
			return Certificate{}, context.Cause(ctx)
		}
		cert.Lines = append(cert.Lines, line)
	}
	cert.Facts = facts(ctx, b.pacer)
	cert.Verdict, cert.Took = worst(cert.Lines), bundle.Seconds(time.Since(began))
	return cert, context.Cause(ctx)
}

// line makes one check.
func (c check) line(ctx context.Context, b *bench) Line {
	began := time.Now()
	f, err := c.run(ctx, b)
	l := Line{Name: c.name, Done: c.done, Expected: f.expected, Found: f.found, Warnings: f.warnings, Verdict: Pass, Took: bundle.Seconds(time.Since(began))}
	if err != nil {
		f.wrong = append(f.wrong, fmt.Sprintf("the check could not be made: %v", err))
	}
	switch {
	case len(f.wrong) > 0:
		l.Verdict, l.Reasons = Fail, append(f.wrong, f.noise...)
	case len(f.noise) > 0:
		l.Verdict, l.Reasons = Noisy, f.noise
	}
	if extra := len(l.Reasons) - mostReasons; extra > 0 {
		l.Reasons = append(l.Reasons[:mostReasons], fmt.Sprintf("and %d more", extra))
	}
	return l
}

// mostReasons bounds the reasons of a line: a broken histogram is wrong in
// hundreds of places at once.
const mostReasons = 6

// finding is what a check found.
type finding struct {
	expected, found string
	wrong           []string // what no machine explains
	noise           []string // what only the machine explains
	warnings        []string // what one should know of the machine
}

func (f *finding) want(ok bool, format string, args ...any) {
	if !ok {
		f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
	}
}

func (f *finding) warn(format string, args ...any) {
	f.warnings = append(f.warnings, fmt.Sprintf(format, args...))
}

// doubt is want for what a busy machine may be the reason of.
func (f *finding) doubt(ok bool, format string, args ...any) {
	if !ok {
		f.noise = append(f.noise, fmt.Sprintf(format, args...))
	}
}

// bench is what the checks share.
type bench struct {
	seed  uint64
	dir   string // for bundles
	made  int    // bundles
	pacer func(base time.Time) (workload.Pacer, error)

	// listen replaces net.Listen, for networks in memory; nil: loopback.
	listen func(network, address string) (net.Listener, error)
	runs   []experimented // of whole runs, for the laws
	spoil  spoil
}

// bundleDir returns a directory for the next bundle.
func (b *bench) bundleDir(name string) string {
	b.made++
	return filepath.Join(b.dir, fmt.Sprintf("%02d-%s", b.made, name))
}

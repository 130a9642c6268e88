package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"schload/internal/bundle"
	"schload/profiles"
	"schload/workload"
)

// workerFlags make a run one of several that load the same target together,
// from other processes or machines. They agree beforehand on one instant and
// one run id, and need nothing from each other afterwards.
type workerFlags struct {
	worker  string
	startAt string
	id      string

	index, of    int // of is 0: the run is alone
	startInstant time.Time
}

func (w *workerFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&w.worker, "worker", "", "one of several that load together, INDEX/WORKERS such as 0/4: sets its seed, its bundle (OUT/worker-INDEX) and its telemetry apart")
	flags.StringVar(&w.startAt, "start-at", "", "the first operation falls due at this instant, RFC 3339 such as 2026-11-26T09:00:00Z (default: as soon as the connections are open)")
	flags.StringVar(&w.id, "run-id", "", "run id, the same for all workers of a run (default: made of the time)")
}

var runID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (w *workerFlags) check(f *runFlags, given func(string) bool) error {
	for name, value := range map[string]string{"worker": w.worker, "start-at": w.startAt, "run-id": w.id} {
		if given(name) && value == "" {
			return fmt.Errorf("--%s is empty: give a value, or leave the flag out", name)
		}
	}
	if w.id != "" && !runID.MatchString(w.id) {
		return fmt.Errorf("--run-id %q: want 1 to 64 letters, digits, dots, dashes and underscores, a letter or digit first", w.id)
	}
	if (w.id != "" || w.startAt != "" || w.worker != "") && (f.forever || len(f.upgrades) > 1) {
		return errors.New("--worker, --start-at and --run-id are of one run: leave out --forever and give one --upgrade")
	}
	return errors.Join(w.parseWorker(), w.parseStart())
}

func (w *workerFlags) parseWorker() error {
	if w.worker == "" {
		return nil
	}
	index, of, ok := strings.Cut(w.worker, "/")
	i, err := strconv.Atoi(index)
	n, err2 := strconv.Atoi(of)
	if !ok || err != nil || err2 != nil || n < 1 || n > 10_000 || i < 0 || i >= n {
		return fmt.Errorf("--worker %q: want INDEX/WORKERS with INDEX from 0 to WORKERS-1, such as 0/4", w.worker)
	}
	w.index, w.of = i, n
	if n > 1 && (w.startAt == "" || w.id == "") {
		return fmt.Errorf("--worker %s without --start-at and --run-id: workers of one run agree on both", w.worker)
	}
	return nil
}

func (w *workerFlags) parseStart() error {
	if w.startAt == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, w.startAt)
	if err != nil {
		return fmt.Errorf("--start-at %q: want an instant as in RFC 3339, such as %s", w.startAt, time.Now().Add(time.Minute).UTC().Format(time.RFC3339))
	}
	if late := time.Since(at); late > 0 {
		return fmt.Errorf("--start-at %s was %s ago: agree on a later instant", w.startAt, late.Round(time.Second))
	}
	w.startInstant = at
	return nil
}

// runID is what was agreed on, or a new one.
func (w *workerFlags) runID() string {
	if w.id != "" {
		return w.id
	}
	return newRunID()
}

// apart is the distance of two workers' seeds. Rounds count on from a seed, so
// it is more than there ever are rounds.
const apart = 1_000_003

// workersOwn gives each worker operations and keys of its own, the same ones
// again when the run is repeated. A worker judges what it wrote: what another
// one wrote under the same key would look like a loss.
func (w *workerFlags) workersOwn(p profiles.Profile) profiles.Profile {
	if w.of < 2 {
		return p
	}
	p.Seed += uint64(w.index) * apart
	p.Pools = slices.Clone(p.Pools)
	for i := range p.Pools {
		keys := &p.Pools[i].Keys
		if keys.Prefix == "" {
			keys.Prefix = workload.DefaultPrefix
		}
		keys.Prefix += fmt.Sprintf("w%d:", w.index)
	}
	return p
}

// instance is the service.instance.id: two workers must not write one series.
func (w *workerFlags) instance(id string) string {
	if w.of == 0 {
		return "" // the default
	}
	return fmt.Sprintf("%s-worker-%d", id, w.index)
}

// describe is what the bundle says of it; nil for a run that is alone.
func (w *workerFlags) describe() *bundle.Worker {
	if w.of == 0 {
		return nil
	}
	return &bundle.Worker{Index: w.index, Workers: w.of, StartAt: w.startInstant}
}

// readTarget takes a target of the form env:NAME from the environment.
func (f *runFlags) readTarget() error {
	name, ok := strings.CutPrefix(f.target, "env:")
	if !ok {
		return nil
	}
	if f.target = os.Getenv(name); f.target == "" {
		return fmt.Errorf("--target env:%s: the variable is not set: give it a URL such as redis://user:password@host:port", name)
	}
	return nil
}

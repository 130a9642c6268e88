package profiles

import (
	"errors"
	"fmt"
	"strings"

	"schload/handoff"
	"schload/handoff/stage"
	"schload/internal/spelling"
	"schload/workload"
)

// The ways of a saturating run to keep a target busy. Both are closed loops.
const (
	// Pipelines: each worker sends pipelines of a fixed depth over a connection
	// of its own. This is the higher ceiling.
	Pipelines = "pipelines"

	// AutoPipeline: workers send single commands, which the library gathers.
	// This is the ceiling of an application that uses it.
	AutoPipeline = "autopipeline"
)

var pipelinings = []string{Pipelines, AutoPipeline}

// What a pool of a saturating run has by default.
const (
	pipelineWorkers = 16
	pipelineDepth   = 64
	gatheredWorkers = 256
)

// Saturates reports whether the run is to find the ceiling of its target.
func (p Profile) Saturates() bool { return p.Saturate != "" }

// saturated writes the defaults of a saturating run out.
func (p Profile) saturated() Profile {
	if p.Saturate == "true" {
		p.Saturate = Pipelines
	}
	if p.Upgrade == "" {
		p.Upgrade = "none"
	}
	if p.Integrity == "" {
		p.Integrity = "none"
	}
	if len(p.Arms) == 0 {
		off, _ := handoff.ParseArm(handoff.Off)
		p.Arms = []Arm{{off}}
	}
	if len(p.Pools) == 0 {
		p.Pools = []Pool{{}}
	}
	p.Pools = append([]Pool(nil), p.Pools...)
	for i := range p.Pools {
		p.Pools[i] = p.Pools[i].saturated(p.Saturate)
	}
	return p
}

func (p Pool) saturated(pipelining string) Pool {
	workers, depth := pipelineWorkers, pipelineDepth
	if pipelining == AutoPipeline {
		workers, depth = gatheredWorkers, 1
	}
	if p.Workers == 0 {
		p.Workers = workers
	}
	if p.Pipeline == 0 {
		p.Pipeline = depth
	}
	if p.Arrival == "" {
		p.Arrival = workload.ClosedLoop.String()
	}
	return p
}

// checkSaturate refuses what would make a saturating run look like a
// comparison: a target at its ceiling says nothing about handoffs.
func (p Profile) checkSaturate() error {
	if !p.Saturates() {
		return nil
	}
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	known := p.Saturate == Pipelines || p.Saturate == AutoPipeline
	check(known, "saturate %q%s: want one of %s", p.Saturate, spelling.Hint(p.Saturate, pipelinings), strings.Join(pipelinings, ", "))
	check(p.Upgrade == "none", "upgrade %q with saturate: a target at its ceiling says nothing about handoffs; leave the upgrade out, or saturate", p.Upgrade)
	check(!stage.IsReal(p.Stage), "stage %s with saturate: no upgrade is measured at the ceiling; use stage sim, or none with a target", p.Stage)
	check(len(p.Arms) == 1, "%d arms with saturate: they would share what the target carries; name one", len(p.Arms))
	for _, a := range p.Arms {
		check(a.Mode != handoff.Raw || p.Saturate != AutoPipeline, "arm %s with saturate autopipeline: bare connections gather nothing; use saturate pipelines", a.Name)
	}
	for _, pool := range p.Pools {
		check(pool.Arrival == workload.ClosedLoop.String(), "pool %q: arrival %s with saturate: the loop is closed; leave it out", pool.Name, pool.Arrival)
		check(pool.Rate == "", "pool %q: rate %s with saturate: the rate is what is looked for; leave it out", pool.Name, pool.Rate)
		check(pool.Think == 0, "pool %q: think with saturate: leave it out", pool.Name)
		check(p.Saturate != AutoPipeline || pool.Pipeline == 1, "pool %q: pipeline %d with saturate autopipeline: the library makes the pipelines; leave it out, or use saturate pipelines", pool.Name, pool.Pipeline)
	}
	return errors.Join(wrong...)
}

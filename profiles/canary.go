package profiles

import (
	"cmp"
	"errors"
	"fmt"

	"schload/workload"
)

// A canary asks ten times a second: often enough to tell a gap of the target
// from one of the other pools, seldom enough to be no load.
const canaryRate = "10"

func (p Pool) withCanaryDefaults() Pool {
	p.Name = cmp.Or(p.Name, workload.KindCanary.String())
	p.Workers = cmp.Or(p.Workers, 1)
	p.Mix = cmp.Or(p.Mix, "PING")
	if p.Arrival != workload.ClosedLoop.String() {
		p.Rate = cmp.Or(p.Rate, canaryRate)
	}
	return p
}

func (p Pool) canary() bool { return p.Kind == workload.KindCanary.String() }

// checkCanaries wants a pool that is none, and of each that is one that it
// stays what it is for.
func (p Profile) checkCanaries() error {
	var wrong []error
	loads := false
	for _, pool := range p.Pools {
		loads = loads || !pool.canary()
		if pool.canary() && pool.Workers != 1 {
			wrong = append(wrong, fmt.Errorf("pool %q: workers %d of a canary: want 1, with a connection of its own", pool.Name, pool.Workers))
		}
		if pool.canary() && pool.Pipeline > 1 {
			wrong = append(wrong, fmt.Errorf("pool %q: pipeline %d of a canary: it asks one thing at a time; leave pipeline out", pool.Name, pool.Pipeline))
		}
	}
	if !loads {
		wrong = append(wrong, errors.New("pools: canaries alone load nothing; add a pool of kind commands"))
	}
	return errors.Join(wrong...)
}

package experiment

import (
	"context"
	"fmt"

	"schload/handoff"
	"schload/workload"
)

const (
	// preloadBatch is how many keys are written together.
	preloadBatch = 100
	// mostPreloaded bounds the keys that are written before a run; a larger
	// space begins empty, and its reads find nothing at first.
	mostPreloaded = 1_000_000
)

// preload gives every key that will be read a value, through the first arm:
// all arms then read what is there, and a read that finds nothing has lost
// something.
func (r *run) preload(ctx context.Context, client *handoff.Client) error {
	outcomes := make([]workload.Outcome, preloadBatch)
	for _, p := range r.Pools {
		if p.Keys.Space > mostPreloaded {
			continue
		}
		for ops := range p.Preload(preloadBatch) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			client.Do(ctx, ops, outcomes[:len(ops)])
			for i, o := range outcomes[:len(ops)] {
				if o.Class == workload.Redirect && !client.Cluster() {
					return fmt.Errorf("target: key %s lives on another node: the target is a cluster; load it with --cluster", ops[i].Key)
				}
				if o.Class != workload.OK {
					return fmt.Errorf("target: writing key %s before the load ended in %s: the target must accept writes", ops[i].Key, o.Class)
				}
			}
		}
	}
	return nil
}

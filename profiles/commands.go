package profiles

import (
	"errors"
	"fmt"
	"strings"

	"schload/handoff/stage"
	"schload/workload"
)

// checkCommands finds the commands that an arm does not know.
func (p Profile) checkCommands() error {
	var wrong []error
	for _, arm := range p.Arms {
		for _, pool := range p.Pools {
			mix, _ := workload.ParseMix(pool.Mix) // checkPools says what is wrong with it
			var unknown []string
			for _, command := range mix.Commands() {
				if !arm.Executes(command) {
					unknown = append(unknown, command)
				}
			}
			if len(unknown) > 0 {
				wrong = append(wrong, fmt.Errorf("arm %q, pool %q: bare connections know no lists, scripts and transactions, and so not %s; leave the arm or these commands out",
					arm.Name, pool.Name, strings.Join(unknown, ", ")))
			}
		}
	}
	return errors.Join(wrong...)
}

// mostStored bounds what the simulator's own store is filled with, in bytes: it
// lives in the memory of the program that measures.
const mostStored = 2 << 30

// checkMemory finds values too large for so many keys.
func (p Profile) checkMemory() error {
	if p.Stage != stage.NameSim || len(p.Shards) > 0 {
		return nil
	}
	var wrong []error
	for i, pool := range p.Pools {
		w, err := pool.workload(p.Seed + uint64(i))
		if err != nil || w.Validate() != nil {
			continue // checkPools says so
		}
		w = w.WithDefaults()
		if n := w.Stored(); n > mostStored {
			wrong = append(wrong, fmt.Errorf("pool %q: %d keys of each type with values of up to %d bytes are %.1f GiB, and the simulator keeps them in memory: want at most %d GiB; lower keys.space or values, or put Redis servers behind it (shards)",
				pool.Name, w.Keys.Space, w.Values.Max, float64(n)/(1<<30), mostStored>>30))
		}
	}
	return errors.Join(wrong...)
}

package compare

import (
	"cmp"

	"schload/internal/bundle"
	"schload/telemetry/record"
)

// Pool is what one worker pool of an arm went through. The arm's numbers are
// the sums over its pools, but for its outages: a pool that gets through ends
// the arm's.
type Pool struct {
	Name          string            `json:"name"`
	Kind          string            `json:"kind"`
	Operations    Operations        `json:"operations"`
	Errors        map[string]uint64 `json:"errors"`
	MissedReasons map[string]uint64 `json:"missed_reasons"`
	Phases        Phases            `json:"phases"`
	Outage        Outage            `json:"outage"`
	Events        []Event           `json:"events,omitempty"`
	Delivery      Delivery          `json:"delivery,omitzero"` // of kinds that deliver messages
}

// pools are those of an arm, in the run's order.
func pools(run bundle.Run, arm string, s *sums, t timeline, happened map[place][]Event) (list []Pool) {
	for _, p := range run.Pools {
		all := s.operationsOf(arm, p.Name, measured)
		of := place{arm: arm, pool: p.Name}
		if !several(run) {
			of.pool = "" // what is told of the arm holds for its only pool
		}
		outage, _ := t.outage(of)
		list = append(list, Pool{
			Name: p.Name, Kind: cmp.Or(p.Kind, "commands"),
			Operations: all.Operations, Errors: all.errors, MissedReasons: all.missed,
			Phases: Phases{
				Baseline:    phase(arm, p.Name, record.Baseline, s),
				Maintenance: phase(arm, p.Name, record.Maintenance, s),
				Recovery:    phase(arm, p.Name, record.Recovery, s),
			},
			Outage: outage, Events: happened[of], Delivery: s.delivery(arm, p),
		})
	}
	return list
}

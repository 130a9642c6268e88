package experiment

import (
	"testing"
	"testing/synctest"
	"time"

	"schload/internal/bundle"
)

// On an endpoint sixteen equal ranges of slots are told apart: when the endpoint
// is gone, all of them are: from the instant a worker is free to ask them until,
// at the latest, a little after the arm's end. The arm's pool is its only
// one, and what the upgrade cost is known, and how long until it was over.
func TestOutageEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind")
		b.config.Recovery = 10 * time.Second
		_, s := b.run(t.Context())
		on, off := arm2(t, s, "on"), arm2(t, s, "off")
		if off.Outage.Windows != 1 || len(off.SlotRanges) != 16 || len(off.Pools) != 1 || len(off.Events) != 1 || len(on.Events) != 1 {
			t.Fatalf("outage %+v of 16 ranges, one pool and one event: %d, %d, %d", off.Outage, len(off.SlotRanges), len(off.Pools), len(off.Events))
		}
		if off.Outage.LongestGap != off.Outage.Longest || off.Pools[0].Outage != off.Outage || off.Pools[0].Operations != off.Operations {
			t.Errorf("the longest gap %v is not the longest outage, or the pool %+v not the arm %+v", off.Outage.LongestGap, off.Pools[0].Outage, off.Outage)
		}
		for i, r := range off.SlotRanges {
			longer := (r.Outage.Longest - off.Outage.Longest).Duration()
			if r.From != i*1024 || r.Outage.Windows != 1 || longer < -2500*time.Millisecond || longer > time.Second {
				t.Errorf("slots %d-%d: %+v, want one outage like the arm's %+v", r.From, r.To, r.Outage, off.Outage)
			}
		}
		for i, r := range on.SlotRanges {
			if r.Outage.Windows != 0 {
				t.Errorf("range %d of on: %+v, want no outage", i, r.Outage)
			}
		}
		e := off.Events[0]
		if e.Due != off.Phases.Maintenance.Operations.Due+off.Phases.Recovery.Operations.Due || e.Availability >= 0.999 || e.ErrorBudgetSpent <= 1 {
			t.Errorf("event of off: %+v", e)
		}
		if e.Recover == nil || *e.Recover < bundle.Seconds(15*time.Second) {
			t.Errorf("off recovered after %v, want some time after the move", e.Recover)
		}
		if e := on.Events[0]; e.Availability != 1 || e.Recover == nil {
			t.Errorf("event of on: %+v, want all in time", e)
		}
	})
}

// On a cluster the ranges are those of the primaries as the load began.
func TestSlotsOfPrimaries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newUpgradeBench(t, "oss-slot-remove-add")
		b.config.Recovery = 2 * time.Minute // the library forgets a node a minute after it left
		_, s := b.run(t.Context())
		ranges := s.Arms[0].SlotRanges
		if len(ranges) == 0 || len(ranges) == 16 || ranges[0].From != 0 || ranges[len(ranges)-1].To != 16383 {
			t.Errorf("ranges %+v, want those of the primaries", ranges)
		}
	})
}

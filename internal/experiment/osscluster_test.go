package experiment

import (
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/upgrade"
	"schload/internal/compare"
)

// Whatever happens to the slots of a cluster, every operation is accounted for
// and none fails, in the first round as in the second, which begins where the
// first did. Clients that opted in are told on every connection they use and
// read the slot map; the others are redirected first.
func TestOSSCluster(t *testing.T) {
	played := 0
	for _, name := range upgrade.Names() {
		u, err := upgrade.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if u.Database != upgrade.OSSCluster {
			continue
		}
		played++
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newUpgradeBench(t, name)
				b.config.Rounds = 2
				if testing.Short() {
					b.config.Rounds = 1
				}
				// The library forgets a node a minute after it left. Before that its
				// dead connections are still in a pool, and on a network in memory
				// nothing but an operation can find them out.
				b.config.Recovery = 2 * time.Minute
				result, s := b.run(t.Context())
				if len(result.Invalid) > 0 {
					t.Errorf("invalid: %q", result.Invalid)
				}
				on, off := arm2(t, s, "on"), arm2(t, s, "off")
				for _, a := range []compare.Arm{on, off} {
					if o := a.Operations; o.Due == 0 || o.Due != o.OK || a.Outage.Windows != 0 || a.Handoffs.Started != 0 || a.SlotMapReads == 0 {
						t.Error(append([]any{a.Name, "want no failure, no outage, no handoff, and the slot map read:", a.SlotMapReads}, describe(a)...)...)
					}
				}
				if on.Notices["SMIGRATING"] == 0 || on.Notices["SMIGRATED"] == 0 || on.SCH.Effective != "on" {
					t.Error(append([]any{"on: want both notices"}, describe(on)...)...)
				}
				if len(off.Notices) != 0 || off.Redirects.Moved == 0 {
					t.Error(append([]any{"off: want no notice, and redirects:", off.Redirects}, describe(off)...)...)
				}
			})
		})
	}
	if played == 0 {
		t.Error("the catalog has no upgrade for a database with the OSS Cluster API")
	}
}

package experiment

import (
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/sim"
	"schload/internal/compare"
	"schload/workload"
)

// found sums up what the ledgers of all arms found, by the name of what
// explains it in the simulator's account.
func found(s compare.Summary) map[string]uint64 {
	sum := map[string]uint64{}
	for _, a := range s.Arms {
		i := a.Integrity
		sum["wrong"] += i.WrongReplies
		sum["stale"] += i.StaleReads
		sum["lost"] += i.LostAcknowledgedWrites
		sum["duplicate"] += i.DuplicateApplications
		sum["out of order"] += i.OutOfOrder
		sum["not linearizable"] += i.Linearizable.Violations
	}
	maps.DeleteFunc(sum, func(_ string, n uint64) bool { return n == 0 })
	return sum
}

// What is injected is found: as often as it was done, as what it is, and
// nothing else.
func TestInjectedFaultsAreFound(t *testing.T) {
	for _, test := range []struct {
		fault sim.Fault
		mix   string
		want  string
	}{
		{sim.WrongReply, "GET=0.8,SET=0.2", "wrong"},
		{sim.WrongReply, "HGET=1,HSET=1", "wrong"},
		{sim.StaleRead, "GET=0.8,SET=0.2", "stale"},
		{sim.StaleRead, "GET=3,SET=2,DEL=1,EXISTS=1,EXPIRE=1", "stale"},
		{sim.StaleRead, "HGET=1,HSET=1", "stale"},
		{sim.LostWrite, "GET=0.8,SET=0.2", "lost"},
		{sim.LostWrite, "GET=3,SET=2,DEL=1,EXISTS=1,EXPIRE=1", "lost"},
		{sim.LostWrite, "INCR", "lost"},
		{sim.LostWrite, "LPUSH=1,RPOP=1", "lost"},
		{sim.Duplicate, "INCR", "duplicate"},
		{sim.Duplicate, "LPUSH=1,RPOP=1,GET=1", "duplicate"},
		{sim.HiddenDuplicate, "INCR", "duplicate"},
		{sim.HiddenDuplicate, "LPUSH=2,RPOP=1", "duplicate"},
		{sim.OutOfOrder, "GET=0.8,SET=0.2", "out of order"},
		{sim.OutOfOrder, "HGET=2,HSET=1,EXISTS=1", "out of order"},
	} {
		t.Run(test.fault.String()+" "+test.mix, func(t *testing.T) {
			for seed := range uint64(5) {
				synctest.Test(t, func(t *testing.T) {
					want := map[string]uint64{test.want: 7 + 4*seed}
					s := injectedRun(t, test.mix, seed, sim.Injection{Fault: test.fault, Count: int(7 + 4*seed), From: 1500 * time.Millisecond, Every: 100 * time.Millisecond})
					if s.Injected[test.fault.String()] != int(want[test.want]) {
						t.Errorf("seed %d: injected %v, want %v", seed, s.Injected, want)
					}
					if got := found(s); !maps.Equal(got, want) {
						t.Errorf("seed %d: found %v, want %v", seed, got, want)
					}
				})
			}
		})
	}
}

// injectedRun makes a quiet run whose ledger gets everything.
func injectedRun(t *testing.T, mix string, seed uint64, injections ...sim.Injection) compare.Summary {
	t.Helper()
	b := newBench(t, "failover").audit(mix)
	b.config.Seed, b.config.Pools[0].Seed = seed, seed
	b.config.Pools[0].Schedule.Rate = workload.Constant(1000)
	b.config.Pools[0].Keys.Space = 500
	b.config.Pools[0].Pipeline = 1 + int(seed%2)*3
	for i := range injections {
		injections[i].Key, injections[i].Not = "ledger:", ":shared:"
	}
	if err := b.sim.Inject(injections...); err != nil {
		t.Fatal(err)
	}
	result, s := b.run(t.Context())
	if len(result.Invalid) > 0 {
		t.Errorf("invalid: %q", result.Invalid)
	}
	if testing.Verbose() {
		for _, m := range evidence(t, result.Dir) {
			fmt.Println(m.At, m.Name, m.Arm, m.Detail)
		}
		for _, i := range b.sim.Injected().Done {
			fmt.Println(i.At, i.Fault, i.Command, i.Key, i.Detail)
		}
	}
	return s
}

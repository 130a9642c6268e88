package experiment

import (
	"maps"
	"regexp"
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
		{sim.LostWrite, "SADD=3,ZADD=1", "lost"},
		{sim.Duplicate, "SADD=3,ZADD=1", "duplicate"},
		{sim.HiddenDuplicate, "ZADD", "duplicate"},
		{sim.OutOfOrder, "GET=0.8,SET=0.2", "out of order"},
		{sim.OutOfOrder, "HGET=2,HSET=1,EXISTS=1", "out of order"},
	} {
		t.Run(test.fault.String()+" "+test.mix, func(t *testing.T) {
			t.Parallel()
			for seed := range few(5) {
				synctest.Test(t, func(t *testing.T) {
					want := map[string]uint64{test.want: 5 + 3*seed}
					s := injectedRun(t, test.mix, seed, sim.Injection{Fault: test.fault, Count: int(5 + 3*seed), From: time.Second, Every: 50 * time.Millisecond})
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

// explained is the detail of a violation's mark: command, key, what was expected,
// what was found, and the time since the last notice.
var explained = regexp.MustCompile(`^[A-Z]+ schload:ledger:\S+: expected .*(token \d+|\d|nothing|value).*, found (token \d+|\d+|nothing|a value|that it was there)( \(\d+ times\))?; (no notice so far|\S+ after the last notice, \w+)$`)

// Nothing was injected, nothing is found: whatever the commands, and in every
// round.
func TestNothingInjectedNothingFound(t *testing.T) {
	for seed := range few(3) {
		synctest.Test(t, func(t *testing.T) {
			s := injectedRun(t, "GET=3,SET=2,DEL=1,EXISTS=1,EXPIRE=1,INCR=1,HSET=1,HGET=1,LPUSH=2,RPOP=1,SADD=2,ZADD=1", seed)
			if got := found(s); len(got) > 0 || s.Injections != nil || s.Injected != nil {
				t.Errorf("found %v, injected %v", got, s.Injected)
			}
		})
	}
}

// Faults of all kinds at once are told from each other.
func TestInjectedTogether(t *testing.T) {
	for seed := range few(5) {
		synctest.Test(t, func(t *testing.T) {
			var all []sim.Injection
			for _, f := range []sim.Fault{sim.WrongReply, sim.StaleRead, sim.LostWrite, sim.Duplicate, sim.HiddenDuplicate, sim.OutOfOrder} {
				all = append(all, sim.Injection{Fault: f, Count: 4, From: time.Second, Every: 100 * time.Millisecond})
			}
			want := map[string]uint64{"wrong": 4, "stale": 4, "lost": 4, "duplicate": 8, "out of order": 4}
			s := injectedRun(t, "GET=4,SET=2,DEL=1,EXISTS=1,INCR=2,HSET=1,HGET=2,LPUSH=2,RPOP=1,SADD=2,ZADD=1", seed, all...)
			if got := found(s); !maps.Equal(got, want) {
				t.Errorf("seed %d: found %v, want %v, injected %v", seed, got, want, s.Injected)
			}
		})
	}
}

// injectedRun makes a quiet run whose ledger gets everything.
func injectedRun(t *testing.T, mix string, seed uint64, injections ...sim.Injection) compare.Summary {
	t.Helper()
	b := newBench(t, "failover").audit(mix)
	b.config.Seed, b.config.Pools[0].Seed = seed, seed
	b.config.Pools[0].Schedule.Rate = workload.Constant(250)
	b.config.Pools[0].Keys.Space = 64
	b.config.Pools[0].Pipeline = 1 + int(seed%2)*3
	if len(injections) > 1 { // each kind needs its occasions
		b.config.Recovery = 20 * time.Second
	}
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
	for _, m := range evidence(t, result.Dir) {
		if m.Arm == "" || m.Conn == 0 || m.Node == "" || m.Round != 1 || !explained.MatchString(m.Detail) {
			t.Errorf("evidence %+v", m)
		}
	}
	return s
}

// What a round left open is decided before the next one begins, and what was
// violated stands in the round in which it was found.
func TestEachRoundIsResolved(t *testing.T) {
	for _, mix := range []string{"GET=1,SET=1,DEL=1", "INCR=1,LPUSH=1,SADD=1,ZADD=1,HSET=1,HGET=1"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, "failover").audit(mix).use("off-noretry+read_timeout=1s", "off+read_timeout=1s")
			b.config.Rounds, b.config.Pools[0].Keys.Space = 3, 256
			b.config.Pools[0].Schedule.Rate = workload.Constant(200)
			silence := sim.Injection{Fault: sim.Outage, Count: 3, From: 2 * time.Second, Every: 12 * time.Second, Lasts: 4 * time.Second} // longer than clients wait
			if err := b.sim.Inject(silence); err != nil {
				t.Fatal(err)
			}
			result, s := b.run(t.Context())
			if len(result.Invalid) > 0 {
				t.Errorf("invalid: %q", result.Invalid)
			}
			for _, a := range s.Arms {
				if a.Integrity.Violated() {
					t.Errorf("arm %s: %+v", a.Name, a.Integrity)
				}
				var sum compare.Indeterminate
				for i, r := range a.Integrity.Rounds {
					if r.Round != i+1 || r.IndeterminateWrites.Applied == 0 {
						t.Errorf("arm %s: %+v, want writes in each of 3 rounds of which nobody saw that they were applied", a.Name, a.Integrity.Rounds)
					}
					sum.Applied += r.IndeterminateWrites.Applied
					sum.NotApplied += r.IndeterminateWrites.NotApplied
					sum.Unknown += r.IndeterminateWrites.Unknown
				}
				if len(a.Integrity.Rounds) != 3 || sum != a.Integrity.IndeterminateWrites {
					t.Errorf("%s: arm %s: rounds %+v, in all %+v %v", mix, a.Name, a.Integrity.Rounds, a.Integrity.IndeterminateWrites, a.Errors)
				}
			}
		})
	}
}

// A loss that only the reading back shows is one of the round that it follows.
func TestViolationsHaveTheirRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "failover").audit("HSET=1,HGET=2")
		b.config.Rounds, b.config.Pools[0].Keys.Space = 3, 64
		b.config.Pools[0].Schedule.Rate = workload.Constant(200)
		// Where only reading back tells whether a value was lost or a read stale: the
		// key is not written until then.
		lose := sim.Injection{Fault: sim.LostWrite, Commands: []string{"HSET"}, Count: 350, From: 2 * time.Second, Every: 100 * time.Millisecond, Key: "ledger:"}
		if err := b.sim.Inject(lose); err != nil {
			t.Fatal(err)
		}
		result, s := b.run(t.Context())
		perRound := map[int]uint64{}
		for _, m := range evidence(t, result.Dir) {
			perRound[m.Round]++
		}
		counted := map[int]uint64{}
		for _, a := range s.Arms {
			for _, r := range a.Integrity.Rounds {
				counted[r.Round] += r.LostAcknowledgedWrites
			}
		}
		if perRound[1] == 0 || perRound[2] == 0 || perRound[3] == 0 || !maps.Equal(perRound, counted) {
			t.Errorf("marks by round %v, counts %v", perRound, counted)
		}
		if got := found(s); len(got) != 1 || got["lost"] == 0 || got["lost"] > uint64(s.Injected["lost_write"]) {
			t.Errorf("found %v, injected %v", got, s.Injected)
		}
	})
}

// What is done to messages on their way to a subscriber is found by the account
// of deliveries, as often as it was done.
func TestInjectedMessagesAreFound(t *testing.T) {
	for seed := range few(5) {
		synctest.Test(t, func(t *testing.T) {
			pool := workload.Pool{Kind: workload.KindPubSub, Workers: 4, Receivers: 2, Seed: seed, Schedule: workload.Schedule{Rate: workload.Constant(100), Seed: seed}}
			b := newMessageBench(t, "failover", pool, "off")
			n := 3 + int(seed)
			for _, f := range []sim.Fault{sim.DroppedMessage, sim.DoubledMessage, sim.SwappedMessages} {
				if err := b.sim.Inject(sim.Injection{Fault: f, Count: n, From: 2 * time.Second, Every: 150 * time.Millisecond}); err != nil {
					t.Fatal(err)
				}
			}
			_, s := b.run(t.Context())
			d := news(t, s, "off")
			if d.Lost != uint64(n) || d.Duplicates != uint64(n) || d.OutOfOrder != uint64(n) || s.Injected["swapped_messages"] != n {
				t.Errorf("seed %d: %d lost, %d twice, %d out of order, want %d of each; injected %v", seed, d.Lost, d.Duplicates, d.OutOfOrder, n, s.Injected)
			}
		})
	}
}

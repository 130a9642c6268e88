package workload

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// expiring is a database of keys that expire, as well as it is told to.
type expiring struct {
	until map[string]time.Time // zero: never
	late  time.Duration        // keys stay so much longer than they may, shorter if below 0
	keep  bool                 // SETEX and GETEX set no expiry
	deaf  bool                 // PERSIST has no effect
	lose  bool                 // operations are done and the replies lost
}

func (e *expiring) Do(_ context.Context, ops []Operation, outcomes []Outcome) {
	for i := range ops {
		outcomes[i] = Outcome{Attempts: 1}
		value, absent := e.one(&ops[i])
		if e.lose && ops[i].Command == "SETEX" {
			outcomes[i] = Outcome{Class: ReadTimeout, Effect: Indeterminate, Attempts: 1}
			continue
		}
		ops[i].Reply.Set([]byte(value), absent)
	}
}

func (e *expiring) one(op *Operation) (value string, absent bool) {
	key, now := strings.Clone(op.Key), time.Now()
	until, there := e.until[key]
	if there && !until.IsZero() && !now.Before(until) {
		delete(e.until, key)
		there = false
	}
	renew := func() {
		e.until[key] = now.Add(LeaseSeconds*time.Second + e.late)
		if e.keep {
			e.until[key] = time.Time{}
		}
	}
	switch {
	case op.Command == "SETEX":
		renew()
		return "OK", false
	case op.Command == "PERSIST":
		if !there || until.IsZero() {
			return "0", false
		}
		if !e.deaf {
			e.until[key] = time.Time{}
		}
		return "1", false
	case op.Command == "GETEX" && !there:
		return "", true
	case op.Command == "GETEX":
		renew()
		return key + "|0.1|", false
	case !there:
		return "-2", false
	case until.IsZero():
		return "-1", false
	}
	return strconv.Itoa(int(until.Sub(now).Seconds())), false
}

// leaseRun loads a database with leases for a minute.
func leaseRun(t *testing.T, e *expiring, mix string) (tally Tally, found map[string]int) {
	t.Helper()
	found = map[string]int{}
	synctest.Test(t, func(t *testing.T) {
		e.until = map[string]time.Time{}
		p := Pool{Workers: 1, Keys: Keys{Space: 40}, Schedule: Schedule{Rate: Constant(20)}, Seed: 1}
		p.Mix, _ = ParseMix(mix)
		h := new(Horizon)
		h.End(time.Minute)
		base := time.Now()
		var err error
		tally, err = Run{Base: base, Pool: p, Target: e, Horizon: h, Pacer: func() (Pacer, error) { return NewTimerPacer(base), nil },
			Wrong: func(_ *Operation, why string) {
				for _, word := range []string{"is gone", "is there", "has an expiry", "does not expire, though"} {
					if strings.Contains(why, word) {
						found[word]++
					}
				}
			}}.Do(t.Context())
		if err != nil {
			t.Error(err)
		}
	})
	return tally, found
}

// A database that keeps leases is found to; so is one that is a second off, as
// the in-process store may be. One that does not is found out, by what it does.
func TestLeases(t *testing.T) {
	const all = "SETEX=3,GETEX=2,TTL=1,PTTL=1,PERSIST=1"
	for name, c := range map[string]struct {
		mix  string
		of   expiring
		want string
	}{
		"exact":                {all, expiring{}, ""},
		"a second late":        {all, expiring{late: time.Second}, ""},
		"a second early":       {all, expiring{late: -time.Second}, ""},
		"unseen ends":          {all, expiring{lose: true}, ""},
		"gone early":           {all, expiring{late: -2500 * time.Millisecond}, "is gone"},
		"there for long":       {"SETEX=1,GETEX=3", expiring{late: 20 * time.Second}, "is there"},
		"no expiry":            {"SETEX=1,TTL=3", expiring{keep: true}, "does not expire, though"},
		"PERSIST does nothing": {"SETEX=1,PERSIST=2,TTL=4", expiring{deaf: true}, "has an expiry"},
	} {
		t.Run(name, func(t *testing.T) {
			tally, found := leaseRun(t, &c.of, c.mix)
			switch {
			case c.want == "" && len(found) > 0:
				t.Errorf("found %v, want nothing", found)
			case c.want != "" && found[c.want] == 0:
				t.Errorf("found %v, want that it %s", found, c.want)
			}
			sum := 0
			for _, n := range found {
				sum += n
			}
			if tally.Due != 1200 || !c.of.lose && int(tally.Failed) != sum {
				t.Errorf("%+v, want each of %d findings to be a failure", tally, sum)
			}
		})
	}
}

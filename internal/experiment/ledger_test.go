package experiment

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/mark"
	"schload/workload"
)

// audit puts everything into the ledger.
func (b *bench) audit(mix string) *bench {
	b.t.Helper()
	m, err := workload.ParseMix(mix)
	if err != nil {
		b.t.Fatal(err)
	}
	b.config.Ledger, b.config.Pools[0].Mix, b.config.Pools[0].Keys.Space = 1, m, 1000
	b.config.Describe.Pools[0].Operations = m.Commands()
	return b
}

// evidence returns the marks of violations that a bundle holds.
func evidence(t *testing.T, dir string) (found []mark.Mark) {
	t.Helper()
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range b.Marks() {
		if err != nil {
			t.Fatal(err)
		}
		if m.Kind == mark.Integrity {
			found = append(found, m)
		}
	}
	return found
}

func lost(s compare.Summary) (n uint64) {
	for _, a := range s.Arms {
		n += a.Integrity.LostAcknowledgedWrites
	}
	return n
}

// A failover loses as many acknowledged writes as it was told to: they are all
// found, each with its key and token, and nothing else is.
func TestLostWritesAreFound(t *testing.T) {
	for seed, mix := range []string{"GET=0.8,SET=0.2", "SET", "GET=1,SET=1,INCR=1,EXISTS=1", "GET=0.5,SET=0.5"} {
		want := uint64(25 + 10*seed)
		t.Run(mix, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "failover", fmt.Sprintf("lost_writes=%d", want)).audit(mix)
				b.config.Seed, b.config.Pools[0].Seed = uint64(seed+1), uint64(seed+1)
				b.config.Pools[0].Pipeline = 1 + seed%2*3
				result, s := b.run(t.Context())
				if len(result.Invalid) > 0 || !s.Valid {
					t.Errorf("invalid: %q, %q", result.Invalid, s.InvalidReasons)
				}
				if got := lost(s); got != want {
					t.Errorf("%d acknowledged writes are lost, want %d", got, want)
				}
				for _, a := range s.Arms {
					i := a.Integrity
					if i.StaleReads+i.WrongReplies+i.DuplicateApplications+i.OutOfOrder != 0 || i.CheckedWrites == 0 || i.Linearizable.Keys == 0 {
						t.Errorf("arm %s: %+v", a.Name, i)
					}
				}
				listed := 0
				for _, m := range evidence(t, result.Dir) {
					if m.Name != "lost_acknowledged_write" {
						continue
					}
					listed++
					if m.Conn == 0 || m.Node == "" || !strings.Contains(m.Detail, ":ledger:"+m.Arm+":main:") || !strings.Contains(m.Detail, "expected ") || !strings.Contains(m.Detail, "found ") {
						t.Errorf("evidence %+v", m)
					}
				}
				if listed != int(want) {
					t.Errorf("%d losses are listed, want %d", listed, want)
				}
			})
		})
	}
}

// Where nothing is lost nothing is found, through disconnects, timeouts and
// retries: what the client did not see end is read back afterwards.
func TestNothingIsFoundWhereNothingIsWrong(t *testing.T) {
	for _, name := range []string{"failover", "endpoint-rebind", "in-place"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, name).audit("GET=4,SET=4,DEL=1,EXISTS=1,HSET=1,HGET=1").use("on", "off", "off-noretry")
				b.config.Pools[0].Schedule.Rate = workload.Constant(100)
				_, s := b.run(t.Context())
				for _, a := range s.Arms {
					if a.Integrity.Violated() || a.Integrity.CheckedReads == 0 {
						t.Errorf("arm %s: %+v", a.Name, a.Integrity)
					}
				}
			})
		})
	}
}

// A share of the operations costs little and still sees a loss.
func TestSample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "failover", "lost_writes=400")
		b.config.Pools[0].Schedule.Rate = workload.Constant(500) // to have 400 writes to lose
		b.config.Ledger = 1.0 / 16
		b.config.Recovery = 10 * time.Second
		_, s := b.run(t.Context())
		if n := lost(s); n == 0 || n > 60 {
			t.Errorf("%d of 400 lost writes are found, want about a sixteenth", n)
		}
		for _, a := range s.Arms {
			if checked := a.Integrity.Checked(); checked < a.Operations.Due/20 || checked > a.Operations.Due/8 {
				t.Errorf("arm %s: %d of %d operations are checked, want about a sixteenth", a.Name, checked, a.Operations.Due)
			}
		}
	})
}

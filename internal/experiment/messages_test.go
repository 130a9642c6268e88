package experiment

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/workload"
)

// messageBench is a bench with a pool of the kind beside the main one.
func messageBench(t *testing.T, kind workload.Kind, name string, arms ...string) *bench {
	b := newUpgradeBench(t, name)
	pool := workload.Pool{Name: "news", Kind: kind, Workers: 4, Seed: 2, Receivers: 2,
		Schedule: workload.Schedule{Rate: workload.Constant(100), Seed: 2}}
	b.config.Pools = append(b.config.Pools, pool.WithDefaults())
	if len(arms) > 0 {
		b.arms(arms...)
	}
	return b
}

// arms makes the bench one of the named arms.
func (b *bench) arms(names ...string) {
	b.config.Arms = arms(b.t, names...)
	b.config.Describe.Arms = nil
	for _, a := range b.config.Arms {
		b.config.Describe.Arms = append(b.config.Describe.Arms, bundle.Arm{Name: a.Name, Requested: a.Mode})
	}
}

// describePools writes the pools down as run.json has them.
func (b *bench) describePools() {
	b.config.Describe.Pools = nil
	for _, p := range b.config.Pools {
		d := bundle.Pool{Name: p.Name, Kind: p.Kind.String(), Receivers: p.Receivers}
		for _, w := range p.Mix {
			d.Operations = append(d.Operations, w.Command)
		}
		b.config.Describe.Pools = append(b.config.Describe.Pools, d)
	}
}

func news(t *testing.T, a compare.Arm) compare.Delivery {
	t.Helper()
	for _, p := range a.Pools {
		if p.Name == "news" {
			return p.Delivery
		}
	}
	t.Fatalf("arm %s has no pool news: %+v", a.Name, a.Pools)
	return compare.Delivery{}
}

func TestExplore(t *testing.T) {
	for _, kind := range []workload.Kind{workload.KindPubSub, workload.KindQueue, workload.KindStream, workload.KindConsumerGroup} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := messageBench(t, kind, "endpoint-rebind", "on", "off", "on-none")
				b.describePools()
				began := time.Now()
				result, s := b.run(t.Context())
				t.Log(time.Since(began), result.Invalid, s.InvalidReasons, s.Warnings)
				for _, a := range s.Arms {
					text, _ := json.Marshal(news(t, a))
					t.Logf("%s: %s\n ops %+v errors %v conns %+v handoffs %+v sch %+v", a.Name, text, a.Operations, a.Errors, a.Connections, a.Handoffs, a.SCH)
				}
			})
		})
	}
}

func TestExploreBlock(t *testing.T) {
	for _, kind := range []workload.Kind{workload.KindPubSub, workload.KindQueue} {
		t.Run(kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := messageBench(t, kind, "endpoint-rebind", "on", "on-noretry", "off", "off-noretry", "on-none")
				p := &b.config.Pools[1]
				p.Schedule.Rate, p.Backlog = workload.Constant(0.05), 0
				if kind == workload.KindPubSub {
					p.Schedule.Rate = workload.Constant(50)
				} else {
					p.Block = 30 * time.Second
				}
				b.config.Recovery = time.Minute
				b.describePools()
				result, s := b.run(t.Context())
				t.Log(result.Invalid, s.InvalidReasons, s.Warnings)
				for _, a := range s.Arms {
					text, _ := json.Marshal(news(t, a))
					t.Logf("%s: %s\n ops %+v errors %v conns %+v handoffs %+v sch %+v", a.Name, text, a.Operations, a.Errors, a.Connections, a.Handoffs, a.SCH)
				}
			})
		})
	}
}

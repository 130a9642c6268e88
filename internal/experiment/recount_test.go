package experiment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/recount"
	"schload/telemetry/mark"
	"schload/workload"
)

// Law: every key of summary.json follows from the other three files by the
// rules that are written down. What counts a second time shares no code with
// what counted first; a key that it does not know is an error with its name.
func TestSummaryIsRecounted(t *testing.T) {
	for _, kind := range recounted {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := kind.make(t)
				s, err := compare.Save(dir)
				if err != nil {
					t.Fatal(err)
				}
				if kind.is != nil && !kind.is(s) {
					t.Errorf("the run is not what it is to be: %+v", s)
				}
				differences, err := recount.Differences(dir)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range differences {
					t.Error(d)
				}
			})
		})
	}
}

// recounted are runs of many kinds.
var recounted = []struct {
	name string
	make func(*testing.T) string // returns the bundle's directory
	is   func(compare.Summary) bool
}{
	{"on and off", func(t *testing.T) string {
		return newBench(t, "endpoint-rebind").leave()
	}, func(s compare.Summary) bool { return s.Valid && s.Arms[1].Outage.Windows > 0 }},
	{"objectives", func(t *testing.T) string {
		b := newBench(t, "maintenance-mode").audit("GET=0.5,SET=0.5")
		b.config.Rounds = 2
		b.config.Describe.SLO = []string{"off.outage.windows >= 1", "brown_outs.longest < 1s", "integrity.lost_acknowledged_writes <= 0", "messages.lost < 1",
			"off.error_budget_spent > 2", "off.recover < 3s", "off.availability < 99%", "timeouts < 5", "connections.dials > 2"}
		for _, name := range compare.SLOMetrics() {
			limit := " < 3"
			if compare.IsDuration(name) {
				limit = " > 2ms"
			}
			b.config.Describe.SLO = append(b.config.Describe.SLO, name+limit, "off."+name+limit)
		}
		return b.leave()
	}, func(s compare.Summary) bool { return len(s.SLO) > 2*len(compare.SLOMetrics()) }},
	{"canary", func(t *testing.T) string {
		b := newBench(t, "endpoint-rebind")
		b.pool("canary", func(p *workload.Pool) {
			p.Kind, p.Workers, p.Mix, p.Schedule.Rate = workload.KindCanary, 1, workload.Mix{{Command: "PING", Weight: 1}}, workload.Constant(10)
		})
		return b.leave()
	}, func(s compare.Summary) bool { return s.Valid && len(s.Arms[0].Pools) == 2 }},
	{"rounds, pools and arrivals", func(t *testing.T) string {
		b := newBench(t, "maintenance-mode").use("on", "off-noretry", "raw")
		b.config.Rounds, b.config.Speed = 2, 3
		b.pool("pipelines", func(p *workload.Pool) { p.Pipeline, p.Workers = 5, 2 })
		b.config.Pools[0].Schedule.Rate = workload.Constant(100)
		return b.leave()
	}, nil},
	{"cluster", func(t *testing.T) string {
		b := newUpgradeBench(t, "oss-slot-shuffle")
		b.config.Rounds, b.config.Recovery = 2, 90*time.Second
		return b.leave()
	}, func(s compare.Summary) bool { return s.Arms[1].Redirects.Moved > 0 }},
	{"losses", func(t *testing.T) string {
		b := newBench(t, "failover", "lost_writes=40").audit("GET=0.5,SET=0.5")
		b.config.Pools[0].Pipeline = 4
		return b.leave()
	}, func(s compare.Summary) bool { return lost(s) == 40 }},
	{"timeouts", func(t *testing.T) string {
		b := newUpgradeBench(t, "node-failure").audit("GET=2,SET=2,INCR=1,LPUSH=1,DEL=1").use("off", "off-noretry")
		b.config.Pools[0].Overload, b.config.Pools[0].Workers = workload.Drop, 2
		return b.leave()
	}, func(s compare.Summary) bool {
		return s.Arms[0].Operations.Missed > 0 && s.Arms[1].Operations.Failed > 0
	}},
	{"notices", func(t *testing.T) string {
		newBench(t, "endpoint-rebind").sim.Close() // skips where it must
		b := newBench(t, "none")
		b.config.Baseline = time.Minute
		b.others("endpoint-rebind", 20*time.Second)
		return b.leave()
	}, func(s compare.Summary) bool { return s.PhaseSource == "notices" }},
	{"data", func(t *testing.T) string {
		b := newBench(t, "none").use("off")
		b.config.Baseline = 90 * time.Second
		b.others("proxy-restart", 20*time.Second)
		return b.leave()
	}, func(s compare.Summary) bool { return s.PhaseSource == "data" }},
	{"closed loop", func(t *testing.T) string {
		b := newBench(t, "none").use("off")
		b.config.Pools[0].Schedule = workload.Schedule{Arrival: workload.ClosedLoop, Think: 20 * time.Millisecond, Seed: 1}
		b.config.Describe.Pools[0].Arrival = "closed"
		b.config.Baseline = 40 * time.Second
		b.others("node-failure", 15*time.Second)
		return b.leave()
	}, func(s compare.Summary) bool { return s.ClosedLoop }},
	{"saturation", func(t *testing.T) string {
		return newCeilingBench(t, "pipelines", 16).leave()
	}, func(s compare.Summary) bool { return s.Saturation.Depth == 16 && s.Saturation.Ceiling.Seconds > 5 }},
	{"saturation, pipelines of the client's", func(t *testing.T) string {
		b := newCeilingBench(t, "autopipeline", 0)
		b.config.Open = b.openGathering
		// The client sends one pipeline at a time: while it travels, the others' commands gather.
		b.wrap = func(conn net.Conn) net.Conn { return distant{conn, 40 * time.Millisecond} }
		b.config.Pools[0].Schedule.Think = 0
		b.config.Describe.SLO = []string{"baseline.p99 < 1s"}
		return b.leave()
	}, func(s compare.Summary) bool {
		return s.Saturating() && s.Saturation.Depth > 4 && s.Saturation.Ceiling.Median > 0 && s.SLO == nil
	}},
	{"injected", func(t *testing.T) string {
		b := newBench(t, "failover").audit("GET=0.8,SET=0.2")
		b.config.Recovery = 20 * time.Second
		b.config.Describe.Injections = []string{"stale_read=3", "lost_write=4"}
		for fault, n := range map[sim.Fault]int{sim.StaleRead: 3, sim.LostWrite: 4} {
			x := sim.Injection{Fault: fault, Count: n, From: time.Second, Every: 100 * time.Millisecond, Key: "ledger:", Not: ":shared:"}
			if err := b.sim.Inject(x); err != nil {
				t.Fatal(err)
			}
		}
		return b.leave()
	}, func(s compare.Summary) bool {
		return len(s.Injections) == 2 && s.Injected["stale_read"] == 3 && s.Injected["lost_write"] == 4 && lost(s) == 4 && s.Expectations == nil
	}},
	{"messages", func(t *testing.T) string {
		b := newMessageBench(t, "endpoint-rebind", workload.Pool{Kind: workload.KindPubSub}, "on-none", "off")
		b.config.Describe.Objective = 0.99
		return b.leave()
	}, func(s compare.Summary) bool { return s.Arms[0].Pools[1].Delivery.Lost > 0 }},
	{"messages that wait", func(t *testing.T) string {
		b := newMessageBench(t, "maintenance-mode", workload.Pool{Kind: workload.KindConsumerGroup}, "on", "off")
		b.config.Rounds = 2
		return b.leave()
	}, func(s compare.Summary) bool { return s.Arms[1].Pools[1].Delivery.Delivered > 0 }},
	{"turns", func(t *testing.T) string {
		b := newBench(t, "endpoint-rebind").audit("GET=0.5,SET=0.5").sequential(2)
		b.pool("canary", func(p *workload.Pool) {
			p.Kind, p.Workers, p.Mix, p.Schedule.Rate = workload.KindCanary, 1, workload.Mix{{Command: "PING", Weight: 1}}, workload.Constant(10)
		})
		return b.leave()
	}, func(s compare.Summary) bool { return s.Valid && s.Order == "sequential" && len(s.Maintenance) == 4 }},
	{"turns, interrupted", func(t *testing.T) string {
		b := newBench(t, "endpoint-rebind").sequential(3)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(75*time.Second, func() { cancel(errors.New("interrupted")) })
		result, _ := b.run(ctx)
		return result.Dir
	}, func(s compare.Summary) bool {
		return !s.Complete && s.Valid && len(s.Arms[0].Rounds) != len(s.Arms[1].Rounds)
	}},
	{"turns of messages", func(t *testing.T) string {
		b := newMessageBench(t, "endpoint-rebind", workload.Pool{Kind: workload.KindPubSub}, "on-none", "off").sequential(2)
		return b.leave()
	}, func(s compare.Summary) bool { return s.Arms[0].Pools[1].Delivery.Lost > 0 }},
	{"turns, killed", func(t *testing.T) string {
		return newBench(t, "endpoint-rebind").sequential(2).kill(100 * time.Second)
	}, func(s compare.Summary) bool { return !s.Complete }},
	{"exports that are lost", func(t *testing.T) string {
		b := newBench(t, "endpoint-rebind")
		b.exportsTo(full{})
		dir := b.leave()
		loses(t, dir)
		return dir
	}, func(s compare.Summary) bool {
		e := s.Harness.Exports
		return e.Sent == 0 && e.Failed > 0 && e.Held > 0 && e.Overflowed > 0
	}},
	{"killed", func(t *testing.T) string {
		return newBench(t, "endpoint-rebind").kill(26 * time.Second)
	}, func(s compare.Summary) bool { return !s.Complete && len(s.Warnings) > 2 }},
	{"interrupted", func(t *testing.T) string {
		b := newBench(t, "in-place")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(12*time.Second, func() { cancel(errors.New("interrupted")) })
		result, _ := b.run(ctx)
		return result.Dir
	}, func(s compare.Summary) bool { return !s.Complete && s.Valid }},
	{"invalid, and stalls", func(t *testing.T) string {
		b := newBench(t, "none")
		for at, m := range map[time.Duration]mark.Mark{
			2 * time.Second: {Kind: mark.Invalid, Arm: "on", Detail: "for the sake of it"},
			4 * time.Second: {Kind: mark.Harness, Name: "stall", At: 4 * time.Second, Duration: 900 * time.Millisecond},
			5 * time.Second: {Kind: mark.Outage, Arm: "off", At: 4 * time.Second, Duration: time.Second},
			6 * time.Second: {Kind: mark.Outage, Arm: "on", At: 500 * time.Millisecond, Duration: 6 * time.Second},
		} {
			time.AfterFunc(at, func() { b.config.Timeline.Mark(m) })
		}
		return b.leave()
	}, func(s compare.Summary) bool {
		return !s.Valid && s.Arms[0].Outage.Windows == 1 && s.Arms[1].Outage.Windows == 0
	}},
}

// newCeilingBench returns a bench whose only arm keeps the simulator busy; in
// virtual time, in which replies take none, it has to think in between.
func newCeilingBench(t *testing.T, pipelining string, depth int) *bench {
	t.Helper()
	b := newBench(t, "none").use("off")
	p := &b.config.Pools[0]
	p.Pipeline, p.Schedule = depth, workload.Schedule{Arrival: workload.ClosedLoop, Think: 40 * time.Millisecond, Seed: 1}
	b.config.Describe.Pools[0].Arrival = "closed"
	b.config.Describe.Saturation = &bundle.Saturation{Pipelining: pipelining, Workers: p.Workers, Depth: depth}
	b.config.Baseline = 10500 * time.Millisecond
	return b
}

// openGathering is open with a client that makes pipelines of what its workers send.
func (b *bench) openGathering(ctx context.Context, a handoff.Arm, marks mark.Sink) (*handoff.Client, error) {
	target, err := handoff.ParseTarget("redis://" + b.sim.Seed())
	if err != nil {
		return nil, err
	}
	return handoff.Open(ctx, handoff.Config{Arm: a, Target: target, AutoPipeline: true, Workers: b.connections(), Base: b.config.Base, Marks: marks, Dial: b.dial})
}

// leave runs and returns the bundle's directory.
func (b *bench) leave() string {
	b.t.Helper()
	result, _ := b.run(b.t.Context())
	return result.Dir
}

// pool adds a pool that differs from the first.
func (b *bench) pool(name string, differ func(*workload.Pool)) {
	p := b.config.Pools[0]
	p.Name = name
	differ(&p)
	b.config.Pools = append(b.config.Pools, p)
	d := b.config.Describe.Pools[0]
	d.Name = name
	b.config.Describe.Pools = append(b.config.Describe.Pools, d)
}

// kill leaves what a run killed at an instant leaves: files that end in the
// middle of a line, and no end in run.json.
func (b *bench) kill(at time.Duration) string {
	b.t.Helper()
	dir := b.t.TempDir()
	time.AfterFunc(at, func() {
		for _, name := range []string{"run.json", "metrics.otlp.jsonl", "marks.jsonl"} {
			data, err := os.ReadFile(filepath.Join(b.config.Dir, name))
			if strings.HasSuffix(name, "l") && len(data) > 0 {
				data = data[:len(data)-20]
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), data, 0o644)
			}
			if err != nil {
				b.t.Error(err)
			}
		}
	})
	b.leave()
	return dir
}

// A recount that would let anything pass would prove nothing: whatever is
// changed in a summary is told, and so is what is added to it.
func TestRecountTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recountTells(t, newBench(t, "failover", "lost_writes=5").audit("GET,SET").leave())
	})
	for _, kind := range recounted {
		if kind.name == "saturation" || kind.name == "injected" {
			t.Run(kind.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { recountTells(t, kind.make(t)) })
			})
		}
	}
}

func recountTells(t *testing.T, dir string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	derived, err := recount.Summary(dir)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var summary any
	if err := decoder.Decode(&summary); err != nil {
		t.Fatal(err)
	}
	leaves := 0
	change(summary, func(key string) {
		if leaves++; testing.Short() && leaves%8 != 0 {
			return
		}
		text, err := json.Marshal(summary)
		if err != nil {
			t.Fatal(err)
		}
		differences, err := recount.Compare(derived, text)
		if err != nil || len(differences) == 0 || !strings.Contains(strings.Join(differences, "\n"), key) {
			t.Errorf("a changed %s: %q, %v", key, differences, err)
		}
	})
	if leaves < 100 {
		t.Errorf("%d leaves of the summary were changed", leaves)
	}
}

// change changes each leaf of a JSON value in turn, adds a key to each object,
// calls told with what was changed, and takes the change back.
func change(value any, told func(key string)) {
	switch v := value.(type) {
	case map[string]any:
		v["a_new_number"] = json.Number("0")
		told("a_new_number")
		delete(v, "a_new_number")
		for k, old := range v {
			switch old := old.(type) {
			case json.Number:
				v[k] = json.Number(strings.TrimPrefix("1"+old.String(), "1-"))
			case bool:
				v[k] = !old
			case string:
				v[k] = old + "?"
			default:
				change(old, told)
				continue
			}
			told(k)
			v[k] = old
		}
	case []any:
		for i := range v {
			change(v[i], told)
		}
	}
}

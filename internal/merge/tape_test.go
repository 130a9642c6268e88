package merge

import (
	"cmp"
	"context"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/recount"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

const (
	limit  = 500 * time.Millisecond
	length = 12 * time.Second
)

var base = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

// tape is a worker that records a made-up stream.
type tape struct {
	recorder *record.Recorder
	writer   *bundle.Writer
	sinks    map[string]workload.Sink
	run      bundle.Run
	last     record.Interval
	final    func(*bundle.Final) // changes it; nil: nothing
}

func describe(id string, started time.Time) bundle.Run {
	return bundle.Run{
		ID: id, Started: started, Stage: "manual", Rounds: 1, Seed: 7, Upgrade: bundle.Upgrade{Name: "real"}, Speed: 1,
		Arms:      []bundle.Arm{{Name: "off", Requested: "off"}, {Name: "on", Requested: "on"}},
		Pools:     []bundle.Pool{{Name: "main", Operations: []string{"GET", "SET"}}, {Name: "side", Operations: []string{"INCR"}}},
		LateAfter: bundle.Seconds(100 * time.Millisecond), OutageAfter: bundle.Seconds(limit),
	}
}

func newTape(t *testing.T, run bundle.Run) *tape {
	t.Helper()
	w, err := bundle.Create(filepath.Join(t.TempDir(), run.ID), run)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	config := record.Config{LateAfter: 100 * time.Millisecond, OutageAfter: limit, Marks: w.Mark}
	for _, a := range run.Arms {
		arm := record.Arm{Name: a.Name}
		for _, p := range run.Pools {
			arm.Pools = append(arm.Pools, record.Pool{Name: p.Name, Operations: p.Operations})
		}
		config.Arms = append(config.Arms, arm)
	}
	x := &tape{recorder: record.New(config), writer: w, sinks: map[string]workload.Sink{}, run: run}
	for _, a := range run.Arms {
		for _, p := range run.Pools {
			x.sinks[a.Name+p.Name] = x.recorder.Sink(a.Name, p.Name)
		}
	}
	x.begin(0, record.Warmup, 0)
	x.begin(1, record.Baseline, 2*time.Second)
	x.begin(1, record.Maintenance, 5*time.Second)
	x.begin(1, record.Recovery, 9*time.Second)
	return x
}

func (x *tape) begin(round int, p record.Phase, at time.Duration) {
	x.recorder.Begin(round, p, at)
	x.writer.Mark(mark.Mark{At: at, Kind: mark.Phase, Name: p.String(), Round: round, Source: "harness"})
}

// read writes an interval with gauges and counters beside the recorder's.
func (x *tape) read(t *testing.T, iv record.Interval, worker int) {
	t.Helper()
	iv.Counts = append(iv.Counts,
		record.Count{Name: record.ConnectionDials, Arm: "on", Attrs: []record.Attr{{Key: record.AttrResult, Value: "ok"}}, Value: uint64(worker + 1)},
		record.Count{Name: record.ConnectionsProved, Arm: "on", Attrs: []record.Attr{{Key: "opted_in", Value: "true"}, {Key: "protocol", Value: "3"}}, Value: 2})
	iv.Levels = append(iv.Levels,
		record.Level{Name: record.HarnessInFlight, Arm: "on", Attrs: []record.Attr{{Key: record.AttrPool, Value: "main"}}, Value: 100 * float64(worker+1)},
		record.Level{Name: record.HarnessInFlight, Arm: "off", Attrs: []record.Attr{{Key: record.AttrPool, Value: "main"}}, Value: 100},
		record.Level{Name: record.HarnessCPU, Value: float64(worker + 1)},
		record.Level{Name: record.OutageActive, Arm: "on", Value: float64(worker)})
	iv.Counts = slices.DeleteFunc(iv.Counts, func(c record.Count) bool { return !x.has(c.Arm) })
	iv.Levels = slices.DeleteFunc(iv.Levels, func(l record.Level) bool { return !x.has(l.Arm) })
	if err := x.writer.Interval(iv); err != nil {
		t.Fatal(err)
	}
	x.last = iv
}

// has says whether the run has that arm; "" is the run itself.
func (x *tape) has(arm string) bool {
	return arm == "" || slices.ContainsFunc(x.run.Arms, func(a bundle.Arm) bool { return a.Name == arm })
}

func (x *tape) finish(t *testing.T) string {
	t.Helper()
	final := bundle.Final{Ended: x.run.Started.Add(length), Valid: true, Arms: []bundle.Proof{
		{Name: "off", Requested: "off", Effective: "off", Connections: 3},
		{Name: "on", Requested: "on", Effective: "on", Connections: 3, OptedIn: 3, Protocols: map[string]uint64{"3": 3}},
	}}
	final.Arms = slices.DeleteFunc(final.Arms, func(p bundle.Proof) bool { return !x.has(p.Name) })
	if x.final != nil {
		x.final(&final)
	}
	if err := x.writer.Finish(final); err != nil {
		t.Fatal(err)
	}
	return x.writer.Dir()
}

// operation is one of the made-up stream.
type operation struct {
	arm, pool string
	missed    bool
	sample    workload.Sample
}

// operations makes a stream of both arms, a pause without a success included.
func operations(seed uint64) (all []operation) {
	r := rand.New(rand.NewPCG(seed, 1))
	for at := time.Duration(0); at < length-time.Second; at += time.Duration(r.IntN(4_000_000)) {
		x := operation{arm: []string{"off", "on"}[r.IntN(2)], pool: []string{"main", "main", "side"}[r.IntN(3)], missed: r.IntN(50) == 0}
		x.sample = workload.Sample{Intended: at, Sent: at + time.Duration(r.ExpFloat64()*1e5)}
		if x.pool == "main" {
			x.sample.Operation = r.IntN(2)
		}
		x.sample.Done = x.sample.Sent + time.Duration(r.ExpFloat64()*5e5)
		if r.IntN(100) == 0 {
			x.sample.Done += time.Duration(r.ExpFloat64() * 1e8)
		}
		if r.IntN(60) == 0 || at > 6*time.Second && at < 7*time.Second && x.arm == "off" {
			x.sample.Outcome.Class = workload.Class(1 + r.IntN(workload.Classes-1))
		}
		all = append(all, x)
	}
	return all
}

func (x *tape) due(o operation) {
	s := x.sinks[o.arm+o.pool]
	s.Due(o.sample.Intended, 1)
	if o.missed {
		s.Missed(o.sample.Intended, workload.Reason(0), 1)
	}
}

func (x *tape) done(o operation) {
	if !o.missed {
		x.sinks[o.arm+o.pool].Done(o.sample, 1)
	}
}

// play records a stream, each operation where who says, and reads all every second.
func play(t *testing.T, ops []operation, tapes []*tape, who func(i int) []int) (dirs []string) {
	t.Helper()
	type news struct {
		at   time.Duration
		tell func(*tape)
		to   []int
	}
	var all []news
	for i, o := range ops {
		to := who(i)
		all = append(all, news{o.sample.Intended, func(x *tape) { x.due(o) }, to}, news{o.sample.Done, func(x *tape) { x.done(o) }, to})
	}
	slices.SortStableFunc(all, func(x, y news) int { return cmp.Compare(x.at, y.at) })
	i := 0
	for now := time.Second; now <= length; now += time.Second {
		for ; i < len(all) && (all[i].at < now || now == length); i++ {
			for _, w := range all[i].to {
				all[i].tell(tapes[w])
			}
		}
		for w, x := range tapes {
			if now == length {
				x.read(t, x.recorder.Finish(now), w)
			} else {
				x.read(t, x.recorder.Collect(now), w)
			}
		}
	}
	for _, x := range tapes {
		dirs = append(dirs, x.finish(t))
	}
	return dirs
}

func mustMerge(t *testing.T, dirs []string, o Options) (*bundle.Bundle, bundle.Merge) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "deep", "merged")
	m, err := Merge(context.Background(), dirs, out, o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	return b, m
}

// summarize computes a bundle's summary and has it counted a second time.
func summarize(t *testing.T, b *bundle.Bundle) compare.Summary {
	t.Helper()
	s, err := compare.Save(b.Dir)
	if err != nil {
		t.Fatal(err)
	}
	differences, err := recount.Differences(b.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
	return s
}

func intervals(t *testing.T, b *bundle.Bundle) (all []record.Interval) {
	t.Helper()
	for iv, err := range b.Intervals() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, iv)
	}
	return all
}

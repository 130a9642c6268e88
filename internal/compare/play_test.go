package compare

import (
	"path/filepath"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// play is a run without clients: tests say what happened, second by second.
type play struct {
	t        *testing.T
	w        *bundle.Writer
	recorder *record.Recorder
	sinks    map[string]workload.Sink // by arm/pool
	extra    []record.Count           // of the current interval
	levels   []record.Level           // of the current interval
	lengths  []record.Distribution    // of the current interval
	now      time.Duration
	intended time.Duration
}

func start(t *testing.T) *play { t.Helper(); return startAt(t, "manual") }

// startAt is start with the stage of that name.
func startAt(t *testing.T, stage string) *play {
	t.Helper()
	return startWith(t, stage, nil)
}

// startWith is startAt for a run that may look for a ceiling.
func startWith(t *testing.T, stage string, saturation *bundle.Saturation) *play {
	t.Helper()
	run := bundle.Run{
		Saturation: saturation,

		ID: "r1", Started: time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC),
		Arms:  []bundle.Arm{{Name: "on", Requested: "on"}, {Name: "off", Requested: "off"}},
		Pools: []bundle.Pool{{Name: "main", Operations: []string{"GET", "SET"}}, {Name: "batch", Operations: []string{"MGET"}}},
		Upgrade: bundle.Upgrade{Name: "rolling", Title: "Rolling upgrade", SCHSupport: "full",
			Assumptions: []string{"stall of 1 s"}},
		Stage: stage, Rounds: 2,
		LateAfter: bundle.Seconds(100 * time.Millisecond), OutageAfter: bundle.Seconds(100 * time.Millisecond),
	}
	w, err := bundle.Create(filepath.Join(t.TempDir(), "bundle"), run)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	p := &play{t: t, w: w, sinks: map[string]workload.Sink{}}
	var arms []record.Arm
	for _, a := range run.Arms {
		arm := record.Arm{Name: a.Name}
		for _, pool := range run.Pools {
			arm.Pools = append(arm.Pools, record.Pool{Name: pool.Name, Operations: pool.Operations})
		}
		arms = append(arms, arm)
	}
	p.recorder = record.New(record.Config{Arms: arms, Marks: w.Mark})
	for _, a := range arms {
		for _, pool := range a.Pools {
			p.sinks[a.Name+"/"+pool.Name] = p.recorder.Sink(a.Name, pool.Name)
		}
	}
	return p
}

// phase begins a phase now.
func (p *play) phase(round int, phase record.Phase) {
	p.recorder.Begin(round, phase, p.now)
	p.w.Mark(mark.Mark{At: p.now, Kind: mark.Phase, Name: phase.String(), Round: round, Source: "harness"})
	p.intended = p.now
}

// ends records an operation that fell due and ended, 1 ms after the last one.
func (p *play) ends(sink string, took time.Duration, class workload.Class) {
	s := p.sinks[sink]
	p.intended += time.Millisecond
	s.Due(p.intended, 1)
	s.Done(workload.Sample{Intended: p.intended, Sent: p.intended + 50*time.Microsecond, Done: p.intended + took, Outcome: workload.Outcome{Class: class}}, 1)
}

func (p *play) misses(sink string, reason workload.Reason) {
	p.intended += time.Millisecond
	p.sinks[sink].Due(p.intended, 1)
	p.sinks[sink].Missed(p.intended, reason, 1)
}

func (p *play) count(arm, name string, n uint64, attrs ...string) {
	c := record.Count{Name: name, Arm: arm, Value: n}
	for i := 0; i < len(attrs); i += 2 {
		c.Attrs = append(c.Attrs, record.Attr{Key: attrs[i], Value: attrs[i+1]})
	}
	p.extra = append(p.extra, c)
}

// level sets a gauge of the current interval, of an arm's pool main if arm is
// not empty.
func (p *play) level(arm, name string, value float64) {
	l := record.Level{Name: name, Arm: arm, Value: value}
	if arm != "" {
		l.Attrs = []record.Attr{{Key: record.AttrPool, Value: "main"}}
	}
	p.levels = append(p.levels, l)
}

func (p *play) proved(arm string, connections uint64, optedIn string) {
	p.count(arm, record.ConnectionsProved, connections, "opted_in", optedIn, "protocol", "3")
}

// second ends the interval.
func (p *play) second() { p.passes(time.Second) }

// passes ends an interval of some length.
func (p *play) passes(length time.Duration) {
	p.t.Helper()
	p.now += length
	p.intended = p.now
	p.write(p.recorder.Collect(p.now))
}

func (p *play) write(iv record.Interval) {
	p.t.Helper()
	iv.Counts, p.extra = append(iv.Counts, p.extra...), nil
	iv.Levels, p.levels = append(iv.Levels, p.levels...), nil
	iv.Distributions, p.lengths = append(iv.Distributions, p.lengths...), nil
	if err := p.w.Interval(iv); err != nil {
		p.t.Fatal(err)
	}
}

// finish ends the run and summarizes it.
func (p *play) finish(f bundle.Final) Summary {
	p.t.Helper()
	p.write(p.recorder.Finish(p.now))
	if err := p.w.Finish(f); err != nil {
		p.t.Fatal(err)
	}
	return p.summarize()
}

// kill leaves the bundle as it is and summarizes it.
func (p *play) kill() Summary {
	p.t.Helper()
	if err := p.w.Close(); err != nil {
		p.t.Fatal(err)
	}
	return p.summarize()
}

func (p *play) summarize() Summary {
	p.t.Helper()
	s, err := Save(p.w.Dir())
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// rolling plays two rounds of an upgrade that arm off feels.
func rolling(p *play) {
	p.phase(0, record.Warmup)
	for _, sink := range []string{"on/main", "off/main"} {
		p.ends(sink, time.Second, workload.ReadTimeout) // warm-up counts for nothing
		p.ends(sink, 300*time.Millisecond, workload.OK)
	}
	p.count("on", record.ConnectionDials, 8, record.AttrResult, "ok")
	p.proved("on", 8, "true")
	p.proved("off", 8, "false")
	p.second()
	for round := 1; round <= 2; round++ {
		p.phase(round, record.Baseline)
		p.busy(2 * time.Millisecond)
		p.second()
		p.phase(round, record.Maintenance)
		p.busy(4 * time.Millisecond)
		p.ends("on/main", 150*time.Millisecond, workload.OK)
		p.ends("off/main", 1900*time.Millisecond, workload.OK)
		p.ends("off/main", time.Second, workload.Reset)
		p.ends("off/batch", time.Second, workload.WrongReply)
		p.misses("off/main", workload.Deadline)
		p.count("on", record.ClientNotifications, 8, record.AttrNotice, "MOVING")
		p.count("on", record.Handoffs, 8, record.AttrResult, "started")
		p.count("on", record.Handoffs, 7, record.AttrResult, "succeeded")
		p.count("on", record.Handoffs, 1, record.AttrResult, "failed")
		p.count("on", record.ConnectionDials, 8, record.AttrResult, "ok")
		p.count("off", record.ConnectionDials, 8, record.AttrResult, "ok")
		p.count("off", record.ConnectionDials, 2, record.AttrResult, "dial_refused")
		p.count("off", record.ConnectionCloses, 8, record.AttrBy, "server", record.AttrReason, "reset")
		p.count("on", record.ConnectionCloses, 8, record.AttrBy, "client", record.AttrReason, "handoff")
		p.count("on", record.ConnectionCloses, 99, record.AttrBy, "client", record.AttrReason, "shutdown") // no news
		p.count("on", record.AttemptsHidden, 3, record.AttrPool, "main")
		p.second()
		p.now += time.Second
		p.phase(round, record.Recovery)
		p.busy(2 * time.Millisecond)
		p.second()
	}
}

// busy is an uneventful part of a second: 120 operations on each arm.
func (p *play) busy(longest time.Duration) {
	for n := range time.Duration(120) {
		for _, arm := range []string{"on", "off"} {
			sink := arm + "/main"
			if n%4 == 3 {
				sink = arm + "/batch"
			}
			p.ends(sink, 500*time.Microsecond+longest*n/120, workload.OK)
		}
	}
}

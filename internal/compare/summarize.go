package compare

import (
	"cmp"
	"slices"

	"schload/internal/bundle"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// Summarize computes the summary of a bundle. An incomplete bundle gives what
// it holds; an error means that it could not be read.
func Summarize(b *bundle.Bundle) (Summary, error) {
	p, err := Judge(b)
	return p.Summary, err
}

// Part is a run that can be judged together with others.
type Part struct {
	Run     bundle.Run
	Summary Summary
	trials  []trial // what Summary.Expectations are the verdicts of
}

// Judge is Summarize, and keeps what Join needs.
func Judge(b *bundle.Bundle) (Part, error) {
	timeline, err := readTimeline(b)
	if err != nil {
		return Part{}, err
	}
	source, found, err := phaseSource(b, timeline)
	if err != nil {
		return Part{}, err
	}
	file := func(iv record.Interval) record.Interval {
		if source == sourceData {
			return rephase(iv, found)
		}
		return iv
	}
	sums, err := readSums(b, timeline, file)
	if err != nil {
		return Part{}, err
	}
	happened, err := events(b, &sums, timeline, source, found, file)
	if err != nil {
		return Part{}, err
	}
	run := b.Run
	s := Summary{
		Schema: Schema, RunID: run.ID, Complete: b.Complete() && !b.Run.Final.Interrupted, Dir: b.Dir,
		Upgrade: Upgrade{
			Name: run.Upgrade.Name, Title: run.Upgrade.Title, SCHSupport: run.Upgrade.SCHSupport, Documented: run.Upgrade.Documented,
			Assumptions: append([]string{}, run.Upgrade.Assumptions...), Simulated: run.Upgrade.Simulated,
		},
		Stage: run.Stage, Order: cmp.Or(run.Order, OrderPaired), Cluster: run.Cluster, Rounds: run.Played(), ClosedLoop: slices.ContainsFunc(run.Pools, closed), LateAfter: run.LateAfter, OutageAfter: run.OutageAfter, Objective: objectiveOf(run),
		PhaseSource: source, Maintenance: timeline.maintenance(sums.whole.To),
		InvalidReasons: []string{}, Warnings: append([]string{}, b.Warnings...),
	}
	s.Injections = run.Injections
	if run.Final != nil {
		s.Injected, s.RoundsEnded = run.Final.Injected, run.Final.RoundsEnded
	}
	if source == sourceData {
		s.Maintenance = []Span{found}
	}
	for _, a := range run.Arms {
		one := arm(a, run.Final, &sums, timeline)
		one.Pools, one.SlotRanges = pools(run, a.Name, &sums, timeline, happened), slotRanges(run, a.Name, timeline)
		one.Events = happened[place{arm: a.Name}]
		one.Rounds = rounds(one, &sums, timeline, source)
		s.Arms = append(s.Arms, one)
	}
	s.Harness = harness(run, &sums)
	s.ceil(run, &sums)
	s.judge(run.Final, &sums, timeline)
	s.judgeMessages(run, &sums)
	s.saturate(timeline, sums.whole.To, run.Merge)
	s.Differences = s.differences()
	trials := s.trials(run, &sums)
	s.Expectations = expectations(trials, s.Upgrade)
	s.SLO = s.slos(run.SLO)
	s.warn(&sums, timeline, run.Final)
	return Part{Run: run, Summary: s, trials: trials}, nil
}

// processes are those of a run whose arms had one each; none of another.
func processes(run bundle.Run) (list []Process) {
	if run.Isolated == nil || run.Merge == nil {
		return nil
	}
	for _, w := range run.Merge.Workers {
		p := Process{StartLag: w.StartLag, Health: w.Health}
		if w.Process == bundle.ArmProcess {
			p.Arm = w.Name
		}
		list = append(list, p)
	}
	return list
}

// closed says whether a pool's loop is closed.
func closed(p bundle.Pool) bool { return p.Arrival == "closed" }

// Save computes the summary of the bundle in dir and stores it there.
func Save(dir string) (Summary, error) {
	b, err := bundle.Open(dir)
	if err != nil {
		return Summary{}, err
	}
	s, err := Summarize(b)
	if err != nil {
		return Summary{}, err
	}
	return s, b.WriteSummary(s)
}

func arm(a bundle.Arm, final *bundle.Final, s *sums, t timeline) Arm {
	all := s.operations(a.Name, measured)
	dials := s.counter(a.Name, record.ConnectionDials, record.AttrResult)
	closes := s.counter(a.Name, record.ConnectionCloses, record.AttrBy)
	handoffs := s.counter(a.Name, record.Handoffs, record.AttrResult)
	redirects := s.counter(a.Name, record.Redirects, record.AttrResult)
	outage, _ := t.outage(place{arm: a.Name})
	return Arm{
		Name: a.Name, SCH: sch(a, final, s),
		Operations: all.Operations, Errors: all.errors, MissedReasons: all.missed,
		AttemptsHidden: total(s.counter(a.Name, record.AttemptsHidden, record.AttrPool)),
		Phases: Phases{
			Baseline:    phase(a.Name, "", record.Baseline, s),
			Maintenance: phase(a.Name, "", record.Maintenance, s),
			Recovery:    phase(a.Name, "", record.Recovery, s),
		},
		Connections: Connections{
			Dials: total(dials), DialFailures: total(dials) - dials[workload.OK.String()],
			ClosedByServer: closes["server"], ClosedByClient: closes["client"],
		},
		Notices:        s.counter(a.Name, record.ClientNotifications, record.AttrNotice),
		Handoffs:       Handoffs{handoffs["started"], handoffs["succeeded"], handoffs["failed"]},
		Redirects:      Redirects{redirects["moved"], redirects["ask"]},
		SlotMapReads:   total(s.counter(a.Name, record.SlotMapReads, "")),
		Outage:         outage,
		WrongReplies:   all.errors[workload.WrongReply.String()],
		CrossedReplies: all.errors[workload.CrossedReply.String()],
		SilentReplies:  total(s.counter(a.Name, record.RepliesSilent, "")),
		Integrity:      s.integrity(a.Name),
		Attribution:    attribution(a.Name, s, t),
		Little:         little(a.Name, s),
	}
}

// phase is one phase of an arm, or of one of its pools if pool is not "".
func phase(arm, pool string, p record.Phase, s *sums) Phase {
	t := s.phaseOf(arm, pool, p)
	return Phase{
		Operations:   s.operationsOf(arm, pool, func(phase string) bool { return phase == p.String() }).Operations,
		ResponseTime: quantiles(&t.response),
		ServiceTime:  quantiles(&t.service),
		Lateness:     quantiles(&t.lateness),
	}
}

// sch tells what an arm's connections were. How many there were stands in the
// counters or, where these say nothing, in the proof at the run's end; that
// proof also decides what they amounted to, for it leaves connections out that
// never carried an operation.
func sch(a bundle.Arm, final *bundle.Final, s *sums) SCH {
	x := SCH{Requested: a.Requested}
	x.Connections, x.OptedIn = s.proved(a.Name)
	if final != nil {
		for _, p := range final.Arms {
			if p.Name != a.Name {
				continue
			}
			x.Effective, x.Connections, x.OptedIn = p.Effective, p.Connections, p.OptedIn
		}
	}
	if x.Effective == "" {
		x.Effective = effective(x.Connections, x.OptedIn)
	}
	if x.Requested == Raw && x.Effective == "off" {
		x.Effective = NoneRaw
	}
	return x
}

func effective(connections, optedIn uint64) string {
	switch {
	case connections == 0:
		return "unknown"
	case optedIn == 0:
		return "off"
	case optedIn == connections:
		return "on"
	}
	return "mixed"
}

// harness takes the tool's own numbers from the end of the run, or, if it
// never came to that, from the intervals: the lateness of the baseline bounds
// the start lag from above.
func harness(run bundle.Run, s *sums) Harness {
	h := Harness{Workers: s.signs.workers(run), Processes: processes(run)}
	if run.Final != nil {
		h.Exports, h.Health, h.MarksDropped = run.Final.Exports, run.Final.Health, run.Final.MarksDropped
	} else {
		exports := s.counter("", record.TelemetryExports, record.AttrResult)
		h.Exports = bundle.Exports{Sent: exports["ok"], Failed: exports["failed"]}
	}
	h.CPU = s.signs.cpu(run)
	if run.Final != nil && run.Final.StartLag != nil {
		h.StartLag = *run.Final.StartLag
		return h
	}
	var lag histogram.Histogram
	for _, a := range run.Arms {
		lag.Merge(&s.phase(a.Name, record.Baseline).lateness)
	}
	q := quantiles(&lag)
	h.StartLag = bundle.Lag{Count: q.Count, P50: q.P50, P99: q.P99, Max: q.Max}
	return h
}

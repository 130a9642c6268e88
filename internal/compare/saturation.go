package compare

import (
	"fmt"
	"strings"
	"time"

	"schload/internal/bundle"
)

// Where the harness can no longer measure, of what takes the whole run to tell;
// bundle has the limits that are known while it goes on. docs/METHODOLOGY.md
// gives the reasons.
const (
	lagEnd     = 10 * time.Millisecond // start lag of the baseline at p99
	stallEnd   = 0.05                  // of the time after warm-up in which the harness stood still
	missingEnd = 0.2                   // of the time with workers that is in no service time
	fewest     = 100                   // operations without which that share is not judged

	nearEnd = 0.8 // of file descriptors and ports: a warning
)

// saturation returns why the harness, and not the target, decided on the
// numbers of a run that ended at end; none if it did not.
func (s *Summary) saturation(t timeline, end time.Duration) (reasons []string) {
	add := func(when bool, format string, args ...any) {
		if when {
			reasons = append(reasons, fmt.Sprintf(format, args...))
		}
	}
	late := s.lagging()
	add(len(late) > 0, "it handed operations of the baseline over late, by more than %v at p99: arm %s; lower the rate or add processors", lagEnd, strings.Join(late, ", "))
	cpu := s.Harness.CPU
	used := max(cpu.Baseline, cpu.Maintenance)
	add(cpu.Processors > 0 && used > bundle.CPULimit*float64(cpu.Processors), "it used %.2f of its %d processors (limit %.0f %%): lower the rate or add processors",
		used, cpu.Processors, 100*bundle.CPULimit)
	for _, w := range s.Harness.Workers {
		add(!s.ClosedLoop && w.Full > bundle.FullLimit, "arm %s, pool %s: no worker was free for %.0f %% of the baseline (limit %.0f %%): what was measured is the queue before them; lower the rate, add workers, or find out why the target is slow",
			w.Arm, w.Pool, 100*w.Full, 100*bundle.FullLimit)
	}
	for _, a := range s.Arms {
		enough := a.Little.Throughput*end.Seconds() >= fewest
		add(enough && a.Little.Missing > missingEnd, "%s: of the time that operations were with workers, %.0f %% is in no service time (limit %.0f %%)",
			law(a.Name, a.Little), 100*a.Little.Missing, 100*missingEnd)
	}
	stood := t.stood(t.begin(), end)
	add(stood > 0 && float64(stood) > stallEnd*float64(end-t.begin()), "it stood still for %v in all (limit %.0f %% of the run)", round(stood), 100*stallEnd)
	return append(reasons, starved(s.Harness.Health)...)
}

// stoodStill names the workers of a merged run that stood still for too long:
// the whole stands still only when all do, but its times are theirs.
func stoodStill(m *bundle.Merge) (reasons []string) {
	if m == nil {
		return nil
	}
	for _, w := range m.Workers {
		if w.Process == bundle.StageProcess {
			continue // where it stands still all do: that is told of the whole
		}
		if float64(w.Stalled) > stallEnd*float64(w.Measured) {
			reasons = append(reasons, fmt.Sprintf("%s stood still for %v in all (limit %.0f %% of its run)", w.Who(), round(w.Stalled.Duration()), 100*stallEnd))
		}
	}
	return reasons
}

// starved are the reasons that lie with the process and its machine.
func starved(h *bundle.Health) (reasons []string) {
	for _, x := range h.Exceeded() {
		reasons = append(reasons, x.Text)
	}
	return reasons
}

// lagging names the arms whose baseline began late through the harness's own
// doing.
func (s *Summary) lagging() (arms []string) {
	for _, a := range s.Arms {
		if lag, _ := s.startLag(a); lag > lagEnd {
			arms = append(arms, fmt.Sprintf("%s %v of %s", a.Name, round(lag), bundle.Count(a.Phases.Baseline.Lateness.Count)))
		}
	}
	return arms
}

// startLag returns how much of an arm's lateness in the baseline is the
// harness's, at p99, and all of it.
func (s *Summary) startLag(a Arm) (lag, late time.Duration) {
	late = a.Phases.Baseline.Lateness.P99.Duration()
	own := s.Harness.StartLag
	for _, p := range s.Harness.Processes {
		if p.Arm == a.Name && p.StartLag != nil {
			own = *p.StartLag
		}
	}
	return min(late, own.P99.Duration()), late
}

// warnHealth says what is near its end, and what else one should know of the
// harness.
func (s *Summary) warnHealth(add func(string, ...any)) {
	h := s.Harness.Health
	if h == nil {
		return
	}
	if share := h.Files.Share(); share >= nearEnd && share < bundle.FilesLimit {
		add("the harness had %s of %s file descriptors open: raise the limit (ulimit -n) before adding workers", bundle.Count(h.Files.Used), bundle.Count(h.Files.Limit))
	}
	if h.Ports.Share() >= nearEnd {
		add("up to %s TCP ports were in use, %s of them in TIME_WAIT, of %s to dial from: when they run out, dials fail here and not at the target",
			bundle.Count(h.Ports.Used), bundle.Count(h.TimeWait), bundle.Count(h.Ports.Limit))
	}
	if h.ClockSteps > 0 {
		add("the clock was set %s, by up to %v: no duration is touched, but instants in files and dashboards are", often(int(h.ClockSteps)), round(h.ClockStep.Duration()))
	}
	if n := s.Harness.MarksDropped; n > 0 {
		add("%s marks were dropped: the timeline lacks them, the counts do not", bundle.Count(n))
	}
}

// law spells Little's law for an arm.
func law(arm string, l Little) string {
	return fmt.Sprintf("arm %s: %.1f operations a second x %v is %.3f in flight, the engine counted %.3f",
		arm, l.Throughput, round(l.Mean.Duration()), l.Throughput*l.Mean.Duration().Seconds(), l.InFlight)
}

// saturate judges the harness.
func (s *Summary) saturate(t timeline, end time.Duration, merge *bundle.Merge) {
	s.Harness.SaturatedReasons = append(append([]string{}, s.saturation(t, end)...), stoodStill(merge)...)
	s.Harness.Saturated = len(s.Harness.SaturatedReasons) > 0
}

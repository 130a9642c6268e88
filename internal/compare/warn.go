package compare

import (
	"fmt"
	"strings"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
)

// What a harness on an idle machine keeps: a start lag of 0.5 ms at p99.
// Beyond 5 ms, or beyond the budget and a tenth of what is measured, the
// harness is part of the result.
const (
	lagLimit  = 5 * time.Millisecond
	lagBudget = 500 * time.Microsecond
	lagShare  = 10
)

// warn collects what weakens the run without making it wrong.
func (s *Summary) warn(sums *sums, t timeline, final *bundle.Final) {
	cut := final == nil
	add := func(format string, args ...any) { s.Warnings = append(s.Warnings, fmt.Sprintf(format, args...)) }
	s.warnSamples(add)
	if s.ClosedLoop && !s.Saturating() {
		add("the loop was closed: a slow target was offered less, and response times do not show who had to wait for it")
	}
	if n := len(t.stalls); n > 0 {
		add("the harness itself stood still %s, up to %v: failures and latencies of that size may be its own; outages are given without that time",
			often(n), round(t.longestStall()))
	}
	if s.PhaseSource == sourceData {
		add("nobody said that there was an upgrade: maintenance is where the data changed, and an operation counts for the phase in which it ended")
	}
	for _, a := range s.Arms {
		if _, own := t.windows(mark.Outage, place{arm: a.Name}); own > 0 {
			add("arm %s: %s without a success passed while the harness stood still, and is not counted as an outage", a.Name, spans(own))
		}
		if text := s.busy(a); text != "" {
			add("%s", text)
		}
		if x := a.SCH; x.Requested == "on" && x.Effective == "mixed" {
			add("arm %s: only %s of %s connections opted in to notices", a.Name, bundle.Count(x.OptedIn), bundle.Count(x.Connections))
		}
		for _, note := range notes(final, a.Name) {
			add("arm %s: %s", a.Name, note)
		}
		if a.SCH.Effective == "unknown" {
			add("arm %s: nothing proves whether its connections opted in to notices", a.Name)
		}
		t := sums.operations(a.Name, func(string) bool { return true })
		if ended := t.OK + t.Failed + t.Missed; cut && ended < t.Due {
			add("arm %s: %s operations had not ended when the run was cut off", a.Name, bundle.Count(t.Due-ended))
		}
		if cut && sums.outageOpen(a.Name) {
			add("arm %s: an outage was going on when the run was cut off; it is not among the windows", a.Name)
		}
		if a.Operations.Due == 0 {
			add("arm %s: no operation fell due after warm-up", a.Name)
		}
	}
	s.warnOrder(add)
	s.warnDifferences(add)
	s.warnHealth(add)
	s.warnExports(add)
	switch n := len(s.Upgrade.Assumptions); {
	case s.Upgrade.Simulated:
		add("the upgrade was simulated, as whoever did it says; %d of its numbers are assumptions", n)
	case n > 0 && s.Stage == "sim":
		add("the upgrade was simulated; %d of its numbers are assumptions (see there)", n)
	}
}

// warnOrder says what it costs that the arms took turns.
func (s *Summary) warnOrder(add func(string, ...any)) {
	if s.Order != bundle.OrderSequential {
		return
	}
	add("the arms took turns and did not meet the same events: what differs from event to event is part of the differences, and more rounds are needed than with all arms at once")
	if n := s.lastRound(); n%2 == 1 {
		add("the arms took turns in %d rounds, an odd number: what drifts does not cancel", n)
	}
}

// warnSamples names the quantiles that too few successes support. Below
// 1/(1-q) samples the nearest-rank quantile q is the maximum by another name.
func (s *Summary) warnSamples(add func(string, ...any)) {
	for _, q := range []struct {
		name  string
		needs uint64
	}{{"p95", 20}, {"p99", 100}, {"p99.9", 1000}} {
		var few []string
		for _, a := range s.Arms {
			for _, p := range []struct {
				name string
				Phase
			}{{"baseline", a.Phases.Baseline}, {"maintenance", a.Phases.Maintenance}, {"recovery", a.Phases.Recovery}} {
				if n := p.ResponseTime.Count; p.Operations.Due > 0 && n < q.needs {
					few = append(few, fmt.Sprintf("%s %s has %d", a.Name, p.name, n))
				}
			}
		}
		if len(few) > 0 {
			add("%s needs %s successes: %s", q.name, bundle.Count(q.needs), strings.Join(few, ", "))
		}
	}
}

// busy says when operations of the baseline were late, and whose doing it was:
// the harness's own, as its start lag shows, or that of a target that kept all
// workers busy. Beyond lagEnd the harness is saturated, and says so elsewhere.
func (s *Summary) busy(a Arm) string {
	lag, late := s.startLag(a)
	n := a.Phases.Baseline.Lateness.Count
	response := a.Phases.Baseline.ResponseTime.P99.Duration()
	switch {
	case lag > lagEnd:
	case lag > lagLimit:
		return fmt.Sprintf("arm %s: operations of the baseline started up to %v late at p99 of %s (limit %v): a good part of the result is the harness, lower the rate or add processors",
			a.Name, round(late), bundle.Count(n), lagLimit)
	case late > lagLimit:
		return fmt.Sprintf("arm %s: operations of the baseline started up to %v late at p99 of %s because all workers were busy: the target was slow for this rate, or add workers",
			a.Name, round(late), bundle.Count(n))
	case lag > lagBudget && lag > response/lagShare:
		return fmt.Sprintf("arm %s: operations of the baseline started up to %v late at p99 of %s, more than a tenth of their response time of %v: part of it is the harness",
			a.Name, round(lag), bundle.Count(n), round(response))
	}
	return ""
}

// notes are what the run's proof has to say of a valid arm.
func notes(final *bundle.Final, arm string) []string {
	if final == nil {
		return nil
	}
	for _, p := range final.Arms {
		if p.Name == arm {
			return p.Notes
		}
	}
	return nil
}

func often(n int) string {
	if n == 1 {
		return "once"
	}
	return bundle.Count(n) + " times"
}

func spans(n int) string {
	if n == 1 {
		return "a span"
	}
	return "each of " + bundle.Count(n) + " spans"
}

// round leaves about three digits.
func round(d time.Duration) time.Duration { return bundle.Round(d) }

// warnExports says what dashboards, trace stores and log stores lack of the run.
// None of it is lost to the summary, which reads the bundle.
func (s *Summary) warnExports(add func(string, ...any)) {
	e := s.Harness.Exports
	if e.Failed > 0 {
		held := ""
		if e.Held > 0 {
			held = " and " + bundle.Count(e.Held) + " were held back to spare it"
		}
		add("%s of %s exports to the collector failed%s: the dashboards lack them, this summary does not", bundle.Count(e.Failed), bundle.Count(e.Failed+e.Sent), held)
	}
	if e.Overflowed > 0 {
		add("series beyond the bound of their metric were merged %s (otel.metric.overflow): the dashboards cannot tell them apart, this summary can; a label with very many values, such as the addresses of thousands of nodes, does that", often(int(e.Overflowed)))
	}
	if e.SpansLost > 0 {
		add("%s spans were lost on their way to the collector: traces lack them, the counts do not", bundle.Count(e.SpansLost))
	}
	if e.EventsLost > 0 {
		add("%s log events of marks were lost on their way out: what is compared from an export lacks them, the bundle does not", bundle.Count(e.EventsLost))
	}
}

package report

import (
	"fmt"
	"strings"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// Saturated says in one line why the harness could not measure; "" when it
// could.
func Saturated(s compare.Summary) string {
	if !s.Harness.Saturated {
		return ""
	}
	return "the harness was the bottleneck: " + strings.Join(s.Harness.SaturatedReasons, "; ")
}

// bottleneck takes the place of a verdict.
func bottleneck(s compare.Summary) string {
	text := "The harness was the bottleneck, no verdict on handoffs follows: " + s.Harness.SaturatedReasons[0]
	if more := len(s.Harness.SaturatedReasons) - 1; more > 0 {
		text += " (and " + plural(uint64(more), "more reason") + ")"
	}
	return text + "."
}

// harness is what the tool says about itself.
func harness(s compare.Summary) string {
	h := s.Harness
	text := "harness: " + started(h.StartLag)
	if h.CPU.Processors > 0 {
		used := max(h.CPU.Baseline, h.CPU.Maintenance)
		text += fmt.Sprintf("; %.2f of %s", used, plural(uint64(h.CPU.Processors), "processor"))
		if h.CPU.Peak > used { // a mean has short readings, too
			text += fmt.Sprintf(" (%.2f in the busiest reading)", h.CPU.Peak)
		}
	}
	if h.Health != nil && h.Health.Memory > 0 {
		text += fmt.Sprintf("; %s MB of memory", three(float64(h.Health.Memory)/1e6))
	}
	if h.Exports.Sent+h.Exports.Failed > 0 {
		text += "; " + exports(h.Exports)
	}
	return text + "\n" + processes(s) + little(s)
}

// started says how late operations were started, and of how many that is told.
func started(l bundle.Lag) string {
	if l == (bundle.Lag{}) {
		return "start lag not measured"
	}
	text := fmt.Sprintf("start lag p50 %s, p99 %s, max %s", span(l.P50.Duration()), span(l.P99.Duration()), span(l.Max.Duration()))
	if l.Count > 0 {
		text += " of " + count(l.Count)
	}
	return text
}

// exports says how many arrived; of what was lost only what there was.
func exports(e bundle.Exports) string {
	text := fmt.Sprintf("exports %s sent, %s failed", count(e.Sent), count(e.Failed))
	for _, part := range []struct {
		n    uint64
		what string
	}{{e.Held, "held back"}, {e.Overflowed, "times a series beyond the bound was merged"}, {e.SpansLost, "spans lost"}, {e.EventsLost, "events of marks lost"}} {
		if part.n > 0 {
			text += ", " + count(part.n) + " " + part.what
		}
	}
	return text
}

// processes says how those of a run were whose arms had one each.
func processes(s compare.Summary) string {
	var b strings.Builder
	for _, p := range s.Harness.Processes {
		b.WriteString("  process of ")
		if p.Arm == "" {
			b.WriteString("the stage")
		} else {
			b.WriteString("arm " + p.Arm)
		}
		var parts []string
		if l := p.StartLag; l != nil {
			parts = append(parts, started(*l))
		}
		if h := p.Health; h != nil && h.Length > 0 {
			if h.CPU != nil {
				parts = append(parts, fmt.Sprintf("%.2f of %s", h.CPU.Duration().Seconds()/h.Length.Duration().Seconds(), plural(uint64(h.Processors), "processor")))
			}
			parts = append(parts, fmt.Sprintf("garbage collector paused it %s, %s at most", plural(h.GCPause.Count, "time"), span(h.GCPause.Max.Duration())))
			if h.Memory > 0 {
				parts = append(parts, fmt.Sprintf("%s MB of memory", three(float64(h.Memory)/1e6)))
			}
		}
		if len(parts) == 0 {
			parts = []string{"it did not end properly"}
		}
		b.WriteString(": " + strings.Join(parts, "; ") + "\n")
	}
	return b.String()
}

// little says how well the recorder and the engine agree.
func little(s compare.Summary) string {
	var parts []string
	for _, a := range s.Arms {
		if l := a.Little; l != (compare.Little{}) {
			parts = append(parts, fmt.Sprintf("%s %.3f in flight, %.1f %% in no service time", a.Name, l.InFlight, 100*l.Missing))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Little's law: " + strings.Join(parts, "; ") + "\n"
}

// judged returns the summary without the arms that only calibrate.
func judged(s compare.Summary) compare.Summary {
	var arms []compare.Arm
	for _, a := range s.Arms {
		if !a.Raw() {
			arms = append(arms, a)
		}
	}
	s.Arms = arms
	return s
}

// calibration says how much of the service time is the client's: what the arm
// off takes longer than bare connections, before anything happens. "" without
// both, or with too few samples.
func calibration(s compare.Summary) string {
	var off, raw *compare.Arm
	for i := range s.Arms {
		switch a := &s.Arms[i]; {
		case a.Raw() && raw == nil:
			raw = a
		case a.SCH.Requested == "off" && (off == nil || a.Name == "off"):
			off = a
		}
	}
	if off == nil || raw == nil {
		return ""
	}
	a, b := off.Phases.Baseline, raw.Phases.Baseline
	if min(a.ServiceTime.Count, b.ServiceTime.Count) < 100 {
		return ""
	}
	p50, p99 := (a.ServiceTime.P50 - b.ServiceTime.P50).Duration(), (a.ServiceTime.P99 - b.ServiceTime.P99).Duration()
	text := fmt.Sprintf("Calibration: service time of the baseline, %s less %s: p50 %s (%s less %s), p99 %s (%s less %s); response time p50 %s; of %s and %s successes.",
		off.Name, raw.Name,
		signed(p50), span(a.ServiceTime.P50.Duration()), span(b.ServiceTime.P50.Duration()),
		signed(p99), span(a.ServiceTime.P99.Duration()), span(b.ServiceTime.P99.Duration()),
		signed((a.ResponseTime.P50 - b.ResponseTime.P50).Duration()), count(a.ServiceTime.Count), count(b.ServiceTime.Count))
	if p50.Abs() <= alike {
		return text + " Two equal arms differ by as much: repeat it with other seeds."
	}
	return text + " That much is the client."
}

// alike is what the p50 of service times of two equal arms does not differ by
// within one run; measured: 2.4 µs, on a busy machine 8 (docs/METHODOLOGY.md).
const alike = 10 * time.Microsecond

func signed(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + span(-d)
	case d == 0:
		return span(0)
	}
	return "+" + span(d)
}

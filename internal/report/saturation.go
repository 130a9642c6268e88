package report

import (
	"fmt"
	"strings"

	"schload/internal/compare"
)

// SaturationWord labels whatever comes of a run that looked for a ceiling.
const SaturationWord = "SATURATION"

// saturationBanner says above the table what it is not.
func saturationBanner(s compare.Summary, run string) string {
	if !s.Saturating() {
		return ""
	}
	return fmt.Sprintf("*** %s%s: the ceiling of the target from this machine, no verdict on handoffs; times are those of pipelines ***\n", run, SaturationWord)
}

// ceiling says in words what a saturating run found.
func ceiling(s compare.Summary) []string {
	x := s.Saturation
	lines := []string{fmt.Sprintf("%s: %s operations a second (median of %s; %s to %s), %s.", SaturationWord,
		rate(x.Ceiling.Median), plural(uint64(x.Ceiling.Seconds), "reading"), rate(x.Ceiling.Min), rate(x.Ceiling.Max), offered(x))}
	if x.Ceiling.Seconds == 0 {
		lines = []string{SaturationWord + ": the baseline is too short for a ceiling; it takes 2 s or more."}
	}
	limit := "Nothing says that the harness was the limit: it is the ceiling of the target, of the way to it, or of a machine that they share"
	if s.Harness.Saturated {
		reason, _, _ := strings.Cut(s.Harness.SaturatedReasons[0], ": lower the rate") // there is none to lower
		limit = "The harness was the limit, the target may carry more: " + reason
	}
	if cpu := s.Harness.CPU; cpu.Processors > 0 {
		limit += fmt.Sprintf(" (%.2f of %s used, %s an operation%s)", cpu.Baseline, plural(uint64(cpu.Processors), "processor"), span(x.Processor.Duration()), simulated(s))
	}
	return append(lines, limit+".",
		"The loop was closed and response times are those of whole pipelines: they say nothing of a command by itself.")
}

// offered says how the target was kept busy.
func offered(x *compare.Saturation) string {
	text := plural(uint64(x.Workers), "worker")
	switch {
	case x.Pipelining == "autopipeline" && x.Depth > 0:
		return fmt.Sprintf("%s with single commands, of which the client made pipelines of %.1f on average", text, x.Depth)
	case x.Pipelining == "autopipeline":
		return text + " with single commands, of which the client made pipelines"
	case x.Depth > 0:
		return fmt.Sprintf("%s with pipelines of %.0f", text, x.Depth)
	}
	return text + " with pipelines"
}

func simulated(s compare.Summary) string {
	if s.Stage == "sim" {
		return ", the simulator included"
	}
	return ""
}

// rate spells operations a second without digits that mean nothing.
func rate(perSecond float64) string { return strings.TrimSpace(count(uint64(perSecond + 0.5))) }

package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"schload/internal/compare"
	"schload/internal/report"
	"schload/internal/spelling"
)

// The conditions of --fail-on.
const (
	failWorse   = "worse"
	failMissing = "evidence-missing"
	failSLO     = "slo"
)

var failConditions = []string{failWorse, failMissing, failSLO}

// failOn are the conditions under which a valid run is an error.
type failOn []string

func (f *failOn) register(flags *pflag.FlagSet) {
	flags.StringSliceVar((*[]string)(f), "fail-on", nil, "exit with 3 on "+strings.Join(failConditions, ", ")+
		": an arm is worse than the one without handoffs or than documented; there is no evidence; an objective is not met. May be repeated; an invalid run exits with 4 all the same")
}

// validate reports conditions that there are not.
func (f failOn) validate() error {
	for _, c := range f {
		if !slices.Contains(failConditions, c) {
			return fmt.Errorf("--fail-on %q%s: want %s", c, spelling.Hint(c, failConditions), strings.Join(failConditions, ", "))
		}
	}
	return nil
}

// check returns an error that names what failed in the runs, or in the rounds
// of all of them where they were judged together.
func (f failOn) check(summaries []compare.Summary, together *compare.Together) error {
	var failed []string
	for _, s := range summaries {
		for _, text := range f.failures(s, together != nil) {
			failed = append(failed, "run "+s.RunID+": "+text)
		}
	}
	if together != nil {
		for _, text := range f.allTogether(*together) {
			failed = append(failed, "all runs together: "+text)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return &exitError{codeNotMet, fmt.Errorf("--fail-on: %s", strings.Join(failed, "; "))}
}

// allTogether are what failed in the rounds of all runs.
func (f failOn) allTogether(all compare.Together) []string {
	failed, judged, some := f.promises(all.Expectations, true)
	failed = append(failed, f.differences(all.Differences, func(arm string) bool { return judged[arm] })...)
	if !some && len(all.Differences) == 0 && slices.Contains(f, failMissing) {
		failed = append(failed, "no rounds could be compared ("+failMissing+")")
	}
	return failed
}

// promises are those that failed, the arms that they judge, and whether there
// was something to judge. Of one run among several missing evidence is no news.
func (f failOn) promises(list []compare.Expectation, all bool) (failed []string, judged map[string]bool, some bool) {
	judged = map[string]bool{}
	for _, x := range list {
		some = some || x.Verdict != compare.NoPromise
		judged[x.Arm] = judged[x.Arm] || x.Verdict != compare.NoPromise
		switch {
		case x.Verdict == compare.WorseThan && slices.Contains(f, failWorse),
			x.Verdict == compare.NoEvidence && slices.Contains(f, failMissing) && all:
			failed = append(failed, subjectOf(x)+" "+x.Verdict+" ("+x.Reasons[0]+")")
		}
	}
	return failed, judged, some
}

// failures are what failed in one run.
func (f failOn) failures(s compare.Summary, together bool) (failed []string) {
	failed, judged, some := f.promises(s.Expectations, !together)
	for _, a := range s.Arms {
		judged[a.Name] = judged[a.Name] || a.SCH.Requested == "off" // without handoffs, to calibrate
	}
	if together {
		f = slices.DeleteFunc(slices.Clone(f), func(c string) bool { return c == failMissing })
	}
	failed = append(failed, f.differences(s.Differences, func(arm string) bool { return judged[arm] })...)
	some = some || slices.ContainsFunc(s.Differences, func(d compare.Difference) bool { return d.Metric == compare.Primary && !judged[d.Arm] })
	if !some && slices.Contains(f, failMissing) {
		failed = append(failed, "no arm was judged"+whyNot(s))
	}
	return append(failed, f.objectives(s)...)
}

// differences are those that failed. That a difference has no evidence is no
// news of an arm that is judged by its promise, which may be to be alike.
func (f failOn) differences(list []compare.Difference, judged func(arm string) bool) (failed []string) {
	for _, d := range list {
		switch {
		case d.Verdict == compare.VerdictWorse && slices.Contains(f, failWorse):
			failed = append(failed, fmt.Sprintf("%s worse than %s in %s (%.4g over %d rounds, corrected p %.2g)", d.Arm, d.Against, d.Metric, d.Estimate, d.Rounds, d.PAdjusted))
		case d.Verdict == compare.NoEvidence && d.Metric == compare.Primary && !judged(d.Arm) && slices.Contains(f, failMissing):
			failed = append(failed, fmt.Sprintf("%s against %s in %s: no evidence over %d rounds", d.Arm, d.Against, d.Metric, d.Rounds))
		}
	}
	return failed
}

func (f failOn) objectives(s compare.Summary) (failed []string) {
	if !slices.Contains(f, failSLO) {
		return nil
	}
	switch {
	case len(s.SLO) > 0:
	case s.Saturating(), s.Harness.Saturated:
		failed = append(failed, "no objective was judged"+whyNot(s))
	default:
		failed = append(failed, "it was made without objectives (slo)")
	}
	for _, r := range s.SLO {
		switch {
		case r.Met:
		case r.Value == nil:
			failed = append(failed, strings.TrimSpace("slo "+r.Text+" not met by "+r.Arm)+": the value is unknown")
		default:
			failed = append(failed, fmt.Sprintf("slo %s not met by %s: %.9g", r.Text, r.Arm, *r.Value))
		}
	}
	return failed
}

// whyNot says why a run carries no verdict, "" where it could.
func whyNot(s compare.Summary) string {
	switch {
	case s.Saturating():
		return ": the run looked for the ceiling of its target"
	case s.Harness.Saturated:
		return ": " + report.Saturated(s)
	case len(s.Injections) > 0:
		return ": the simulator was told to do wrong"
	case len(s.Expectations) > 0:
		return ": " + s.Expectations[0].Reasons[0]
	}
	return ""
}

// subjectOf is an arm, or some of its pools.
func subjectOf(x compare.Expectation) string {
	if len(x.Pools) > 0 {
		return x.Arm + " (" + strings.Join(x.Pools, ", ") + ")"
	}
	return x.Arm
}

// needsObjectives says that slo was asked for where there is none.
func (f failOn) needsObjectives(n int) error {
	if slices.Contains(f, failSLO) && n == 0 {
		return errors.New("--fail-on slo without objectives: name them with --slo or in the profile (slo:)")
	}
	return nil
}

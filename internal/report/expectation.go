package report

import (
	"fmt"
	"strings"

	"schload/internal/compare"
)

// promises are the verdicts on what the vendor promises, a line for each arm.
func promises(s compare.Summary) (lines []string) {
	for _, x := range s.Expectations {
		lines = append(lines, promised(x)+": "+x.Verdict+needs(x)+"; "+sentence(x.Reasons))
	}
	return lines
}

// promised is whom a promise is for, and its level: "on against the
// documentation (support full)".
func promised(x compare.Expectation) string {
	text := x.Arm
	if len(x.Pools) > 0 {
		text += ", " + strings.Join(x.Pools, ", ") + ","
	}
	text += " against the documentation"
	if x.Level != "" {
		text += " (support " + x.Level + ")"
	}
	return text
}

// needs says how many rounds would give evidence.
func needs(x compare.Expectation) string {
	if x.RoundsNeeded == 0 {
		return ""
	}
	return fmt.Sprintf(" (about %d rounds needed)", x.RoundsNeeded)
}

// sentence is the most decisive reason.
func sentence(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return reasons[0] + "."
}

// restsOn are the reasons behind the first, of all promises.
func restsOn(s compare.Summary) (lines []string) {
	for _, x := range s.Expectations {
		for _, r := range x.Reasons[min(1, len(x.Reasons)):] {
			line := r
			if len(s.Expectations) > 1 {
				line = subject(x) + "; " + r
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// subject tells promises of a run apart.
func subject(x compare.Expectation) string {
	if len(x.Pools) > 0 {
		return x.Arm + ", " + strings.Join(x.Pools, ", ")
	}
	return x.Arm
}

// objectives are the run's SLOs, a line for each arm.
func objectives(s compare.Summary) (lines []string) {
	for _, r := range s.SLO {
		lines = append(lines, "SLO "+r.Text+": "+achieved(r))
	}
	return lines
}

// achieved is "on 0.0127, NOT MET".
func achieved(r compare.SLOResult) string {
	switch {
	case r.Arm == "":
		return "NOT MET: no arm's handoffs are on"
	case r.Value == nil:
		return r.Arm + " NOT MET: the value is unknown (nothing due, too few samples, not measured, or it never came)"
	case !r.Met:
		return r.Arm + " " + valued(r) + ", NOT MET"
	}
	return r.Arm + " " + valued(r) + ", met"
}

// valued spells a value so that it shows on which side of the limit it lies.
func valued(r compare.SLOResult) string {
	switch r.Unit {
	case "s":
		text := fmt.Sprintf("%.9g s", *r.Value)
		if r.Of > 0 {
			text += " of " + count(r.Of)
		}
		return text
	case "count":
		return count(uint64(max(0, *r.Value)))
	}
	return fmt.Sprintf("%.9g", *r.Value)
}

// judgement is what the top of a report says in lines.
func judgement(s compare.Summary) []string { return append(promises(s), objectives(s)...) }

// promisePage is one promise as the page shows it.
type promisePage struct {
	Subject, Level, Verdict, Class, Documented string
	First                                      string // the most decisive of the reasons
	Reasons                                    []string
}

// verdictClasses are how verdicts are coloured, besides what their words say.
var verdictClasses = map[string]string{
	compare.AsDocumented: "kept", compare.BetterThan: "kept", compare.WorseThan: "broken",
	compare.VerdictBetter: "kept", compare.VerdictWorse: "broken",
}

func promisePages(s compare.Summary) (list []promisePage) {
	for _, x := range s.Expectations {
		list = append(list, promisePage{
			Subject: subject(x) + " against " + x.Against, First: sentence(x.Reasons), Level: x.Level, Verdict: x.Verdict + needs(x), Class: verdictClasses[x.Verdict],
			Documented: x.Documented, Reasons: x.Reasons,
		})
	}
	return list
}

// objectiveTable has the SLOs, nil without any.
func objectiveTable(s compare.Summary) *table {
	t := &table{head: []string{"arm", "value", "met"}}
	for _, r := range s.SLO {
		value, met := unseen, "NOT MET"
		if r.Value != nil {
			value = valued(r)
		}
		if r.Met {
			met = "met"
		}
		t.add(r.Text, orDash(r.Arm), value, met)
	}
	return full(t)
}

func orDash(text string) string {
	if text == "" {
		return unseen
	}
	return text
}

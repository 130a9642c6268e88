package report

import (
	"fmt"
	"strings"

	"schload/internal/compare"
)

// differences is what the rounds say of each arm against the arm without
// handoffs, "" where they say nothing.
func differences(all []compare.Difference) string {
	var b strings.Builder
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Arm == all[0].Arm {
			n++
		}
		b.WriteString(differencesOf(all[:n]))
		all = all[n:]
	}
	return b.String()
}

// differencesOf are those of one arm.
func differencesOf(list []compare.Difference) string {
	t := &table{head: []string{list[0].Arm + " - " + list[0].Against, "from", "to", "p", "corrected", "verdict"}, text: 1}
	var equal []string
	rounds := 0
	for _, d := range list {
		rounds = max(rounds, d.Rounds)
		if d.Verdict == compare.NotSeen {
			equal = append(equal, metric(d))
			continue
		}
		t.add("  "+metric(d)+unit(d), scaled(d, &d.Estimate), scaled(d, d.Low), scaled(d, d.High), chance(d.P), chance(d.PAdjusted), concluded(d))
	}
	text := fmt.Sprintf("differences over %d rounds, median of pairs with its 95 %% interval:\n", rounds)
	if len(t.rows) > 0 {
		text += t.String()
	}
	if len(equal) > 0 {
		text += "  no difference seen: " + strings.Join(equal, ", ") + "\n"
	}
	return text
}

// metric is its name in words.
func metric(d compare.Difference) string {
	return strings.ReplaceAll(strings.TrimSuffix(d.Metric, "_s"), "_", " ")
}

func inMillis(d compare.Difference) bool { return strings.HasPrefix(d.Metric, "response_") }

// unit follows the name of a metric; what is counted needs none.
func unit(d compare.Difference) string {
	switch {
	case d.Unit == "1":
		return ", %"
	case inMillis(d):
		return ", ms"
	case d.Unit == "s":
		return ", s"
	}
	return ""
}

// scaled spells a difference in the unit that is shown.
func scaled(d compare.Difference, x *float64) string {
	if x == nil {
		return unseen
	}
	value := *x
	switch {
	case d.Unit == "1":
		value *= 100
	case inMillis(d):
		value *= 1000
	}
	if value > 0 {
		return "+" + three(value)
	}
	return three(value)
}

// chance spells a p-value.
func chance(p float64) string {
	if p < 0.0001 {
		return "<0.0001"
	}
	return three(p)
}

func concluded(d compare.Difference) string {
	if d.RoundsNeeded > 0 {
		return fmt.Sprintf("%s; about %d rounds needed", d.Verdict, d.RoundsNeeded)
	}
	return d.Verdict
}

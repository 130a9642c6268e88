package report

import (
	"fmt"
	"strings"

	"schload/internal/compare"
)

// words says in two or three plain sentences what the table of a run shows.
func words(s compare.Summary) []string {
	switch {
	case !s.Valid:
		return []string{"The run is invalid: no conclusion."}
	case due(s) == 0:
		return []string{"No operation fell due after warm-up: there is nothing to compare."}
	case s.Saturating():
		return ceiling(s)
	case s.Harness.Saturated:
		return append([]string{bottleneck(s)}, wrong(s)...) // no latency, but what is wrong is wrong
	}
	client := calibration(s)
	lines := verdict(judged(s))
	if client != "" {
		lines = append(lines, client)
	}
	return lines
}

// verdict says what the arms that are compared felt, and what it means.
func verdict(s compare.Summary) []string {
	switch {
	case len(s.Arms) == 0:
		return nil
	case cutShort(s):
		return []string{outcome(s), beforeMaintenance}
	}
	lines := append(felt(s), expected(s)...)
	if mayBeChance(s) {
		lines = append(lines, oneRound)
	}
	return lines
}

const beforeMaintenance = "It ended before any maintenance: no conclusion."

// oneRound says what one round is not, and how to have what is.
var oneRound = fmt.Sprintf("One round gives no verdict on a difference, which may be chance: --rounds %d is the fewest that can, --rounds auto plays as many as it takes.", compare.FewestRounds)

// cutShort says whether the run ended before anything happened to its arms.
func cutShort(s compare.Summary) bool {
	return !s.Complete && s.Stage != "none" && due(s) > 0 && !reached(s)
}

// felt is what became of the arms' requests, and of what was behind them.
func felt(s compare.Summary) []string {
	lines := []string{outcome(s)}
	if len(s.Arms) > 1 && !anyHurt(s) {
		lines = append(lines, "No arm failed or missed a request, none had an outage. What differs is latency, and what the client hides: "+joined(s, hidden)+".")
	}
	if line := joined(s, latency); line != "" {
		lines = append(lines, "p99 of the response time of successes during maintenance: "+line+".")
	}
	if line := joined(s, lostMessages); line != "" {
		lines = append(lines, "Messages were lost, which handoffs do not prevent: "+line+".")
	}
	if line := joined(s, cutReceivers); line != "" {
		lines = append(lines, "Receivers of messages got errors: "+line+".")
	}
	return append(lines, wrong(s)...)
}

// expected is what handoffs could do for this upgrade, where it is known.
func expected(s compare.Summary) []string {
	if s.Upgrade.Name == "none" && !found(s) {
		return nil
	}
	switch s.Upgrade.SCHSupport {
	case "none":
		return []string{"SCH support of this upgrade is none: handoffs are not expected to help."}
	case "partial", "relaxed":
		return []string{"SCH support of this upgrade is " + s.Upgrade.SCHSupport + ": some harm is expected with handoffs, too."}
	}
	return nil
}

// mayBeChance says whether one playing of an upgrade is all there is to compare.
func mayBeChance(s compare.Summary) bool {
	return s.Rounds == 1 && len(s.Arms) > 1 && (s.Upgrade.Name != "none" || found(s))
}

func due(s compare.Summary) (n uint64) {
	for _, a := range s.Arms {
		n += a.Operations.Due
	}
	return n
}

// found says whether there was an upgrade that nobody led.
func found(s compare.Summary) bool { return s.PhaseSource == "notices" || s.PhaseSource == "data" }

// reached says whether the run came as far as maintenance.
func reached(s compare.Summary) bool {
	for _, a := range s.Arms {
		if happened(a.Phases.Maintenance) {
			return true
		}
	}
	return false
}

func hurt(a compare.Arm) bool {
	return a.Operations.Failed > 0 || a.Operations.Missed > 0 || a.Outage.Windows > 0
}

func anyHurt(s compare.Summary) bool {
	for _, a := range s.Arms {
		if hurt(a) {
			return true
		}
	}
	return false
}

// outcome is "handoffs on: 0 of 20 000 requests failed; off: 37 of 20 000
// failed, 1.80 s outage".
func outcome(s compare.Summary) string {
	var parts []string
	for i, a := range s.Arms {
		name, noun := a.Name, "failed"
		if i == 0 {
			noun = "requests failed"
			if a.Name == "on" || a.Name == "off" {
				name = "handoffs " + a.Name
			}
		}
		text := fmt.Sprintf("%s: %s of %s %s", name, count(a.Operations.Failed), count(a.Operations.Due), noun)
		if a.Operations.Missed > 0 {
			text += ", " + count(a.Operations.Missed) + " missed"
		}
		if a.Operations.Late > 0 {
			text += ", " + count(a.Operations.Late) + " late"
		}
		switch o := a.Outage; o.Windows {
		case 0:
		case 1:
			text += ", " + span(o.Longest.Duration()) + " outage"
		default:
			text += fmt.Sprintf(", %s outages (longest %s, total %s)", count(o.Windows), span(o.Longest.Duration()), span(o.Total.Duration()))
		}
		if b := a.Outage.BrownOuts; b.Windows > 0 {
			text += ", " + plural(b.Windows, "brown-out") + " (longest " + span(b.Longest.Duration()) + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ") + "."
}

func joined(s compare.Summary, of func(compare.Arm) string) string {
	var parts []string
	for _, a := range s.Arms {
		if text := of(a); text != "" {
			parts = append(parts, a.Name+" "+text)
		}
	}
	return strings.Join(parts, "; ")
}

func hidden(a compare.Arm) string {
	text := ""
	if a.Operations.Late > 0 {
		text = count(a.Operations.Late) + " late, "
	}
	return text + plural(a.AttemptsHidden, "hidden attempt") + ", " + plural(a.Connections.Dials, "dial")
}

// wrong says what must not be, however fast it was.
func wrong(s compare.Summary) (lines []string) {
	if line := joined(s, crossed); line != "" {
		lines = append(lines, "The client gave replies to commands that they do not belong to, while it handed over: "+line+". It is a defect of the client (docs/FINDINGS.md).")
	}
	if line := joined(s, violations); line != "" {
		lines = append(lines, "The database did not keep what it acknowledged: "+line+".")
	}
	return lines
}

// crossed tells of errors that say so, and of wrong values that came without one.
func crossed(a compare.Arm) string {
	if a.CrossedReplies == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s of them without an error", count(a.CrossedReplies), count(min(a.SilentReplies, a.CrossedReplies)))
}

func latency(a compare.Arm) string {
	before, during := a.Phases.Baseline.ResponseTime, a.Phases.Maintenance.ResponseTime
	if during.Count < 100 {
		return ""
	}
	text := span(during.P99.Duration()) + " of " + count(during.Count)
	if before.Count >= 100 {
		text += " (baseline " + span(before.P99.Duration()) + " of " + count(before.Count) + ")"
	}
	return text
}

// violations is what an arm's ledger found.
func violations(a compare.Arm) string {
	var parts []string
	for _, found := range []struct {
		n    uint64
		what string
	}{
		{a.Integrity.LostAcknowledgedWrites, "lost write"}, {a.Integrity.StaleReads, "stale read"},
		{a.Integrity.DuplicateApplications, "duplicate application"}, {a.Integrity.OutOfOrder, "reordered value"},
		{a.Integrity.Linearizable.Violations, "nonlinearizable key"},
	} {
		if found.n > 0 {
			parts = append(parts, plural(found.n, found.what))
		}
	}
	return strings.Join(parts, ", ")
}

package report

import (
	"fmt"
	"strconv"
	"strings"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// story is a run in plain language.
type story struct {
	Played  []string
	Felt    []string
	Means   []string
	Weakens []string
}

func tell(run bundle.Run, s compare.Summary) story {
	t := story{Played: played(run, s), Weakens: append([]string{}, s.Warnings...)}
	j := judged(s)
	switch {
	case !s.Valid, due(s) == 0, s.Harness.Saturated, s.Saturating():
		t.Means = words(s)
		return t
	case len(j.Arms) == 0:
		t.Means = []string{"Bare connections alone calibrate; they are not judged."}
		return t
	case cutShort(j):
		t.Felt, t.Means = []string{outcome(j)}, []string{beforeMaintenance}
		return t
	}
	t.Felt, t.Means = felt(j), append(survived(j), expected(j)...)
	t.Means = append(t.Means, overRounds(s.Differences)...)
	if client := calibration(s); client != "" {
		t.Means = append(t.Means, client)
	}
	if mayBeChance(j) {
		t.Weakens = append([]string{oneRound}, t.Weakens...)
	}
	return t
}

// survived names who came through unharmed and who did not.
func survived(s compare.Summary) []string {
	var well, ill []string
	for _, a := range s.Arms {
		if hurt(a) {
			ill = append(ill, a.Name)
		} else {
			well = append(well, a.Name)
		}
	}
	switch {
	case len(ill) == 0 && len(well) == 1:
		return []string{"The arm " + well[0] + " came through: nothing failed, nothing was missed, there was no outage."}
	case len(ill) == 0:
		return nil // what they felt says so
	case len(well) == 0 && len(ill) == 1:
		return []string{"The arm " + ill[0] + " was hurt."}
	case len(well) == 0:
		return []string{"No arm came through unharmed; how badly each was hurt, the table says."}
	}
	return []string{fmt.Sprintf("Came through without a failed or missed request and without an outage: %s. Did not: %s.", strings.Join(well, ", "), strings.Join(ill, ", "))}
}

// played says what was done, where, and who was watching.
func played(run bundle.Run, s compare.Summary) []string {
	name := s.Upgrade.Name
	if s.Upgrade.Title != "" {
		name = s.Upgrade.Title + " (" + s.Upgrade.Name + ")"
	}
	times := ""
	if s.Rounds > 1 {
		times = " " + strconv.Itoa(s.Rounds) + " times"
	}
	var text string
	switch s.Stage {
	case "sim":
		text = name + " was played" + times + " on the embedded simulator"
	case "manual":
		text = name + " was done" + times + " to a real target, led by an operator"
	case "command":
		text = name + " was done" + times + " to a real target by a command"
	case "fault-injector":
		text = name + " was done" + times + " by a fault injector"
		if s.Upgrade.Simulated {
			text = name + " was played" + times + " on a simulator that a fault injector leads"
		}
	default:
		text = "Nothing was played; what happened to the target was somebody else's doing or nobody's"
	}
	if run.Speed > 0 && run.Speed != 1 && s.Stage == "sim" {
		text += ", at " + strconv.FormatFloat(run.Speed, 'f', -1, 64) + " times its own pace"
	}
	lines := []string{text + ".", loaded(run, s)}
	if s.RoundsEnded != "" {
		lines = append(lines, "The number of rounds was left to the run; it ended them, "+s.RoundsEnded+".")
	}
	if found(s) {
		lines = append(lines, "When there was maintenance was not told, but found in the "+s.PhaseSource+".")
	}
	return lines
}

// loaded says with what the target was loaded.
func loaded(run bundle.Run, s compare.Summary) string {
	var pools []string
	for _, p := range run.Pools {
		text := strings.Join(p.Operations, ", ")
		if len(run.Pools) > 1 {
			text = p.Name + " (" + text + ")"
		}
		pools = append(pools, text)
	}
	var arms []string
	for _, a := range s.Arms {
		arms = append(arms, a.Name)
	}
	text := plural(uint64(len(arms)), "client configuration") + " (" + strings.Join(arms, ", ") + ") met the same event with the same operations at the same instants"
	if byTurns(s) {
		text = plural(uint64(len(arms)), "client configuration") + " (" + strings.Join(arms, ", ") + ") took turns: in each round every one of them met " +
			"an upgrade of its own, with the same operations at the same instants of its turn"
	}
	if len(arms) == 1 {
		text = "One client configuration (" + arms[0] + ") was loaded"
	}
	if len(pools) > 0 {
		text += ": " + strings.Join(pools, "; ")
	}
	if s.ClosedLoop {
		text += ". A pool waited for replies before it sent more (closed loop): its response times hide waits"
	}
	return text + "."
}

package recount

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// invalid is why nothing follows from the numbers: what the run said of itself,
// and what its files say against it.
func (b *bundle) invalid() (reasons sentences) {
	add := func(pattern string) {
		if !slices.Contains(reasons, pattern) {
			reasons = append(reasons, pattern)
		}
	}
	f := b.run.Final
	if f != nil {
		for _, r := range f.InvalidReasons {
			add(literally("%s", r))
		}
	}
	for _, m := range b.of("invalid") {
		arm := ""
		if m.Arm != "" {
			arm = "arm " + m.Arm + ": "
		}
		add(literally("%s", arm+cmp.Or(m.Detail, m.Name, "a mark disqualifies the run without saying why")))
	}
	if f != nil && !f.Valid && len(reasons) == 0 {
		add("the run declared itself invalid" + text)
	}
	if len(reasons) == 0 {
		for k, a := range b.run.Arms {
			s := b.sch(k)
			if s.requested == "on" && s.optedIn == 0 && s.connections > 0 || (s.requested == "off" || s.requested == "raw") && s.optedIn > 0 {
				add(literally("arm %s was to have handoffs", a.Name) + text)
			}
		}
	}
	for range b.gaps() {
		reasons = append(reasons, "what was recorded"+text+"is missing"+`[^\n]*`)
	}
	if f != nil && f.Lines != nil {
		for _, file := range []struct {
			name         string
			holds, wrote int
		}{{"metrics.otlp.jsonl", len(b.intervals), f.Lines.Intervals}, {"marks.jsonl", len(b.marks), f.Lines.Marks}} {
			if file.holds != file.wrote {
				add(literally("%s holds %s whole lines, the run wrote %s", file.name, grouped(uint64(file.holds)), grouped(uint64(file.wrote))) + text)
			}
		}
	}
	for _, a := range b.run.Arms {
		for _, pattern := range b.unlawful(a.Name) {
			add(pattern)
		}
	}
	return reasons
}

// gaps are the instants up to which intervals are missing. The last reading is
// taken when the run ends, 5 s before its end at most.
func (b *bundle) gaps() (missing []int64) {
	end := int64(0)
	for _, i := range b.intervals {
		if i.from > end {
			missing = append(missing, i.from)
		}
		end = max(end, i.to)
	}
	if f := b.run.Final; f != nil {
		if ended := f.Ended.Sub(b.run.Started).Nanoseconds(); ended > end+5e9 {
			missing = append(missing, ended)
		}
	}
	return missing
}

// unlawful holds an arm's operations against the law of conservation, its
// histograms against its counters, and its service times against what was in
// flight.
func (b *bundle) unlawful(arm string) (reasons []string) {
	pools := map[string]bool{}
	for _, name := range []string{"schload.operations", "schload.operations.due", "schload.operations.missed"} {
		for _, p := range b.each(arm, name) {
			pools[p.attrs["pool"]] = true
		}
	}
	for _, in := range []part{measured, entire} {
		for _, pool := range slices.Sorted(maps.Keys(pools)) {
			t := b.operations(arm, pool, in)
			if t.ended() > t.due || t.ended() < t.due && b.run.Final != nil {
				reasons = append(reasons, literally("arm %s, pool %s: due %s is not ok %s + failed %s + missed %s", arm, pool, grouped(t.due), grouped(t.ok), grouped(t.failed), grouped(t.missed))+text)
			}
		}
	}
	t := b.operations(arm, "", entire)
	if ok, n := b.times(arm, "", responseTime, entire, successes).n, b.times(arm, "", responseTime, entire, all).n; ok != t.ok || n-ok != t.failed {
		reasons = append(reasons, literally("arm %s: its histograms hold %s successes and %s failures, its counters %s and %s", arm, grouped(ok), grouped(n-ok), grouped(t.ok), grouped(t.failed)))
	}
	for _, p := range b.run.Pools {
		if m := b.messages(arm, p, entire); b.run.Final != nil && m.due != m.verdicts() {
			reasons = append(reasons, literally("arm %s: pool %s: %s deliveries were due", arm, p.Name, grouped(m.due))+text)
		}
	}
	if l := b.little(arm); l.missing < -0.01 {
		reasons = append(reasons, literally("arm %s: ", arm)+text+": more was recorded than can have happened")
	}
	return reasons
}

// warnings is what weakens the numbers of a summary.
func (b *bundle) warnings(s object) (found sentences) {
	add := func(when bool, pattern string) {
		if when {
			found = append(found, pattern)
		}
	}
	f, harness := b.run.Final, s["harness"].(object)
	if m := b.run.Merge; m != nil {
		for _, lacks := range m.lacking() {
			add(true, lacks)
		}
		for _, w := range m.Warnings {
			add(true, literally("%s", w))
		}
		for _, x := range m.Ignored {
			add(true, literally("ignored in merging: %s", x))
		}
	}
	add(f == nil && b.run.Merge == nil, "the run did not end properly"+text)
	for _, name := range b.torn {
		add(true, literally("%s: the last line is torn and was left out", name))
	}
	dropped := harness["marks_dropped"].(uint64)
	add(dropped > 0, literally("marks.jsonl: %s marks are missing", grouped(dropped))+text)
	for _, q := range []struct {
		name  string
		needs uint64
	}{{"p95", 20}, {"p99", 100}, {"p99.9", 1000}} {
		few := b.few(q.needs)
		add(len(few) > 0, literally("%s needs %s successes: %s", q.name, grouped(q.needs), strings.Join(few, ", ")))
	}
	add(b.closedLoop() && b.run.Saturation == nil, "the loop was closed"+text)
	stalls, longest := b.stalls(), int64(0)
	for _, m := range stalls {
		longest = max(longest, m.Duration)
	}
	add(len(stalls) > 0, literally("the harness itself stood still %s, up to %v", often(len(stalls)), digits(longest))+text)
	add(b.source == "data", "nobody said that there was an upgrade"+text)
	for k := range b.run.Arms {
		b.warn(k, add)
	}
	add(b.byTurns(), "the arms took turns and did not meet the same events"+text)
	if rounds := b.turns(""); len(rounds) > 0 && rounds[len(rounds)-1]%2 == 1 {
		add(b.byTurns(), literally("the arms took turns in %d rounds", rounds[len(rounds)-1])+text)
	}
	b.warnRounds(s, add)
	files, clock := b.used("file_descriptors"), b.clockSteps()
	add(files >= 0.8 && files < 0.95, "the harness had"+text+"file descriptors"+text)
	add(b.used("ports") >= 0.8, "up to"+text+"TCP ports"+text)
	add(clock > 0, literally("the clock was set %s", often(clock))+text)
	add(dropped > 0 && harness["health"].(copied).value != nil, literally("%s marks were dropped", grouped(dropped))+text)
	warnExports(harness["exports"].(object), add)
	n := len(b.run.Upgrade.Assumptions)
	add(b.run.Upgrade.Simulated, literally("the upgrade was simulated, as whoever did it says; %d of its numbers are assumptions", n)+text)
	add(n > 0 && b.run.Stage == "sim", literally("the upgrade was simulated; %d of its numbers are assumptions", n)+text)
	return found
}

func (b *bundle) clockSteps() int {
	n, _ := b.health("clock_steps")
	return int(n)
}

// few names the phases of arms with fewer successes than a quantile needs.
func (b *bundle) few(needs uint64) (names []string) {
	for _, a := range b.run.Arms {
		for _, phase := range []string{"baseline", "maintenance", "recovery"} {
			n := b.times(a.Name, "", responseTime, only(phase), successes).n
			if n < needs && b.operations(a.Name, "", only(phase)).due > 0 {
				names = append(names, fmt.Sprintf("%s %s has %d", a.Name, phase, n))
			}
		}
	}
	return names
}

// warn is what weakens the numbers of one arm.
func (b *bundle) warn(k int, add func(bool, string)) {
	arm, f := b.run.Arms[k].Name, b.run.Final
	say := func(when bool, format string, args ...any) {
		add(when, literally("arm %s: ", arm)+fmt.Sprintf(format, args...))
	}
	_, own := b.windows("outage", place{arm: arm})
	say(own == 1, "a span without a success passed while the harness stood still%s", text)
	say(own > 1, "each of %s spans without a success passed while the harness stood still%s", grouped(uint64(own)), text)
	b.warnLag(arm, say)
	s := b.sch(k)
	say(s.requested == "on" && s.effective == "mixed", "only %s of %s connections opted in to notices", grouped(s.optedIn), grouped(s.connections))
	if f != nil {
		for _, p := range f.Arms {
			for _, note := range p.Notes {
				say(p.Name == arm, "%s", literally("%s", note))
			}
		}
	}
	say(s.effective == "unknown", "nothing proves%s", text)
	t := b.operations(arm, "", entire)
	say(f == nil && t.ended() < t.due, "%s operations had not ended when the run was cut off", grouped(t.due-t.ended()))
	say(f == nil && b.out(arm), "an outage was going on%s", text)
	say(b.operations(arm, "", measured).due == 0, "no operation fell due after warm-up")
}

// warnLag says that operations of the baseline started late. Beyond 10 ms of
// the harness's own doing it is saturated, and says so there.
func (b *bundle) warnLag(arm string, say func(bool, string, ...any)) {
	const ms = int64(time.Millisecond)
	lag, late := b.lag(arm), b.late(arm)
	response := b.times(arm, "", responseTime, only("baseline"), successes).quantile(990)
	const start = "operations of the baseline started up to "
	switch {
	case lag > 10*ms:
	case lag > 5*ms:
		say(true, "%s", start+literally("%v", digits(late))+text+"a good part of the result is the harness"+text)
	case late > 5*ms:
		say(true, "%s", start+literally("%v", digits(late))+text+"because all workers were busy"+text)
	case lag > ms/2 && lag > response/10:
		say(true, "%s", start+literally("%v", digits(lag))+text+"more than a tenth of their response time"+text)
	}
}

// out says whether an arm was out in its last interval.
func (b *bundle) out(arm string) (out bool) {
	for _, p := range b.each(arm, "schload.outage.active") {
		out = p.level > 0
	}
	return out
}

// digits leaves about three of a duration.
func digits(ns int64) time.Duration {
	unit := time.Duration(1)
	for time.Duration(ns) >= 1000*unit {
		unit *= 10
	}
	return time.Duration(ns).Round(unit)
}

// warnExports is what a collector lacks of the run.
func warnExports(exports object, add func(when bool, pattern string)) {
	n := func(key string) uint64 { return exports[key].(uint64) }
	held := ""
	if n("held") > 0 {
		held = literally(" and %s were held back", grouped(n("held")))
	}
	add(n("failed") > 0, literally("%s of %s exports to the collector failed", grouped(n("failed")), grouped(n("failed")+n("sent")))+held+text)
	add(n("overflowed") > 0, literally("series beyond the bound of their metric were merged %s", often(int(n("overflowed"))))+text)
	add(n("spans_lost") > 0, literally("%s spans were lost", grouped(n("spans_lost")))+text)
	add(n("events_lost") > 0, literally("%s log events of marks were lost", grouped(n("events_lost")))+text)
}

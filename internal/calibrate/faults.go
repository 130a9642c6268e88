package calibrate

import (
	"context"
	"fmt"
	"strings"
	"time"

	"schload/handoff/sim"
	"schload/internal/compare"
)

// faults has the simulator break what a database promises, a known number of
// times, and has it keep its promises in a run of the same kind.
var faults = check{"faults", "two audited runs of two arms on the simulator: one with injected faults of each kind, one without", runFaults}

// injected is a kind of fault, what it is done to, and what finds it.
type injected struct {
	sim.Injection
	arm   string // whose keys it is done to; "" concerns both
	found func(compare.Arm) uint64
}

// faultsFrom is when the first fault is done: after the ledgers are open.
const faultsFrom = 1200 * time.Millisecond

// injections are done side by side, each to keys of an arm and a type of its
// own, so that none covers another. What the simulator finds no occasion for it
// leaves undone, and says so: it is held against what was done.
var injections = []injected{
	{ofData(sim.WrongReply, 11, "GET"), "on", func(a compare.Arm) uint64 { return a.Integrity.WrongReplies }},
	{ofData(sim.StaleRead, 7, "HGET"), "on", func(a compare.Arm) uint64 { return a.Integrity.StaleReads }},
	{ofData(sim.LostWrite, 13, "INCR"), "on", func(a compare.Arm) uint64 { return a.Integrity.LostAcknowledgedWrites }},
	{ofData(sim.Duplicate, 5, "LPUSH"), "on", func(a compare.Arm) uint64 { return a.Integrity.DuplicateApplications }},
	{ofData(sim.OutOfOrder, 6, "HSET"), "off", func(a compare.Arm) uint64 { return a.Integrity.OutOfOrder }},
	{ofData(sim.LostWrite, 9, "SET"), "off", func(a compare.Arm) uint64 { return a.Integrity.LostAcknowledgedWrites }},
	{ofData(sim.HiddenDuplicate, 8, "INCR"), "off", func(a compare.Arm) uint64 { return a.Integrity.DuplicateApplications }},
	{ofMessages(sim.DroppedMessage, 10), "on", func(a compare.Arm) uint64 { return news(a).Lost }},
	{ofMessages(sim.DoubledMessage, 4), "off", func(a compare.Arm) uint64 { return news(a).Duplicates }},
	{ofMessages(sim.SwappedMessages, 6), "off", func(a compare.Arm) uint64 { return news(a).OutOfOrder }},
	{sim.Injection{Fault: sim.Outage, Count: 2, From: 2 * time.Second, Every: 1700 * time.Millisecond, Lasts: outageLasts}, "", func(a compare.Arm) uint64 { return a.Outage.Windows }},
}

// outageLasts is longer than what counts as an outage.
const outageLasts = 700 * time.Millisecond

func ofData(f sim.Fault, count int, command string) sim.Injection {
	return sim.Injection{Fault: f, Count: count, From: faultsFrom, Every: 100 * time.Millisecond, Commands: []string{command}}
}

func ofMessages(f sim.Fault, count int) sim.Injection {
	return sim.Injection{Fault: f, Count: count, From: faultsFrom, Every: 150 * time.Millisecond}
}

// news is what became of an arm's messages.
func news(a compare.Arm) compare.Delivery {
	for _, p := range a.Pools {
		if p.Name == newsPool {
			return p.Delivery
		}
	}
	return compare.Delivery{}
}

// of is a part of the names of the keys or channels that the fault is done to.
func (x injected) of() string {
	switch {
	case x.arm == "":
		return ""
	case x.Fault.OfData():
		return "ledger:" + x.arm + ":"
	}
	return newsOf(x.arm)
}

// newsOf is in the names of an arm's channels.
func newsOf(arm string) string { return "message:" + arm + ":" }

// audited is a run whose every reply is held against the ledger, and every
// message against what was published.
func audited(name string) trial {
	return trial{
		name: name, arms: []string{"on", "off"}, upgrade: "none", set: []string{"quiet_time=4500ms"}, rounds: 1,
		warmup: 500 * time.Millisecond, baseline: 500 * time.Millisecond, recovery: 500 * time.Millisecond,
		rate: 800, workers: 8, keys: 64, ledger: 1, messages: 100, mix: "GET=4,SET=3,HGET=6,HSET=2,INCR=3,LPUSH=3,RPOP=2",
	}
}

func runFaults(ctx context.Context, b *bench) (finding, error) {
	f := finding{expected: "as many found as were injected, kind by kind, and nothing else; none in the run without"}
	broken := audited("faults")
	for _, x := range injections {
		i := x.Injection
		if i.Key = x.of(); x.Fault.OfData() {
			i.Not = ":shared:"
		}
		broken.inject = append(broken.inject, i)
	}
	with, err := b.try(ctx, broken)
	if err != nil {
		return f, err
	}
	without, err := b.try(ctx, audited("faults-control"))
	if err != nil {
		return f, err
	}
	f.found = f.held(with) + "; " + f.clean(without)
	return f, nil
}

// held holds what each arm found against what was injected into it.
func (f *finding) held(e experimented) string {
	var words []string
	f.want(e.Valid, "%s: invalid: %q", e.name, e.InvalidReasons)
	for _, x := range injections {
		for _, a := range e.Arms {
			if x.arm != "" && x.arm != a.Name {
				continue
			}
			done, found := countOf(e.injected, x), x.found(a)
			words = append(words, fmt.Sprintf("%s of %s %d of %d", x.Fault, a.Name, found, done))
			f.want(2*done >= uint64(x.Count) && done <= uint64(x.Count), "%s, arm %s: the simulator did %d of the %d that were ordered", x.Fault, a.Name, done, x.Count)
			f.want(found == done, "%s, arm %s: %d found, %d injected", x.Fault, a.Name, found, done)
		}
	}
	for _, a := range e.Arms {
		f.sums(a, e.injected)
		f.gaps(a)
		longest := a.Outage.Longest.Duration()
		f.want(longest > outageLasts-outageEarly, "arm %s: the longest outage is %v, want %v", a.Name, short(longest), outageLasts)
	}
	return strings.Join(words, ", ")
}

// countOf is how many faults of a kind were done to the keys of an arm.
func countOf(account sim.Injected, x injected) (n uint64) {
	for _, done := range account.Done {
		if done.Fault == x.Fault && strings.Contains(done.Key, x.of()) {
			n++
		}
	}
	return n
}

// sums wants nothing to be found in an arm beyond what was injected.
func (f *finding) sums(a compare.Arm, account sim.Injected) {
	var want uint64
	for _, x := range injections {
		if x.arm == a.Name {
			want += countOf(account, x)
		}
	}
	got := violations(a)
	f.want(got == want, "arm %s: %d violations found in all, %d injected", a.Name, got, want)
}

// gaps wants messages that were lost to be in gaps, and gaps to be of those:
// two that are lost one after the other are in one.
func (f *finding) gaps(a compare.Arm) {
	d := news(a)
	f.want((d.Gaps.Count > 0) == (d.Lost > 0) && d.Gaps.Count <= d.Lost, "arm %s: %d gaps of %d messages lost", a.Name, d.Gaps.Count, d.Lost)
}

func violations(a compare.Arm) uint64 {
	i := a.Integrity
	return i.LostAcknowledgedWrites + i.StaleReads + i.WrongReplies + i.DuplicateApplications + i.OutOfOrder + i.Linearizable.Violations + mishaps(a)
}

// mishaps are what befell an arm's messages.
func mishaps(a compare.Arm) uint64 {
	d := news(a)
	return d.Lost + d.Unknown + d.Left + d.Duplicates + d.OutOfOrder + d.Foreign + d.Belated
}

// clean wants nothing to be found where nothing was injected.
func (f *finding) clean(e experimented) string {
	f.want(e.Valid, "%s: invalid: %q", e.name, e.InvalidReasons)
	var found, outages, checked, delivered uint64
	for _, a := range e.Arms {
		found, outages, checked = found+violations(a), outages+a.Outage.Windows, checked+a.Integrity.Checked()
		d := news(a)
		delivered += d.Delivered
		f.want(d.Delivered > 0 && d.Delivered == d.Due && d.Gaps.Count == 0, "%s, arm %s: %d of %d messages delivered, %d gaps; nothing was injected", e.name, a.Name, d.Delivered, d.Due, d.Gaps.Count)
		f.want(violations(a) == 0, "%s, arm %s: found %+v and, of messages, %+v; nothing was injected", e.name, a.Name, a.Integrity, d)
		f.want(a.Outage.Windows == 0, "%s, arm %s: %d outages, none was injected", e.name, a.Name, a.Outage.Windows)
		f.want(a.Integrity.Checked() > 0, "%s, arm %s: no reply was checked", e.name, a.Name)
	}
	return fmt.Sprintf("without: %d violations and %d outages in %d replies checked and %d messages delivered", found, outages, checked, delivered)
}

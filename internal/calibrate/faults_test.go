package calibrate

import (
	"context"
	"slices"
	"testing"
	"time"

	"schload/handoff/sim"
	"schload/internal/compare"
)

// seen makes the two audited runs in virtual time.
func seen(t *testing.T) (with, without experimented) {
	t.Helper()
	l := inVirtualTime(t, check{"faults", "", func(ctx context.Context, b *bench) (finding, error) {
		f, err := runFaults(ctx, b)
		if len(b.runs) == 2 {
			with, without = b.runs[0], b.runs[1]
		}
		return f, err
	}}, spoil{})
	wantPass(t, l)
	if without.name == "" {
		t.Fatal("the runs were not made")
	}
	return with, without
}

// All are found; and when a kind is found once too often or too seldom, or what
// was injected is another number, or something is found where nothing was, the
// line fails.
func TestFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("whole runs of two arms: seconds of processor time, more under the race detector")
	}
	with, without := seen(t)
	arms := func(e experimented, change func(*compare.Arm)) experimented {
		e.Arms = slices.Clone(e.Arms)
		for i := range e.Arms {
			change(&e.Arms[i])
		}
		return e
	}
	integrity := func(change func(*compare.Integrity)) func(*compare.Arm) {
		return func(a *compare.Arm) {
			if violations(*a) > 0 {
				change(&a.Integrity)
			}
		}
	}
	messages := func(change func(*compare.Delivery)) func(*compare.Arm) {
		return func(a *compare.Arm) {
			a.Pools = slices.Clone(a.Pools)
			for i := range a.Pools {
				if a.Pools[i].Name == newsPool {
					change(&a.Pools[i].Delivery)
				}
			}
		}
	}
	for name, broken := range map[string]experimented{
		"wrong reply missed":    arms(with, integrity(func(i *compare.Integrity) { i.WrongReplies = max(i.WrongReplies, 1) - 1 })),
		"stale read invented":   arms(with, integrity(func(i *compare.Integrity) { i.StaleReads++ })),
		"lost write missed":     arms(with, integrity(func(i *compare.Integrity) { i.LostAcknowledgedWrites-- })),
		"duplicate missed":      arms(with, integrity(func(i *compare.Integrity) { i.DuplicateApplications-- })),
		"order invented":        arms(with, integrity(func(i *compare.Integrity) { i.OutOfOrder++ })),
		"history invented":      arms(with, integrity(func(i *compare.Integrity) { i.Linearizable.Violations++ })),
		"no ledger":             arms(with, func(a *compare.Arm) { a.Integrity = compare.Integrity{} }),
		"outage missed":         arms(with, func(a *compare.Arm) { a.Outage.Windows-- }),
		"outage invented":       arms(with, func(a *compare.Arm) { a.Outage.Windows++ }),
		"outage too short":      arms(with, func(a *compare.Arm) { a.Outage.Longest /= 2 }),
		"one taken for another": arms(with, integrity(func(i *compare.Integrity) { i.StaleReads++; i.LostAcknowledgedWrites-- })),
		"message lost unseen":   arms(with, messages(func(d *compare.Delivery) { d.Lost = max(d.Lost, 1) - 1 })),
		"message lost invented": arms(with, messages(func(d *compare.Delivery) { d.Lost++ })),
		"duplicate unseen":      arms(with, messages(func(d *compare.Delivery) { d.Duplicates = max(d.Duplicates, 1) - 1 })),
		"swapped unseen":        arms(with, messages(func(d *compare.Delivery) { d.OutOfOrder = max(d.OutOfOrder, 1) - 1 })),
		"gap unseen":            arms(with, messages(func(d *compare.Delivery) { d.Gaps.Count = 0 })),
		"gap invented":          arms(with, messages(func(d *compare.Delivery) { d.Gaps.Count += 100 })),
		"foreign message":       arms(with, messages(func(d *compare.Delivery) { d.Foreign++ })),
		"no messages":           arms(with, func(a *compare.Arm) { a.Pools = nil }),
		"nothing injected":      func() experimented { e := with; e.injected = sim.Injected{}; return e }(),
		"one more injected": func() experimented {
			e := with
			e.injected.Done = append(slices.Clone(e.injected.Done), sim.Injury{Fault: sim.StaleRead, Key: "ledger:on:"})
			return e
		}(),
	} {
		var f finding
		if f.held(broken); len(f.wrong) == 0 {
			t.Errorf("%s: not noticed", name)
		}
	}
	for name, broken := range map[string]experimented{
		"injected":  with,
		"violation": arms(without, func(a *compare.Arm) { a.Integrity.StaleReads = 1 }),
		"outage":    arms(without, func(a *compare.Arm) { a.Outage.Windows = 1 }),
		"unchecked": arms(without, func(a *compare.Arm) { a.Integrity = compare.Integrity{} }),
		"lost":      arms(without, messages(func(d *compare.Delivery) { d.Delivered--; d.Lost++ })),
		"silence":   arms(without, func(a *compare.Arm) { a.Pools = nil }),
	} {
		var f finding
		if f.clean(broken); len(f.wrong) == 0 {
			t.Errorf("without faults, %s: not noticed", name)
		}
	}
	wantLaws(t, with)
}

// wantLaws wants the laws to be asked of the runs of other checks, too.
func wantLaws(t *testing.T, e experimented) {
	t.Helper()
	var whole, broken finding
	whole.others([]experimented{e}, time.Millisecond)
	e.Arms = slices.Clone(e.Arms)
	e.Arms[1].Operations.OK++
	broken.others([]experimented{e}, time.Millisecond)
	if len(whole.wrong) != 0 || len(broken.wrong) != 1 {
		t.Errorf("whole: %q, with one more ok: %q", whole.wrong, broken.wrong)
	}
}

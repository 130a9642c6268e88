package report

import (
	"slices"

	"schload/internal/compare"
)

// integrity adds what the ledgers found: one line if that is nothing.
func integrity(columns []column, t *table, each func(string, func(column) string), some func(string, func(compare.Arm) uint64)) {
	if !slices.ContainsFunc(columns, func(c column) bool { return c.arm.Integrity.Checked() > 0 }) {
		return
	}
	if !slices.ContainsFunc(columns, func(c column) bool { return c.arm.Integrity.Violated() || c.arm.Integrity.Open() > 0 }) {
		each("integrity: nothing found in replies checked", func(c column) string { return count(c.arm.Integrity.Checked()) })
		return
	}
	of := func(f func(compare.Integrity) uint64) func(compare.Arm) uint64 {
		return func(a compare.Arm) uint64 { return f(a.Integrity) }
	}
	t.add("integrity, warm-up included")
	each("  replies checked", func(c column) string { return count(c.arm.Integrity.Checked()) })
	if !slices.ContainsFunc(columns, func(c column) bool { return c.arm.Integrity.Violated() }) {
		each("  violations", func(column) string { return count(0) })
	}
	some("  acknowledged writes lost", of(func(i compare.Integrity) uint64 { return i.LostAcknowledgedWrites }))
	some("  stale reads", of(func(i compare.Integrity) uint64 { return i.StaleReads }))
	some("  wrong replies", of(func(i compare.Integrity) uint64 { return i.WrongReplies }))
	some("  applied more than once", of(func(i compare.Integrity) uint64 { return i.DuplicateApplications }))
	some("  out of order", of(func(i compare.Integrity) uint64 { return i.OutOfOrder }))
	some("  keys not linearizable", of(func(i compare.Integrity) uint64 { return i.Linearizable.Violations }))
	some("  undecided writes", of(compare.Integrity.Open))
	some("    of these applied", of(func(i compare.Integrity) uint64 { return i.IndeterminateWrites.Applied }))
	some("    not applied", of(func(i compare.Integrity) uint64 { return i.IndeterminateWrites.NotApplied }))
	some("    unknown", of(func(i compare.Integrity) uint64 { return i.IndeterminateWrites.Unknown }))
}

package experiment

import (
	"schload/handoff"
	"schload/handoff/notice"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// attributed adds to an interval what handoffs, relaxed timeouts and retries
// did for an arm since the reading before, and nothing if that is nothing.
func attributed(into *record.Interval, a *arm, before, now handoff.Observation) {
	add := func(name string, n, was uint64, attrs ...record.Attr) {
		if n > was {
			into.Counts = append(into.Counts, record.Count{Name: name, Arm: a.name, Attrs: attrs, Value: n - was})
		}
	}
	of := func(key, value string) record.Attr { return record.Attr{Key: key, Value: value} }

	add(record.OperationsSaved, now.Relaxed.Saved, before.Relaxed.Saved, of(record.AttrBy, "relaxed_timeouts"))
	add(record.OperationsSaved, now.Retries.Hidden, before.Retries.Hidden, of(record.AttrBy, "retries"))
	add(record.ConnectionsLeaving, now.Leaving.HandedOver, before.Leaving.HandedOver, of(record.AttrResult, "handed_over"))
	add(record.ConnectionsLeaving, now.Leaving.ClosedTold, before.Leaving.ClosedTold, of(record.AttrResult, "closed_told"))
	add(record.ConnectionsLeaving, now.Leaving.ClosedUntold, before.Leaving.ClosedUntold, of(record.AttrResult, "closed_untold"))
	add(record.ConnectionsLeaving, now.Leaving.GivenUp, before.Leaving.GivenUp, of(record.AttrResult, "given_up"))
	add(record.DialsLeaving, now.Dials.Leaving, before.Dials.Leaving, of(record.AttrResult, "ok"))
	add(record.DialsLeaving, now.Dials.LeavingFailed, before.Dials.LeavingFailed, of(record.AttrResult, "failed"))
	add(record.DialsSurplus, now.Dials.Failed, before.Dials.Failed, of(record.AttrReason, "failed"))
	add(record.DialsSurplus, now.Overflow(), before.Overflow(), of(record.AttrReason, "overflow"))
	add(record.DialsSurplus, now.Dials.Unused, before.Dials.Unused, of(record.AttrReason, "unused"))
	add(record.Handoffs, now.Handoff.Abandoned, before.Handoff.Abandoned, of(record.AttrResult, "abandoned"))
	add(record.RelaxedWindows, now.Relaxed.Windows, before.Relaxed.Windows, of(record.AttrResult, "begun"))
	add(record.RelaxedWindows, now.Relaxed.NeverClosed, before.Relaxed.NeverClosed, of(record.AttrResult, "never_closed"))
	add(record.RelaxedWindows, now.Relaxed.Open, before.Relaxed.Open, of(record.AttrResult, "open"))
	for kind := range notice.Kind(notice.Kinds) {
		c, was := now.Notices.Coverage[kind], before.Notices.Coverage[kind]
		named := of(record.AttrNotice, kind.String())
		add(record.NoticeEvents, c.Events, was.Events, named)
		add(record.NoticeConnections, c.Owed, was.Owed, named, of(record.AttrResult, "owed"))
		add(record.NoticeConnections, c.Told, was.Told, named, of(record.AttrResult, "told"))
		add(record.NoticeConnections, c.Ended, was.Ended, named, of(record.AttrResult, "ended"))
	}
	into.Distributions = append(into.Distributions, lengths(a)...)
	into.Levels = append(into.Levels, dialPeaks(a)...)
}

// lengths returns the distributions of what the arm's client did.
func lengths(a *arm) (all []record.Distribution) {
	add := func(name string, h *histogram.Histogram, attrs ...record.Attr) {
		if h != nil {
			all = append(all, record.Distribution{Name: name, Arm: a.name, Attrs: attrs, Times: h})
		}
	}
	taken := a.client.TakeLengths()
	add(record.ClientCreateTime, taken.Dialled)
	add(record.ClientWaitTime, taken.Waited)
	add(record.ClientInitTime, taken.Opened)
	add(record.ReconnectionTime, taken.Reconnected)
	add(record.HandoffDuration, taken.Handoff, record.Attr{Key: record.AttrFrom, Value: "dial"})
	add(record.HandoffDuration, taken.SinceNotice, record.Attr{Key: record.AttrFrom, Value: "notice"})
	add(record.RelaxedDuration, taken.Relaxed)
	for kind := range notice.Kind(notice.Kinds) {
		add(record.NoticeDelay, taken.Notices[kind], record.Attr{Key: record.AttrNotice, Value: kind.String()})
	}
	return all
}

// dialPeaks returns the gauges of the busiest 100 ms, and once after there was
// one that there is none.
func dialPeaks(a *arm) (all []record.Level) {
	peaks := a.client.TakeDialPeaks()
	dialled := peaks[0].Dials > 0
	if !dialled && !a.dialled {
		return nil
	}
	a.dialled = dialled
	for _, p := range peaks {
		node := []record.Attr{{Key: record.AttrNode, Value: p.Node}}
		all = append(all,
			record.Level{Name: record.DialsPeak, Arm: a.name, Attrs: node, Value: float64(p.Dials)},
			record.Level{Name: record.DialsPeakAt, Arm: a.name, Attrs: node, Value: record.Seconds(p.At)})
	}
	return all
}

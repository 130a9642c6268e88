package recount

import (
	"cmp"
	"slices"
)

// attribution is nothing where all of it is zero.
func (b *bundle) attribution(arm string) object {
	saved := b.counter(arm, "schload.operations.saved", "by")
	ended := b.counter(arm, "schload.connections.leaving", "result")
	windows := b.counter(arm, "schload.relaxed.windows", "result")
	lengths := b.lengths(arm, "schload.relaxed.duration", "")
	return object{
		"saved":       object{"by_relaxed_timeouts": saved["relaxed_timeouts"], "by_retries": saved["retries"]},
		"connections": object{"handed_over": ended["handed_over"], "closed_told": ended["closed_told"], "closed_untold": ended["closed_untold"], "given_up": ended["given_up"]},
		"notices":     b.coverage(arm),
		"dials":       b.dials(arm),
		"handoffs": object{
			"since_dial_s": b.lengths(arm, "schload.handoff.duration", "dial").object(), "since_notice_s": b.lengths(arm, "schload.handoff.duration", "notice").object(),
			"abandoned": b.counter(arm, "schload.handoffs", "result")["abandoned"],
		},
		"relaxed": object{
			"windows": windows["begun"], "open": windows["open"], "never_closed": windows["never_closed"],
			"total_s": duration(lengths.sum), "longest_s": duration(lengths.max),
		},
	}
}

// lengths adds up a histogram without phases, outside warm-up; from, if given,
// is what its lengths count from.
func (b *bundle) lengths(arm, name, from string) *times {
	t := new(times)
	for _, p := range b.each(arm, name) {
		if b.at(p.middle()) != "warmup" && (from == "" || p.attrs["from"] == from) {
			t.add(p.times)
		}
	}
	return t
}

func (b *bundle) coverage(arm string) object {
	told := b.counter(arm, "schload.notice.connections", "result")
	concerned := told["owed"] - min(told["owed"], told["ended"])
	events, leftOut := b.covered(arm), 0
	if leftOut = len(events) - 32; leftOut > 0 {
		events = events[leftOut:]
	}
	last := list{}
	for _, m := range events {
		var seq any
		if m.Seq != nil {
			seq = *m.Seq
		}
		last = append(last, object{"name": m.Name, "seq": copied{seq}, "at_s": duration(m.At), "connections": m.Of, "told": m.Count, "spread_s": duration(m.Duration)})
	}
	return object{
		"events": total(b.counter(arm, "schload.notice.events", "")), "connections": concerned, "told": told["told"],
		"stragglers": concerned - min(concerned, told["told"]), "delay_s": b.lengths(arm, "schload.notice.delay", "").object(),
		"last": last, "left_out": uint64(max(0, leftOut)),
	}
}

// covered are the marks of an arm's events outside warm-up, by instant.
func (b *bundle) covered(arm string) (found []mark) {
	for _, m := range b.of("coverage") {
		if m.Arm == arm && b.at(m.At) != "warmup" {
			found = append(found, m)
		}
	}
	slices.SortStableFunc(found, func(x, y mark) int { return cmp.Compare(x.At, y.At) })
	return found
}

// busiest are the fullest 100 ms of dials.
type busiest struct {
	node string
	peak uint64
	at   int64
}

func (b *bundle) dials(arm string) object {
	surplus := b.counter(arm, "schload.connection.dials.surplus", "reason")
	o := object{
		"failed": surplus["failed"], "overflow": surplus["overflow"], "unused": surplus["unused"], "surplus": total(surplus),
		"leaving": total(b.counter(arm, "schload.connection.dials.leaving", "")),
		"peak":    uint64(0), "at_s": duration(0),
	}
	nodes := list{}
	for _, p := range b.peaks(arm) {
		if p.node == "all" {
			o["peak"], o["at_s"] = p.peak, duration(p.at)
			continue
		}
		nodes = append(nodes, object{"node": p.node, "peak": p.peak, "at_s": duration(p.at)})
	}
	o["nodes"] = nodes
	return o
}

// peaks are the fullest 100 ms to each node that began outside warm-up, the
// fullest first.
func (b *bundle) peaks(arm string) (found []busiest) {
	for _, i := range b.intervals {
		began := map[string]int64{}
		for _, p := range i.points {
			if p.arm == arm && p.name == "schload.connection.dials.peak_at" {
				began[p.attrs["node"]] = p.exact
			}
		}
		for _, p := range i.points {
			if p.arm != arm || p.name != "schload.connection.dials.peak" || p.level < 1 || b.at(began[p.attrs["node"]]) == "warmup" {
				continue
			}
			now := busiest{p.attrs["node"], uint64(p.level), began[p.attrs["node"]]}
			k := slices.IndexFunc(found, func(f busiest) bool { return f.node == now.node })
			switch {
			case k < 0:
				found = append(found, now)
			case now.peak > found[k].peak:
				found[k] = now
			}
		}
	}
	slices.SortFunc(found, func(x, y busiest) int {
		return cmp.Or(cmp.Compare(y.peak, x.peak), cmp.Compare(x.at, y.at), cmp.Compare(x.node, y.node))
	})
	return found
}

package recount

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
)

func (b *bundle) arm(k int) object {
	name := b.run.Arms[k].Name
	ops := b.operations(name, "", measured)
	dials, closes := b.counter(name, "schload.connection.dials", "result"), b.counter(name, "schload.connection.closes", "by")
	handoffs, redirects := b.counter(name, "schload.handoffs", "result"), b.counter(name, "schload.redirects", "result")
	return object{
		"name": name, "sch": b.sch(k).object(),
		"operations": ops.object(), "errors": counts(ops.errors), "missed_reasons": counts(ops.reasons),
		"attempts_hidden": total(b.counter(name, "schload.attempts.hidden", "")),
		"phases":          b.byPhase(name, ""),
		"connections": object{
			"dials": total(dials), "dial_failures": total(dials) - dials["ok"],
			"closed_by_server": closes["server"], "closed_by_client": closes["client"],
		},
		"notices":        counts(b.counter(name, "redis.client.maintenance.notifications", "redis.client.connection.notification")),
		"handoffs":       object{"started": handoffs["started"], "succeeded": handoffs["succeeded"], "failed": handoffs["failed"]},
		"redirects":      object{"moved": redirects["moved"], "ask": redirects["ask"]},
		"slot_map_reads": total(b.counter(name, "schload.slot_map.reads", "")),
		"outage":         b.outage(place{arm: name}),
		"slot_ranges":    b.slotRanges(name), "events": b.events(place{arm: name}), "rounds": b.turnsOf(name), "pools": b.pools(name), "attribution": b.attribution(name),
		"wrong_replies": ops.errors["wrong_reply"], "crossed_replies": ops.errors["crossed_reply"],
		"silent_replies": total(b.counter(name, "schload.replies.silent", "")),
		"integrity":      b.integrity(name), "little": b.little(name).object(),
	}
}

func (b *bundle) byPhase(arm, pool string) object {
	return object{"baseline": b.phase(arm, pool, "baseline"), "maintenance": b.phase(arm, pool, "maintenance"), "recovery": b.phase(arm, pool, "recovery")}
}

func (b *bundle) phase(arm, pool, phase string) object {
	return object{
		"operations":      b.operations(arm, pool, only(phase)).object(),
		"response_time_s": b.times(arm, pool, responseTime, only(phase), successes).object(),
		"service_time_s":  b.times(arm, pool, serviceTime, only(phase), successes).object(),
		"lateness_s":      b.times(arm, pool, lateness, only(phase), all).object(),
	}
}

// pools are an arm's, each like an arm. The marks of an arm are those of its
// only pool.
func (b *bundle) pools(arm string) list {
	l := list{}
	for _, p := range b.run.Pools {
		at := place{arm: arm, pool: p.Name}
		if len(b.run.Pools) == 1 {
			at.pool = ""
		}
		ops := b.operations(arm, p.Name, measured)
		l = append(l, object{
			"name": p.Name, "kind": cmp.Or(p.Kind, "commands"),
			"operations": ops.object(), "errors": counts(ops.errors), "missed_reasons": counts(ops.reasons),
			"phases": b.byPhase(arm, p.Name), "outage": b.outage(at), "events": b.events(at), "delivery": b.delivery(arm, p),
		})
	}
	return l
}

// sch is what an arm's connections were found to be.
type sch struct {
	requested, effective string
	connections, optedIn uint64
}

func (s sch) object() object {
	return object{"requested": s.requested, "effective": s.effective, "connections": s.connections, "opted_in": s.optedIn}
}

// sch is the proof at the run's end or, where there is none, what the counters say.
func (b *bundle) sch(k int) sch {
	a := b.run.Arms[k]
	proved := b.always(a.Name, "schload.connections.proved", "opted_in")
	s := sch{requested: a.Requested, connections: total(proved), optedIn: proved["true"]}
	if b.run.Final != nil {
		for _, p := range b.run.Final.Arms {
			if p.Name == a.Name {
				s.effective, s.connections, s.optedIn = p.Effective, p.Connections, p.OptedIn
			}
		}
	}
	if s.effective == "" {
		s.effective = effective(s.connections, s.optedIn)
	}
	if s.requested == "raw" && s.effective == "off" {
		s.effective = "none (raw)"
	}
	return s
}

func effective(connections, optedIn uint64) string {
	switch {
	case connections == 0:
		return "unknown"
	case optedIn == 0:
		return "off"
	case optedIn == connections:
		return "on"
	}
	return "mixed"
}

func (b *bundle) integrity(arm string) any {
	checks := b.always(arm, "schload.integrity.checks", "type")
	if total(checks) == 0 {
		return nil
	}
	found := b.always(arm, "schload.integrity.violations", "type")
	open := b.always(arm, "schload.integrity.indeterminate", "result")
	linear := b.always(arm, "schload.integrity.linearizable", "result")
	return object{
		"lost_acknowledged_writes": found["lost_acknowledged_write"], "stale_reads": found["stale_read"],
		"duplicate_applications": found["duplicate_application"], "out_of_order": found["out_of_order"],
		"wrong_replies":        b.operations(arm, "", entire).errors["wrong_reply"],
		"indeterminate_writes": object{"applied": open["applied"], "not_applied": open["not_applied"], "unknown": open["unknown"]},
		"checked_writes":       checks["write"], "checked_reads": checks["read"],
		"rounds":       b.integrityRounds(arm),
		"linearizable": object{"keys": total(linear), "violations": linear["violated"], "unknown": linear["unknown"]},
	}
}

// integrityRounds is what was found and decided by round, those without any
// left out.
func (b *bundle) integrityRounds(arm string) list {
	by := map[int]map[string]uint64{}
	add := func(name, key string, keep func(point) bool) {
		for _, p := range b.each(arm, name) {
			round, err := strconv.Atoi(p.attrs["schload.round"])
			if err != nil || p.count == 0 || !keep(p.point) {
				continue
			}
			if by[round] == nil {
				by[round] = map[string]uint64{}
			}
			by[round][p.attrs[key]] += p.count
		}
	}
	every := func(point) bool { return true }
	add("schload.integrity.violations", "type", every)
	add("schload.integrity.indeterminate", "result", every)
	add("schload.operations", "outcome", func(p point) bool { return p.attrs["outcome"] == "wrong_reply" })
	l := list{}
	for _, round := range slices.Sorted(maps.Keys(by)) {
		n := by[round]
		l = append(l, object{
			"round": uint64(round), "lost_acknowledged_writes": n["lost_acknowledged_write"], "stale_reads": n["stale_read"], "wrong_replies": n["wrong_reply"],
			"duplicate_applications": n["duplicate_application"], "out_of_order": n["out_of_order"],
			"indeterminate_writes": object{"applied": n["applied"], "not_applied": n["not_applied"], "unknown": n["unknown"]},
		})
	}
	return l
}

// little is Little's law for an arm, over the whole run; known is false where
// the engine counted nothing.
type little struct {
	known              bool
	throughput, flight float64
	mean               int64
	missing            float64
}

func (l little) object() any {
	if !l.known {
		return nil
	}
	return object{"throughput": share(l.throughput), "mean_s": duration(l.mean), "in_flight": share(l.flight), "missing": share(l.missing)}
}

func (b *bundle) little(arm string) little {
	flight := 0.0                 // operations x seconds
	loaded := map[[2]int64]bool{} // readings that say so: all of the run's, or of the arm's turns
	for _, p := range b.each(arm, "schload.harness.in_flight") {
		flight += p.level * p.seconds()
		loaded[[2]int64{p.from, p.to}] = true // pools say so each
	}
	ns := int64(0)
	for reading := range loaded {
		ns += reading[1] - reading[0]
	}
	length := seconds(ns)
	if flight <= 0 || length <= 0 {
		return little{}
	}
	t := b.times(arm, "", serviceTime, entire, all)
	l := little{known: true, throughput: float64(t.n) / length, flight: flight / length, missing: 1 - seconds(t.sum)/flight}
	if t.n > 0 {
		l.mean = t.sum / int64(t.n)
	}
	return l
}

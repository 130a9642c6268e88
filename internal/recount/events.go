package recount

import "strconv"

// event is a round's maintenance and recovery.
type event struct {
	round    int    // 0: whatever the round
	arm      string // whose turn it was; "": of all arms
	from, to int64
}

// has says whether what was filed under phase and round is part of it.
func (e event) has(p point) bool {
	round, _ := strconv.Atoi(p.attrs["schload.round"])
	return (p.phase() == "maintenance" || p.phase() == "recovery") && (e.round == 0 || e.round == round)
}

// rounds finds the events: each begins with a round's first maintenance and
// ends with the next round, or the warm-up before it.
func (b *bundle) rounds() (all []event) {
	if b.source == "data" {
		return []event{{from: b.span.from}}
	}
	for _, m := range b.phases {
		k := len(all) - 1
		other := k < 0 || m.Round != all[k].round || m.Arm != all[k].arm
		if k >= 0 && all[k].to == 0 && (other || m.Name == "warmup") {
			all[k].to = m.At
		}
		if m.Name == "maintenance" && other {
			all = append(all, event{round: m.Round, arm: m.Arm, from: m.At})
		}
	}
	return all
}

// events are those of an arm or of one of its pools.
func (b *bundle) events(of place) list {
	l := list{}
	for _, e := range b.rounds() {
		t := b.total(of, e)
		if t.due == 0 || e.arm != "" && e.arm != of.arm {
			continue
		}
		pieces := b.pieces(of, e)
		to := e.to
		if to == 0 && len(pieces) > 0 {
			to = pieces[len(pieces)-1].to
		}
		l = append(l, object{
			"round": uint64(max(1, e.round)), "from_s": duration(e.from), "to_s": duration(to),
			"due": t.due, "failed": t.failed, "late": t.late, "missed": t.missed,
			"availability":       share(float64(t.ok-t.late) / float64(t.due)),
			"error_budget_spent": share(float64(t.failed+t.late+t.missed) / (float64(t.due) * (1 - b.objective()))),
			"recover_s":          b.recovered(of, e, pieces),
		})
	}
	return l
}

// is says whether a point is of an arm or, if one is named, of its pool.
func (of place) is(p point) bool { return of.pool == "" || p.attrs["pool"] == of.pool }

func (b *bundle) total(of place, e event) tally {
	t := tally{errors: map[string]uint64{}, reasons: map[string]uint64{}}
	for _, name := range []string{"schload.operations", "schload.operations.due", "schload.operations.missed", "schload.operations.late"} {
		for _, p := range b.each(of.arm, name) {
			if of.is(p.point) && e.has(p.point) {
				t.add(p.point)
			}
		}
	}
	return t
}

// piece is what one interval holds of an event.
type piece struct {
	span
	ok, late, harm uint64
	above          uint64 // successes above the limit
}

func (p piece) plus(o piece) piece {
	p.ok, p.late, p.harm, p.above, p.to = p.ok+o.ok, p.late+o.late, p.harm+o.harm, p.above+o.above, o.to
	return p
}

// limit is 1.2 times the p99 of the responses of the round's baseline, or of
// all rounds' where that has fewer than 100 successes.
func (b *bundle) limit(of place, e event) (int64, bool) {
	own, every := new(times), new(times)
	for _, p := range b.each(of.arm, responseTime) {
		if !of.is(p.point) || p.phase() != "baseline" || p.attrs["outcome"] != "ok" {
			continue
		}
		every.add(p.times)
		if e.round == 0 || p.attrs["schload.round"] == strconv.Itoa(e.round) {
			own.add(p.times)
		}
	}
	if own.n < 100 {
		own = every
	}
	return int64(1.2 * float64(own.quantile(990))), own.n >= 100
}

// pieces are the intervals in which operations of the event fell due or ended.
func (b *bundle) pieces(of place, e event) (all []piece) {
	limit, _ := b.limit(of, e)
	for _, i := range b.intervals {
		p, part := piece{span: span{from: i.from, to: i.to}}, false
		for _, q := range i.points {
			if q.arm != of.arm || !of.is(q) || !e.has(q) {
				continue
			}
			ok := q.attrs["outcome"] == "ok"
			switch {
			case q.name == responseTime && ok:
				p.ok, p.above, part = p.ok+q.times.n, p.above+q.times.over(limit), true
			case q.count == 0:
			case q.name == "schload.operations.due":
				part = true
			case q.name == "schload.operations.late":
				p.late, part = p.late+q.count, true
			case q.name == "schload.operations.missed", q.name == "schload.operations" && !ok:
				p.harm, part = p.harm+q.count, true
			}
		}
		if part {
			all = append(all, p)
		}
	}
	return all
}

// present is a duration that must be there, even if it is zero.
type present int64

// recovered is from when on nothing fails or is missed, of a hundred successes
// one is late at most, and the first 3 s (or 100 successes) have a p99 within the limit.
func (b *bundle) recovered(of place, e event, pieces []piece) any {
	if _, known := b.limit(of, e); !known {
		return nil
	}
	for k := range pieces {
		rest := pieces[k]
		for _, p := range pieces[k+1:] {
			rest = rest.plus(p)
		}
		if rest.harm > 0 || rest.late*100 > rest.ok || !calm(pieces[k:]) {
			continue
		}
		if k == 0 {
			return present(0)
		}
		return present(pieces[k].from - e.from)
	}
	return nil
}

func calm(pieces []piece) bool {
	sum := piece{}
	for _, p := range pieces {
		sum = sum.plus(p)
		if p.to-pieces[0].from >= 3e9 && sum.ok >= 100 {
			return sum.harm == 0 && sum.above*100 <= sum.ok
		}
	}
	return false
}

// over counts the durations of which those that stand for them are above a
// limit.
func (t *times) over(limit int64) (n uint64) {
	if t.max <= limit {
		return 0
	}
	n = t.above
	for i, count := range t.buckets {
		if count > 0 && max(middle(upper(i)+1, upper(i+1)), t.min) > limit {
			n += count
		}
	}
	if max(upper(0)/2, t.min) > limit {
		n += t.zero
	}
	return n
}

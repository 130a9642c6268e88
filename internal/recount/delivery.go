package recount

// messages are a pool's, counted.
type messages struct {
	by  map[string]uint64
	due uint64
}

func (m messages) verdicts() uint64 {
	return m.by["delivered"] + m.by["lost"] + m.by["left"] + m.by["unknown"]
}

// messages counts those of an arm's pool. Each is due to every receiver, of a
// queue and of a group to one.
func (b *bundle) messages(arm string, p pool, in part) messages {
	m := messages{by: map[string]uint64{}}
	for _, q := range b.each(arm, "schload.messages") {
		if q.attrs["pool"] == p.Name && in(q.phase()) {
			m.by[q.attrs["result"]] += q.count
		}
	}
	to := p.Receivers
	if p.Kind == "queue" || p.Kind == "consumer-group" {
		to = min(1, p.Receivers)
	}
	m.due = (m.by["published"] + m.by["indeterminate"]) * to
	if to == 0 {
		m.due = m.verdicts()
	}
	return m
}

func (b *bundle) delivery(arm string, p pool) any {
	if p.Receivers == 0 {
		return nil
	}
	m := b.messages(arm, p, measured)
	o := object{"receivers": p.Receivers, "due": m.due, "duplicates": m.by["duplicate"]}
	for _, k := range []string{"published", "unheard", "indeterminate", "delivered", "lost", "left", "unknown", "redelivered", "out_of_order", "foreign", "belated"} {
		o[k] = m.by[k]
	}
	gaps := uint64(0)
	for _, q := range b.each(arm, "schload.message.gaps") {
		if q.attrs["pool"] == p.Name && measured(q.phase()) {
			gaps += q.count
		}
	}
	longest, _ := b.last(arm, p.Name, "schload.message.gap.longest", "")
	_, time := b.last(arm, p.Name, "schload.message.gap.longest_time", "")
	o["gaps"] = object{"count": gaps, "longest": uint64(longest), "longest_s": duration(time)}
	_, unheard := b.last(arm, p.Name, "schload.message.unheard_time", "longest")
	_, sum := b.last(arm, p.Name, "schload.message.unheard_time", "total")
	o["unheard_s"] = object{"longest": duration(unheard), "total": duration(sum)}
	by := object{}
	for _, phase := range []string{"baseline", "maintenance", "recovery"} {
		t := new(times)
		for _, q := range b.each(arm, "schload.message.delivery_time") {
			if q.attrs["pool"] == p.Name && q.phase() == phase {
				t.add(q.times)
			}
		}
		by[phase] = t.object()
	}
	o["delivery_time_s"] = by
	turns := b.received(arm, p.Name, "schload.receiver.subscriptions", "result")
	o["receiver_errors"] = counts(b.received(arm, p.Name, "schload.receiver.errors", "outcome"))
	o["receiver_retries"] = total(b.received(arm, p.Name, "schload.receiver.retries", ""))
	o["resubscribed"], o["unsubscribed"] = turns["again"], turns["ended"]
	return o
}

// last returns a gauge of a pool as it was last, and the same in nanoseconds.
func (b *bundle) last(arm, pool, name, kind string) (level float64, exact int64) {
	for _, p := range b.each(arm, name) {
		if p.attrs["pool"] == pool && p.attrs["type"] == kind {
			level, exact = p.level, p.exact
		}
	}
	return level, exact
}

// received adds up a counter of a pool's receivers, outside warm-up.
func (b *bundle) received(arm, pool, name, by string) map[string]uint64 {
	sums := map[string]uint64{}
	for _, p := range b.each(arm, name) {
		if p.attrs["pool"] == pool && b.at(p.middle()) != "warmup" {
			sums[p.attrs[by]] += p.count
		}
	}
	return sums
}

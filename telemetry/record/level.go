package record

// levels returns the gauges that an arm's outages give. Pools and ranges of hash
// slots have names of their own, so that nothing adds them up with their arm.
func (r *Recorder) levels(a *arm) (levels []Level) {
	totals := r.Totals(a.name)
	add := func(active, longest string, o Outage, attrs ...Attr) {
		levels = append(levels,
			Level{Name: active, Arm: a.name, Attrs: attrs, Value: isOpen(o)},
			Level{Name: longest, Arm: a.name, Attrs: attrs, Value: Seconds(o.Longest)})
	}
	add(OutageActive, OutageLongest, totals.Outage)
	add(BrownOutActive, BrownOutLongest, totals.BrownOut)
	levels = append(levels, Level{Name: OutageGap, Arm: a.name, Value: Seconds(totals.LongestGap)})
	for _, p := range a.pools {
		pool := r.PoolTotals(a.name, p.name)
		add(PoolOutageActive, PoolOutageLongest, pool.Outage, Attr{AttrPool, p.name})
		add(PoolBrownOutActive, PoolBrownOutLongest, pool.BrownOut, Attr{AttrPool, p.name})
	}
	for i, slots := range r.SlotTotals(a.name) {
		add(SlotOutageActive, SlotOutageLongest, slots.Outage, Attr{AttrSlots, a.ranges[i].slots})
	}
	return levels
}

func isOpen(o Outage) float64 {
	if o.Open {
		return 1
	}
	return 0
}

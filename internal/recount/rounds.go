package recount

import (
	"math"
	"slices"
	"strconv"
)

// turns are the numbers of the rounds in which an arm came out of warm-up, any
// if it is ""; none where the data alone tell of an upgrade.
func (b *bundle) turns(arm string) (numbers []int) {
	if b.source == "data" {
		return nil
	}
	for _, m := range b.phases {
		if m.Round > 0 && m.Name != "warmup" && (arm == "" || m.Arm == "" || m.Arm == arm) && !slices.Contains(numbers, m.Round) {
			numbers = append(numbers, m.Round)
		}
	}
	slices.Sort(numbers)
	return numbers
}

// turnAt is the round an instant lies in, 0 in warm-up.
func (b *bundle) turnAt(instant int64) (round int) {
	for _, m := range b.phases {
		if m.At <= instant {
			round = m.Round
		}
	}
	if b.at(instant) == "warmup" {
		return 0
	}
	return round
}

// turnsOf are an arm's rounds as the summary tells them, derived once.
func (b *bundle) turnsOf(arm string) list {
	if l, done := b.turned[arm]; done {
		return l
	}
	l, events := list{}, b.events(place{arm: arm})
	for _, n := range b.turns(arm) {
		l = append(l, b.turn(arm, n, events))
	}
	b.turned[arm] = l
	return l
}

func (b *bundle) turn(arm string, n int, events list) object {
	in := func(p sample) bool { return measured(p.phase()) && p.attrs["schload.round"] == strconv.Itoa(n) }
	t := tally{errors: map[string]uint64{}, reasons: map[string]uint64{}}
	for _, name := range []string{"schload.operations", "schload.operations.due", "schload.operations.missed", "schload.operations.late"} {
		for _, p := range b.each(arm, name) {
			if in(p) {
				t.add(p.point)
			}
		}
	}
	recorded := func(name string) (sum uint64) {
		for _, p := range b.each(arm, name) {
			if b.turnAt(p.middle()) == n {
				sum += p.count
			}
		}
		return sum
	}
	response := new(times)
	for _, p := range b.each(arm, responseTime) {
		if in(p) && p.phase() == "maintenance" && p.attrs["outcome"] == "ok" {
			response.add(p.times)
		}
	}
	enough := func(needs, perMille uint64) any {
		if response.n < needs {
			return nil
		}
		return duration(response.quantile(perMille))
	}
	total, longest := b.outIn(arm, n)
	return object{
		"round": uint64(n), "due": t.due, "failed": t.failed, "late": t.late, "missed": t.missed,
		"failed_ratio": part9(t.failed, t.due), "harmed_ratio": part9(t.failed+t.missed+t.late, t.due),
		"outage_total_s": duration(total), "outage_longest_s": duration(longest),
		"dials": recorded("schload.connection.dials"), "attempts_hidden": recorded("schload.attempts.hidden"),
		"timeouts":       t.errors["read_timeout"] + t.errors["write_timeout"] + t.errors["dial_timeout"] + t.errors["pool_timeout"],
		"response_p50_s": enough(2, 500), "response_p95_s": enough(20, 950), "response_p99_s": enough(100, 990), "response_max_s": enough(1, 1000),
		"recover_at_least_s": b.atLeast(arm, n, events), "lost_acknowledged_writes": b.lostIn(arm, n),
	}
}

// part9 is a share to nine decimals, 0 of nothing.
func part9(n, of uint64) share {
	if of == 0 {
		return 0
	}
	return share(nine(float64(n) / float64(of)))
}

func nine(x float64) float64 { return math.Round(x*1e9) / 1e9 }

// outIn adds up the outages that began in a round.
func (b *bundle) outIn(arm string, n int) (total, longest int64) {
	for _, m := range b.of("outage") {
		if length := outside(m, b.apart(arm)); (place{m.Arm, m.Pool, m.Slots}) == (place{arm: arm}) && m.Round == n && length > b.outageAfter() {
			total, longest = total+length, max(longest, length)
		}
	}
	return total, longest
}

// atLeast is how long a round took to recover, or its event if it never did.
func (b *bundle) atLeast(arm string, n int, events list) any {
	for _, e := range events {
		e := e.(object)
		if e["round"] != uint64(n) {
			continue
		}
		if e["recover_s"] != nil {
			return e["recover_s"]
		}
		if b.times(arm, "", responseTime, only("baseline"), successes).n >= 100 {
			return e["to_s"].(duration) - e["from_s"].(duration)
		}
	}
	return nil
}

// lostIn is how many acknowledged writes the ledger found lost in a round, nil
// without a ledger.
func (b *bundle) lostIn(arm string, n int) any {
	if total(b.always(arm, "schload.integrity.checks", "type")) == 0 {
		return nil
	}
	lost := uint64(0)
	for _, p := range b.each(arm, "schload.integrity.violations") {
		if p.attrs["type"] == "lost_acknowledged_write" && p.attrs["schload.round"] == strconv.Itoa(n) {
			lost += p.count
		}
	}
	return lost
}

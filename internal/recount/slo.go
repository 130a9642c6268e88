package recount

import (
	"strconv"
	"strings"
	"time"
)

// quantity is a number that an objective bounds.
type quantity struct {
	value float64
	unit  string
	known bool
	of    uint64 // how many durations a percentile is of
}

// slo holds the arms, as they were derived, against the run's objectives.
func (b *bundle) slo(arms list) list {
	l := list{}
	for _, line := range b.run.SLO {
		words := strings.Fields(line) // as a bundle has them: name, comparison, limit
		name, op, limit := words[0], words[1], bound(words[2])
		of, metric, _ := strings.Cut(name, ".")
		found := false
		for k, a := range arms {
			arm, s := a.(object), b.sch(k)
			on := s.requested != "off" && s.requested != "raw" && (s.optedIn > 0 || s.connections == 0)
			q, ok := sought(arm, name)
			if !ok {
				on = arm["name"] == of
				q, _ = sought(arm, metric)
			}
			if !on {
				continue
			}
			found = true
			o := object{"text": line, "arm": arm["name"], "limit": share(limit), "unit": q.unit, "value": nil, "met": false}
			if q.known && arm["operations"].(object)["due"] != uint64(0) {
				v := nine(q.value)
				o["value"] = share(v)
				if q.of > 0 {
					o["of"] = q.of
				}
				o["met"] = op[0] == '<' && v < limit || op[0] == '>' && v > limit || len(op) == 2 && v == limit
			}
			l = append(l, o)
		}
		if !found {
			l = append(l, object{"text": line})
		}
	}
	return l
}

func bound(text string) float64 {
	if d, err := time.ParseDuration(text); err == nil {
		return d.Seconds()
	}
	number, percent := strings.CutSuffix(text, "%")
	x, _ := strconv.ParseFloat(number, 64)
	if percent {
		return nine(x / 100)
	}
	return x
}

// sought finds a number in an arm by the name that objectives give it.
func sought(arm object, name string) (quantity, bool) {
	phase, rest, _ := strings.Cut(name, ".")
	from := arm
	if p, ok := arm["phases"].(object)[phase]; ok {
		from, name = p.(object), rest
		if q, ok := quantile(from, name); ok {
			return q, true
		}
	}
	if q, ok := operated(from["operations"].(object), name); ok {
		return q, true
	}
	group, key, _ := strings.Cut(name, ".")
	switch group {
	case "outage", "brown_outs":
		at := arm["outage"].(object)
		if group == "brown_outs" {
			at = at[group].(object)
		}
		if n, ok := at[key].(uint64); ok {
			return quantity{value: float64(n), unit: "count", known: true}, true
		}
		d, ok := at[key+"_s"].(duration)
		return quantity{value: seconds(int64(d)), unit: "s", known: true}, ok
	case "connections", "handoffs":
		n, ok := arm[group].(object)[key].(uint64)
		return quantity{value: float64(n), unit: "count", known: true}, ok
	case "integrity":
		at, known := arm[group].(object)
		if !known {
			return quantity{unit: "count"}, true
		}
		n, ok := at[key].(uint64)
		return quantity{value: float64(n), unit: "count", known: at["checked_writes"] != uint64(0) || at["checked_reads"] != uint64(0)}, ok
	case "availability", "recover", "error_budget_spent":
		return befell(arm["events"].(list), group), true
	case "messages":
		q := quantity{unit: "count"}
		for _, p := range arm["pools"].(list) {
			if d, ok := p.(object)["delivery"].(object); ok {
				q.value, q.known = q.value+float64(d["lost"].(uint64)), true
			}
		}
		return q, true
	case "timeouts":
		q := quantity{value: 0, unit: "count", known: true}
		for class, n := range arm["errors"].(object) {
			if strings.HasSuffix(class, "_timeout") {
				q.value += float64(n.(uint64))
			}
		}
		return q, true
	}
	n, ok := arm[name].(uint64)
	return quantity{value: float64(n), unit: "count", known: true}, ok
}

// quantile finds p99, or service_time.p99, of a phase.
func quantile(phase object, name string) (quantity, bool) {
	of, q, ok := strings.Cut(name, ".")
	if !ok {
		of, q = "response_time", name
	}
	needs := map[string]uint64{"p50": 2, "p95": 20, "p99": 100, "p999": 1000, "max": 1}[q]
	t, ok := phase[of+"_s"].(object)
	if !ok || needs == 0 {
		return quantity{}, false
	}
	n := t["count"].(uint64)
	return quantity{value: seconds(int64(t[q].(duration))), unit: "s", known: n >= needs, of: n}, true
}

// operated finds failed, or failed_ratio, among operations.
func operated(o object, name string) (quantity, bool) {
	key, ratio := strings.CutSuffix(name, "_ratio")
	n, ok := o[key].(uint64)
	if key == "harmed" {
		n, ok = o["failed"].(uint64)+o["missed"].(uint64)+o["late"].(uint64), true
	}
	due := o["due"].(uint64)
	switch {
	case !ok || key == "due" || key == "ok":
		return quantity{}, false
	case !ratio:
		return quantity{value: float64(n), unit: "count", known: true}, true
	case due == 0:
		return quantity{unit: "1"}, true
	}
	return quantity{value: float64(n) / float64(due), unit: "1", known: true}, true
}

// befell is what all events of an arm together were like.
func befell(events list, name string) quantity {
	var due, harm uint64
	slowest, worst, came := 0.0, 0.0, len(events) > 0
	for _, e := range events {
		e := e.(object)
		due += e["due"].(uint64)
		harm += e["failed"].(uint64) + e["late"].(uint64) + e["missed"].(uint64)
		worst = max(worst, float64(e["error_budget_spent"].(share)))
		if after, ok := number(e["recover_s"]); ok {
			slowest = max(slowest, after)
		} else {
			came = false
		}
	}
	switch name {
	case "recover":
		return quantity{value: slowest, unit: "s", known: came}
	case "error_budget_spent":
		return quantity{value: worst, unit: "1", known: len(events) > 0}
	}
	if due == 0 {
		return quantity{unit: "1"}
	}
	return quantity{value: float64(due-harm) / float64(due), unit: "1", known: true}
}

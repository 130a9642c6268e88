package compare

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"schload/internal/bundle"
	"schload/internal/spelling"
)

// SLO is a service level objective: a bound on one number of an arm.
type SLO struct {
	Text   string  // as it was written
	Arm    string  // "": every arm whose handoffs are on
	Metric string  // a name of SLOMetrics
	Op     string  // <, <=, > or >=
	Limit  float64 // in seconds, as a share, or counted
}

// SLOResult is what became of an SLO in one arm.
type SLOResult struct {
	Text  string   `json:"text"`
	Arm   string   `json:"arm"`   // "": no arm's handoffs are on
	Value *float64 `json:"value"` // nil: unknown, so not met
	Limit float64  `json:"limit"`
	Unit  string   `json:"unit"`         // s, 1 (a share), or count
	Of    uint64   `json:"of,omitempty"` // how many durations a percentile is of
	Met   bool     `json:"met"`
}

// The units of what SLOs bound.
const (
	unitSeconds = "s"
	unitShare   = "1"
	unitCount   = "count"
)

// sloMetric is one number of an arm.
type sloMetric struct {
	unit string
	of   func(Arm) (value float64, known bool)
	size func(Arm) uint64 // how many durations a percentile is of; nil: it is none
}

// sloMetrics are all numbers that an SLO may bound, by name.
var sloMetrics = makeSLOMetrics()

// SLOMetrics are the names that an SLO may bound, sorted.
func SLOMetrics() []string { return slices.Sorted(maps.Keys(sloMetrics)) }

// IsDuration says whether the limit of a metric is a duration.
func IsDuration(metric string) bool { return sloMetrics[metric].unit == unitSeconds }

func makeSLOMetrics() map[string]sloMetric {
	m := map[string]sloMetric{}
	count := func(name string, n func(Arm) uint64) {
		m[name] = sloMetric{unit: unitCount, of: func(a Arm) (float64, bool) { return float64(n(a)), true }}
	}
	lasts := func(name string, d func(Arm) bundle.Seconds) {
		m[name] = sloMetric{unit: unitSeconds, of: func(a Arm) (float64, bool) { return d(a).Duration().Seconds(), true }}
	}
	addOperations(m, "", func(a Arm) Operations { return a.Operations })
	for name, phase := range map[string]func(Arm) Phase{
		"baseline":    func(a Arm) Phase { return a.Phases.Baseline },
		"maintenance": func(a Arm) Phase { return a.Phases.Maintenance },
		"recovery":    func(a Arm) Phase { return a.Phases.Recovery },
	} {
		addOperations(m, name+".", func(a Arm) Operations { return phase(a).Operations })
		addQuantiles(m, name+".", func(a Arm) Quantiles { return phase(a).ResponseTime })
		addQuantiles(m, name+".response_time.", func(a Arm) Quantiles { return phase(a).ResponseTime })
		addQuantiles(m, name+".service_time.", func(a Arm) Quantiles { return phase(a).ServiceTime })
		addQuantiles(m, name+".lateness.", func(a Arm) Quantiles { return phase(a).Lateness })
	}
	count("timeouts", func(a Arm) uint64 { return timeouts(a.Errors) })
	count("attempts_hidden", func(a Arm) uint64 { return a.AttemptsHidden })
	count("connections.dials", func(a Arm) uint64 { return a.Connections.Dials })
	count("connections.dial_failures", func(a Arm) uint64 { return a.Connections.DialFailures })
	count("connections.closed_by_server", func(a Arm) uint64 { return a.Connections.ClosedByServer })
	count("handoffs.failed", func(a Arm) uint64 { return a.Handoffs.Failed })
	count("outage.windows", func(a Arm) uint64 { return a.Outage.Windows })
	lasts("outage.longest", func(a Arm) bundle.Seconds { return a.Outage.Longest })
	lasts("outage.total", func(a Arm) bundle.Seconds { return a.Outage.Total })
	lasts("outage.longest_gap", func(a Arm) bundle.Seconds { return a.Outage.LongestGap })
	count("brown_outs.windows", func(a Arm) uint64 { return a.Outage.BrownOuts.Windows })
	lasts("brown_outs.longest", func(a Arm) bundle.Seconds { return a.Outage.BrownOuts.Longest })
	lasts("brown_outs.total", func(a Arm) bundle.Seconds { return a.Outage.BrownOuts.Total })
	count("wrong_replies", func(a Arm) uint64 { return a.WrongReplies })
	count("crossed_replies", func(a Arm) uint64 { return a.CrossedReplies })
	count("silent_replies", func(a Arm) uint64 { return a.SilentReplies })
	m["availability"] = sloMetric{unit: unitShare, of: availability}
	m["recover"] = sloMetric{unit: unitSeconds, of: slowestRecovery}
	m["error_budget_spent"] = sloMetric{unit: unitShare, of: worstBudget}
	addIntegrity(m)
	m["messages.lost"] = sloMetric{unit: unitCount, of: messagesLost}
	return m
}

func addOperations(m map[string]sloMetric, prefix string, of func(Arm) Operations) {
	for name, n := range map[string]func(Operations) uint64{
		"failed": func(o Operations) uint64 { return o.Failed },
		"missed": func(o Operations) uint64 { return o.Missed },
		"late":   func(o Operations) uint64 { return o.Late },
		"harmed": func(o Operations) uint64 { return o.Failed + o.Missed + o.Late },
	} {
		m[prefix+name] = sloMetric{unit: unitCount, of: func(a Arm) (float64, bool) { return float64(n(of(a))), true }}
		m[prefix+name+"_ratio"] = sloMetric{unit: unitShare, of: func(a Arm) (float64, bool) { return portion(n(of(a)), of(a).Due) }}
	}
}

// addQuantiles adds those that enough durations support.
func addQuantiles(m map[string]sloMetric, prefix string, of func(Arm) Quantiles) {
	for _, q := range []struct {
		name  string
		needs uint64
		value func(Quantiles) bundle.Seconds
	}{
		{"p50", 2, func(q Quantiles) bundle.Seconds { return q.P50 }},
		{"p95", 20, func(q Quantiles) bundle.Seconds { return q.P95 }},
		{"p99", 100, func(q Quantiles) bundle.Seconds { return q.P99 }},
		{"p999", 1000, func(q Quantiles) bundle.Seconds { return q.P999 }},
		{"max", 1, func(q Quantiles) bundle.Seconds { return q.Max }},
	} {
		m[prefix+q.name] = sloMetric{unit: unitSeconds, size: func(a Arm) uint64 { return of(a).Count }, of: func(a Arm) (float64, bool) {
			x := of(a)
			return q.value(x).Duration().Seconds(), x.Count >= q.needs
		}}
	}
}

// addIntegrity adds what a ledger finds; unknown without one.
func addIntegrity(m map[string]sloMetric) {
	for name, n := range map[string]func(Integrity) uint64{
		"lost_acknowledged_writes": func(i Integrity) uint64 { return i.LostAcknowledgedWrites },
		"stale_reads":              func(i Integrity) uint64 { return i.StaleReads },
		"duplicate_applications":   func(i Integrity) uint64 { return i.DuplicateApplications },
		"out_of_order":             func(i Integrity) uint64 { return i.OutOfOrder },
	} {
		m["integrity."+name] = sloMetric{unit: unitCount, of: func(a Arm) (float64, bool) { return float64(n(a.Integrity)), a.Integrity.Checked() > 0 }}
	}
}

func portion(n, of uint64) (float64, bool) {
	if of == 0 {
		return 0, false
	}
	return digits(float64(n) / float64(of)), true
}

// availability is that of all events together.
func availability(a Arm) (float64, bool) {
	var due, harmed uint64
	for _, e := range a.Events {
		due, harmed = due+e.Due, harmed+e.Failed+e.Late+e.Missed
	}
	return portion(due-min(due, harmed), due)
}

// slowestRecovery is unknown if an event never came to an end of its harm.
func slowestRecovery(a Arm) (slowest float64, known bool) {
	for _, e := range a.Events {
		if e.Recover == nil {
			return 0, false
		}
		slowest = max(slowest, e.Recover.Duration().Seconds())
	}
	return slowest, len(a.Events) > 0
}

// worstBudget is what the worst event spent.
func worstBudget(a Arm) (worst float64, known bool) {
	for _, e := range a.Events {
		worst = max(worst, e.ErrorBudgetSpent)
	}
	return worst, len(a.Events) > 0
}

// messagesLost is unknown where nobody sends any.
func messagesLost(a Arm) (lost float64, known bool) {
	for _, p := range a.Pools {
		lost, known = lost+float64(p.Delivery.Lost), known || p.Delivery.Receivers > 0
	}
	return lost, known
}

// sloOps are the comparisons, the longer ones first.
var sloOps = []string{"<=", ">=", "<", ">"}

// ParseSLO reads "maintenance.failed_ratio < 0.001", "on.maintenance.p99 <
// 250ms" or "availability >= 99.9%". Whether the arm exists it cannot know.
func ParseSLO(text string) (SLO, error) {
	s := SLO{Text: strings.Join(strings.Fields(text), " ")}
	wrong := func(format string, args ...any) (SLO, error) {
		return SLO{}, fmt.Errorf("slo %q: "+format, append([]any{clip(s.Text)}, args...)...)
	}
	at := strings.IndexAny(s.Text, "<>")
	if at < 0 {
		return wrong("want METRIC, one of %s, and a limit, such as maintenance.failed_ratio < 0.001", strings.Join(sloOps, " "))
	}
	for _, op := range sloOps {
		if strings.HasPrefix(s.Text[at:], op) {
			s.Op = op
			break
		}
	}
	name, limit := strings.TrimSpace(s.Text[:at]), strings.TrimSpace(s.Text[at+len(s.Op):])
	var known bool
	if s.Arm, s.Metric, known = splitSLO(name); !known {
		hint := spelling.Hint(s.Metric, SLOMetrics())
		if hint == "" {
			_, rest, _ := strings.Cut(name, ".")
			hint = spelling.Hint(rest, SLOMetrics())
		}
		return wrong("unknown metric %q%s; schload run --help lists them", clip(name), hint)
	}
	var err error
	if s.Limit, err = parseLimit(limit, sloMetrics[s.Metric].unit); err != nil {
		return wrong("%w", err)
	}
	return s, nil
}

// splitSLO parts the arm from the metric. A name that is a metric has no arm.
func splitSLO(name string) (arm, metric string, known bool) {
	if _, ok := sloMetrics[name]; ok {
		return "", name, true
	}
	if arm, metric, ok := strings.Cut(name, "."); ok && arm != "" {
		if _, ok := sloMetrics[metric]; ok {
			return arm, metric, true
		}
	}
	return "", name, false
}

func parseLimit(text, unit string) (float64, error) {
	if unit == unitSeconds {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return 0, fmt.Errorf("limit %q: want a duration with a unit, such as 250ms or 1.5s", clip(text))
		}
		return d.Seconds(), nil
	}
	number, percent := strings.CutSuffix(text, "%")
	x, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	switch {
	case err != nil || !(x >= 0 && x <= 1e18):
		return 0, fmt.Errorf("limit %q: want a number, 0 or more", clip(text))
	case percent && unit != unitShare:
		return 0, fmt.Errorf("limit %q: it is counted, write a number without %%", clip(text))
	case percent:
		return digits(x / 100), nil
	}
	return x, nil
}

// clip bounds what an error repeats of its input.
func clip(text string) string {
	const most = 80
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "..."
	}
	return text
}

// met says whether a value keeps the bound.
func (s SLO) met(value float64) bool {
	switch s.Op {
	case "<":
		return value < s.Limit
	case "<=":
		return value <= s.Limit
	case ">":
		return value > s.Limit
	}
	return value >= s.Limit
}

// slos holds the arms against the run's objectives, unless the run is no
// evidence.
func (s *Summary) slos(texts []string) (list []SLOResult) {
	if !s.Valid || s.Harness.Saturated || s.Saturating() {
		return nil
	}
	for _, text := range texts {
		slo, err := ParseSLO(text)
		if err != nil { // of a newer schload: what cannot be read is not met
			list = append(list, SLOResult{Text: text, Unit: unitCount})
			continue
		}
		arms := s.concerned(slo)
		if len(arms) == 0 {
			list = append(list, SLOResult{Text: slo.Text, Arm: slo.Arm, Limit: slo.Limit, Unit: sloMetrics[slo.Metric].unit})
		}
		for _, a := range arms {
			list = append(list, slo.result(a))
		}
	}
	return list
}

// concerned are the arms that an objective is for.
func (s *Summary) concerned(slo SLO) (arms []Arm) {
	for _, a := range s.Arms {
		on := a.SCH.Requested != "off" && !a.Raw() && (a.SCH.OptedIn > 0 || a.SCH.Connections == 0)
		if a.Name == slo.Arm || slo.Arm == "" && on {
			arms = append(arms, a)
		}
	}
	return arms
}

func (s SLO) result(a Arm) SLOResult {
	m := sloMetrics[s.Metric]
	r := SLOResult{Text: s.Text, Arm: a.Name, Limit: s.Limit, Unit: m.unit}
	if value, known := m.of(a); known && a.Operations.Due > 0 {
		value = digits(value)
		r.Value, r.Met = &value, s.met(value)
		if m.size != nil {
			r.Of = m.size(a)
		}
	}
	return r
}

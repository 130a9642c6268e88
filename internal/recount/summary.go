package recount

import "strings"

// Summary derives summary.json of the bundle in dir.
func Summary(dir string) (map[string]any, error) {
	b, err := open(dir)
	if err != nil {
		return nil, err
	}
	arms := list{}
	for k := range b.run.Arms {
		arms = append(arms, b.arm(k))
	}
	s := object{
		"schema": "schload.summary/1", "run_id": b.run.RunID, "stage": b.run.Stage, "order": b.order(), "cluster": b.run.Cluster, "rounds": b.run.played(),
		"late_after_s": duration(nanoseconds(b.run.LateAfter)), "outage_after_s": duration(b.outageAfter()),
		"objective":    share(b.objective()),
		"complete":     b.complete(),
		"phase_source": b.source, "maintenance": b.maintenance(), "closed_loop": b.closedLoop(),
		"upgrade": object{
			"name": b.run.Upgrade.Name, "title": b.run.Upgrade.Title, "sch_support": b.run.Upgrade.SCHSupport, "documented": b.run.Upgrade.Documented,
			"assumptions": texts(b.run.Upgrade.Assumptions),
		},
		"arms": arms, "harness": b.harness(),
	}
	if b.run.Upgrade.Simulated {
		s["upgrade"].(object)["simulated"] = true
	}
	s["injections"] = texts(b.run.Injections)
	if f := b.run.Final; f != nil {
		s["injected"] = counts(f.Injected)
		if f.RoundsEnded != "" {
			s["rounds_ended"] = f.RoundsEnded
		}
	}
	if b.run.Saturation != nil {
		s["mode"], s["saturation"] = "saturation", b.ceiling()
	}
	invalid := b.invalid()
	s["invalid_reasons"], s["valid"] = invalid, len(invalid) == 0
	if saturated, _ := s["harness"].(object)["saturated"].(bool); len(invalid) == 0 && !saturated {
		s["differences"] = b.differences()
		if b.run.Saturation == nil {
			s["slo"] = b.slo(arms)
			if len(b.run.Injections) == 0 {
				s["expectations"] = b.expectations()
			}
		}
	}
	s["warnings"] = b.warnings(s)
	return s, nil
}

// order is how the arms met the upgrades: at once or by turns.
func (b *bundle) order() string {
	if b.run.Order == "" {
		return "paired"
	}
	return b.run.Order
}

// complete says that the run and all that was merged into it ended as they were to.
func (b *bundle) complete() bool {
	return b.run.Final != nil && !b.run.Final.Interrupted && len(b.run.Merge.lacking()) == 0
}

func (b *bundle) byTurns() bool { return b.order() == "sequential" }

func texts(all []string) list {
	l := list{}
	for _, t := range all {
		l = append(l, t)
	}
	return l
}

func (b *bundle) objective() float64 {
	if o := b.run.Objective; o > 0 && o < 1 {
		return o
	}
	return 0.999
}

func (b *bundle) maintenance() list {
	spans := b.spans("maintenance")
	if b.source == "data" {
		spans = []span{b.span}
	}
	l := list{}
	for _, s := range spans {
		o := object{"from_s": duration(s.from), "to_s": duration(s.to)}
		if s.arm != "" {
			o["arm"] = s.arm
		}
		l = append(l, o)
	}
	return l
}

// part says which points count.
type part func(phase string) bool

func measured(phase string) bool { return phase != "warmup" }
func entire(string) bool         { return true }

func only(name string) part { return func(phase string) bool { return phase == name } }

// tally is how operations ended.
type tally struct {
	due, ok, failed, missed, late uint64
	errors, reasons               map[string]uint64
}

// operations tallies those of an arm, and of a pool unless it is "".
func (b *bundle) operations(arm, pool string, in part) tally {
	t := tally{errors: map[string]uint64{}, reasons: map[string]uint64{}}
	for _, name := range []string{"schload.operations", "schload.operations.due", "schload.operations.missed", "schload.operations.late"} {
		for _, p := range b.each(arm, name) {
			if in(p.phase()) && (pool == "" || p.attrs["pool"] == pool) {
				t.add(p.point)
			}
		}
	}
	return t
}

func (t *tally) add(p point) {
	switch outcome := p.attrs["outcome"]; {
	case p.name == "schload.operations.due":
		t.due += p.count
	case p.name == "schload.operations.late":
		t.late += p.count
	case p.name == "schload.operations.missed":
		t.missed += p.count
		t.reasons[p.attrs["reason"]] += p.count
	case p.name == "schload.operations" && outcome == "ok":
		t.ok += p.count
	case p.name == "schload.operations":
		t.failed += p.count
		t.errors[outcome] += p.count
	}
}

func (t tally) ended() uint64 { return t.ok + t.failed + t.missed }

func (t tally) object() object {
	return object{"due": t.due, "ok": t.ok, "failed": t.failed, "missed": t.missed, "late": t.late}
}

// counts are counters by key; those of zero are not told.
func counts(m map[string]uint64) object {
	o := object{}
	for k, n := range m {
		if n > 0 {
			o[k] = n
		}
	}
	return o
}

// counter adds up a counter without phases over the intervals of which the
// larger part lies outside warm-up, by one attribute. Connections that ended
// because the run did are no news of it.
func (b *bundle) counter(arm, name, by string) map[string]uint64 {
	sums := map[string]uint64{}
	for _, p := range b.each(arm, name) {
		if p.attrs["reason"] != "shutdown" && b.at(p.middle()) != "warmup" {
			sums[p.attrs[by]] += p.count
		}
	}
	return sums
}

// always is counter over the whole run.
func (b *bundle) always(arm, name, by string) map[string]uint64 {
	sums := map[string]uint64{}
	for _, p := range b.each(arm, name) {
		sums[p.attrs[by]] += p.count
	}
	return sums
}

func total(m map[string]uint64) (n uint64) {
	for _, v := range m {
		n += v
	}
	return n
}

// times adds up one of an arm's three histograms.
func (b *bundle) times(arm, pool, name string, in part, outcomes string) *times {
	t := new(times)
	for _, p := range b.each(arm, name) {
		if in(p.phase()) && strings.Contains(outcomes, p.attrs["outcome"]) && (pool == "" || p.attrs["pool"] == pool) {
			t.add(p.times)
		}
	}
	return t
}

const (
	responseTime = "schload.operation.response_time"
	serviceTime  = "db.client.operation.duration"
	lateness     = "schload.operation.lateness"

	successes = "ok"
	all       = "ok failed"
)

func (t *times) object() object {
	return object{"count": t.n, "p50": duration(t.quantile(500)), "p95": duration(t.quantile(950)),
		"p99": duration(t.quantile(990)), "p999": duration(t.quantile(999)), "max": duration(t.max)}
}

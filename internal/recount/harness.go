package recount

import (
	"encoding/json"
)

// workers is how busy those of one pool of one arm were.
type workers struct {
	arm, pool string
	full      float64
	queue     uint64
}

func (b *bundle) harness() object {
	h := object{
		"start_lag_s": b.startLag().object(), "cpu": b.cpu().object(), "health": copied{nil},
		"marks_dropped": uint64(0),
	}
	all := list{}
	for _, w := range b.workers() {
		all = append(all, object{"arm": w.arm, "pool": w.pool, "full": share(w.full), "queue": w.queue})
	}
	h["workers"], h["processes"] = all, b.processes()
	exports := b.counter("", "schload.telemetry.exports", "result")
	h["exports"] = object{"sent": exports["ok"], "failed": exports["failed"],
		"held": uint64(0), "overflowed": uint64(0), "spans_lost": uint64(0), "events_lost": uint64(0)}
	if f := b.run.Final; f != nil {
		h["exports"] = object{"sent": f.Exports.Sent, "failed": f.Exports.Failed, "held": f.Exports.Held,
			"overflowed": f.Exports.Overflowed, "spans_lost": f.Exports.SpansLost, "events_lost": f.Exports.EventsLost}
		h["marks_dropped"] = f.MarksDropped
		if f.Health != nil {
			h["health"] = copied{f.Health}
		}
	}
	reasons := b.saturated()
	h["saturated_reasons"], h["saturated"] = reasons, len(reasons) > 0
	return h
}

// processes are those of a run whose arms had one each.
func (b *bundle) processes() list {
	l := list{}
	if b.run.Isolated == nil || b.run.Merge == nil {
		return l
	}
	for _, w := range b.run.Merge.Workers {
		o := object{"arm": "", "start_lag_s": nil, "health": copied{nil}}
		if w.Process == "arm" {
			o["arm"] = w.Name
		}
		if w.StartLag != nil {
			o["start_lag_s"] = w.StartLag.started().object()
		}
		if w.Health != nil {
			o["health"] = copied{w.Health}
		}
		l = append(l, o)
	}
	return l
}

// started is how late operations were, and how many of them; 0: not known.
type started struct {
	count         uint64
	p50, p99, max int64
}

func (l lag) started() started {
	return started{l.Count, nanoseconds(l.P50), nanoseconds(l.P99), nanoseconds(l.Max)}
}

func (s started) object() object {
	o := object{"p50": duration(s.p50), "p99": duration(s.p99), "max": duration(s.max)}
	if s.count > 0 {
		o["count"] = s.count
	}
	return o
}

// startLag is as the run's end tells or, where it does not, that of the lateness
// of all arms in the baseline.
func (b *bundle) startLag() started {
	if f := b.run.Final; f != nil && f.StartLag != nil {
		return f.StartLag.started()
	}
	t := new(times)
	for _, a := range b.run.Arms {
		t.add(b.times(a.Name, "", lateness, only("baseline"), all))
	}
	return started{t.n, t.quantile(500), t.quantile(990), t.max}
}

// mean is that of a gauge over the intervals of a phase, each by its length;
// the phase is that of the marks.
func (b *bundle) mean(phase, arm, name, pool string) float64 {
	sum, length := 0.0, 0.0
	for _, i := range b.intervals {
		if b.at(i.middle()) != phase {
			continue
		}
		length += i.seconds()
	}
	own := 0.0
	for _, p := range b.each(arm, name) {
		if p.attrs["pool"] == pool && b.at(p.middle()) == phase {
			sum += p.level * p.seconds()
			own += p.seconds()
		}
	}
	if arm != "" { // an arm that rests says nothing
		length = own
	}
	if length == 0 {
		return 0
	}
	return sum / length
}

// cpu is how many processors the harness used.
type cpu struct {
	processors                  uint64
	baseline, maintenance, peak float64
}

func (c cpu) object() any {
	if c == (cpu{}) {
		return nil
	}
	return object{"processors": c.processors, "baseline": share(c.baseline), "maintenance": share(c.maintenance), "peak": share(c.peak)}
}

func (b *bundle) cpu() cpu {
	c := cpu{baseline: b.mean("baseline", "", "schload.harness.cpu", ""), maintenance: b.mean("maintenance", "", "schload.harness.cpu", "")}
	for _, p := range b.each("", "schload.harness.cpu") {
		if at := b.at(p.middle()); (at == "baseline" || at == "maintenance") && p.seconds() >= 0.5 {
			c.peak = max(c.peak, p.level)
		}
	}
	if c == (cpu{}) {
		return c
	}
	c.processors = b.run.Environment.CPUs
	if n, ok := b.health("processors"); ok {
		c.processors = uint64(n)
	}
	return c
}

func (b *bundle) workers() (found []workers) {
	for _, a := range b.run.Arms {
		for _, p := range b.run.Pools {
			w, known := workers{arm: a.Name, pool: p.Name}, false
			for _, q := range b.each(a.Name, "schload.harness.queue") {
				if q.attrs["pool"] == p.Name && b.at(q.middle()) != "warmup" {
					w.queue, known = max(w.queue, uint64(q.level)), true
				}
			}
			if known {
				w.full = b.mean("baseline", a.Name, "schload.harness.workers_full", p.Name)
				found = append(found, w)
			}
		}
	}
	return found
}

// health returns a number of the harness's health by its path.
func (b *bundle) health(path ...string) (float64, bool) {
	if b.run.Final == nil {
		return 0, false
	}
	m := b.run.Final.Health
	for _, k := range path[:len(path)-1] {
		m, _ = m[k].(map[string]any)
	}
	n, ok := m[path[len(path)-1]].(json.Number)
	f, err := n.Float64()
	return f, ok && err == nil
}

const text = `[^\n]+` // what a sentence adds for people

// saturated are the limits of METHODOLOGY.md that were exceeded.
func (b *bundle) saturated() (reasons sentences) {
	add := func(when bool, pattern string) {
		if when {
			reasons = append(reasons, pattern)
		}
	}
	late := false
	for _, a := range b.run.Arms {
		late = late || b.lag(a.Name) > 10e6
	}
	add(late, "it handed operations of the baseline over late"+text)
	c := b.cpu()
	used := max(c.baseline, c.maintenance)
	add(c.processors > 0 && used > 0.9*float64(c.processors), literally("it used %.2f of its %d processors", used, c.processors)+text)
	for _, w := range b.workers() {
		add(w.full > 0.9 && !b.closedLoop(), literally("arm %s, pool %s: no worker was free for %.0f %% of the baseline", w.arm, w.pool, 100*w.full)+text)
	}
	for _, a := range b.run.Arms {
		l := b.little(a.Name)
		add(l.missing > 0.2 && l.throughput*seconds(b.end()) >= 100, literally("arm %s: %.1f operations a second", a.Name, l.throughput)+text+literally("%.0f %% is in no service time", 100*l.missing)+text)
	}
	stood := int64(0)
	for _, s := range b.stalls() {
		if s.Arm != "" {
			continue // that arm's process did, not all of the harness
		}
		stood += span{from: s.At, to: s.At + s.Duration}.overlap(b.measuredFrom(), b.end())
	}
	add(stood > 0 && float64(stood) > 0.05*float64(b.end()-b.measuredFrom()), "it stood still for"+text)
	reasons = append(reasons, b.run.Merge.stoodStill()...)
	length, known := b.health("length_s")
	if !known || length <= 0 {
		return reasons
	}
	limit := func(over float64, pattern string, path ...string) {
		n, _ := b.health(path...)
		add(n > over, pattern+text)
	}
	processors, _ := b.health("processors")
	limit(0.01, "its goroutines waited", "sched_latency_s", "p99")
	limit(0.01*length, "its garbage collector paused it", "gc_pause_s", "sum")
	limit(0.1*length*processors, "the hypervisor gave", "steal_s")
	add(b.used("file_descriptors") >= 0.95, "it had"+text+"file descriptors"+text)
	return reasons
}

// used is the share of something bounded.
func (b *bundle) used(stock string) float64 {
	used, _ := b.health(stock, "used")
	limit, _ := b.health(stock, "limit")
	if limit <= 0 {
		return 0
	}
	return used / limit
}

// lag is how much of an arm's lateness in the baseline is the harness's, at p99:
// that of the arm's own process, where it had one.
func (b *bundle) lag(arm string) int64 {
	own := b.startLag().p99
	if b.run.Isolated != nil && b.run.Merge != nil {
		for _, w := range b.run.Merge.Workers {
			if w.Process == "arm" && w.Name == arm && w.StartLag != nil {
				own = nanoseconds(w.StartLag.P99)
			}
		}
	}
	return min(b.late(arm), own)
}

func (b *bundle) late(arm string) int64 {
	return b.times(arm, "", lateness, only("baseline"), all).quantile(990)
}

// measuredFrom is where warm-up first ended.
func (b *bundle) measuredFrom() int64 {
	for _, m := range b.phases {
		if m.Name != "warmup" {
			return m.At
		}
	}
	if len(b.phases) == 0 {
		return 0
	}
	return b.end()
}

func often(n int) string {
	if n == 1 {
		return "once"
	}
	return grouped(uint64(n)) + " times"
}

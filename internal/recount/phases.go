package recount

import (
	"math"
	"slices"
)

// span is a part of the run.
type span struct {
	from, to int64
	arm      string // whose turn it was, if arms took turns
}

// holds says whether the larger part of an interval lies in the span.
func (s span) holds(i interval) bool { return s.from <= i.middle() && i.middle() < s.to }

// overlap is how much of it lies between two instants.
func (s span) overlap(from, to int64) int64 { return max(0, min(to, s.to)-max(from, s.from)) }

// at returns the phase an instant lies in: that of the last mark of a phase
// that is not after it, warm-up before the first, "" if there is none at all.
func (b *bundle) at(instant int64) string {
	if len(b.phases) == 0 {
		return ""
	}
	phase := "warmup"
	for _, m := range b.phases {
		if m.At <= instant {
			phase = m.Name
		}
	}
	return phase
}

// spans returns when a phase was, each until the next mark of a phase.
func (b *bundle) spans(phase string) (all []span) {
	for k, m := range b.phases {
		until := b.end()
		if k+1 < len(b.phases) {
			until = b.phases[k+1].At
		}
		if m.Name == phase && m.At < b.end() {
			all = append(all, span{m.At, until, m.Arm})
		}
	}
	return all
}

// warmups are all spans of warm-up, that before the first mark included.
func (b *bundle) warmups() []span {
	all := b.spans("warmup")
	if len(b.phases) > 0 {
		all = append(all, span{from: math.MinInt64 / 4, to: b.phases[0].At})
	}
	return all
}

// decide says what decided on the phases, and refiles what was recorded where
// the data did.
func (b *bundle) decide() {
	b.source = "stage"
	if b.run.Stage != "none" {
		return
	}
	for _, m := range b.phases {
		if m.Name == "maintenance" {
			b.source = "notices"
			return
		}
	}
	b.source = "none"
	for _, a := range b.run.Arms {
		for _, s := range b.unusual(a.Name) {
			if b.source == "none" {
				b.source, b.span = "data", s
			}
			b.span = span{from: min(b.span.from, s.from), to: max(b.span.to, s.to)}
		}
	}
	if b.source == "data" {
		b.refile()
	}
}

// refile gives all that an interval holds to the phase in which the larger part
// of it lies, warm-up excepted.
func (b *bundle) refile() {
	for _, i := range b.intervals {
		phase := "baseline"
		switch {
		case b.span.holds(i):
			phase = "maintenance"
		case i.from >= b.span.from:
			phase = "recovery"
		}
		for _, p := range i.points {
			if p.phase() != "" && p.phase() != "warmup" {
				p.attrs["schload.phase"] = phase
			}
		}
	}
}

// felt is what an arm felt in one interval after warm-up.
type felt struct {
	span
	due, ok, not uint64  // not: failed and missed
	p99          float64 // of the response times of successes, in seconds
}

func (f felt) ended() uint64   { return f.ok + f.not }
func (f felt) length() float64 { return seconds(f.to - f.from) }
func (f felt) rate() float64   { return float64(f.due) / f.length() }

// loss is the share that did not succeed: of those that ended or, where less
// than half of those due succeeded, of those due if that is more.
func (f felt) loss() float64 {
	loss := float64(f.not) / float64(max(f.ended(), 1))
	if 2*f.ok < f.due {
		loss = max(loss, 1-float64(f.ok)/float64(f.due))
	}
	return loss
}

func (b *bundle) felt(arm string) (all []felt) {
	for _, i := range b.intervals {
		if i.to <= i.from {
			continue
		}
		f, t := felt{span: span{from: i.from, to: i.to}}, new(times)
		for _, p := range i.points {
			if p.arm != arm || p.phase() == "warmup" {
				continue
			}
			switch {
			case p.name == "schload.operations.due":
				f.due += p.count
			case p.name == "schload.operations.missed", p.name == "schload.operations" && p.attrs["outcome"] != "ok":
				f.not += p.count
			case p.name == "schload.operations":
				f.ok += p.count
			case p.name == "schload.operation.response_time" && p.attrs["outcome"] == "ok":
				t.add(p.times)
			}
		}
		f.p99 = seconds(t.quantile(990))
		if len(all) > 0 || f.due+f.ended() > 0 {
			all = append(all, f)
		}
	}
	if b.closedLoop() {
		asUsual(all)
	}
	return all
}

// asUsual takes the usual rate of successes for what was due: in a closed loop
// nothing falls due while all wait.
func asUsual(all []felt) {
	var rates []float64
	for _, f := range all[:min(usual, len(all))] {
		rates = append(rates, float64(f.ok)/f.length())
	}
	if len(rates) == 0 {
		return
	}
	for k := range all {
		all[k].due = uint64(median(rates) * all[k].length())
	}
}

const usual = 10 // intervals say what is usual

// unusual returns the runs of unusual intervals of an arm.
func (b *bundle) unusual(arm string) []span {
	all := b.felt(arm)
	return append(losses(all), steps(all)...)
}

func losses(all []felt) []span {
	judged := slices.DeleteFunc(slices.Clone(all), func(f felt) bool { return max(f.due, f.ended()) < 20 })
	if len(judged) <= usual {
		return nil
	}
	var first []float64
	fewest := math.Inf(1)
	for _, f := range judged[:usual] {
		first = append(first, f.loss())
		fewest = min(fewest, float64(max(f.ended(), 1)))
	}
	m := median(first)
	sigma := max(deviation(first), math.Sqrt(m*(1-m)/fewest))
	return runs(judged, 2, func(f felt) bool { return f.loss() > m+max(0.05, 6*sigma) })
}

func steps(all []felt) []span {
	judged := slices.DeleteFunc(slices.Clone(all), func(f felt) bool { return f.ok < 500 })
	if len(judged) <= usual {
		return nil
	}
	var logs, rates []float64
	for _, f := range judged[:usual] {
		logs, rates = append(logs, math.Log(f.p99)), append(rates, f.rate())
	}
	limit := median(logs) + min(max(math.Log(2), 6*deviation(logs)), math.Log(2.5))
	rate := median(rates)
	return runs(judged, 3, func(f felt) bool { return math.Log(f.p99) > limit && math.Abs(f.rate()-rate) <= 0.2*rate })
}

// runs are n or more unusual intervals in a row, after the usual ones.
func runs(judged []felt, n int, unusual func(felt) bool) (found []span) {
	from := usual
	for k := usual; k <= len(judged); k++ {
		if k < len(judged) && unusual(judged[k]) {
			continue
		}
		if k-from >= n {
			found = append(found, span{from: judged[from].from, to: judged[k-1].to})
		}
		from = k + 1
	}
	return found
}

func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// deviation is 1.4826 times the median absolute deviation.
func deviation(values []float64) float64 {
	m := median(values)
	var all []float64
	for _, v := range values {
		all = append(all, math.Abs(v-m))
	}
	return 1.4826 * median(all)
}

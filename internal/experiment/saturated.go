package experiment

import (
	"schload/internal/bundle"
	"schload/telemetry/record"
	"schload/workload"
)

// strain is what the harness has had to do so far, phase by phase, to tell while
// the run goes on whether it is the bottleneck.
type strain struct {
	phase  string // that of the reading to come
	phases map[string]*busyTime
}

// busyTime adds up the gauges of a phase, in seconds.
type busyTime struct {
	length, cpu float64
	full        map[pooled]share // without a free worker
}

// share is a part of a time, in seconds: an arm's pools say so only in its turns.
type share struct{ part, length float64 }

// pooled names an arm's pool.
type pooled struct{ arm, pool string }

// saturated says of each limit whether the harness is beyond it, by what the run
// has shown so far, this interval included; the limits are those of the report.
// What takes the whole run is not among them: a start lag of the baseline that
// explains its lateness, Little's law and times in which the harness stood
// still. They are in the bundle's summary, as is the verdict that counts.
func (r *run) saturated(iv record.Interval) []record.Level {
	r.strain.add(iv)
	_, r.strain.phase = r.Timeline.at()
	whole := health(r.vitals.Whole())
	beyond := r.strain.beyond(whole.Processors, r.closed())
	for _, x := range whole.Exceeded() {
		beyond[x.Reason] = true
	}
	var levels []record.Level
	for _, reason := range bundle.Reasons {
		value := 0.0
		if beyond[reason] {
			value = 1
		}
		levels = append(levels, record.Level{Name: record.HarnessSaturated, Attrs: []record.Attr{{Key: record.AttrReason, Value: reason}}, Value: value})
	}
	return levels
}

// closed says whether a pool waits for replies before it sends more: then its
// workers are busy by intention.
func (r *run) closed() bool {
	for _, p := range r.Pools {
		if p.Schedule.Arrival == workload.ClosedLoop {
			return true
		}
	}
	return false
}

// add files the gauges of an interval under the phase that it lay in: readings
// are taken where phases begin.
func (s *strain) add(iv record.Interval) {
	if s.phases == nil {
		s.phases = map[string]*busyTime{}
	}
	b := s.phases[s.phase]
	if b == nil {
		b = &busyTime{full: map[pooled]share{}}
		s.phases[s.phase] = b
	}
	length := (iv.To - iv.From).Seconds()
	b.length += length
	for _, l := range iv.Levels {
		switch l.Name {
		case record.HarnessCPU:
			b.cpu += l.Value * length
		case record.HarnessWorkersFull:
			pool := pooled{l.Arm, l.Attrs[0].Value}
			b.full[pool] = share{b.full[pool].part + l.Value*length, b.full[pool].length + length}
		}
	}
}

// beyond are the limits of what is counted by phase.
func (s *strain) beyond(processors int, closed bool) map[string]bool {
	reasons := map[string]bool{}
	for _, phase := range []record.Phase{record.Baseline, record.Maintenance} {
		b := s.phases[phase.String()]
		if b != nil && b.cpu > bundle.CPULimit*float64(processors)*b.length {
			reasons[bundle.ReasonCPU] = true
		}
	}
	if b := s.phases[record.Baseline.String()]; b != nil && !closed {
		for _, full := range b.full {
			if full.part > bundle.FullLimit*full.length {
				reasons[bundle.ReasonFull] = true
			}
		}
	}
	return reasons
}

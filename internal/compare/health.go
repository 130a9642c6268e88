package compare

import (
	"time"

	"schload/internal/bundle"
	"schload/telemetry/record"
)

// CPU is how many processors the harness used: on average in a phase, and in
// the reading of the two in which it used most, those shorter than half a second
// left out. It is 0 where that is not known or the phase did not come.
type CPU struct {
	Processors  int     `json:"processors"` // that it may use
	Baseline    float64 `json:"baseline"`
	Maintenance float64 `json:"maintenance"`
	Peak        float64 `json:"peak"`
}

// Workers is how busy a pool's workers were.
type Workers struct {
	Arm   string  `json:"arm"`
	Pool  string  `json:"pool"`
	Full  float64 `json:"full"`  // share of the baseline in which no worker was free
	Queue int     `json:"queue"` // most operations that waited for one at once, after warm-up
}

// signs are the gauges of the harness, added up over the run.
type signs struct {
	inFlight map[string]float64       // seconds of operations with workers by arm, warm-up included
	loaded   map[string]time.Duration // by arm, the readings that say so: all of the run, or of the arm's turns
	baseline mean                     // of the gauges below
	during   mean                     // the same in maintenance
	queue    map[worker]int
}

// mean adds up gauges, each weighted with its interval's length.
type mean struct {
	length float64 // of what was added
	cpu    float64
	peak   float64 // the largest cpu of a whole reading
	full   map[worker]busy
}

// busy is for how long no worker was free, of how long.
type busy struct{ full, length float64 }

// worker names an arm's pool.
type worker struct{ arm, pool string }

// add files the gauges of one interval, of which the larger part lay in phase.
func (s *signs) add(iv record.Interval, phase string) {
	if s.inFlight == nil {
		s.inFlight, s.loaded, s.queue = map[string]float64{}, map[string]time.Duration{}, map[worker]int{}
	}
	length := (iv.To - iv.From).Seconds()
	said := map[string]bool{}
	var m *mean
	switch phase {
	case record.Baseline.String():
		m = &s.baseline
	case record.Maintenance.String():
		m = &s.during
	}
	if m != nil {
		m.length += length
	}
	for _, l := range iv.Levels {
		w := worker{l.Arm, levelAttr(l, record.AttrPool)}
		switch l.Name {
		case record.HarnessInFlight:
			s.inFlight[l.Arm] += l.Value * length
			if !said[l.Arm] { // pools say so each
				said[l.Arm] = true
				s.loaded[l.Arm] += iv.To - iv.From
			}
		case record.HarnessQueue:
			if measured(phase) {
				s.queue[w] = max(s.queue[w], int(l.Value))
			}
		case record.HarnessCPU:
			m.addCPU(l.Value, length)
		case record.HarnessWorkersFull:
			m.addFull(w, l.Value, length)
		}
	}
}

func (m *mean) addCPU(value, length float64) {
	if m == nil {
		return
	}
	m.cpu += value * length
	if length >= shortest.Seconds() {
		m.peak = max(m.peak, value)
	}
}

func (m *mean) addFull(w worker, share, length float64) {
	if m == nil {
		return
	}
	if m.full == nil {
		m.full = map[worker]busy{}
	}
	b := m.full[w]
	m.full[w] = busy{b.full + share*length, b.length + length}
}

// share is that of the time in which no worker was free, 0 of no time.
func (b busy) share() float64 {
	if b.length == 0 {
		return 0
	}
	return b.full / b.length
}

// processors is the mean of the processors used, 0 of no time.
func (m *mean) processors() float64 {
	if m.length == 0 {
		return 0
	}
	return m.cpu / m.length
}

// cpu returns how many processors the harness used.
func (s *signs) cpu(run bundle.Run) CPU {
	c := CPU{Baseline: s.baseline.processors(), Maintenance: s.during.processors(), Peak: max(s.baseline.peak, s.during.peak)}
	switch {
	case c == CPU{}: // the system does not tell
	case run.Final != nil && run.Final.Health != nil:
		c.Processors = run.Final.Health.Processors
	default:
		c.Processors = run.Environment.CPUs
	}
	return c
}

// workers returns those of the run's arms and pools, in their order.
func (s *signs) workers(run bundle.Run) (all []Workers) {
	for _, a := range run.Arms {
		for _, p := range run.Pools {
			w := worker{a.Name, p.Name}
			if _, known := s.queue[w]; known {
				all = append(all, Workers{a.Name, p.Name, s.baseline.full[w].share(), s.queue[w]})
			}
		}
	}
	return all
}

// Little holds the recorder against the engine by Little's law: the operations
// in flight are throughput times mean time. The engine counts the first, the
// recorder the other two, and neither asks the other. Missing is the share of
// the time with workers that is in no service time: building operations,
// recording them, waiting for a processor in between. A tool that has much of
// it hides it from its latencies. All are of the whole run or, where arms took
// turns, of the arm's, failures and warm-up included; all are 0 where the engine
// did not say.
type Little struct {
	Throughput float64        `json:"throughput"` // operations that ended, a second
	Mean       bundle.Seconds `json:"mean_s"`     // of their service times
	InFlight   float64        `json:"in_flight"`
	Missing    float64        `json:"missing"` // 1 - throughput x mean / in flight; negative: more was recorded than can have been
}

// little computes it for an arm.
func little(arm string, s *sums) Little {
	inFlight, known := s.signs.inFlight[arm]
	length := s.signs.loaded[arm].Seconds()
	if !known || inFlight <= 0 || length <= 0 {
		return Little{}
	}
	var n uint64
	var service time.Duration
	for _, x := range s.whole.Series() {
		if x.Arm == arm && x.Service != nil {
			n += x.Service.Count()
			service += x.Service.Sum()
		}
	}
	l := Little{Throughput: float64(n) / length, InFlight: inFlight / length, Missing: 1 - service.Seconds()/inFlight}
	if n > 0 {
		l.Mean = bundle.Seconds(service / time.Duration(n))
	}
	return l
}

// twice says where more service time was recorded than operations were in
// flight. Unlike the opposite, no harness can do that by being slow.
func twice(a Arm) []string {
	const tolerance = 0.01 // of readings that are taken one after the other
	if l := a.Little; l.Missing < -tolerance {
		return []string{law(a.Name, l) + ": more was recorded than can have happened"}
	}
	return nil
}

func levelAttr(l record.Level, key string) string {
	for _, a := range l.Attrs {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}

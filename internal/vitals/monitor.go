package vitals

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// step is the change between the wall clock and the monotonic one, from a
// reading to the next, that is a step: a clock that is being adjusted gains or
// loses 0.5 ms a second at most (adjtimex(2)).
const step = 10 * time.Millisecond

// Reading is what happened in a stretch of time, and what stood at its end.
type Reading struct {
	Length     time.Duration
	Processors int           // that the process may use at once (GOMAXPROCS)
	CPU        time.Duration // processor time used, user and system; -1 unknown
	Steal      time.Duration // processor time the hypervisor gave to others, of all processors; -1 unknown
	Sched      Spread        // how long goroutines that could run waited for a processor
	Pauses     Spread        // of the garbage collector
	Memory     int64         // resident, in bytes; of a whole run the most; -1 unknown
	Files      Stock         // file descriptors
	Ports      Stock         // local TCP ports of the machine, TIME_WAIT included
	TimeWait   int           // of these; -1 unknown
	Steps      uint64        // steps of the wall clock
	Step       time.Duration // the largest, with its sign
}

// Stock is how much of something bounded is in use; of a whole run the most
// that was. Unknown is -1.
type Stock struct{ Used, Limit int }

// Monitor takes readings. One goroutine uses it.
type Monitor struct {
	proc    string // where /proc is
	base    time.Time
	samples []metrics.Sample

	first, last signs
	skew        time.Duration // of the wall clock, as of the last reading
	peak        Reading       // Memory, Files, Ports, Steps and Step of all readings
}

// signs are counters since the process or the machine began.
type signs struct {
	at            time.Time
	cpu, steal    time.Duration
	sched, pauses metrics.Float64Histogram
}

// The distributions of runtime/metrics.
const (
	schedLatencies = "/sched/latencies:seconds"
	gcPauses       = "/sched/pauses/total/gc:seconds"
)

// NewMonitor begins to watch.
func NewMonitor() *Monitor { return newMonitor("/proc") }

func newMonitor(proc string) *Monitor {
	m := &Monitor{proc: proc, base: time.Now(), samples: []metrics.Sample{{Name: schedLatencies}, {Name: gcPauses}}}
	m.first = m.signs()
	m.last = m.first
	m.peak = Reading{Memory: -1, Files: Stock{-1, -1}, Ports: Stock{-1, -1}, TimeWait: -1}
	return m
}

// Read returns what happened since the last reading.
func (m *Monitor) Read() Reading {
	now := m.signs()
	r := between(m.last, now)
	m.last = now
	r.Memory, r.Files = m.memory(), m.files()
	r.Ports, r.TimeWait = m.ports()
	r.Steps, r.Step = m.stepped(now.at)
	m.peak.Memory = max(m.peak.Memory, r.Memory)
	m.peak.Files = m.peak.Files.most(r.Files)
	m.peak.Ports = m.peak.Ports.most(r.Ports)
	m.peak.TimeWait = max(m.peak.TimeWait, r.TimeWait)
	m.peak.Steps += r.Steps
	if r.Step.Abs() > m.peak.Step.Abs() {
		m.peak.Step = r.Step
	}
	return r
}

// Whole returns what happened from the beginning to the last reading, and the
// most of what was ever in use.
func (m *Monitor) Whole() Reading {
	r := between(m.first, m.last)
	r.Memory = m.peak.Memory
	r.Files, r.Ports, r.TimeWait = m.peak.Files, m.peak.Ports, m.peak.TimeWait
	r.Steps, r.Step = m.peak.Steps, m.peak.Step
	return r
}

func between(before, now signs) Reading {
	return Reading{
		Length: now.at.Sub(before.at), Processors: runtime.GOMAXPROCS(0),
		CPU: since(before.cpu, now.cpu), Steal: since(before.steal, now.steal),
		Sched: spread(before.sched, now.sched), Pauses: spread(before.pauses, now.pauses),
	}
}

func since(before, now time.Duration) time.Duration {
	if before < 0 || now < 0 {
		return -1
	}
	return max(0, now-before)
}

func (s Stock) most(o Stock) Stock {
	if o.Used > s.Used {
		return o
	}
	return s
}

func (m *Monitor) signs() signs {
	metrics.Read(m.samples)
	return signs{at: time.Now(), cpu: processorTime(), steal: m.steal(), sched: histogram(m.samples[0]), pauses: histogram(m.samples[1])}
}

// stepped compares how far the two clocks have come.
func (m *Monitor) stepped(now time.Time) (uint64, time.Duration) {
	skew := now.Round(0).Sub(m.base.Round(0)) - now.Sub(m.base)
	changed := skew - m.skew
	m.skew = skew
	if changed.Abs() < step {
		return 0, 0
	}
	return 1, changed
}

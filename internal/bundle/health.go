package bundle

// Health is the harness about itself, over the whole run. What the system did
// not tell is nil.
type Health struct {
	Length     Seconds  `json:"length_s"`
	Processors int      `json:"processors"`        // that the process may use at once
	CPU        *Seconds `json:"cpu_s,omitempty"`   // processor time used, user and system
	Steal      *Seconds `json:"steal_s,omitempty"` // processor time the hypervisor gave to others

	SchedLatency Spread `json:"sched_latency_s"` // how long goroutines that could run waited for a processor
	GCPause      Spread `json:"gc_pause_s"`

	Memory     int64   `json:"memory_bytes,omitempty"`     // resident, the most
	Files      *Stock  `json:"file_descriptors,omitempty"` // the most that were open, of those allowed
	Ports      *Stock  `json:"ports,omitempty"`            // the most TCP ports in use, of those to dial from
	TimeWait   int     `json:"time_wait,omitempty"`        // of the ports, the most in that state
	ClockSteps uint64  `json:"clock_steps,omitempty"`
	ClockStep  Seconds `json:"clock_step_s,omitempty"` // the largest
}

// Spread is a distribution of durations, as wrong as its source's buckets are
// wide; Sum is an upper bound.
type Spread struct {
	Count uint64  `json:"count"`
	P50   Seconds `json:"p50"`
	P99   Seconds `json:"p99"`
	Max   Seconds `json:"max"`
	Sum   Seconds `json:"sum"`
}

// Stock is how much of something bounded was in use.
type Stock struct {
	Used  int `json:"used"`
	Limit int `json:"limit"`
}

// Share returns the used part, 0 of nothing.
func (s *Stock) Share() float64 {
	if s == nil || s.Limit <= 0 {
		return 0
	}
	return float64(s.Used) / float64(s.Limit)
}

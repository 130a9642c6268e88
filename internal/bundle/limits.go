package bundle

import (
	"fmt"
	"time"
)

// Where the harness can no longer measure, of what a run can tell while it goes
// on. docs/METHODOLOGY.md gives the reasons.
const (
	CPULimit   = 0.9  // of the processors, used in baseline or maintenance
	FullLimit  = 0.9  // of the baseline without a free worker
	FilesLimit = 0.95 // of the file descriptors, open

	schedLimit = 10 * time.Millisecond // wait for a processor at p99
	stealLimit = 0.1                   // of the processors, taken by the hypervisor
	pauseLimit = 0.01                  // of the run, in pauses of the garbage collector
)

// The reasons for which a harness is saturated that are known while the run goes
// on, as attributes of metrics.
const (
	ReasonCPU   = "cpu"
	ReasonFull  = "workers_full"
	ReasonSched = "sched_latency"
	ReasonPause = "gc_pause"
	ReasonSteal = "steal"
	ReasonFiles = "file_descriptors"
)

// Reasons lists them all.
var Reasons = []string{ReasonCPU, ReasonFull, ReasonSched, ReasonPause, ReasonSteal, ReasonFiles}

// Exceeded is a limit that a process or its machine is beyond.
type Exceeded struct {
	Reason string // one of Reasons
	Text   string // with the value, the limit and what to do
}

// Exceeded are the limits that the process or its machine is beyond. Of a nil
// Health nothing is known.
func (h *Health) Exceeded() (list []Exceeded) {
	if h == nil || h.Length <= 0 {
		return nil
	}
	add := func(reason, format string, args ...any) {
		list = append(list, Exceeded{reason, fmt.Sprintf(format, args...)})
	}
	if p := h.SchedLatency.P99.Duration(); p > schedLimit {
		add(ReasonSched, "its goroutines waited up to %v for a processor at p99 of %s waits (limit %v): other programs, or too few processors", Round(p), Count(h.SchedLatency.Count), schedLimit)
	}
	if sum := h.GCPause.Sum.Duration(); float64(sum) > pauseLimit*float64(h.Length) {
		add(ReasonPause, "its garbage collector paused it for %v in all (limit %.0f %% of the run)", Round(sum), 100*pauseLimit)
	}
	if h.Steal != nil && float64(*h.Steal) > stealLimit*float64(h.Length)*float64(h.Processors) {
		add(ReasonSteal, "the hypervisor gave %v of processor time to others (limit %.0f %%): use a machine of its own", Round(h.Steal.Duration()), 100*stealLimit)
	}
	if h.Files.Share() >= FilesLimit {
		add(ReasonFiles, "it had %s of %s file descriptors open: raise the limit (ulimit -n)", Count(h.Files.Used), Count(h.Files.Limit))
	}
	return list
}

// Round is a duration as it is told: to three digits.
func Round(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d >= 1000*unit {
		unit *= 10
	}
	return d.Round(unit)
}

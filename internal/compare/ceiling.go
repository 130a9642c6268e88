package compare

import (
	"math"
	"slices"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/record"
	"schload/workload"
)

// ModeSaturation is the mode of a run that looks for the ceiling of its target.
// Other runs have none.
const ModeSaturation = "saturation"

// Saturation is what a run of ModeSaturation found. What the target carries
// when it is kept busy, over what the harness and its machine can offer: times
// are those of whole pipelines in a closed loop, and say nothing of a command
// by itself, nor about handoffs.
type Saturation struct {
	Pipelining string  `json:"pipelining"` // pipelines: each worker's own; autopipeline: the client makes them of single commands
	Workers    int     `json:"workers"`
	Depth      float64 `json:"depth"` // commands in a pipeline; of the client's the mean; 0: pools differ
	Ceiling    Ceiling `json:"ceiling"`

	// Processor is the time of processors that the harness spent on an
	// operation, with stage sim that of the simulator included; 0: not known.
	Processor bundle.Seconds `json:"processor_s"`
}

// Ceiling is successes a second in the whole readings of the baseline, about
// one a second.
type Ceiling struct {
	Seconds int     `json:"seconds"` // readings
	Median  float64 `json:"median"`
	Min     float64 `json:"min"`
	Max     float64 `json:"max"`
}

// Saturating reports whether the run looked for a ceiling.
func (s Summary) Saturating() bool { return s.Mode == ModeSaturation }

// ceil fills in what a saturating run found.
func (s *Summary) ceil(run bundle.Run, sums *sums) {
	if run.Saturation == nil {
		return
	}
	found := Saturation{
		Pipelining: run.Saturation.Pipelining, Workers: run.Saturation.Workers, Depth: float64(run.Saturation.Depth),
		Ceiling: ceiling(sums.rates),
	}
	for _, a := range s.Arms {
		if sent := total(sums.counter(a.Name, record.Pipelines, "")); sent > 0 {
			found.Depth = float64(total(sums.counter(a.Name, record.PipelineCommands, ""))) / float64(sent)
		}
	}
	if found.Ceiling.Median > 0 {
		found.Processor = bundle.Seconds(math.Round(s.Harness.CPU.Baseline / found.Ceiling.Median * float64(time.Second)))
	}
	s.Mode, s.Saturation = ModeSaturation, &found
}

func ceiling(rates []float64) Ceiling {
	if len(rates) == 0 {
		return Ceiling{}
	}
	slices.Sort(rates)
	n := len(rates)
	return Ceiling{Seconds: n, Median: (rates[(n-1)/2] + rates[n/2]) / 2, Min: rates[0], Max: rates[n-1]}
}

// shortest is the length from which on a reading counts for a rate or a peak:
// those that a phase cuts short are left out.
const shortest = 500 * time.Millisecond

// addRate notes the successes a second of a reading that lies in the baseline.
func (s *sums) addRate(iv record.Interval, t timeline) {
	baseline := record.Baseline.String()
	if iv.To-iv.From < shortest || t.phaseAt(iv.From) != baseline || t.phaseAt(iv.To) != baseline {
		return
	}
	ok := uint64(0)
	for _, c := range iv.Counts {
		if c.Name == record.Operations && attr(c, record.AttrOutcome) == workload.OK.String() {
			ok += c.Value
		}
	}
	s.rates = append(s.rates, float64(ok)/(iv.To-iv.From).Seconds())
}

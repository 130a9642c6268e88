package bundle

import (
	"fmt"
	"time"
)

// Merge says what a bundle was added up from.
type Merge struct {
	Workers  []Merged `json:"workers"`
	Ignored  []string `json:"ignored,omitempty"`  // in what the workers differ, or what was left out, by order of the user
	Warnings []string `json:"warnings,omitempty"` // what cannot be added exactly, and other things to know
}

// Merged is one worker of a merged bundle.
type Merged struct {
	Name        string      `json:"name"`
	RunID       string      `json:"run_id,omitempty"`
	Seed        uint64      `json:"seed,omitempty"`
	Started     time.Time   `json:"started,omitzero"` // its own base instant, by its own wall clock
	Offset      Seconds     `json:"offset_s"`         // of its base instant after that of the merged run
	From        Seconds     `json:"from_s"`           // what it recorded, since the base of the merged run
	To          Seconds     `json:"to_s"`
	Intervals   int         `json:"intervals"`
	ConnOffset  uint64      `json:"conn_offset,omitempty"` // added to the numbers of its connections
	PhaseOffset Seconds     `json:"phase_offset_s"`        // the most that one of its phases began after the merged one
	Stalled     Seconds     `json:"stalled_s"`             // for how long it stood still after warm-up
	Measured    Seconds     `json:"measured_s"`            // of so long
	Environment Environment `json:"environment"`
	Process     string      `json:"process,omitempty"`     // of a run whose arms had one each: arm (Name is the arm's) or stage
	StartLag    *Lag        `json:"start_lag_s,omitempty"` // of its pacer; nil: not measured
	Health      *Health     `json:"health,omitempty"`      // of its process; nil: not measured
	Complete    bool        `json:"complete"`              // it ended, and said so
	Valid       bool        `json:"valid"`
	Missing     string      `json:"missing,omitempty"` // why nothing of it is here; empty: it was added
}

// Who names the worker in a sentence.
func (w Merged) Who() string {
	switch w.Process {
	case ArmProcess:
		return "the process of arm " + w.Name
	case StageProcess:
		return "the process of the stage"
	}
	return "worker " + w.Name
}

// lacking names the workers that are missing or did not end properly.
func (m *Merge) lacking() (list []string) {
	if m == nil {
		return nil
	}
	for _, w := range m.Workers {
		switch {
		case w.Missing != "":
			list = append(list, fmt.Sprintf("%s is missing: %s", w.Who(), w.Missing))
		case !w.Complete:
			list = append(list, fmt.Sprintf("%s did not end properly: it is added up to %v", w.Who(), w.To.Duration()))
		}
	}
	return list
}

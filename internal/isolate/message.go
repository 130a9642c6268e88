package isolate

import (
	"encoding/json"
	"fmt"

	"schload/internal/experiment"
	"schload/internal/report"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// order is a line to an arm's process: one of its fields is set.
type order struct {
	Assign  json.RawMessage `json:"assign,omitempty"` // the first line
	Cue     *experiment.Cue `json:"cue,omitempty"`
	Resolve int             `json:"resolve,omitempty"` // a round
	Stop    *stop           `json:"stop,omitempty"`
	Finish  bool            `json:"finish,omitempty"`
}

// stop has the load given up.
type stop struct {
	Reason string `json:"reason"`
	ByUser bool   `json:"by_user,omitempty"`
}

// answer is a line from an arm's process: one of its fields is set.
type answer struct {
	Ready    *ready              `json:"ready,omitempty"`
	Resolved int                 `json:"resolved,omitempty"` // a round
	Loaded   *Failure            `json:"loaded,omitempty"`   // empty: the load ended as it was to
	Settled  bool                `json:"settled,omitempty"`
	Ended    *Failure            `json:"ended,omitempty"` // the last line
	Progress *report.ArmProgress `json:"progress,omitempty"`
	Notice   *mark.Mark          `json:"notice,omitempty"`
}

// ready says that an arm is open.
type ready struct {
	Slots []record.SlotRange `json:"slots,omitempty"`
}

// Failure is what went wrong in an arm's process. The zero value: nothing.
type Failure struct {
	Text     string                  `json:"text,omitempty"`
	Code     int                     `json:"code,omitempty"` // that its process would exit with; 0: not known
	Overload *workload.OverloadError `json:"overload,omitempty"`
}

// ArmError is a failure of an arm's process.
type ArmError struct {
	Arm string
	Failure
}

func (e *ArmError) Error() string { return fmt.Sprintf("the process of arm %s: %s", e.Arm, e.Text) }

// Unwrap tells what the policy abort has ended.
func (e *ArmError) Unwrap() error {
	if e.Overload == nil {
		return nil
	}
	return e.Overload
}

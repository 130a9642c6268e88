package matrix

import (
	"cmp"
	"slices"
	"strings"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// State is what became of a cell.
type State string

// The states. Only of a cell that is done the numbers say anything.
const (
	Pending    State = "pending"
	Done       State = "done"
	Incomplete State = "incomplete" // cut off or interrupted; it is played again
	Invalid    State = "invalid"    // its own checks failed; it is played again
	Failed     State = "failed"     // it could not be played, or its bundle cannot be read; it is played again
)

// Row is a cell with its numbers, of all its rounds together, warm-up left out.
type Row struct {
	Profile      string                `json:"profile"`
	Upgrade      string                `json:"upgrade"`
	Title        string                `json:"title"`
	SCHSupport   string                `json:"sch_support"`
	State        State                 `json:"state"`
	Reasons      []string              `json:"reasons,omitempty"`   // of a state that is neither pending nor done
	Saturated    []string              `json:"saturated,omitempty"` // why the harness was the bottleneck: no verdict follows
	RunID        string                `json:"run_id,omitempty"`
	Bundle       string                `json:"bundle,omitempty"` // from the matrix's directory, with slashes
	Speed        float64               `json:"speed"`
	Rounds       int                   `json:"rounds,omitempty"` // played
	Arms         []Arm                 `json:"arms,omitempty"`
	Verdicts     []compare.Difference  `json:"verdicts,omitempty"`     // on each arm against the one without handoffs, by the primary metric
	QValues      map[string]float64    `json:"q_values,omitempty"`     // by arm: p_adjusted of the verdict, corrected for all cells (false discovery rate)
	Expectations []compare.Expectation `json:"expectations,omitempty"` // what became of the vendor's promise
	Warnings     []string              `json:"warnings,omitempty"`

	Summary *compare.Summary `json:"-"` // of the cell's run; nil where its bundle was not read
}

// Arm is what one client configuration felt in a cell.
type Arm struct {
	Name   string `json:"name"`
	Due    uint64 `json:"due"`
	Failed uint64 `json:"failed"`
	Late   uint64 `json:"late"`
	Missed uint64 `json:"missed"`

	LongestOutage  bundle.Seconds    `json:"longest_outage_s"`
	Dials          uint64            `json:"dials"` // connections dialled, handoffs included
	ClosedByServer uint64            `json:"closed_by_server"`
	Timeouts       uint64            `json:"timeouts"` // failed operations: reads, writes, dials, waits for a connection
	Maintenance    compare.Quantiles `json:"maintenance_response_time_s"`
	LostWrites     *uint64           `json:"lost_acknowledged_writes"` // nil: no ledger
	Raw            bool              `json:"raw,omitempty"`            // no client library; it is not judged
}

// Harmed are the operations that failed, were missed or came late.
func (a Arm) Harmed() uint64 { return a.Failed + a.Missed + a.Late }

// HarmedRatio is their share of those due, 0 where none were.
func (a Arm) HarmedRatio() float64 {
	if a.Due == 0 {
		return 0
	}
	return float64(a.Harmed()) / float64(a.Due)
}

func pending(c Cell) Row {
	return Row{Profile: c.Profile, Upgrade: c.Upgrade, Title: c.Title, SCHSupport: c.SCHSupport, Speed: c.Speed, State: Pending}
}

// row is a cell whose bundle was read.
func row(c Cell, s compare.Summary) Row {
	r := pending(c)
	r.State, r.RunID, r.Bundle, r.Warnings, r.Expectations, r.Summary = Done, s.RunID, cellsDir+"/"+c.Name(), s.Warnings, s.Expectations, &s
	if s.Upgrade.Title != "" {
		r.Title = s.Upgrade.Title
	}
	if s.Harness.Saturated {
		r.Saturated = s.Harness.SaturatedReasons
	}
	switch {
	case !s.Complete:
		r.State, r.Reasons = Incomplete, []string{"it was cut off or interrupted"}
	case !s.Valid:
		r.State, r.Reasons = Invalid, s.InvalidReasons
	}
	for _, a := range s.Arms {
		r.Rounds = max(r.Rounds, len(a.Rounds))
		r.Arms = append(r.Arms, arm(a))
	}
	for _, d := range s.Differences {
		if d.Metric == compare.Primary {
			r.Verdicts = append(r.Verdicts, d)
		}
	}
	return r
}

func arm(a compare.Arm) Arm {
	o := a.Operations
	r := Arm{
		Name: a.Name, Due: o.Due, Failed: o.Failed, Late: o.Late, Missed: o.Missed, Raw: a.Raw(),
		LongestOutage: a.Outage.Longest, Dials: a.Connections.Dials, ClosedByServer: a.Connections.ClosedByServer,
		Maintenance: a.Phases.Maintenance.ResponseTime,
	}
	for _, round := range a.Rounds {
		r.Timeouts += round.Timeouts
		if round.LostWrites != nil {
			sum := *round.LostWrites + *cmp.Or(r.LostWrites, new(uint64))
			r.LostWrites = &sum
		}
	}
	return r
}

// failed is a cell that left nothing that could be read.
func failed(c Cell, err error) Row {
	r := pending(c)
	r.State, r.Reasons = Failed, strings.Split(err.Error(), "\n")
	return r
}

// Summaries are those of all cells that left one, in the order of the table.
func (m *Matrix) Summaries() (list []compare.Summary) {
	for _, r := range m.Rows {
		if r.Summary != nil {
			list = append(list, *r.Summary)
		}
	}
	return list
}

// Bad are the rows that say nothing although they were played.
func (m *Matrix) Bad() (list []Row) {
	for _, r := range m.Rows {
		if slices.Contains([]State{Invalid, Failed}, r.State) {
			list = append(list, r)
		}
	}
	return list
}

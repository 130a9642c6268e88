package matrix

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"schload/internal/compare"
)

// csvHead are the columns of matrix.csv: one line for each arm of each cell.
// Times are in seconds, shares between 0 and 1; what is not known is empty.
var csvHead = []string{
	"profile", "upgrade", "sch_support", "state", "reasons", "saturated", "speed", "rounds", "arm",
	"due", "failed", "late", "missed", "harmed_ratio", "longest_outage_s", "dials", "closed_by_server", "timeouts",
	"maintenance_successes", "maintenance_p95_s", "maintenance_p99_s", "lost_acknowledged_writes",
	"against", "harmed_difference", "harmed_difference_low", "harmed_difference_high", "p_adjusted", "q_value", "verdict", "documented",
	"run_id", "bundle",
}

// CSV writes the rows for a spreadsheet. A cell without numbers has one line.
func (m *Matrix) CSV(w io.Writer) error {
	c := csv.NewWriter(w)
	if err := c.Write(csvHead); err != nil {
		return err
	}
	for _, r := range m.Rows {
		arms := r.Arms
		if len(arms) == 0 {
			arms = []Arm{{}}
		}
		for _, a := range arms {
			if err := c.Write(r.record(a)); err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}

func (r Row) record(a Arm) []string {
	cells := []string{r.Profile, r.Upgrade, r.SCHSupport, string(r.State), strings.Join(r.Reasons, "; "), strconv.FormatBool(len(r.Saturated) > 0), float(r.Speed)}
	if a.Name == "" {
		return append(cells, make([]string, len(csvHead)-len(cells))...)
	}
	cells = append(cells, strconv.Itoa(r.Rounds), a.Name,
		whole(a.Due), whole(a.Failed), whole(a.Late), whole(a.Missed), float(a.HarmedRatio()), seconds(a.LongestOutage.Duration()),
		whole(a.Dials), whole(a.ClosedByServer), whole(a.Timeouts))
	if q := a.Maintenance; q.Count > 0 {
		cells = append(cells, whole(q.Count), seconds(q.P95.Duration()), seconds(q.P99.Duration()))
	} else {
		cells = append(cells, "0", "", "")
	}
	lost := ""
	if a.LostWrites != nil {
		lost = whole(*a.LostWrites)
	}
	cells = append(cells, lost)
	if v, ok := r.Verdict(a.Name); ok {
		cells = append(cells, v.Against, float(v.Estimate), maybe(v.Low), maybe(v.High), float(v.PAdjusted), float(r.QValues[a.Name]), v.Verdict)
	} else {
		cells = append(cells, "", "", "", "", "", "", "")
	}
	var promises []string
	for _, x := range r.Expectations {
		if x.Arm == a.Name {
			promises = append(promises, x.Verdict)
		}
	}
	return append(cells, strings.Join(promises, "; "), r.RunID, r.Bundle)
}

// Verdict is that on an arm; none on the one it is held against, and where the
// rounds are no evidence.
func (r Row) Verdict(arm string) (compare.Difference, bool) {
	for _, v := range r.Verdicts {
		if v.Arm == arm {
			return v, true
		}
	}
	return compare.Difference{}, false
}

func whole(n uint64) string          { return strconv.FormatUint(n, 10) }
func float(x float64) string         { return strconv.FormatFloat(x, 'g', -1, 64) }
func seconds(d time.Duration) string { return float(d.Seconds()) }
func maybe(x *float64) string {
	if x == nil {
		return ""
	}
	return float(*x)
}

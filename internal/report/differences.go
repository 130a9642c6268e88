package report

import (
	"encoding/json"
	"strconv"

	"schload/internal/compare"
)

// difference is what a summary says of two arms and one metric, over rounds.
type difference struct {
	Metric       string   `json:"metric"`
	Unit         string   `json:"unit"`
	Arm          string   `json:"arm"`
	Against      string   `json:"against"`
	Better       string   `json:"better"`
	Rounds       int      `json:"rounds"`
	Estimate     *float64 `json:"estimate"`
	Low          *float64 `json:"low"`
	High         *float64 `json:"high"`
	PAdjusted    *float64 `json:"p_adjusted"`
	Verdict      string   `json:"verdict"`
	RoundsNeeded int      `json:"rounds_needed"`
}

// differences are those of the summary as it is stored.
func differences(s compare.Summary) ([]difference, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var stored struct {
		Differences []difference `json:"differences"`
	}
	err = json.Unmarshal(text, &stored)
	return stored.Differences, err
}

// differenceTable has a row for each.
func differenceTable(list []difference) *table {
	if len(list) == 0 {
		return nil
	}
	t := &table{head: []string{"difference", "95 % interval", "rounds", "p, adjusted", "verdict"}}
	for _, d := range list {
		label := d.Metric
		if d.Unit != "" {
			label += ", " + d.Unit
		}
		verdict := d.Verdict
		if d.RoundsNeeded > 0 {
			verdict += " (about " + strconv.Itoa(d.RoundsNeeded) + " rounds would be needed)"
		}
		interval := unseen
		if d.Low != nil && d.High != nil {
			interval = known(d.Low) + " to " + known(d.High)
		}
		t.add(label+": "+d.Arm+" less "+d.Against, known(d.Estimate), interval, strconv.Itoa(d.Rounds), known(d.PAdjusted), verdict)
	}
	return t
}

func known(x *float64) string {
	if x == nil {
		return unseen
	}
	return three(*x)
}

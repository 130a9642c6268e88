package matrix

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"schload/internal/bundle"
)

// Plan is what a matrix plays, all of it decided. Two matrices of equal plans
// did the same.
type Plan struct {
	Versions bundle.Versions `json:"versions"`
	Quick    bool            `json:"quick"`
	Parallel int             `json:"parallel"` // cells at a time
	Rounds   int             `json:"rounds"`
	Arms     []string        `json:"arms"`
	Cells    []Cell          `json:"cells"` // in the order of the table
	Expected bundle.Seconds  `json:"expected_s"`
}

// Cell is one run of a matrix: a profile that plays an upgrade.
type Cell struct {
	Profile    string          `json:"profile"`
	Upgrade    string          `json:"upgrade"`
	Title      string          `json:"title"`
	SCHSupport string          `json:"sch_support"`
	Speed      float64         `json:"speed"`              // 1 is the upgrade's own pace
	Bends      []string        `json:"bends,omitempty"`    // what the speed makes different in kind
	Expected   bundle.Seconds  `json:"expected_s"`         // how long it takes
	Settings   json.RawMessage `json:"settings,omitempty"` // the resolved profile, without the places it was pointed at
}

// Name is that of the cell's bundle, unique in a plan.
func (c Cell) Name() string { return c.Profile + "__" + c.Upgrade }

// Spelled is the cell as a table names it.
func (p Plan) Spelled(c Cell) string {
	for _, other := range p.Cells {
		if other.Profile != c.Profile {
			return c.Profile + ": " + c.Upgrade
		}
	}
	return c.Upgrade
}

// validate refuses what could not be told apart in a directory.
func (p Plan) validate() error {
	seen := map[string]bool{}
	for _, c := range p.Cells {
		if strings.ContainsFunc(c.Name(), unfit) {
			return fmt.Errorf("cell %q: the names of profiles and upgrades become names of directories: want letters, digits, dots, dashes and underscores", c.Name())
		}
		if seen[c.Name()] {
			return fmt.Errorf("cell %s is named twice: name each profile and each upgrade once", c.Name())
		}
		seen[c.Name()] = true
	}
	if len(p.Cells) == 0 {
		return fmt.Errorf("no cells: name at least one profile and one upgrade")
	}
	return nil
}

func unfit(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_')
}

// Compressed says whether a cell plays an upgrade faster than its own pace.
func (p Plan) Compressed() bool {
	return slices.ContainsFunc(p.Cells, func(c Cell) bool { return c.Speed != 1 })
}

// makespan is how long it takes to work off a list in its order, so many at a
// time, when some of them are at it already.
func makespan(parallel int, running, waiting []time.Duration) time.Duration {
	busy := make([]time.Duration, max(parallel, len(running), 1))
	copy(busy, running)
	for _, d := range waiting {
		i := slices.Index(busy, slices.Min(busy))
		busy[i] += d
	}
	return slices.Max(busy)
}

// order is that in which cells are played: as listed, or the longest first
// where several are played at a time.
func (p Plan) order() []int {
	list := make([]int, len(p.Cells))
	for i := range list {
		list[i] = i
	}
	if p.Parallel > 1 {
		slices.SortStableFunc(list, func(a, b int) int { return int(p.Cells[b].Expected - p.Cells[a].Expected) })
	}
	return list
}

// expected is how long all cells take.
func (p Plan) expected() time.Duration {
	var waiting []time.Duration
	for _, i := range p.order() {
		waiting = append(waiting, p.Cells[i].Expected.Duration())
	}
	return makespan(p.Parallel, nil, waiting)
}

package matrix

import (
	"math"
	"testing"

	"schload/internal/compare"
)

// Twenty cells of which one differs at p = 0.04 are what chance gives; six at
// 0.01 are not.
func TestCorrect(t *testing.T) {
	m := &Matrix{Rows: make([]Row, 21)}
	for i := range m.Rows[:20] {
		m.Rows[i].Verdicts = []compare.Difference{{Arm: "on", PAdjusted: 0.9}}
	}
	m.Rows[3].Verdicts[0].PAdjusted = 0.04
	m.correct()
	if q := m.Rows[3].QValues["on"]; math.Abs(q-0.8) > 1e-9 {
		t.Errorf("one of twenty at 0.04: %v, want 0.8", q)
	}
	if m.Rows[20].QValues != nil {
		t.Errorf("a cell without verdicts: %v", m.Rows[20].QValues)
	}
	for i := range 6 {
		m.Rows[10+i].Verdicts[0].PAdjusted = 0.01
	}
	m.correct()
	if q, one := m.Rows[12].QValues["on"], m.Rows[3].QValues["on"]; q > Discovery || math.Abs(q-20*0.01/6) > 1e-9 || one <= Discovery {
		t.Errorf("six of twenty at 0.01: %v; one at 0.04: %v", q, one)
	}
}

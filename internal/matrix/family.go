package matrix

import "schload/internal/compare/paired"

// Discovery is the rate of false ones among all differences of a matrix that
// have evidence, in the mean, if those above it are not counted.
const Discovery = 0.05

// correct takes the differences of all cells for one family: who looks at
// twenty cells finds one that differs by chance.
func (m *Matrix) correct() {
	var p []float64
	for _, r := range m.Rows {
		for _, v := range r.Verdicts {
			p = append(p, v.PAdjusted)
		}
	}
	q := paired.FalseDiscovery(p)
	for i := range m.Rows {
		r := &m.Rows[i]
		r.QValues = nil
		for _, v := range r.Verdicts {
			if r.QValues == nil {
				r.QValues = map[string]float64{}
			}
			r.QValues[v.Arm], q = q[0], q[1:]
		}
	}
}

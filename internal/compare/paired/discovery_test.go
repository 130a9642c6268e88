package paired

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The worked example of Benjamini and Hochberg (1995), section 3.1: of fifteen
// p-values four are rejected at 0.05.
func TestFalseDiscovery(t *testing.T) {
	p := []float64{0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1}
	rejected := 0
	for i, q := range FalseDiscovery(p) {
		if q <= 0.05 {
			rejected++
		}
		if q < p[i] || q > 1 {
			t.Errorf("p %v became %v", p[i], q)
		}
	}
	if rejected != 4 {
		t.Errorf("%d rejected, want 4", rejected)
	}
	if got := FalseDiscovery([]float64{0.031, 0.031, 0.031}); got[0] != 0.031 || got[2] != 0.031 {
		t.Errorf("equal p-values: %v", got)
	}
	if got := FalseDiscovery(nil); len(got) != 0 {
		t.Errorf("of none: %v", got)
	}
}

// Law: the mean share of false ones among those found is at most the level.
func TestFalseDiscoveryRate(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	const experiments, equal, different, level = 4000, 15, 7, 0.05
	sum := 0.0
	for range experiments {
		p := make([]float64, equal+different)
		for i := range p {
			p[i] = r.Float64()
			if i >= equal {
				p[i] *= 0.01
			}
		}
		found, wrong := 0, 0
		for i, q := range FalseDiscovery(p) {
			if q <= level {
				found++
				if i < equal {
					wrong++
				}
			}
		}
		if found > 0 {
			sum += float64(wrong) / float64(found)
		}
	}
	if rate := sum / experiments; rate > level+3*math.Sqrt(level/experiments) || rate < level/3 {
		t.Errorf("false discovery rate %.4f, want at most %v and not next to nothing", rate, level)
	}
}

package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"schload/internal/compare/paired"
)

// stopped plays rounds whose differences draw makes until they are narrow, or
// there are 40 of them.
func stopped(width float64, draw func() float64) (r paired.Result, rounds int) {
	var values []float64
	for len(values) < 40 && !settled(values, width) {
		values = append(values, draw())
	}
	return paired.Compare(values), len(values)
}

// noises are differences of equal arms: symmetric about 0.
var noises = []struct {
	name string
	draw func(*rand.Rand) float64
}{
	{"normal", func(r *rand.Rand) float64 { return 0.002 * r.NormFloat64() }},
	{"narrow at once", func(r *rand.Rand) float64 { return 0.0005 * r.NormFloat64() }},
	{"wide for long", func(r *rand.Rand) float64 { return 0.05 * r.NormFloat64() }},
	{"rare events", func(r *rand.Rand) float64 {
		if r.Float64() < 0.6 {
			return 0
		}
		return 0.01 * r.NormFloat64()
	}},
	{"heavy tails", func(r *rand.Rand) float64 { return 0.001 * r.NormFloat64() / max(0.05, math.Abs(r.NormFloat64())) }},
}

// A run that stops when its interval is narrow finds a difference between equal
// arms no more often than the level says: whatever decides when to stop knows
// nothing of the sign.
func TestStoppingByWidthInventsNothing(t *testing.T) {
	experiments := 1000
	if testing.Short() { // as under the race detector
		experiments = 100
	}
	// Twice the standard deviation of so many experiments at the level.
	most := level*float64(experiments) + 2*math.Sqrt(level*(1-level)*float64(experiments))
	for _, width := range []float64{0.2, WidestNarrow} {
		for _, noise := range noises {
			t.Run(fmt.Sprintf("%s, %g", noise.name, width), func(t *testing.T) {
				draw := rand.New(rand.NewPCG(1, 2))
				alarms, played := 0, 0
				for range experiments {
					r, n := stopped(width, func() float64 { return noise.draw(draw) })
					played += n
					if r.P <= primaryShare*level {
						alarms++
					}
				}
				t.Logf("%d false alarms in %d experiments, %.1f rounds each", alarms, experiments, float64(played)/float64(experiments))
				if float64(alarms) > most {
					t.Errorf("%d false alarms in %d experiments, want at most %.0f", alarms, experiments, most)
				}
			})
		}
	}
}

// Where there is a difference, the interval holds it nearly as often as it
// claims: a run that may choose its end gives away 1.5 % at most. A clear
// difference needs few rounds.
func TestStoppingByWidthCovers(t *testing.T) {
	for _, c := range []struct {
		name         string
		mean, spread float64
		most         float64 // rounds, in the mean
	}{
		{"clear", -0.05, 0.005, 8},
		{"noisy", -0.05, 0.02, 25},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() {
				t.Skip("coverage takes the thousand experiments")
			}
			const experiments = 1000
			draw := rand.New(rand.NewPCG(3, 4))
			held, played := 0, 0
			for range experiments {
				r, n := stopped(0.2, func() float64 { return c.mean + c.spread*draw.NormFloat64() })
				played += n
				if r.Low <= c.mean && c.mean <= r.High {
					held++
				}
			}
			t.Logf("%d of %d intervals hold it, %.1f rounds each", held, experiments, float64(played)/experiments)
			const least = (paired.Confidence - 0.015) * experiments
			if float64(held) < least || float64(played)/experiments > c.most {
				t.Errorf("%d of %d intervals hold it, want %.0f at least; %.1f rounds, want at most %.0f", held, experiments, least, float64(played)/experiments, c.most)
			}
		})
	}
}

package paired

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func near(x, y float64) bool { return math.Abs(x-y) < 1e-9 }

// Hollander and Wolfe (Nonparametric Statistical Methods, 2nd edition, example
// 3.1 to 3.4): depression of nine patients after and before a treatment. They
// give W+ 5, p 0.039, the estimate -0.46 and the interval -0.786 to -0.010.
func TestKnownExample(t *testing.T) {
	before := []float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30}
	after := []float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29}
	var d []float64
	for i := range before {
		d = append(d, after[i]-before[i])
	}
	r := Compare(d)
	if !near(r.P, 20./512) || !near(r.Estimate, -0.46) || !near(r.Effect, (5.-40)/45) || r.Differing != 9 {
		t.Errorf("got %+v", r)
	}
	if !r.Bounded || !near(r.Low, -0.786) || !near(r.High, -0.010) {
		t.Errorf("interval %v to %v, want -0.786 to -0.010", r.Low, r.High)
	}
}

// Law: the p-value is the share of all ways to sign the differences that are
// as unequal, ties and zeros included.
func TestPCountsSigns(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		d := make([]float64, 1+random.IntN(9))
		for i := range d {
			d[i] = float64(random.IntN(9) - 4)
		}
		r := rank(d)
		extreme, all := 0, 1<<len(r.ranks)
		for signs := range all {
			plus := 0
			for i, rank := range r.ranks {
				plus += rank * (signs >> i & 1)
			}
			if min(plus, r.all-plus) <= min(r.plus, r.all-r.plus) {
				extreme++
			}
		}
		if got, want := Compare(d).P, float64(extreme)/float64(all); !near(got, want) {
			t.Fatalf("differences %v: p %v, want %v", d, got, want)
		}
	}
}

func TestDegenerate(t *testing.T) {
	for name, tt := range map[string]struct {
		d    []float64
		want Result
	}{
		"none":            {nil, Result{P: 1}},
		"one":             {[]float64{-3}, Result{Estimate: -3, Effect: -1, P: 1, Differing: 1}},
		"all zero":        {make([]float64, 8), Result{P: 1, Bounded: true}},
		"constant":        {slices.Repeat([]float64{-400}, 6), Result{Estimate: -400, Low: -400, High: -400, Bounded: true, Effect: -1, P: 2. / 64, Differing: 6}},
		"five rounds":     {[]float64{1, 2, 3, 4, 5}, Result{Estimate: 3, Effect: 1, P: 2. / 32, Differing: 5}},
		"cancel each out": {[]float64{-1, 1}, Result{P: 1, Differing: 2}},
		"huge":            {slices.Repeat([]float64{math.MaxFloat64}, 6), Result{Estimate: math.MaxFloat64, Low: math.MaxFloat64, High: math.MaxFloat64, Bounded: true, Effect: 1, P: 2. / 64, Differing: 6}},
	} {
		if got := Compare(tt.d); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
}

// The table of critical values that textbooks print: the largest sum of ranks
// that is significant at 0.05, both ways. The interval lies one further in.
func TestCriticalValues(t *testing.T) {
	for n, want := range map[int]int{6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 12: 13, 15: 25, 20: 52, 25: 89} {
		if got := outside(n); got != want+1 {
			t.Errorf("%d differences: the interval begins at pair mean %d, want %d", n, got, want+1)
		}
	}
	for n := range 6 {
		if got := outside(n); got != 0 {
			t.Errorf("%d differences have an interval, from pair mean %d on", n, got)
		}
	}
}

// Where the exact distribution is left for the normal one they agree.
func TestNormalAgrees(t *testing.T) {
	ranks := make([]int, exactUpTo)
	for i := range ranks {
		ranks[i] = 2 * (i + 1)
	}
	for sum := 14000; sum <= 20000; sum += 500 {
		if exact, normal := below(ranks, sum), normalBelow(ranks, sum); math.Abs(exact-normal) > 5e-4 {
			t.Errorf("sum %d: exact %v, normal %v", sum, exact, normal)
		}
	}
}

func TestHolm(t *testing.T) {
	equal := []float64{1, 1, 1, 1}
	if got, want := Holm([]float64{0.01, 0.04, 0.03, 0.005}, equal), []float64{0.03, 0.06, 0.06, 0.02}; !slices.EqualFunc(got, want, near) {
		t.Errorf("equal weights: got %v, want %v", got, want)
	}
	// 0.7 of the level goes to the first; once it is through, the others share all of it.
	if got, want := Holm([]float64{0.03, 0.02, 0.5}, []float64{0.7, 0.15, 0.15}), []float64{0.03 / 0.7, 0.03 / 0.7, 0.5}; !slices.EqualFunc(got, want, near) {
		t.Errorf("weights: got %v, want %v", got, want)
	}
	if got := Holm(nil, nil); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestFewest(t *testing.T) {
	for level, want := range map[float64]int{0.05: 6, 0.035: 6, 0.025: 7, 0.05 / 13: 10} {
		if got := Fewest(level); got != want {
			t.Errorf("level %v: %d rounds, want %d", level, got, want)
		}
	}
}

func TestNeeded(t *testing.T) {
	for name, tt := range map[string]struct {
		d    []float64
		want int
	}{
		"all agree":        {[]float64{1, 2, 3}, 6},
		"half of them do":  {[]float64{1, 0, 3, 0}, 12},
		"no difference":    {[]float64{0, 0, 0}, 0},
		"no side":          {[]float64{1, -1}, 0},
		"one against many": {[]float64{-1, 2, 3, 4, 5, 6}, 13},
	} {
		if got := Compare(tt.d).Needed(len(tt.d), 0.05); got != tt.want {
			t.Errorf("%s: %d rounds, want %d", name, got, tt.want)
		}
	}
}

func TestAutocorrelation(t *testing.T) {
	for name, tt := range map[string]struct {
		d    []float64
		want float64
	}{
		"too few":     {[]float64{1, 2}, 0},
		"constant":    {[]float64{3, 3, 3, 3}, 0},
		"alternating": {[]float64{1, -1, 1, -1}, -0.75},
		"a trend":     {[]float64{1, 2, 3, 4}, 0.25},
	} {
		if got := Autocorrelation(tt.d); !near(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

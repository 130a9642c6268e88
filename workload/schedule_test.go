package workload

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func take(s Schedule, n int) []time.Duration {
	var got []time.Duration
	for at := range s.Instants() {
		if len(got) == n {
			break
		}
		got = append(got, at)
	}
	return got
}

func TestInstants(t *testing.T) {
	ms := func(all ...float64) []time.Duration {
		var d []time.Duration
		for _, x := range all {
			d = append(d, time.Duration(x*1e6))
		}
		return d
	}
	for _, tt := range []struct {
		name string
		rate Rate
		want []time.Duration
	}{
		{"constant", Constant(1000), ms(0, 1, 2, 3)},
		{"rounded down", Constant(3), []time.Duration{0, 333333333, 666666666, 1000000000}},
		{"slow", Constant(0.5), ms(0, 2000, 4000)},
		// 50 t² operations until t: the n-th after sqrt(n/50) seconds.
		{"ramp from 0", Ramp(0, 100, time.Second), ms(0, 141.421356, 200, 244.948974)},
		// 100 t - 50 t² until 1 s: 50 operations, then silence.
		{"ramp to 0", Ramp(100, 0, time.Second), ms(0, 10.050506, 20.204102, 30.464028)},
		{"steps", Steps(Step{1000, 2 * time.Millisecond}, Step{500, 4 * time.Millisecond}, Step{1000, time.Hour}), ms(0, 1, 2, 4, 6, 7, 8)},
		// What would fall on the beginning of a silence comes after it.
		{"silence", Steps(Step{1000, 2 * time.Millisecond}, Step{0, 3 * time.Millisecond}, Step{1000, time.Second}), ms(0, 1, 5, 6, 7)},
		{"late start", Steps(Step{0, time.Second}, Step{1000, time.Second}), ms(1000, 1001, 1002)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := take(Schedule{Rate: tt.rate}, len(tt.want))
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// A rate that falls silent for ever ends the schedule.
func TestInstantsEnd(t *testing.T) {
	for _, tt := range []struct {
		rate Rate
		want int
	}{
		{Ramp(100, 0, time.Second), 50},
		{Steps(Step{1000, time.Second}, Step{For: time.Second}), 1000},
		{Steps(Step{0.3, time.Second}, Step{For: time.Second}), 1},
		{Rate{}, 0},
	} {
		for _, arrival := range []Arrival{ConstantArrival, ClosedLoop} {
			want := tt.want
			if arrival == ClosedLoop {
				want = 0
			}
			s := Schedule{Arrival: arrival, Rate: tt.rate}
			if got := len(take(s, 5000)); got != want {
				t.Errorf("%s %s: got %d instants, want %d", arrival, tt.rate, got, want)
			}
			if got := s.Count(time.Hour); got != uint64(want) {
				t.Errorf("%s %s: got a count of %d, want %d", arrival, tt.rate, got, want)
			}
		}
	}
}

// Count is the number of i with i/rate < until, to the nanosecond, however
// long the run is.
func TestCountExact(t *testing.T) {
	for _, tt := range []struct {
		rate  float64
		until time.Duration
		want  uint64
	}{
		{5000, 10 * time.Second, 50_000},
		{5000, 10*time.Second + 1, 50_001},
		{5000, 10*time.Second - 1, 50_000},
		{5000, 10*time.Second - 200*time.Microsecond, 49_999},
		{5000, 0, 0},
		{5000, -time.Second, 0},
		{5000, 1, 1},
		{3, time.Second, 3},
		{3, 333333333, 1},
		{3, 333333334, 2},
		{7, 365 * 24 * time.Hour, 7 * 365 * 86400},
		{333.333, 1000 * time.Second, 333_333},
		{0.001, 1000 * time.Second, 1},
		{0.001, 1000*time.Second + 1, 2},
		{1e9, time.Second, 1e9},
		{1e6, 10_000 * time.Hour, 36e12},
	} {
		s := Schedule{Rate: Constant(tt.rate)}
		if got := s.Count(tt.until); got != tt.want {
			t.Errorf("%v/s until %v: got %d, want %d", tt.rate, tt.until, got, tt.want)
		}
	}
}

// Count and Instants say the same, and instants never go back.
func TestCountConsistent(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := Schedule{Arrival: Arrival(seed % 2), Rate: randomRate(r), Seed: seed}
		until := time.Duration(r.IntN(3000)) * time.Millisecond
		size := 1 + r.IntN(4)
		want, last := uint64(0), time.Duration(0)
		for at := range s.batches(size) {
			if at < last {
				t.Fatalf("seed %d: %v comes after %v", seed, at, last)
			}
			if last = at; at >= until {
				break
			}
			want++
		}
		if got := s.countBatches(until, size); got != want {
			t.Errorf("seed %d, rate %s, batches of %d until %v: counted %d, but %d instants", seed, s.Rate, size, until, got, want)
		}
		if last >= until && s.countBatches(last, size) != want {
			t.Errorf("seed %d: the instant %v itself was counted", seed, last)
		}
	}
}

// The grid of a shape follows its integral: never off by more than one.
func TestInstantsFollowRate(t *testing.T) {
	for seed := range uint64(100) {
		s := Schedule{Rate: randomRate(rand.New(rand.NewPCG(seed, 2)))}
		integral, sum := 0.0, time.Duration(0)
		const step = 100 * time.Microsecond
		for ; sum < 2*time.Second; sum += step {
			integral += s.Rate.At(sum+step/2) * step.Seconds()
		}
		if got := float64(s.Count(sum)); math.Abs(got-integral) > 1.01+integral*1e-4 {
			t.Errorf("rate %s: got %v instants in %v, want %v", s.Rate, got, sum, integral)
		}
	}
}

// dispersion is the variance of the counts per bin divided by their mean:
// 0 for a grid, 1 for a Poisson process, more for bursts.
func dispersion(instants []time.Duration, bin time.Duration) float64 {
	counts := make([]float64, instants[len(instants)-1]/bin) // the last bin is incomplete
	for _, at := range instants {
		if i := int(at / bin); i < len(counts) {
			counts[i]++
		}
	}
	mean, variance := 0.0, 0.0
	for _, n := range counts {
		mean += n / float64(len(counts))
	}
	for _, n := range counts {
		variance += (n - mean) * (n - mean) / float64(len(counts)-1)
	}
	return variance / mean
}

func TestPoisson(t *testing.T) {
	s := Schedule{Arrival: PoissonArrival, Rate: Constant(20_000), Seed: 1}
	got := take(s, 400_000)
	if mean := float64(len(got)) / got[len(got)-1].Seconds(); math.Abs(mean/20_000-1) > 0.005 {
		t.Errorf("rate: got %.0f/s, want 20000", mean)
	}
	for _, bin := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond} {
		if iod := dispersion(got, bin); iod < 0.75 || iod > 1.25 {
			t.Errorf("index of dispersion at %v: got %.2f, want 1", bin, iod)
		}
	}
	if again := take(s, 1000); !slices.Equal(again, got[:1000]) {
		t.Error("the same seed yields other instants")
	}
	if s.Seed = 2; slices.Equal(take(s, 1000), got[:1000]) {
		t.Error("another seed yields the same instants")
	}
}

func TestScheduleValidate(t *testing.T) {
	for _, tt := range []struct {
		schedule Schedule
		want     string // part of the error; "" for none
	}{
		{Schedule{Rate: Constant(1)}, ""},
		{Schedule{Arrival: ClosedLoop, Think: time.Second}, ""},
		{Schedule{Rate: Ramp(0, 10, time.Second)}, ""},
		{Schedule{}, `rate "": arrival constant needs a rate above 0`},
		{Schedule{Rate: Constant(0)}, "needs a rate above 0"},
		{Schedule{Rate: Constant(-1)}, "rate -1: want 0 or 1e-06 to 1e+09"},
		{Schedule{Rate: Constant(math.NaN())}, "rate NaN"},
		{Schedule{Rate: Constant(math.Inf(1))}, "rate +Inf"},
		{Schedule{Rate: Constant(1e-9)}, "rate 1e-09"},
		{Schedule{Rate: Ramp(1, 2, 0)}, "part 1 lasts 0s"},
		{Schedule{Rate: Steps(Step{1, 0}, Step{2, time.Second})}, "part 1 lasts 0s"},
		{Schedule{Rate: Steps(Step{1, -1}, Step{2, time.Second})}, "part 1 lasts -1ns"},
		{Schedule{Rate: Steps(Step{1, forever / 2}, Step{2, forever / 2})}, "146 years"},
		{Schedule{Arrival: ClosedLoop, Rate: Constant(1)}, "rate 1: a closed loop has no rate"},
		{Schedule{Rate: Constant(1), Think: time.Second}, "think time 1s"},
		{Schedule{Arrival: ClosedLoop, Think: -1}, "think time -1ns"},
		{Schedule{Arrival: 9, Rate: Constant(1)}, "arrival(9)"},
	} {
		err := tt.schedule.Validate()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: got %v, want %q", tt.schedule, err, tt.want)
		}
	}
}

func BenchmarkInstants(b *testing.B) {
	for name, s := range map[string]Schedule{
		"constant": {Rate: Constant(10_000)},
		"ramp":     {Rate: Ramp(0, 10_000, time.Hour)},
		"poisson":  {Arrival: PoissonArrival, Rate: Constant(10_000)},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for range s.Instants() {
				if n++; n == b.N {
					break
				}
			}
		})
	}
}

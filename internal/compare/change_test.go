package compare

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/internal/race"
	"schload/telemetry/record"
	"schload/workload"
)

// series draws what an arm feels second by second: response times are
// log-normal, in some seconds slower by a factor, some operations fail.
type series struct {
	rate    int // operations a second
	poisson bool
	sigma   float64 // of the logarithm of response times
	failing float64 // share
	slow    map[int]float64
	out     map[int]bool
}

func (s series) draw(seed uint64, seconds int) []felt {
	r := rand.New(rand.NewPCG(seed, 1))
	arm := make([]felt, seconds)
	for i := range arm {
		f := felt{from: time.Duration(i+2) * time.Second, to: time.Duration(i+3) * time.Second, due: uint64(s.rate)}
		if s.poisson {
			f.due = uint64(max(0, math.Round(float64(s.rate)+r.NormFloat64()*math.Sqrt(float64(s.rate)))))
		}
		if s.out[i] {
			arm[i] = f
			continue
		}
		f.unsuccessful = failures(r, f.due, s.failing)
		f.ok = f.due - f.unsuccessful
		if f.ok > 0 {
			slow := max(s.slow[i], 1) * math.Exp(s.sigma*p99(r, f.ok))
			f.p99 = time.Duration(slow * float64(200*time.Microsecond))
		}
		arm[i] = f
	}
	return arm
}

// seeds is how many a law is tested with. The race detector makes arithmetic
// slow, and has nothing to find in it.
func seeds() uint64 {
	if race.Enabled {
		return 20
	}
	return 1000
}

// failures draws how many of n fail, by the distances between failures.
func failures(r *rand.Rand, n uint64, share float64) (failed uint64) {
	if share == 0 {
		return 0
	}
	for at := float64(0); ; failed++ {
		if at += 1 + math.Floor(math.Log(1-r.Float64())/math.Log(1-share)); at > float64(n) {
			return failed
		}
	}
}

// p99 draws the nearest-rank p99 of n numbers of a standard normal distribution:
// the largest of them, the next, and so on down to it.
func p99(r *rand.Rand, n uint64) float64 {
	u := 1.0
	for left := n; left >= (99*n+99)/100; left-- {
		u *= math.Pow(1-r.Float64(), 1/float64(left))
	}
	return math.Sqrt2 * math.Erfinv(2*u-1)
}

// Law: where nothing changes, no change is found: 1000 seeds of two arms over
// two minutes at 1000 operations a second, and at rates at which only success
// is judged, with rare failures and many, with short tails and long.
func TestNoFalseAlarm(t *testing.T) {
	for _, s := range []series{
		{rate: 1000, sigma: 0.5},
		{rate: 1000, poisson: true, sigma: 1, failing: 0.01},
		{rate: 600, poisson: true, sigma: 1.2, failing: 0.2},
		{rate: 100, poisson: true, sigma: 1, failing: 0.01},
		{rate: 25, poisson: true, sigma: 1},
	} {
		for seed := range seeds() {
			arms := [][]felt{s.draw(seed, 120), s.draw(seed+1_000_000, 120)}
			if found, ok := change(arms); ok {
				t.Errorf("%+v, seed %d: found %v to %v", s, seed, found.From.Duration(), found.To.Duration())
			}
		}
	}
}

// seconds of a series, as draw numbers its intervals.
func span(from, to int) Span {
	return Span{From: bundle.Seconds(time.Duration(from+2) * time.Second), To: bundle.Seconds(time.Duration(to+2) * time.Second)}
}

func during[V any](from, to int, v V) map[int]V {
	m := map[int]V{}
	for i := from; i < to; i++ {
		m[i] = v
	}
	return m
}

// Law: what is large enough is found in each of 1000 seeds: an outage of two
// intervals to the interval, a p99 that is three times the usual for twenty
// intervals with its ends off by as many as long tails hide.
func TestChangeIsFound(t *testing.T) {
	outage, step := during(40, 42, true), during(40, 60, 3.0)
	for name, tt := range map[string]struct {
		series
		want Span
		off  time.Duration
	}{
		"outage":            {series{rate: 1000, sigma: 0.5, out: outage}, span(40, 42), 0},
		"outage, low rate":  {series{rate: 50, sigma: 1, out: outage}, span(40, 42), 0},
		"outage, many fail": {series{rate: 1000, sigma: 0.5, failing: 0.2, out: outage}, span(40, 42), 0},
		"step":              {series{rate: 1000, sigma: 0.3, slow: step}, span(40, 60), 0},
		"step, long tail":   {series{rate: 1000, poisson: true, sigma: 1, slow: step}, span(40, 60), 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range seeds() {
				calm := series{rate: 1000, sigma: 0.5}
				found, ok := change([][]felt{calm.draw(seed+1_000_000, 80), tt.draw(seed, 80)})
				if !ok || (found.From-tt.want.From).Duration() > tt.off || (tt.want.To-found.To).Duration() > tt.off || found.From < tt.want.From || found.To > tt.want.To {
					t.Errorf("seed %d: found %v, %v to %v", seed, ok, found.From.Duration(), found.To.Duration())
				}
			}
		})
	}
}

// From the first change to the end of the last one is maintenance.
func TestSeveralChanges(t *testing.T) {
	s := series{rate: 1000, sigma: 0.5, out: during(30, 33, true), slow: during(70, 74, 10.0)}
	if found, ok := change([][]felt{s.draw(1, 100)}); !ok || found != span(30, 74) {
		t.Errorf("found %v, %v", found, ok)
	}
}

// What is too short, too small, or too early to tell is no change.
func TestNoChange(t *testing.T) {
	for name, s := range map[string]series{
		"one interval":        {rate: 1000, sigma: 0.5, out: during(40, 41, true)},
		"two slow intervals":  {rate: 1000, sigma: 0.5, slow: during(40, 42, 10.0)},
		"step of 1.5":         {rate: 1000, sigma: 0.5, slow: during(40, 60, 1.5)},
		"too few":             {rate: 10, sigma: 0.5, out: during(40, 60, true)},
		"before all is known": {rate: 1000, sigma: 0.5, out: during(4, 8, true)},
	} {
		if found, ok := change([][]felt{s.draw(1, 60)}); ok {
			t.Errorf("%s: found %v to %v", name, found.From.Duration(), found.To.Duration())
		}
	}
	if _, ok := change([][]felt{series{rate: 1000, sigma: 0.5, out: during(9, 12, true)}.draw(1, 10)}); ok {
		t.Error("found a change in ten intervals")
	}
}

// With a load that changes, times may too: that is no upgrade's doing.
func TestChangingLoad(t *testing.T) {
	arm := series{rate: 1000, sigma: 0.5, slow: during(40, 60, 5.0)}.draw(1, 60)
	for i := 40; i < 60; i++ {
		arm[i].due, arm[i].ok = 2*arm[i].due, 2*arm[i].ok
	}
	if found, ok := change([][]felt{arm}); ok {
		t.Errorf("found %v to %v", found.From.Duration(), found.To.Duration())
	}
}

// A run without a stage, of which nobody knows but by what it recorded, gets
// its phases from that, and its operations are filed under them.
func TestPhasesFromData(t *testing.T) {
	p := startAt(t, "none")
	p.phase(0, record.Warmup)
	p.busy(time.Millisecond)
	p.second()
	p.phase(1, record.Baseline)
	for second := range 30 {
		class, took := workload.OK, time.Millisecond
		if second >= 15 && second < 18 {
			class, took = workload.DialRefused, 10*time.Microsecond
		}
		for range 50 {
			p.ends("on/main", time.Millisecond, workload.OK)
			p.ends("off/main", took, class)
		}
		p.second()
	}
	s := p.finish(bundle.Final{Valid: true})
	wantReasons(t, s)
	want := []Span{{From: bundle.Seconds(16 * time.Second), To: bundle.Seconds(19 * time.Second)}}
	if s.PhaseSource != "data" || !slices.Equal(s.Maintenance, want) {
		t.Errorf("phases from %q, maintenance %v", s.PhaseSource, s.Maintenance)
	}
	off, _ := s.Arm("off")
	var got [3]Operations
	for i, phase := range []Phase{off.Phases.Baseline, off.Phases.Maintenance, off.Phases.Recovery} {
		got[i] = phase.Operations
	}
	if got != [3]Operations{{Due: 750, OK: 750}, {Due: 150, Failed: 150}, {Due: 600, OK: 600}} {
		t.Errorf("off: %+v", got)
	}
	if off.Operations != (Operations{Due: 1500, OK: 1350, Failed: 150}) {
		t.Errorf("off, all of it: %+v", off.Operations)
	}
	if n := off.Phases.Recovery.ResponseTime.Count; n != 600 {
		t.Errorf("%d response times in recovery", n)
	}
}

// The sources of phases, from firm to weak.
func TestPhaseSource(t *testing.T) {
	for _, tt := range []struct{ stage, marks, want string }{
		{"sim", "harness", "stage"}, {"manual", "harness", "stage"}, {"none", "notices", "notices"}, {"none", "", "none"},
	} {
		p := startAt(t, tt.stage)
		p.phase(1, record.Baseline)
		p.second()
		if tt.marks != "" {
			p.phase(1, record.Maintenance)
		}
		p.ends("on/main", time.Millisecond, workload.OK)
		p.second()
		if s := p.finish(bundle.Final{Valid: true}); s.PhaseSource != tt.want {
			t.Errorf("stage %s, marks of %q: phases from %q, want %q", tt.stage, tt.marks, s.PhaseSource, tt.want)
		}
	}
}

package calibrate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"schload/internal/compare"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// quantiles gives the recorder samples whose every quantile is known, for they
// are kept and sorted here.
var quantiles = check{"quantiles", "known distributions through recorder, bundle and summary: constant, uniform, exponential, log-normal, bimodal with a far tail", runQuantiles}

const (
	drawn    = 50_000 // samples of each distribution
	drawers  = 4      // goroutines' sinks among which they are dealt
	gap      = 20 * time.Microsecond
	readings = 8
)

// distribution draws durations. All lie between 10 µs and 128 s, where the
// histogram's error is stated.
type distribution struct {
	name string
	draw func(*rand.Rand) time.Duration
}

const least = 10 * time.Microsecond

var distributions = []distribution{
	{"constant", func(*rand.Rand) time.Duration { return 1_234_567 * time.Nanosecond }},
	{"uniform", func(r *rand.Rand) time.Duration { return least + time.Duration(r.Int64N(int64(10*time.Millisecond))) }},
	{"exponential", func(r *rand.Rand) time.Duration { return least + scaled(r.ExpFloat64(), 2*time.Millisecond) }},
	{"log-normal", func(r *rand.Rand) time.Duration {
		return least + scaled(math.Exp(1.5*r.NormFloat64()), 500*time.Microsecond)
	}},
	{"bimodal", func(r *rand.Rand) time.Duration {
		if r.IntN(1000) == 0 {
			return 30*time.Second + time.Duration(r.Int64N(int64(30*time.Second)))
		}
		return 800*time.Microsecond + time.Duration(r.Int64N(int64(400*time.Microsecond)))
	}},
}

func scaled(x float64, unit time.Duration) time.Duration {
	return min(time.Duration(x*float64(unit)), 100*time.Second)
}

// asked are the quantiles that are compared: p1 to p99, p99.9 and p99.99.
func asked() (qs []float64) {
	for p := 1; p <= 99; p++ {
		qs = append(qs, float64(p)/100)
	}
	return append(qs, 0.999, 0.9999)
}

// truth is what was drawn for an arm.
type truth struct{ response, service, lateness []time.Duration }

func runQuantiles(ctx context.Context, b *bench) (finding, error) {
	f := finding{expected: fmt.Sprintf("of %d samples each, p1 to p99.99 of response time, service time and lateness within %.2f %% of the sorted samples; counts, minimum and maximum exact",
		drawn, 100*histogramError)}
	var arms []string
	for _, d := range distributions {
		arms = append(arms, d.name)
	}
	t, err := b.newTape("quantiles", arms, []string{"GET"})
	if err != nil {
		return f, err
	}
	defer t.close()
	t.begin(1, record.Baseline, 0)
	truths := t.play(b.seed)
	t.recorder.End(drawn * gap)
	p, err := t.finish(drawn * gap)
	if err != nil {
		return f, err
	}
	f.want(p.Valid, "the run is invalid: %q", p.InvalidReasons)
	judgeQuantiles(&f, p, truths)
	return f, ctx.Err()
}

// play records all distributions, dealt to several sinks and readings.
func (t *tape) play(seed uint64) map[string]*truth {
	truths := map[string]*truth{}
	sinks := map[string][]workload.Sink{}
	sources := map[string]*rand.Rand{}
	for i, d := range distributions {
		truths[d.name] = new(truth)
		sources[d.name] = rand.New(rand.NewPCG(seed, uint64(i)))
		for range drawers {
			sinks[d.name] = append(sinks[d.name], t.sink(d.name))
		}
	}
	for n := range drawn {
		at := time.Duration(n) * gap
		for i, d := range distributions {
			x := d.sample(at, distributions[(i+1)%len(distributions)], sources[d.name])
			sink := sinks[d.name][n%drawers]
			sink.Due(at, 1)
			sink.Done(x, 1)
			truths[d.name].add(x)
		}
		if n%(drawn/readings) == drawn/readings-1 {
			t.read(at + gap)
		}
	}
	return truths
}

// sample draws a service time from the distribution, and a lateness from another.
func (d distribution) sample(at time.Duration, late distribution, r *rand.Rand) workload.Sample {
	sent := at + late.draw(r)
	return workload.Sample{Intended: at, Sent: sent, Done: sent + d.draw(r), Outcome: workload.Outcome{Class: workload.OK, Attempts: 1}}
}

func (t *truth) add(x workload.Sample) {
	t.response = append(t.response, x.ResponseTime())
	t.service = append(t.service, x.ServiceTime())
	t.lateness = append(t.lateness, x.Lateness())
}

func judgeQuantiles(f *finding, p played, truths map[string]*truth) {
	worst, where, compared := 0.0, "", 0
	for _, d := range distributions {
		arm, _ := p.Arm(d.name)
		got, known := phaseTimes(&p.sums, d.name, record.Baseline), truths[d.name]
		for _, x := range []struct {
			name    string
			raw     []time.Duration
			h       *histogram.Histogram
			summary compare.Quantiles
		}{
			{"response time", known.response, &got.response, arm.Phases.Baseline.ResponseTime},
			{"service time", known.service, &got.service, arm.Phases.Baseline.ServiceTime},
			{"lateness", known.lateness, &got.lateness, arm.Phases.Baseline.Lateness},
		} {
			slices.Sort(x.raw)
			name := d.name + " " + x.name
			e, at := f.compare(name, x.raw, x.h, x.summary)
			compared += len(asked())
			if e >= worst {
				worst, where = e, name+" "+at
			}
		}
	}
	f.found = fmt.Sprintf("%d quantiles, the worst off by %.3f %% (%s)", compared, 100*worst, where)
}

// compare holds a histogram and the summary made of it against sorted samples,
// and returns the largest error of a quantile and where it is.
func (f *finding) compare(name string, raw []time.Duration, h *histogram.Histogram, s compare.Quantiles) (worst float64, where string) {
	first, last := raw[0], raw[len(raw)-1]
	f.want(h.Count() == uint64(len(raw)) && s.Count == h.Count(), "%s: %d samples in the bundle, %d in the summary, want %d", name, h.Count(), s.Count, len(raw))
	f.want(h.Min() == first && h.Max() == last && s.Max.Duration() == last, "%s: %v to %v (summary %v), want %v to %v", name, h.Min(), h.Max(), s.Max.Duration(), first, last)
	off := func(q float64, got time.Duration) {
		want := nearestRank(raw, q)
		e := math.Abs(float64(got-want)) / float64(want)
		if e > worst {
			worst, where = e, fmt.Sprintf("p%g", 100*q)
		}
		f.want(e <= histogramError, "%s p%g: %v, want %v: off by %.2f %%", name, 100*q, got, want, 100*e)
	}
	for _, q := range asked() {
		off(q, h.Quantile(q))
	}
	off(0.5, s.P50.Duration())
	off(0.95, s.P95.Duration())
	off(0.99, s.P99.Duration())
	off(0.999, s.P999.Duration())
	return worst, where
}

// nearestRank is the quantile by definition: of n sorted samples the one of
// rank ceil(q n). The ranks asked for are whole up to rounding.
func nearestRank(sorted []time.Duration, q float64) time.Duration {
	rank := int(math.Ceil(q*float64(len(sorted)) - 1e-6))
	return sorted[max(rank, 1)-1]
}

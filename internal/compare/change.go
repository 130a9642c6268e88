package compare

import (
	"math"
	"slices"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// The rule by which a change is found in what arms felt, interval by interval.
// The first intervals say what is usual: their median, and their median
// absolute deviation (MAD), which for a normal distribution is a 1.4826th of
// the standard deviation. docs/METHODOLOGY.md explains the choice.
const (
	usual  = 10 // intervals that say what is usual
	sigmas = 6  // from the median to what is unusual

	fewestJudged = 20  // operations without which an interval's success is not judged
	fewestTimed  = 500 // successes without which its p99 is not

	leastLoss = 0.05 // a smaller share of operations that did not succeed, above the usual, is no change
	leastStep = 2    // nor is a p99 that is less than so many times the usual;
	sureStep  = 2.5  // one of so many times is, however the usual ones scatter

	lossRun = 2 // so many intervals in a row make a change in success,
	stepRun = 3 // and so many one in p99

	steady = 0.2 // p99 is judged while the load differs by no more than this share from the usual
)

// felt is what one arm felt in one interval.
type felt struct {
	from, to              time.Duration
	due, ok, unsuccessful uint64
	p99                   time.Duration // of the response time of successes
}

// loss is the share of the operations that ended, or of those that were due if
// fewer ended, which did not succeed.
func (f felt) loss() float64 {
	ended := max(f.ok+f.unsuccessful, 1)
	lost := float64(f.unsuccessful) / float64(ended)
	if f.ok*2 < f.due { // most had no answer
		lost = max(lost, 1-float64(f.ok)/float64(f.due))
	}
	return lost
}

// readFelt returns what the arms felt after warm-up, arm by arm. In a closed
// loop nothing falls due while all wait, so that what is usual is taken for due.
func readFelt(b *bundle.Bundle) ([][]felt, error) {
	arms := make([][]felt, len(b.Run.Arms))
	for iv, err := range b.Pass() {
		if err != nil {
			return nil, err
		}
		if iv.To <= iv.From {
			continue
		}
		for i, a := range b.Run.Arms {
			if f := feltBy(a.Name, iv); f.due+f.ok+f.unsuccessful > 0 || len(arms[i]) > 0 {
				arms[i] = append(arms[i], f)
			}
		}
	}
	if slices.ContainsFunc(b.Run.Pools, closed) {
		for _, arm := range arms {
			expect(arm)
		}
	}
	return arms, nil
}

// expect takes the usual number of successes for due.
func expect(arm []felt) {
	var oks []float64
	for _, f := range arm[:min(usual, len(arm))] {
		oks = append(oks, float64(f.ok)/(f.to-f.from).Seconds())
	}
	if len(oks) == 0 {
		return
	}
	rate, _ := spread(oks)
	for i, f := range arm {
		arm[i].due = uint64(rate * (f.to - f.from).Seconds())
	}
}

func feltBy(arm string, iv record.Interval) felt {
	f := felt{from: iv.From, to: iv.To}
	var t tally
	for _, c := range iv.Counts {
		if c.Arm == arm && measured(phaseOf(c)) {
			t.add(c)
		}
	}
	f.due, f.ok, f.unsuccessful = t.Due, t.OK, t.Failed+t.Missed
	var response histogram.Histogram
	for _, s := range iv.Series {
		if s.Arm == arm && s.Phase != record.Warmup && s.Outcome == workload.OK.String() {
			response.Merge(s.Response)
		}
	}
	f.p99 = response.Quantile(0.99)
	return f
}

// change returns from when to when some arm felt something unusual: from the
// first interval of the first such run to the end of the last one.
func change(arms [][]felt) (found Span, ok bool) {
	for _, arm := range arms {
		for _, unusual := range [][]Span{losses(arm), steps(arm)} {
			for _, s := range unusual {
				if !ok || s.From < found.From {
					found.From = s.From
				}
				found.To, ok = max(found.To, s.To), true
			}
		}
	}
	return found, ok
}

// losses are the spans in which too few operations succeeded.
func losses(arm []felt) []Span {
	arm = slices.DeleteFunc(slices.Clone(arm), func(f felt) bool { return max(f.due, f.ok+f.unsuccessful) < fewestJudged })
	if len(arm) <= usual {
		return nil
	}
	var first []float64
	n := math.Inf(1)
	for _, f := range arm[:usual] {
		first = append(first, f.loss())
		n = min(n, float64(max(f.ok+f.unsuccessful, 1)))
	}
	median, sigma := spread(first)
	sigma = max(sigma, math.Sqrt(median*(1-median)/n)) // what chance alone does
	limit := median + max(leastLoss, sigmas*sigma)
	return runs(arm, lossRun, func(f felt) bool { return f.loss() > limit })
}

// steps are the spans in which p99 was too high.
func steps(arm []felt) []Span {
	arm = slices.DeleteFunc(slices.Clone(arm), func(f felt) bool { return f.ok < fewestTimed })
	if len(arm) <= usual {
		return nil
	}
	var logs, rates []float64
	for _, f := range arm[:usual] {
		logs = append(logs, math.Log(f.p99.Seconds()))
		rates = append(rates, f.rate())
	}
	median, sigma := spread(logs)
	rate, _ := spread(rates)
	limit := median + min(max(math.Log(leastStep), sigmas*sigma), math.Log(sureStep))
	return runs(arm, stepRun, func(f felt) bool {
		return math.Log(f.p99.Seconds()) > limit && math.Abs(f.rate()-rate) <= steady*rate
	})
}

func (f felt) rate() float64 { return float64(f.due) / (f.to - f.from).Seconds() }

// runs are the spans of at least n intervals in a row that are unusual, none
// of the usual ones among them.
func runs(arm []felt, n int, unusual func(felt) bool) (spans []Span) {
	length := 0
	for i := usual; i <= len(arm); i++ {
		if i < len(arm) && unusual(arm[i]) {
			length++
			continue
		}
		if length >= n {
			spans = append(spans, Span{bundle.Seconds(arm[i-length].from), bundle.Seconds(arm[i-1].to)})
		}
		length = 0
	}
	return spans
}

// spread returns the median of values, and from their median absolute
// deviation what would be the standard deviation of a normal distribution.
func spread(values []float64) (median, sigma float64) {
	median = middle(values)
	deviations := make([]float64, len(values))
	for i, v := range values {
		deviations[i] = math.Abs(v - median)
	}
	return median, 1.4826 * middle(deviations)
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

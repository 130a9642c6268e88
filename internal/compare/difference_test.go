package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare/paired"
)

// world draws rounds of equal arms. What is equal in both arms of a round is
// how bad the upgrade is; counts have many zeros and ties, times heavy tails.
type world struct{ *rand.Rand }

// experiment draws a run of n rounds; spare is the share of its harm that the
// first arm is spared.
func (w world) experiment(n int, spare float64) *Summary {
	s := &Summary{Valid: true, Complete: true, Arms: []Arm{
		{Name: "on", SCH: SCH{Requested: "on"}}, {Name: "off", SCH: SCH{Requested: "off"}}, {Name: "raw", SCH: SCH{Requested: Raw}},
	}}
	for i := range n {
		severity := 100 * math.Exp(w.NormFloat64())
		for j := range s.Arms {
			harm := severity
			if j == 0 {
				harm *= 1 - spare
			}
			s.Arms[j].Rounds = append(s.Arms[j].Rounds, w.round(i+1, harm))
		}
	}
	return s
}

func (w world) round(number int, severity float64) Round {
	own := severity * math.Exp(0.5*w.NormFloat64()) // as bad as it was for this arm
	r := Round{Round: number, Due: 10_000, Failed: w.some(own), Late: w.some(own), Dials: 16 + w.some(2)}
	if w.IntN(4) == 0 {
		r.Missed = w.some(own / 10)
	}
	r.Timeouts, r.AttemptsHidden = r.Failed/2, w.some(1)
	r.FailedRatio = float64(r.Failed) / float64(r.Due)
	r.HarmedRatio = float64(r.Failed+r.Missed+r.Late) / float64(r.Due)
	if own > 80 {
		r.OutageLongest = bundle.Seconds(own * 1e7)
		r.OutageTotal = r.OutageLongest + bundle.Seconds(w.some(1)*1e9)
	}
	pareto := func(scale float64) *bundle.Seconds {
		x := bundle.Seconds(scale * math.Pow(1-w.Float64(), -1/1.2))
		return &x
	}
	r.ResponseP50, r.ResponseP95, r.ResponseP99, r.ResponseMax = pareto(1e5), pareto(1e6), pareto(1e7), pareto(1e9)
	r.RecoverAtLeast = new(bundle.Seconds)
	*r.RecoverAtLeast = bundle.Seconds(w.some(own/20)) * bundle.Seconds(time.Second) // whole seconds: ties
	return r
}

// some is a count around mean, more spread out than chance alone.
func (w world) some(mean float64) uint64 {
	return uint64(max(0, mean*w.ExpFloat64()+w.NormFloat64()*math.Sqrt(mean)))
}

func found(list []Difference, verdict string) (metrics []string) {
	for _, d := range list {
		if d.Verdict == verdict {
			metrics = append(metrics, d.Metric)
		}
	}
	return metrics
}

// Law: equal arms are found to differ, in any metric, in at most 5 % of the
// runs. Of 1000 runs 50 may by chance be 64: two standard deviations more.
func TestEqualArmsAreEqual(t *testing.T) {
	const runs = 1000
	limit := runs*level + 2*math.Sqrt(runs*level*(1-level))
	for _, rounds := range []int{2, 6, 8, 12} {
		w := world{rand.New(rand.NewPCG(uint64(rounds), 1))}
		alarms := 0
		for range runs {
			list := w.experiment(rounds, 0).differences()
			if len(found(list, VerdictBetter))+len(found(list, VerdictWorse)) > 0 {
				alarms++
			}
		}
		t.Logf("%d rounds: %d of %d runs of equal arms were found to differ", rounds, alarms, runs)
		if float64(alarms) > limit {
			t.Errorf("%d rounds: %d of %d runs of equal arms were found to differ, want %.0f at most", rounds, alarms, runs, limit)
		}
	}
}

// An arm that is spared nine tenths of the harm is found to be better, and never to be
// worse: with these chances at least.
func TestRealDifferenceIsFound(t *testing.T) {
	const runs = 300
	for rounds, power := range map[int]float64{6: 0.6, 8: 0.85, 12: 0.97} {
		w := world{rand.New(rand.NewPCG(uint64(rounds), 2))}
		hits := 0
		for range runs {
			list := w.experiment(rounds, 0.9).differences()
			for _, metric := range found(list, VerdictBetter) {
				if metric == Primary {
					hits++
				}
			}
		}
		t.Logf("%d rounds: found in %d of %d runs", rounds, hits, runs)
		if float64(hits) < power*runs {
			t.Errorf("%d rounds: found in %d of %d runs, want %.0f %%", rounds, hits, runs, 100*power)
		}
	}
}

// Law: the interval holds the true value in 95 % of the runs, whatever the
// differences are distributed like; allowed are 93 %, since two standard deviations of
// 2000 runs are 1 %, and skewed differences are not what the interval is for.
func TestIntervalCovers(t *testing.T) {
	const runs = 2000
	normal := func(r *rand.Rand) float64 { return r.NormFloat64() }
	heavy := func(r *rand.Rand) float64 { return math.Exp(2*r.NormFloat64()) - math.Exp(2*r.NormFloat64()) }
	counts := func(r *rand.Rand) float64 { return math.Floor(4*r.ExpFloat64()) - math.Floor(4*r.ExpFloat64()) }
	zeros := func(r *rand.Rand) float64 { return float64(r.IntN(2)) * heavy(r) }
	skewed := func(r *rand.Rand) float64 { return r.ExpFloat64() - 0.8392 } // the median of the mean of two
	for name, draw := range map[string]func(*rand.Rand) float64{"normal": normal, "heavy": heavy, "counts": counts, "zeros": zeros, "skewed": skewed} {
		for _, rounds := range []int{6, 8, 12, 20} {
			random := rand.New(rand.NewPCG(uint64(rounds), 3))
			covered := 0
			for range runs {
				d := make([]float64, rounds)
				for i := range d {
					d[i] = draw(random)
				}
				if r := paired.Compare(d); r.Low <= 0 && 0 <= r.High {
					covered++
				}
			}
			t.Logf("%s, %d rounds: %.1f %%", name, rounds, 100*float64(covered)/runs)
			if covered < runs*93/100 {
				t.Errorf("%s, %d rounds: the interval held the true value in %d of %d runs", name, rounds, covered, runs)
			}
		}
	}
}

// failing is a run in which arm off fails so many each round and arm on none.
func failing(failed ...uint64) *Summary {
	s := &Summary{Valid: true, Complete: true, Arms: []Arm{{Name: "on", SCH: SCH{Requested: "on"}}, {Name: "off", SCH: SCH{Requested: "off"}}}}
	for i, n := range failed {
		s.Arms[0].Rounds = append(s.Arms[0].Rounds, Round{Round: i + 1, Due: 1000})
		s.Arms[1].Rounds = append(s.Arms[1].Rounds, Round{Round: i + 1, Due: 1000, Failed: n, HarmedRatio: float64(n) / 1000})
	}
	return s
}

func differenceOf(t *testing.T, list []Difference, metric string) Difference {
	t.Helper()
	for _, d := range list {
		if d.Metric == metric {
			return d
		}
	}
	t.Fatalf("no difference of %s in %v", metric, list)
	return Difference{}
}

func TestConstantDifference(t *testing.T) {
	list := failing(400, 400, 400, 400, 400, 400, 400, 400).differences()
	primary := differenceOf(t, list, Primary)
	if primary.Verdict != VerdictBetter || primary.Estimate != -0.4 || primary.Low == nil || *primary.Low != -0.4 || *primary.High != -0.4 || primary.Effect != -1 || primary.P != 0.0078125 {
		t.Errorf("primary: %+v", primary)
	}
	if d := differenceOf(t, list, "failed"); d.Verdict != VerdictBetter || d.Estimate != -400 || d.Unit != "operations" || d.Against != "off" {
		t.Errorf("failed: %+v", d)
	}
	if d := differenceOf(t, list, "dials"); d.Verdict != NotSeen || d.P != 1 || d.PAdjusted != 1 || d.RoundsNeeded != 0 || d.Estimate != 0 {
		t.Errorf("dials: %+v", d)
	}
	for _, d := range list {
		if strings.HasPrefix(d.Metric, "response") || d.Metric == "recover_at_least_s" {
			t.Errorf("%s was known in no round, and is judged", d.Metric)
		}
	}
}

// Fewer than six rounds prove nothing, however clear they look; it is said how
// many would.
func TestTooFewRounds(t *testing.T) {
	s := failing(400, 410, 390, 405, 402)
	d := differenceOf(t, s.differences(), Primary)
	if d.Verdict != NoEvidence || d.RoundsNeeded != 6 || d.Low != nil || d.High != nil || d.Rounds != 5 {
		t.Errorf("got %+v", d)
	}
	if text := strings.Join(warnedOf(s), "\n"); text != "5 rounds cannot show a difference: it takes 6 for p = 0.031, even if all of them agree; give --rounds 6 or more, or auto" {
		t.Errorf("warnings: %s", text)
	}
}

func warnedOf(s *Summary) (list []string) {
	s.warnDifferences(func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) })
	return list
}

func TestNoVerdict(t *testing.T) {
	clear := []uint64{400, 410, 390, 405, 402, 399, 380, 420}
	invalid, saturated, killed, alone, raw := failing(clear...), failing(clear...), failing(clear...), failing(clear...), failing(clear...)
	invalid.Valid, saturated.Harness.Saturated, killed.Complete = false, true, false
	alone.Arms = alone.Arms[:1]
	raw.Arms[0].SCH.Requested = Raw
	for name, tt := range map[string]struct {
		s     *Summary
		list  int
		warns string
	}{
		"invalid":             {invalid, 0, "the run is invalid"},
		"saturated":           {saturated, 0, "the harness was the bottleneck"},
		"cut off":             {killed, 9, "round 8 was cut off"},
		"no arm off":          {alone, 0, ""},
		"raw is not compared": {raw, 0, ""},
		"one round":           {failing(400), 0, ""},
	} {
		list := tt.s.differences()
		if len(list) != tt.list {
			t.Errorf("%s: %d differences, want %d", name, len(list), tt.list)
		}
		if text := strings.Join(warnedOf(tt.s), "\n"); !strings.Contains(text, tt.warns) || text != "" && tt.warns == "" {
			t.Errorf("%s: warnings %q, want %q", name, text, tt.warns)
		}
	}
	if d := differenceOf(t, killed.differences(), Primary); d.Rounds != 7 {
		t.Errorf("of a run that was cut off in round 8: %d rounds", d.Rounds)
	}
}

// Rounds that drift are not independent.
func TestDependentRounds(t *testing.T) {
	drift := failing(100, 120, 140, 160, 180, 200, 220, 240, 260, 280, 300, 320)
	if text := strings.Join(warnedOf(drift), "\n"); !strings.Contains(text, "depend on those before them (correlation of the differences in on 0.7") {
		t.Errorf("warnings: %q", text)
	}
}

// Law: each arm is compared with the first one that is off, and the level is
// shared by all of them.
func TestSeveralArms(t *testing.T) {
	s := failing(400, 410, 390, 405, 402, 399)
	s.Arms = append(s.Arms, Arm{Name: "auto", SCH: SCH{Requested: "auto"}, Rounds: s.Arms[0].Rounds}, Arm{Name: "late-off", SCH: SCH{Requested: "off"}, Rounds: s.Arms[1].Rounds})
	seen := map[string]string{}
	for _, d := range s.differences() {
		if d.Metric == Primary {
			seen[d.Arm+" "+d.Against] = d.Verdict
			if d.Arm == "on" && d.RoundsNeeded != 7 {
				t.Errorf("of two arms that differ %d rounds are needed, want 7", d.RoundsNeeded)
			}
		}
	}
	if len(seen) != 3 || seen["on off"] != NoEvidence || seen["auto off"] != NoEvidence || seen["late-off off"] != NotSeen {
		t.Errorf("got %v", seen)
	}
}

package bench

import (
	"os"
	"slices"
	"testing"

	"schload/workload"
)

// BenchmarkPairs sets the harness (engine, client with its observation,
// verification of the replies, histograms, an interval a second) beside a bare
// go-redis loop with the same workers, options, commands and values. The two
// take turns, and who begins takes turns, too. ops-ratio and cpu-ratio are
// medians of the pairs: operations a second (0.97 or more is the budget), and
// processor time of an operation (1.03 or less), which a busy neighbour
// disturbs least.
func BenchmarkPairs(b *testing.B) {
	for _, c := range cases {
		b.Run(c.name, func(b *testing.B) {
			t := turn{Loop: "bare", Cluster: c.cluster, Workers: workers, Pipeline: c.pipeline, Size: workload.DefaultSize, Length: seconds(b)}
			if t.Addr = realRedis(b); c.cluster {
				t.Addr = realCluster(b)
			}
			for b.Loop() {
				pairs(b, t)
			}
		})
	}
}

func pairs(b *testing.B, bare turn) {
	schload := bare
	schload.Loop, schload.Arm = "schload", "off"
	of := inTurn(b, bare, schload)
	report := func(name string, value func(figures) float64) {
		var ratios []float64
		for i := range rounds() {
			ratios = append(ratios, value(of[1][i])/value(of[0][i]))
		}
		b.ReportMetric(median(ratios), name+"-ratio")
		b.ReportMetric(slices.Min(ratios), name+"-ratio-min")
		b.ReportMetric(slices.Max(ratios), name+"-ratio-max")
		for side, who := range []string{"bare", "schload"} {
			b.ReportMetric(medianOf(of[side], value), who+"-"+name)
		}
	}
	report("ops", figures.rate)
	report("cpu", figures.cost)
}

// cases are the ways in which operations are sent.
var cases = []struct {
	name     string
	cluster  bool
	pipeline int
}{{"plain", false, 1}, {"pipeline=16", false, 16}, {"cluster", true, 1}, {"cluster-pipeline=16", true, 16}}

// inTurn measures each side some times, in turn; who begins takes turns, too.
func inTurn(b *testing.B, sides ...turn) [][]figures {
	b.Helper()
	of := make([][]figures, len(sides))
	for i := range rounds() {
		for k := range sides {
			side := (i + k) % len(sides)
			of[side] = append(of[side], sides[side].take(b))
		}
	}
	return of
}

// rounds is how often each side of a comparison is measured: rarely where it is
// only tried.
func rounds() int {
	if os.Getenv("BENCH_SECONDS") == "" {
		return 2
	}
	return 10
}

func medianOf(of []figures, value func(figures) float64) float64 {
	var all []float64
	for _, f := range of {
		all = append(all, value(f))
	}
	return median(all)
}

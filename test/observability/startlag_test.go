package observability

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
)

// lagKinds are the runs of a block: without an export, with one to a collector
// on this machine, and without once more, which says what chance alone does.
var lagKinds = [3]string{"without", "with", "without again"}

// lags are the quantiles of the start lag, in seconds, by kind and block.
type lags [3][]struct{ p50, p99 float64 }

// What an export does to the start lag: blocks of three runs in turn, in an
// order that rotates, so that what the machine does in the meantime meets all
// kinds alike. The difference that export makes must lie among those between
// runs that do the same.
func TestE2EStartLag(t *testing.T) {
	s := up(t)
	blocks := 8
	if text := os.Getenv("E2E_BLOCKS"); text != "" {
		var err error
		if blocks, err = strconv.Atoi(text); err != nil || blocks < 2 {
			t.Fatalf("E2E_BLOCKS=%s: want a number from 2", text)
		}
	}
	var found lags
	for block := range blocks {
		for i := range lagKinds {
			kind := (block + i) % len(lagKinds)
			endpoint := ""
			if lagKinds[kind] == "with" {
				endpoint = s.http
			}
			r := loaded(t, nil, endpoint, "--upgrade", "none", "--set", "quiet_time=1s", "--rate", "2000", "--warmup", "1s", "--baseline", "8s", "--recovery", "1s")
			if exports := r.Harness.Exports; exports.Failed > 0 || (exports.Sent > 0) != (endpoint != "") {
				t.Errorf("block %d, %s: exports %+v", block, lagKinds[kind], exports)
			}
			for _, a := range r.Arms {
				if a.Operations.Failed+a.Operations.Missed > 0 {
					t.Errorf("block %d, %s, %s: %+v", block, lagKinds[kind], a.Name, a.Operations)
				}
			}
			found[kind] = append(found[kind], struct{ p50, p99 float64 }{r.Harness.StartLag.P50, r.Harness.StartLag.P99})
		}
	}
	found.report(t)
}

func (l lags) report(t *testing.T) {
	t.Helper()
	for i, quantile := range []string{"p50", "p99"} {
		of := func(kind, block int) float64 {
			if i == 0 {
				return l[kind][block].p50
			}
			return l[kind][block].p99
		}
		var export, chance []float64
		for block := range l[0] {
			export = append(export, of(1, block)-of(0, block))
			chance = append(chance, of(2, block)-of(0, block))
		}
		for kind, name := range lagKinds {
			var all []float64
			for block := range l[kind] {
				all = append(all, of(kind, block))
			}
			t.Logf("start lag %s, %-13s %s", quantile, name, spread(all))
		}
		t.Logf("start lag %s, with less without: %s", quantile, spread(export))
		t.Logf("start lag %s, without again less without: %s", quantile, spread(chance))
		if m := median(export); m > slices.Max(chance) && m > 5e-6 {
			t.Errorf("start lag %s: the export adds %.1f us in the median of the blocks, and no two runs without one differ by as much (%.1f us at most)", quantile, m*1e6, slices.Max(chance)*1e6)
		}
	}
}

// spread spells seconds as median [min .. max] in microseconds.
func spread(seconds []float64) string {
	return fmt.Sprintf("%.1f us [%.1f .. %.1f]", median(seconds)*1e6, slices.Min(seconds)*1e6, slices.Max(seconds)*1e6)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

package observability

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"testing"
)

// lagKinds are the runs of a block. Without an export once more says what
// chance alone does; the collector and its Prometheus take processor time of
// their own from the same machine, which the receiver, that looks at nothing,
// does not.
var lagKinds = [...]string{"without", "without again", "to a receiver", "to a file", "to a collector and Prometheus here"}

// The kinds that are held against each other.
const (
	without = iota
	again
	received
	filed
	collected
)

// lags are the quantiles of the start lag, in seconds, by kind and block.
type lags [len(lagKinds)][]struct{ p50, p99 float64 }

// What an export does to the start lag: blocks of runs in turn, in an order
// that rotates, so that what the machine does in the meantime meets all kinds
// alike. The difference that export makes must lie among those between runs
// that do the same.
func TestE2EStartLag(t *testing.T) {
	s := up(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	defer receiver.Close()
	exports := [len(lagKinds)][]string{received: {"--otlp-endpoint", receiver.URL}, filed: {"--otlp-file", os.DevNull}, collected: {"--otlp-endpoint", s.http}}
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
			r := loaded(t, nil, "", append([]string{"--upgrade", "none", "--set", "quiet_time=1s", "--rate", "2000", "--warmup", "1s", "--baseline", "8s", "--recovery", "1s"}, exports[kind]...)...)
			if sent := r.Harness.Exports; sent.Failed > 0 || (sent.Sent > 0) != (exports[kind] != nil) {
				t.Errorf("block %d, %s: exports %+v", block, lagKinds[kind], sent)
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
		less := func(kind int) (all []float64) { // without an export, block by block
			for block := range l[kind] {
				all = append(all, of(kind, block)-of(without, block))
			}
			return all
		}
		for kind, name := range lagKinds {
			var all []float64
			for block := range l[kind] {
				all = append(all, of(kind, block))
			}
			t.Logf("start lag %s, %-35s %s; less without: %s", quantile, name, spread(all), spread(less(kind)))
		}
		if m, chance := median(less(received)), slices.Max(less(again)); m > chance && m > 5e-6 {
			t.Errorf("start lag %s: the export adds %.1f us in the median of the blocks, and no two runs without one differ by as much (%.1f us at most)", quantile, m*1e6, chance*1e6)
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

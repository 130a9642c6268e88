package observability

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// summary is what the checks need of a bundle's summary.json. It is read
// without schload's own code, so that a mistake there cannot cancel out.
type summary struct {
	RunID string `json:"run_id"`
	Valid bool   `json:"valid"`
	Arms  []struct {
		Name       string
		Operations struct{ Due, OK, Failed, Missed, Late uint64 }
		Phases     map[string]struct {
			Response struct {
				Count         uint64
				P50, P95, P99 float64
			} `json:"response_time_s"`
		}
		Connections struct{ Dials uint64 }
	}
	Harness struct {
		Exports  struct{ Sent, Failed uint64 }
		StartLag struct{ P50, P99 float64 } `json:"start_lag_s"`
	}
	from, to time.Time
	stderr   string
	dir      string // the bundle
}

// loaded makes a run that exports to the endpoint, or nowhere without one, and
// returns what it found.
func loaded(t *testing.T, during func(), endpoint string, arguments ...string) summary {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle")
	arguments = append([]string{"run", "--out", dir}, arguments...)
	if endpoint != "" {
		arguments = append(arguments, "--otlp-endpoint", endpoint)
	}
	command := exec.CommandContext(t.Context(), built(t, "SCHLOAD", "bin/schload"), arguments...)
	var said output
	command.Stdout, command.Stderr = &said, &said
	s := summary{from: time.Now(), dir: dir}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	if during != nil {
		during()
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, last(said.String(), 4000))
	}
	s.to, s.stderr = time.Now(), said.String()
	data, err := os.ReadFile(filepath.Join(dir, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Arms) != 2 || s.RunID == "" || !s.Valid {
		t.Fatalf("the run is not as it should be: %s", last(said.String(), 4000))
	}
	return s
}

// settled waits until Prometheus has the end of the run: all that fell due.
func (s *stack) settled(t *testing.T, r *summary) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(200 * time.Millisecond); ; <-tick.C {
		r.to = time.Now()
		got := s.by(t, r.to, "schload_arm", fmt.Sprintf(`sum by (schload_arm) (last_over_time(schload_operations_due_total{schload_run_id=%q,schload_phase!="warmup"}[10m]))`, r.RunID))
		if r.same(got) {
			tick.Stop()
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("due: Prometheus has %v, the bundle %+v", got, r.Arms)
			return
		}
	}
}

func (r *summary) same(due map[string]float64) bool {
	for _, a := range r.Arms {
		if due[a.Name] != float64(a.Operations.Due) {
			return false
		}
	}
	return true
}

// totals holds every total against the bundle, to the last operation.
func (s *stack) totals(t *testing.T, r summary) {
	t.Helper()
	sum := func(selector string) map[string]float64 {
		return s.by(t, r.to, "schload_arm", fmt.Sprintf(`sum by (schload_arm) (last_over_time(%s[10m]))`, fmt.Sprintf(selector, fmt.Sprintf(`schload_run_id=%q,schload_phase!="warmup"`, r.RunID))))
	}
	for what, c := range map[string]struct {
		got  map[string]float64
		want func(i int) uint64
	}{
		"due":    {sum(`schload_operations_due_total{%s}`), func(i int) uint64 { return r.Arms[i].Operations.Due }},
		"ok":     {sum(`schload_operations_total{%s,outcome="ok"}`), func(i int) uint64 { return r.Arms[i].Operations.OK }},
		"failed": {sum(`schload_operations_total{%s,outcome!="ok"}`), func(i int) uint64 { return r.Arms[i].Operations.Failed }},
		"missed": {sum(`schload_operations_missed_total{%s}`), func(i int) uint64 { return r.Arms[i].Operations.Missed }},
		"late":   {sum(`schload_operations_late_total{%s}`), func(i int) uint64 { return r.Arms[i].Operations.Late }},
	} {
		for i, a := range r.Arms {
			if c.got[a.Name] != float64(c.want(i)) {
				t.Errorf("%s of %s: Prometheus has %v, the bundle %d", what, a.Name, c.got[a.Name], c.want(i))
			}
		}
	}
}

// bucket is the width of a recorded bucket: a quantile that Prometheus places
// inside of it is off by that at most.
const bucket = 0.011

// quantiles holds the quantiles of each phase against the bundle, within the
// bucket, and the number of operations they are of, exactly.
func (s *stack) quantiles(t *testing.T, r summary) {
	t.Helper()
	compared := 0
	for _, a := range r.Arms {
		for phase, want := range a.Phases {
			if want.Response.Count == 0 {
				continue
			}
			of := fmt.Sprintf(`sum by (schload_arm) (last_over_time(schload_operation_response_time_seconds{schload_run_id=%q,schload_arm=%q,schload_phase=%q,outcome="ok"}[10m]))`, r.RunID, a.Name, phase)
			if got := s.by(t, r.to, "schload_arm", "histogram_count("+of+")")[a.Name]; got != float64(want.Response.Count) {
				t.Errorf("%s of %s: Prometheus has %v successes, the bundle %d", phase, a.Name, got, want.Response.Count)
			}
			for q, p := range map[float64]float64{0.5: want.Response.P50, 0.95: want.Response.P95, 0.99: want.Response.P99} {
				got := s.by(t, r.to, "schload_arm", fmt.Sprintf("histogram_quantile(%v, %s)", q, of))[a.Name]
				// The tool names the value of a rank, Prometheus a place between
				// two: with few operations these lie in neighbouring buckets.
				if slack := bucket * float64(1+btoi(want.Response.Count < 1000)); math.Abs(got/p-1) > slack {
					t.Errorf("quantile %v of %s, %s: Prometheus says %v, the bundle %v", q, a.Name, phase, got, p)
				}
				compared++
			}
		}
	}
	if compared < 12 {
		t.Errorf("%d quantiles compared, want at least 12", compared)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

// storm is an upgrade in which the arm without handoffs dials hundreds of
// connections again and again for seconds, which the arm with handoffs should
// feel nothing of; in calm nothing happens for as long. What differs between
// shared and isolated in calm as well is not the storm's doing.
const (
	storm = "endpoint-rebind"
	calm  = "none"
)

// isolateRun is a run at a rate, with a worker for ten operations a second and
// two connections for a worker.
func isolateRun(rate int) []string {
	return []string{"run", "--stage", "sim", "--arms", "on,off", "--rate", strconv.Itoa(rate), "--workers", strconv.Itoa(rate / 10), "--connections", strconv.Itoa(rate / 5),
		"--warmup", "2s", "--baseline", "5s", "--recovery", "3s", "--integrity", "none"}
}

// together and apart are the two ways to run the arms.
const (
	together = "shared"
	apart    = "isolated"
)

// felt are figures of a run; times are milliseconds.
type felt map[string]float64

// The rows of the table, in order.
var feltRows = []string{"on: response p50, maintenance", "on: response p99, maintenance", "on: response max, maintenance", "on: late, share of due, %",
	"on: start lag p99", "on: start lag max", "scheduler latency p99, worst process", "processors used", "memory, MB", "off: dials"}

// BenchmarkIsolate runs storm and calm with all arms in one process and with a
// process for each, in pairs of the same seed whose order turns, and prints
// what the arm on felt: median [least .. most], and of the pairs' differences.
// BENCH_PAIRS is how many pairs of each (default 6; 160 s for one of both), BENCH_RATE
// the rate of each arm (default 1000).
func BenchmarkIsolate(b *testing.B) {
	pairs, _ := strconv.Atoi(os.Getenv("BENCH_PAIRS"))
	if pairs < 1 {
		pairs = 6
	}
	rate, _ := strconv.Atoi(os.Getenv("BENCH_RATE"))
	if rate < 10 {
		rate = 1000
	}
	dir := b.TempDir()
	program := filepath.Join(dir, "schload")
	build := exec.Command("go", "build", "-o", program, "./cmd/schload")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	all := map[string]map[string][]felt{storm: {}, calm: {}}
	for pair := range pairs {
		order := []string{together, apart}
		if pair%2 == 1 {
			slices.Reverse(order)
		}
		for _, upgrade := range []string{storm, calm} {
			for _, how := range order {
				f := feel(b, rate, program, filepath.Join(dir, fmt.Sprintf("%s-%s-%d", upgrade, how, pair)), upgrade, how, pair+1)
				all[upgrade][how] = append(all[upgrade][how], f)
				b.Logf("pair %d, %s, %s: %v", pair+1, upgrade, how, f)
			}
		}
	}
	fmt.Printf("%d operations a second of each arm\n\n", rate)
	for _, upgrade := range []string{storm, calm} {
		compareFelt(upgrade, pairs, all[upgrade])
	}
}

func compareFelt(upgrade string, pairs int, all map[string][]felt) {
	fmt.Printf("| %s, %d pairs | shared | isolated | isolated less shared |\n|---|---|---|---|\n", upgrade, pairs)
	for _, row := range feltRows {
		var s, i, d []float64
		for n := range pairs {
			x, y := all[together][n][row], all[apart][n][row]
			s, i, d = append(s, x), append(i, y), append(d, y-x)
		}
		fmt.Printf("| %s | %s | %s | %s |\n", row, middle(s), middle(i), middle(d))
	}
}

func middle(values []float64) string {
	return fmt.Sprintf("%.3g [%.3g .. %.3g]", median(slices.Clone(values)), slices.Min(values), slices.Max(values))
}

// feel makes one run and reads its summary.
func feel(b *testing.B, rate int, program, out, upgrade, how string, seed int) felt {
	b.Helper()
	args := append(isolateRun(rate), "--upgrade", upgrade, "--seed", strconv.Itoa(seed), "--out", out)
	if how == apart {
		args = append(args, "--isolate")
	}
	if text, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		b.Fatalf("%v: %v\n%s", args, err, text)
	}
	type times struct{ P50, P99, Max float64 }
	type health struct {
		Length       float64 `json:"length_s"`
		CPU          float64 `json:"cpu_s"`
		Memory       float64 `json:"memory_bytes"`
		SchedLatency times   `json:"sched_latency_s"`
	}
	var s struct {
		Arms []struct {
			Name       string
			Operations struct{ Due, Late float64 }
			Phases     struct {
				Maintenance struct {
					ResponseTime times `json:"response_time_s"`
				}
			}
			Connections struct{ Dials float64 }
		}
		Harness struct {
			StartLag  times `json:"start_lag_s"`
			Health    health
			Processes []struct {
				Arm      string
				StartLag times `json:"start_lag_s"`
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(out, "summary.json"))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		b.Fatal(err)
	}
	lag := s.Harness.StartLag
	for _, p := range s.Harness.Processes {
		if p.Arm == "on" {
			lag = p.StartLag
		}
	}
	h := s.Harness.Health
	f := felt{"on: start lag p99": 1e3 * lag.P99, "on: start lag max": 1e3 * lag.Max, "scheduler latency p99, worst process": 1e3 * h.SchedLatency.P99,
		"processors used": h.CPU / h.Length, "memory, MB": h.Memory / 1e6}
	for _, a := range s.Arms {
		if a.Name == "off" {
			f["off: dials"] = a.Connections.Dials
			continue
		}
		r := a.Phases.Maintenance.ResponseTime
		f["on: response p50, maintenance"], f["on: response p99, maintenance"], f["on: response max, maintenance"] = 1e3*r.P50, 1e3*r.P99, 1e3*r.Max
		f["on: late, share of due, %"] = 100 * a.Operations.Late / a.Operations.Due
	}
	return f
}

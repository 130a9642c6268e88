package kubernetes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
)

// What the Job's container is told is told to processes on this machine, with
// the variables that Kubernetes would set: every worker makes its bundle of
// the same run, and all begin together. Their bundles add up to one, and one
// that is lost is named in what is left of the run.
func TestE2EJobsCommand(t *testing.T) {
	if os.Getenv("E2E") == "" {
		t.Skip("set E2E=1, or run make e2e-kubernetes")
	}
	program, err := filepath.Abs("../../bin/schload")
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil {
		t.Fatalf("%v: make build", err)
	}
	job := one[*batchv1.Job](t).Spec
	address := redisServer(t)
	dir := t.TempDir()
	at := time.Now().Add(8 * time.Second).Truncate(time.Second)
	var commands []*exec.Cmd
	output := make([]bytes.Buffer, *job.Completions)
	for i := range *job.Completions {
		env := map[string]string{"JOB_COMPLETION_INDEX": fmt.Sprint(i), "SCHLOAD_TARGET": "redis://" + address,
			"SCHLOAD_START_AT": at.UTC().Format(time.RFC3339), "SCHLOAD_RUN_ID": "job"}
		var args []string
		for _, a := range job.Template.Spec.Containers[0].Args {
			for name, value := range env {
				a = strings.ReplaceAll(a, "$("+name+")", value)
			}
			// The paths of the container's volumes, on this machine.
			a = strings.Replace(a, "=/bundles", "="+dir, 1)
			args = append(args, strings.Replace(a, "/etc/schload", manifests, 1))
		}
		// Shorter and lighter than the profile; Redis itself has no handoffs.
		command := exec.CommandContext(t.Context(), program, append(args, "--arms=off", "--warmup=1s", "--baseline=2s", "--rate=300", "--workers=8")...)
		command.Stdout, command.Stderr = &output[i], &output[i]
		command.Env = append(os.Environ(), "SCHLOAD_TARGET="+env["SCHLOAD_TARGET"])
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		commands = append(commands, command)
	}
	var earliest, latest time.Time
	var bundles []string
	for i, command := range commands {
		if err := command.Wait(); err != nil {
			t.Fatalf("worker %d: %v\n%s", i, err, output[i].String())
		}
		bundles = append(bundles, filepath.Join(dir, "job", fmt.Sprintf("worker-%d", i)))
		began := loadBegan(t, bundles[i], i)
		if i == 0 || began.Before(earliest) {
			earliest = began
		}
		if i == 0 || began.After(latest) {
			latest = began
		}
	}
	if apart := latest.Sub(earliest); apart > 50*time.Millisecond || earliest.Before(at.Add(-50*time.Millisecond)) || latest.After(at.Add(50*time.Millisecond)) {
		t.Errorf("the workers' warm-up began %v to %v, %v apart; agreed was %v", earliest, latest, apart, at)
	}
	addsUp(t, program, bundles, filepath.Join(dir, "all"))
	lostIsNamed(t, program, bundles, 2, filepath.Join(dir, "rest"))
}

// summary is what is read of a bundle's summary.json.
type summary struct {
	Complete bool
	Warnings []string
	Arms     []struct {
		Name       string
		Operations operations
		Errors     map[string]uint64
		Phases     struct {
			Baseline struct {
				ResponseTime struct{ Count uint64 } `json:"response_time_s"`
			}
		}
	}
}

// operations are the counts of an arm that must be the sums of the workers'.
type operations struct{ Due, OK, Failed, Missed, Late uint64 }

func (o operations) plus(p operations) operations {
	return operations{o.Due + p.Due, o.OK + p.OK, o.Failed + p.Failed, o.Missed + p.Missed, o.Late + p.Late}
}

// total adds up what the bundles' summaries say of their one arm: its operations
// and the samples in its histogram of the baseline.
func total(t *testing.T, bundles ...string) (sum operations, samples uint64) {
	t.Helper()
	for _, dir := range bundles {
		s := read(t, dir)
		if len(s.Arms) != 1 || s.Arms[0].Name != "off" {
			t.Fatalf("%s: arms %+v, want off alone", dir, s.Arms)
		}
		sum = sum.plus(s.Arms[0].Operations)
		samples += s.Arms[0].Phases.Baseline.ResponseTime.Count
	}
	return sum, samples
}

func read(t *testing.T, dir string) (s summary) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "summary.json"))
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	return s
}

// merge is the command that the README gives. Whether the run is a valid one is
// not what is looked at: a machine that is busy may have made a worker late.
func merge(t *testing.T, program string, bundles []string, out string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program, append(append([]string{"merge"}, bundles...), "--out", out)...)
	said, err := command.CombinedOutput()
	if code := command.ProcessState.ExitCode(); err != nil && code != 4 {
		t.Fatalf("merge of %d bundles: %v\n%s", len(bundles), err, said)
	}
}

// addsUp merges all bundles and holds the whole against the sum of its parts.
func addsUp(t *testing.T, program string, bundles []string, out string) {
	t.Helper()
	merge(t, program, bundles, out)
	want, wantSamples := total(t, bundles...)
	got, samples := total(t, out)
	if got != want || samples != wantSamples || got.OK == 0 || samples == 0 {
		t.Errorf("merged %+v and %d samples, the workers have %+v and %d", got, samples, want, wantSamples)
	}
	if s := read(t, out); !s.Complete || strings.Contains(strings.Join(s.Warnings, "\n"), "is missing") {
		t.Errorf("all workers are there; complete is %v, warnings %q", s.Complete, s.Warnings)
	}
}

// lostIsNamed merges all bundles but one: the rest still adds up, and summary
// and report say which worker it is without.
func lostIsNamed(t *testing.T, program string, bundles []string, lost int, out string) {
	t.Helper()
	rest := slices.Delete(slices.Clone(bundles), lost, lost+1)
	merge(t, program, rest, out)
	want, wantSamples := total(t, rest...)
	if got, samples := total(t, out); got != want || samples != wantSamples {
		t.Errorf("merged without one %+v and %d samples, the others have %+v and %d", got, samples, want, wantSamples)
	}
	named := fmt.Sprintf("worker worker-%d is missing: the run had %d workers", lost, len(bundles))
	if s := read(t, out); s.Complete || !strings.Contains(strings.Join(s.Warnings, "\n"), named) {
		t.Errorf("summary.json: complete is %v, warnings %q, want one with %q", s.Complete, s.Warnings, named)
	}
	page, err := os.ReadFile(filepath.Join(out, "report.html"))
	if err != nil || !bytes.Contains(page, []byte(named)) {
		t.Errorf("report.html does not say %q: %v", named, err)
	}
}

// loadBegan is when a bundle's warm-up began, by the wall clock.
func loadBegan(t *testing.T, dir string, index int) time.Time {
	t.Helper()
	var run struct {
		ID      string `json:"run_id"`
		Started time.Time
		Worker  *struct{ Index, Workers int }
	}
	data, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err == nil {
		err = json.Unmarshal(data, &run)
	}
	if err != nil || run.ID != "job" || run.Worker == nil || run.Worker.Index != index || run.Worker.Workers != 4 {
		t.Fatalf("%s: %v, %+v", dir, err, run)
	}
	marks, err := os.ReadFile(filepath.Join(dir, "marks.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(marks) {
		var mark struct {
			At   time.Duration `json:"at_ns"`
			Kind string
		}
		if err := json.Unmarshal(line, &mark); err != nil {
			t.Fatal(err)
		}
		if mark.Kind == "phase" {
			return run.Started.Add(mark.At)
		}
	}
	t.Fatalf("%s: no phase begins:\n%s", dir, marks)
	panic("unreachable")
}

func redisServer(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server here")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	_, port, _ := net.SplitHostPort(address)
	command := exec.Command(program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir())
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	for range 2000 {
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			conn.Close()
			return address
		}
	}
	t.Fatal("redis-server does not listen")
	panic("unreachable")
}

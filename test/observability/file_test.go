package observability

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a collector's file exporter wrote of a run gives the table that its
// bundle gives, to the last digit: all rounds, outages, handoffs, differences
// and verdicts of both arms, over gRPC and over HTTP, in one file or in two.
func TestE2ECollectorFile(t *testing.T) {
	s := collecting(t)
	// A run of two arms, and one of a single arm with messages.
	both := s.run(t, s.grpc, "--upgrade", "endpoint-rebind", "--rounds", "2", "--rate", "300", "--speed", "4")
	messages := s.run(t, s.http, "messages", "--upgrade", "failover", "--speed", "4", "--arms", "off")
	// Its file exporter, which two pipelines share, ends with the first of them and
	// crashes if the other still holds a batch (contrib 0.161).
	wait(t, 10*batchTimeout)
	s.collector.end()
	metrics, events, all := s.files()
	for _, c := range []struct {
		what  string
		files []string
	}{
		{"metrics and events apart", []string{metrics, events}},
		{"the other way round", []string{events, metrics}},
		{"in one file", []string{all}},
	} {
		want := compared(t, both, messages)
		if got := compared(t, c.files...); !bytes.Equal(want, got) {
			t.Errorf("%s: compare --json differs:\nbundles: %s\nexports: %s", c.what, last(string(want), 2000), last(string(got), 2000))
		}
	}
	if text := compared(t, both); !bytes.Contains(text, []byte(`"rounds": 2`)) || !bytes.Contains(text, []byte(`"succeeded": `)) {
		t.Errorf("the run has not what was to be compared: %s", last(string(text), 2000))
	}
	// Metrics alone say of themselves that they are not all.
	out, err := exec.CommandContext(t.Context(), built(t, "SCHLOAD", "bin/schload"), "compare", metrics).Output()
	if err != nil || !bytes.Contains(out, []byte("not exported")) {
		t.Errorf("%v: metrics alone:\n%s", err, out)
	}
}

// compared is compare --json of bundles or files.
func compared(t *testing.T, paths ...string) []byte {
	t.Helper()
	var said output
	command := exec.CommandContext(t.Context(), built(t, "SCHLOAD", "bin/schload"), append([]string{"compare", "--json"}, paths...)...)
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		t.Fatalf("compare %v: %v\n%s", paths, err, said.String())
	}
	return out
}

// filing is a collector that writes files.
type filing struct {
	stack
	dir string
}

// files are those of the metrics, of the events, and of both.
func (f *filing) files() (metrics, events, all string) {
	return filepath.Join(f.dir, "metrics.jsonl"), filepath.Join(f.dir, "events.jsonl"), filepath.Join(f.dir, "all.jsonl")
}

// batchTimeout is for how long the collector holds what it was sent.
const batchTimeout = 200 * time.Millisecond

// collecting starts a collector with the shipped batch processor, and the file
// exporter where the shipped configuration has Prometheus.
func collecting(t *testing.T) *filing {
	t.Helper()
	collector := built(t, "OTELCOL", "build/observability/collector")
	grpc, http := free(t), free(t)
	f := &filing{stack{grpc: "grpc://" + grpc, http: "http://" + http}, t.TempDir()}
	metrics, events, all := f.files()
	text := fmt.Sprintf(`receivers: {otlp: {protocols: {grpc: {endpoint: %q}, http: {endpoint: %q}}}}
processors: {batch: {timeout: %s}}
exporters: {file/metrics: {path: %q}, file/events: {path: %q}, file/all: {path: %q}}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    metrics: {receivers: [otlp], processors: [batch], exporters: [file/metrics, file/all]}
    logs: {receivers: [otlp], processors: [batch], exporters: [file/events, file/all]}
`, grpc, http, batchTimeout, metrics, events, all)
	config := filepath.Join(f.dir, "config.yml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f.config = []string{collector, "--config", config}
	f.collect(t)
	return f
}

// run makes a run that exports all it has, and returns its bundle.
func (f *filing) run(t *testing.T, endpoint string, arguments ...string) string {
	t.Helper()
	dir := filepath.Join(f.dir, fmt.Sprint("bundle-", time.Now().UnixNano()))
	command := exec.CommandContext(t.Context(), built(t, "SCHLOAD", "bin/schload"),
		append([]string{"run", "--out", dir, "--otlp-endpoint", endpoint, "--export-marks"}, arguments...)...)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, last(string(out), 4000))
	}
	if strings.Contains(string(out), "schload: exports:") || strings.Contains(string(out), "schload: marks:") {
		t.Errorf("not all was exported:\n%s", last(string(out), 2000))
	}
	return dir
}

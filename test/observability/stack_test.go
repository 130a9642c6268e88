package observability

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const root = "../.."

// stack is the collector and Prometheus, on ports of their own.
type stack struct {
	prometheus string // base URL
	grpc       string // OTLP endpoints of the collector
	http       string
	health     string // URL of the collector's health check
	collector  *process
	config     []string // of the collector
}

// process is a program that was started, and what it says.
type process struct {
	*exec.Cmd
	said output
}

type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// built finds a program that the make target built, or skips the test.
func built(t *testing.T, variable, fallback string) string {
	t.Helper()
	if os.Getenv("E2E") == "" {
		t.Skip("set E2E=1, or run make e2e-observability")
	}
	path := os.Getenv(variable)
	if path == "" {
		path = filepath.Join(root, fallback)
	}
	path, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%v: build it with make e2e-observability, or name it in %s", err, variable)
	}
	return path
}

// start starts a program and ends it after the test.
func start(t *testing.T, program string, arguments ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(program, arguments...)}
	p.begin(t, filepath.Base(program))
	return p
}

// begin starts the program, which has a name for people, and ends it after the
// test.
func (p *process) begin(t *testing.T, name string) {
	t.Helper()
	p.Stdout, p.Stderr = &p.said, &p.said
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.end()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, last(p.said.String(), 4000))
		}
	})
}

// end asks the program to end and waits for it; it may have ended before.
func (p *process) end() {
	if p.ProcessState == nil {
		_ = p.Process.Signal(syscall.SIGTERM)
		_ = p.Wait()
	}
}

func last(text string, n int) string {
	if len(text) > n {
		return "…" + text[len(text)-n:]
	}
	return text
}

// up starts the stack with the shipped configurations, changed where addresses
// differ.
func up(t *testing.T) *stack {
	t.Helper()
	program, collector := built(t, "PROMETHEUS", "build/observability/prometheus"), built(t, "OTELCOL", "build/observability/collector")
	dir := t.TempDir()
	address, grpc, http, health := free(t), free(t), free(t), free(t)
	s := &stack{prometheus: "http://" + address, grpc: "grpc://" + grpc, http: "http://" + http, health: "http://" + health + "/"}
	// As docker-compose.yml starts it; a test of dashboards/test holds these to it.
	start(t, program, "--config.file="+filepath.Join(root, "dashboards/prometheus/prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--web.enable-otlp-receiver", "--query.lookback-delta=15s", "--enable-feature=exemplar-storage")
	ready(t, s.prometheus+"/-/ready")
	changes := filepath.Join(dir, "changes.yml")
	text := fmt.Sprintf("receivers: {otlp: {protocols: {grpc: {endpoint: %q}, http: {endpoint: %q}}}}\nexporters: {otlp_http/prometheus: {endpoint: %q}}\nextensions: {health_check: {endpoint: %q}}\n",
		grpc, http, s.prometheus+"/api/v1/otlp", health)
	if err := os.WriteFile(changes, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.config = []string{collector, "--config", filepath.Join(root, "dashboards/collector/config.yml"), "--config", changes}
	s.collect(t)
	return s
}

// collect starts the collector, once more after it was ended.
func (s *stack) collect(t *testing.T) {
	t.Helper()
	s.collector = start(t, s.config[0], s.config[1:]...)
	ready(t, s.http+"/")
}

// ready waits until something answers there, whatever it answers.
func ready(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		request, _ := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode != http.StatusServiceUnavailable {
				tick.Stop()
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", url, ctx.Err())
		case <-tick.C:
		}
	}
}

// free returns a loopback address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

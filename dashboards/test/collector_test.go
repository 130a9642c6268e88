package test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// collectors are the collector's configurations: that of docker-compose.yml, and
// that of deploy/kubernetes, which is the same but for addresses.
var collectors = []string{"dashboards/collector/config.yml", "deploy/kubernetes/collector-config.yaml"}

// The same story through a real collector with each shipped configuration: the
// numbers that arrive are the same. It needs the program: set OTELCOL to a
// collector that has the components of dashboards/collector/config.yml.
func TestThroughCollector(t *testing.T) {
	program := os.Getenv("OTELCOL")
	if program == "" {
		t.Skip("OTELCOL names no collector program")
	}
	for _, config := range collectors {
		t.Run(filepath.Base(config), func(t *testing.T) {
			s := serve(t)
			prometheus := s.url
			port := freePort(t)
			s.url = fmt.Sprintf("http://127.0.0.1:%d", port)
			stop := collect(t, program, config, fmt.Sprintf(`
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:%d"}}}}
exporters: {otlp_http/prometheus: {endpoint: %q}}
extensions: {health_check: {endpoint: "127.0.0.1:%d"}}
`, port, prometheus, freePort(t)))
			recorded := story(t, s)
			stop() // the collector sends the rest before it ends
			values(t, s)
			oneTruth(t, s, recorded)
		})
	}
}

// collectorConfig is a configuration of the collector, as far as it is looked at.
type collectorConfig struct {
	Receivers, Processors, Exporters map[string]any
	Service                          struct {
		Extensions []string
		Pipelines  map[string]struct{ Receivers, Processors, Exporters []string }
	}
}

// The collector of deploy/kubernetes does what that of docker-compose.yml does:
// each pipeline is there, of the same components, configured alike but for
// where Prometheus is.
func TestCollectorsAlike(t *testing.T) {
	var compose, kubernetes collectorConfig
	load(t, collectors[0], &compose)
	load(t, collectors[1], &kubernetes)
	if len(compose.Service.Pipelines) == 0 {
		t.Fatalf("%s has no pipelines", collectors[0])
	}
	for name, want := range compose.Service.Pipelines {
		if got := kubernetes.Service.Pipelines[name]; !reflect.DeepEqual(got, want) {
			t.Errorf("pipeline %s is %v in %s, %v in %s", name, got, collectors[1], want, collectors[0])
		}
	}
	for i, config := range []collectorConfig{compose, kubernetes} {
		for name, p := range config.Service.Pipelines {
			for _, part := range []struct {
				named      []string
				configured map[string]any
			}{{p.Receivers, config.Receivers}, {p.Processors, config.Processors}, {p.Exporters, config.Exporters}} {
				for _, id := range part.named {
					if _, ok := part.configured[id]; !ok {
						t.Errorf("%s: pipeline %s names %s, which is not configured", collectors[i], name, id)
					}
				}
			}
		}
	}
	for _, config := range []collectorConfig{compose, kubernetes} {
		delete(config.Exporters["otlp_http/prometheus"].(map[string]any), "endpoint")
	}
	for _, part := range []struct{ compose, kubernetes map[string]any }{
		{compose.Receivers, kubernetes.Receivers}, {compose.Processors, kubernetes.Processors}, {compose.Exporters, kubernetes.Exporters}} {
		for id, want := range part.compose {
			if got := part.kubernetes[id]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s is %v in %s, %v in %s", id, got, collectors[1], want, collectors[0])
			}
		}
	}
}

// collect runs a collector with a shipped configuration, changed where
// addresses differ, and returns when it is ready; stop ends it.
func collect(t *testing.T, program, config, changes string) (stop func()) {
	t.Helper()
	changed := filepath.Join(t.TempDir(), "changes.yml")
	if err := os.WriteFile(changed, []byte(changes), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "--config", filepath.Join(root, config), "--config", changed)
	output, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan bool, 1)
	ended := make(chan string)
	go func() {
		var said strings.Builder
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			fmt.Fprintln(&said, lines.Text())
			if strings.Contains(lines.Text(), "Everything is ready") {
				ready <- true
			}
		}
		close(ready)
		ended <- said.String()
	}()
	if !<-ready {
		t.Fatalf("the collector ended: %v\n%s", command.Wait(), <-ended)
	}
	return func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		said := <-ended
		if err := command.Wait(); err != nil || strings.Contains(said, "\terror\t") || strings.Contains(said, "\twarn\t") {
			t.Errorf("collector: %v\n%s", err, said)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

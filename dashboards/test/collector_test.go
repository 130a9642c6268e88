package test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The same story through a real collector with the shipped configuration: the
// numbers that arrive are the same. It needs the program: set OTELCOL to a
// collector that has the components of dashboards/collector/config.yml.
func TestThroughCollector(t *testing.T) {
	program := os.Getenv("OTELCOL")
	if program == "" {
		t.Skip("OTELCOL names no collector program")
	}
	s := serve(t)
	prometheus := s.url
	port := freePort(t)
	s.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	stop := collect(t, program, fmt.Sprintf(`
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:%d"}}}}
exporters: {otlp_http/prometheus: {endpoint: %q}}
`, port, prometheus))
	recorded := story(t, s)
	stop() // the collector sends the rest before it ends
	values(t, s)
	oneTruth(t, s, recorded)
}

// collect runs a collector with the shipped configuration, changed where
// addresses differ, and returns when it is ready; stop ends it.
func collect(t *testing.T, program, changes string) (stop func()) {
	t.Helper()
	changed := filepath.Join(t.TempDir(), "changes.yml")
	if err := os.WriteFile(changed, []byte(changes), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "--config", filepath.Join(root, "dashboards/collector/config.yml"), "--config", changed)
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

package observability

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The stack of docker-compose.yml comes up with one command, shows both arms
// in Prometheus, answers every query of the boards, and stops cleanly. It
// needs a Docker engine with Compose 2; without one it says so and is skipped.
func TestE2ECompose(t *testing.T) {
	if os.Getenv("E2E") == "" {
		t.Skip("set E2E=1, or run make e2e-compose")
	}
	c := newComposition(t)
	c.run(t, "config", "--quiet")
	t.Cleanup(func() { c.must("down", "--volumes", "--timeout", "20") })
	c.run(t, "up", "--build", "--detach", "--quiet-pull")
	s := &stack{prometheus: "http://" + c.prometheus}
	ready(t, s.prometheus+"/-/ready")
	r := s.firstRun(t)
	c.healthy(t)
	files, err := filepath.Glob(filepath.Join(root, "dashboards/grafana/boards/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no boards: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { s.board(t, r, file) })
	}
	c.run(t, "stop", "--timeout", "20")
	c.stopped(t)
}

// composition is a project of docker compose with ports of its own.
type composition struct {
	env        []string
	prometheus string // host:port
}

// newComposition finds the engine, or skips with the reason.
func newComposition(t *testing.T) *composition {
	t.Helper()
	for _, ask := range [][]string{{"docker", "version", "--format", "{{.Server.Version}}"}, {"docker", "compose", "version", "--short"}} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		out, err := exec.CommandContext(ctx, ask[0], ask[1:]...).CombinedOutput()
		cancel()
		if err != nil {
			t.Skipf("SKIP: %s: %v: %s", strings.Join(ask[:2], " "), err, strings.TrimSpace(last(string(out), 300)))
		}
	}
	c := &composition{env: os.Environ()}
	for _, variable := range []string{"PROMETHEUS_PORT", "GRAFANA_PORT", "OTLP_GRPC_PORT", "OTLP_HTTP_PORT"} {
		address := free(t)
		_, port, _ := net.SplitHostPort(address)
		c.env = append(c.env, variable+"="+port)
		if variable == "PROMETHEUS_PORT" {
			c.prometheus = address
		}
	}
	return c
}

func (c *composition) must(args ...string) ([]byte, error) {
	command := exec.Command("docker", append([]string{"compose", "--project-name", "schload-e2e"}, args...)...)
	command.Dir, command.Env = root, c.env
	return command.CombinedOutput()
}

func (c *composition) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := c.must(args...)
	if err != nil {
		t.Fatalf("docker compose %s: %v\n%s", strings.Join(args, " "), err, last(string(out), 6000))
	}
	return string(out)
}

// healthy wants every service to say that it is well.
func (c *composition) healthy(t *testing.T) {
	t.Helper()
	services := 0
	for line := range strings.Lines(c.run(t, "ps", "--all", "--format", "json")) {
		var container struct{ Service, State, Health string }
		if err := json.Unmarshal([]byte(line), &container); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if services++; container.State != "running" || container.Health != "healthy" {
			t.Errorf("%s: %s, %q, want it running and healthy", container.Service, container.State, container.Health)
		}
	}
	if services < 7 {
		t.Errorf("%d services, want 7", services)
	}
}

// stopped checks how the containers ended: 137 is one that had to be killed.
func (c *composition) stopped(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(c.run(t, "ps", "--all", "--format", "json")) {
		var container struct {
			Service, State string
			ExitCode       int
		}
		if err := json.Unmarshal([]byte(line), &container); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if container.State != "exited" || container.ExitCode == 137 || container.ExitCode == 139 {
			t.Errorf("%s: %s with %d", container.Service, container.State, container.ExitCode)
		}
	}
}

// firstRun waits until a first run is over: both arms had operations in its
// recovery, and another run began.
func (s *stack) firstRun(t *testing.T) summary {
	t.Helper()
	r := summary{from: time.Now()}
	deadline := time.Now().Add(5 * time.Minute)
	for tick := time.NewTicker(time.Second); ; <-tick.C {
		r.to = time.Now()
		runs := s.at(t, r.to, `count by (schload_run_id) (count by (schload_run_id, schload_arm) (last_over_time(schload_operations_total{schload_arm=~"on|off",schload_phase="recovery",outcome="ok"}[10m]) > 0))`)
		for _, run := range runs {
			if run.value(t) == 2 && len(s.at(t, r.to, fmt.Sprintf(`schload_run_info{schload_run_id!=%q}`, run.Metric["schload_run_id"]))) > 0 {
				tick.Stop()
				return r
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("no run of both arms was over within 5 minutes")
		}
	}
}

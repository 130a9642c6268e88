package observability

import (
	"context"
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
)

// The stack of docker-compose.yml comes up with one command, shows both arms
// in Prometheus, answers every query of the boards, and stops cleanly. It
// needs a Docker engine with Compose 2; without one it says so and is skipped.
func TestE2ECompose(t *testing.T) {
	c := newComposition(t, "schload-e2e")
	c.run(t, "config", "--quiet")
	c.up(t)
	s := &stack{prometheus: "http://" + c.prometheus}
	ready(t, s.prometheus+"/-/ready")
	r := s.firstRun(t)
	c.healthy(t)
	files, err := filepath.Glob(filepath.Join(root, "dashboards/grafana/boards/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no boards: %v", err)
	}
	noMessages := map[string]string{"schload_message": "the demo's profile has no messages; make e2e-observability has some"}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) { s.board(t, r, file, noMessages) })
	}
	c.run(t, "stop", "--timeout", "20")
	c.stopped(t)
}

// With .env.example the profile staging makes containers for the load on a
// database of the user's and for what shows it, and none for a simulator.
func TestE2EComposeStaging(t *testing.T) {
	c := newComposition(t, "schload-e2e-staging")
	c.up(t, "--env-file", ".env.example", "--profile", "staging")
	ready(t, "http://"+c.prometheus+"/-/ready")
	var services []string
	for _, container := range c.containers(t) {
		services = append(services, container.Service)
	}
	slices.Sort(services)
	if want := []string{"grafana", "otel-collector", "prometheus", "schload-staging"}; !slices.Equal(services, want) {
		t.Errorf("containers of %v, want %v", services, want)
	}
}

// composition is a project of docker compose with ports of its own.
type composition struct {
	project    string
	env        []string
	prometheus string // host:port
	standins   bool   // in the place of released images
}

// newComposition finds the engine, or skips with the reason.
func newComposition(t *testing.T, project string) *composition {
	t.Helper()
	if os.Getenv("E2E") == "" {
		t.Skip("set E2E=1, or run make e2e-compose")
	}
	for _, ask := range [][]string{{"docker", "version", "--format", "{{.Server.Version}}"}, {"docker", "compose", "version", "--short"}} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		out, err := exec.CommandContext(ctx, ask[0], ask[1:]...).CombinedOutput()
		cancel()
		if err != nil {
			t.Skipf("SKIP: %s: %v: %s", strings.Join(ask[:2], " "), err, strings.TrimSpace(last(string(out), 300)))
		}
	}
	c := &composition{project: project, env: os.Environ(), standins: os.Getenv("IMAGES") != "released"}
	if c.standins {
		c.standIn(t)
	}
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

// standIn builds images out of what is on this machine and has the stack take
// them: no registry is needed. What they are is said in standins/build.sh.
func (c *composition) standIn(t *testing.T) {
	t.Helper()
	for _, program := range []string{"redis-server", "redis-cli", "ldd"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("SKIP: %v: the stand-in of Redis' image is made of it; with a registry, make e2e-compose IMAGES=released", err)
		}
	}
	build := exec.Command(filepath.Join(root, "test/observability/standins/build.sh"))
	build.Env = append(os.Environ(), "ROOTS="+filepath.Join(t.TempDir(), "standins"))
	for variable, fallback := range map[string]string{"SCHLOAD": "bin/schload", "OTELCOL": "build/observability/collector",
		"PROMETHEUS": "build/observability/prometheus", "PROMTOOL": "build/observability/promtool"} {
		build.Env = append(build.Env, variable+"="+built(t, variable, fallback))
	}
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build.Path, err, last(string(out), 2000))
	}
	for variable, name := range map[string]string{"SCHLOAD_IMAGE": "schload", "STACK_COLLECTOR_IMAGE": "collector",
		"PROMETHEUS_IMAGE": "prometheus", "REDIS_IMAGE": "redis", "GRAFANA_IMAGE": "grafana"} {
		c.env = append(c.env, variable+"=schload-standin/"+name+":dev")
	}
}

// up starts the services in the background, those of what comes before the
// command, and takes them down after the test.
func (c *composition) up(t *testing.T, before ...string) {
	t.Helper()
	t.Cleanup(func() { c.must(append(before, "down", "--volumes", "--timeout", "20")...) })
	images := []string{"--build", "--quiet-pull"}
	if c.standins {
		images = []string{"--no-build", "--pull", "never"}
	}
	c.run(t, append(append(before, "up", "--detach"), images...)...)
}

func (c *composition) must(args ...string) ([]byte, error) {
	command := exec.Command("docker", append([]string{"compose", "--project-name", c.project}, args...)...)
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

// container is what docker compose says of one.
type container struct {
	Service, State, Health string
	ExitCode               int
}

// containers lists those of the project, ended ones included.
func (c *composition) containers(t *testing.T) (out []container) {
	t.Helper()
	for line := range strings.Lines(c.run(t, "ps", "--all", "--format", "json")) {
		var one container
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		out = append(out, one)
	}
	return out
}

// healthy wants every service to say that it is well.
func (c *composition) healthy(t *testing.T) {
	t.Helper()
	all := c.containers(t)
	for _, one := range all {
		if one.State != "running" || one.Health != "healthy" {
			t.Errorf("%s: %s, %q, want it running and healthy", one.Service, one.State, one.Health)
		}
	}
	if len(all) < 7 {
		t.Errorf("%d services, want 7", len(all))
	}
}

// stopped checks how the containers ended: 137 is one that had to be killed.
func (c *composition) stopped(t *testing.T) {
	t.Helper()
	for _, one := range c.containers(t) {
		if one.State != "exited" || one.ExitCode == 137 || one.ExitCode == 139 {
			t.Errorf("%s: %s with %d", one.Service, one.State, one.ExitCode)
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

package observability

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// service is what is needed of one in docker-compose.yml.
type service struct {
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Healthcheck struct {
		Test []string `yaml:"test"`
	} `yaml:"healthcheck"`
}

// services reads docker-compose.yml with the defaults of its variables.
func services(t *testing.T) map[string]service {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`\$\{[A-Z_]+:-([^}]*)\}`).ReplaceAll(text, []byte("$1"))
	var file struct {
		Services map[string]service `yaml:"services"`
	}
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.AllowDuplicateMapKey()); err != nil {
		t.Fatal(err)
	}
	return file.Services
}

// composed is the stack of docker-compose.yml as processes of this machine: the
// commands that containers would have, with loopback addresses in the place of
// the names that containers would have.
type composed struct {
	services map[string]service
	schload  string
	dir      string // the working directory of all of them
	names    *strings.Replacer
}

// The commands and healthchecks of docker-compose.yml, run as processes where no
// engine runs them as containers: the simulator serves on addresses of its own,
// schload finds it by its name server, has it play upgrades, and both arms are in
// Prometheus. It is no test of images, networks and limits: TestE2ECompose is.
func TestE2EComposeCommands(t *testing.T) {
	s := up(t)
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("SKIP: no redis-server here, which the shards of docker-compose.yml are")
	}
	c := &composed{services: services(t), schload: built(t, "SCHLOAD", "bin/schload"), dir: t.TempDir()}
	nodes, pairs := loopbacks(t), []string{"http://otel-collector:4318", s.http}
	for i := range 3 {
		pairs = append(pairs, fmt.Sprintf("node%d", i+1), nodes[i])
	}
	for _, shard := range []string{"redis-a", "redis-b"} {
		address := free(t)
		_, port, _ := net.SplitHostPort(address)
		pairs = append(pairs, shard+":6379", address)
		start(t, "redis-server", append(c.services[shard].Command[1:], "--port", port, "--bind", "127.0.0.1", "--dir", c.dir)...)
		ready := []string{"-p", port, "ping"}
		c.healthy(t, shard, "redis-cli", ready...)
	}
	c.names = strings.NewReplacer(pairs...)
	c.run(t, "simulator")
	c.healthy(t, "simulator", c.schload, c.named(c.services["simulator"].Healthcheck.Test[2:])...)
	load := c.run(t, "schload")
	c.healthy(t, "schload", c.schload, c.named(c.services["schload"].Healthcheck.Test[2:])...)
	c.healthy(t, "otel-collector", c.schload, "health", "--http", s.health)
	r := s.firstRun(t)
	if got := s.at(t, r.to, `sum(last_over_time(schload_handoffs_total{schload_arm="on",result="succeeded"}[10m]))`); len(got) != 1 || got[0].value(t) < 16 {
		t.Errorf("handoffs that succeeded: %v, want at least those of 16 connections", got)
	}
	// As docker compose stop does: it finishes its bundle, within its grace.
	if err := load.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := time.AfterFunc(20*time.Second, func() { load.Process.Kill() })
	load.Wait()
	if !ended.Stop() || load.ProcessState.ExitCode() != 130 {
		t.Errorf("schload ended with %v, want exit code 130 within 20s", load.ProcessState)
	}
	bundles, err := filepath.Glob(filepath.Join(c.dir, "runs", "*", "summary.json"))
	if err != nil || len(bundles) < 2 {
		t.Errorf("bundles with a summary: %v, %v; want two, the last one cut off", bundles, err)
	}
}

// run starts the command of a service whose image is the binary.
func (c *composed) run(t *testing.T, name string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(c.schload, c.named(c.services[name].Command)...)}
	p.Dir, p.Env = c.dir, os.Environ()
	for key, value := range c.services[name].Environment {
		p.Env = append(p.Env, key+"="+c.names.Replace(value))
	}
	p.begin(t, name)
	return p
}

// named puts addresses in the place of names.
func (c *composed) named(words []string) []string {
	var out []string
	for _, word := range words {
		out = append(out, c.names.Replace(word))
	}
	return out
}

// healthy runs a healthcheck until it says that all is well.
func (c *composed) healthy(t *testing.T, name, program string, arguments ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for tick := time.NewTicker(200 * time.Millisecond); ; {
		command := exec.CommandContext(ctx, program, arguments...)
		command.Dir = c.dir
		out, err := command.CombinedOutput()
		if err == nil {
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s never became healthy: %s %s: %v: %s", name, program, strings.Join(arguments, " "), err, last(string(out), 500))
		}
	}
}

// loopbacks are three addresses that this test alone has.
func loopbacks(t *testing.T) (hosts [3]string) {
	t.Helper()
	_, port, _ := net.SplitHostPort(free(t))
	var n int
	fmt.Sscan(port, &n)
	for i := range hosts {
		hosts[i] = fmt.Sprintf("127.%d.%d.%d", 1+n>>8&0x7f, n&0xff, i+2)
		listener, err := net.Listen("tcp", hosts[i]+":0")
		if err != nil {
			t.Skipf("SKIP: %v: nodes need loopback addresses of their own", err)
		}
		listener.Close()
	}
	return hosts
}

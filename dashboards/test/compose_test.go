package test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// compose loads the compose file as the command would, with an environment of
// the test's own.
func compose(t *testing.T, env ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")},
		cli.WithEnv(env), cli.WithProfiles([]string{"*"}), cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// The services are fenced in: no root, nothing writable but volumes, limits on
// everything, and nothing published beyond this machine.
func TestComposeIsFencedIn(t *testing.T) {
	for name, s := range compose(t).Services {
		if name == "lgtm" {
			// Its image is many servers and a script; see docker-compose.yml.
		} else if !s.ReadOnly || s.User == "" || strings.HasPrefix(s.User, "0") || !slices.Contains(s.CapDrop, "ALL") ||
			!slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: read_only %v, user %q, cap_drop %v, security_opt %v", name, s.ReadOnly, s.User, s.CapDrop, s.SecurityOpt)
		}
		if s.MemLimit <= 0 || s.CPUS <= 0 || s.PidsLimit <= 0 {
			t.Errorf("%s: mem_limit %d, cpus %v, pids_limit %d, want all three", name, s.MemLimit, s.CPUS, s.PidsLimit)
		}
		for _, port := range s.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s publishes %s on %q, want 127.0.0.1 only", name, port.Published, port.HostIP)
			}
		}
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil || !v.ReadOnly {
				t.Errorf("%s mounts %s: %v, read-only %v", name, v.Source, err, v.ReadOnly)
			}
		}
	}
}

// Images are pinned and can be overridden; who waits for health waits for
// somebody who tells it.
func TestComposeImages(t *testing.T) {
	variables := map[string]string{"prometheus": "PROMETHEUS_IMAGE", "otel-collector": "COLLECTOR_IMAGE",
		"grafana": "GRAFANA_IMAGE", "schload": "SCHLOAD_IMAGE", "sim": "SCHLOAD_IMAGE",
		"redis-a": "REDIS_IMAGE", "redis-b": "REDIS_IMAGE", "schload-staging": "SCHLOAD_IMAGE", "schload-lgtm": "SCHLOAD_IMAGE", "lgtm": "LGTM_IMAGE"}
	project := compose(t)
	for name, s := range project.Services {
		if _, tag, ok := strings.Cut(filepath.Base(s.Image), ":"); !ok || tag == "" || tag == "latest" {
			t.Errorf("%s: image %q is not pinned", name, s.Image)
		}
		if got := compose(t, variables[name]+"=mirror/x:1").Services[name].Image; got != "mirror/x:1" {
			t.Errorf("%s: image %q although %s says mirror/x:1", name, got, variables[name])
		}
		for other, dependency := range s.DependsOn {
			if dependency.Condition == types.ServiceConditionHealthy && project.Services[other].HealthCheck == nil {
				t.Errorf("%s waits for the health of %s, which has no healthcheck", name, other)
			}
		}
	}
}

// The parts find each other: addresses, paths and identifiers of the different
// files agree.
func TestStackFitsTogether(t *testing.T) {
	services := compose(t).Services
	var collector struct {
		Receivers, Processors map[string]any
		Exporters             map[string]struct{ Endpoint string }
		Service               struct {
			Pipelines map[string]struct{ Receivers, Processors, Exporters []string }
		}
	}
	load(t, "dashboards/collector/config.yml", &collector)
	pipeline := collector.Service.Pipelines["metrics"]
	for _, exporter := range pipeline.Exporters {
		if got := collector.Exporters[exporter].Endpoint; got != "http://prometheus:9090/api/v1/otlp" {
			t.Errorf("the collector exports to %q", got)
		}
	}
	for _, id := range pipeline.Receivers {
		if _, ok := collector.Receivers[id]; !ok {
			t.Errorf("receiver %s is not configured", id)
		}
	}
	for _, id := range pipeline.Processors {
		if _, ok := collector.Processors[id]; !ok {
			t.Errorf("processor %s is not configured", id)
		}
	}
	if got := services["schload"].Environment["OTEL_EXPORTER_OTLP_ENDPOINT"]; got == nil || *got != "http://otel-collector:4318" {
		t.Errorf("schload exports to %v", got)
	}
	for _, flag := range []string{"--web.enable-otlp-receiver", "--query.lookback-delta=" + lookback.String()} {
		if !slices.Contains(services["prometheus"].Command, flag) {
			t.Errorf("prometheus is started without %s", flag)
		}
	}
	grafanaFits(t, services["grafana"])
}

func grafanaFits(t *testing.T, grafana types.ServiceConfig) {
	t.Helper()
	var sources struct {
		Datasources []struct {
			UID, URL, Type string
			JSONData       struct {
				TimeInterval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		}
	}
	load(t, "dashboards/grafana/provisioning/datasources/prometheus.yml", &sources)
	if s := sources.Datasources[0]; s.UID != "prometheus" || s.URL != "http://prometheus:9090" || s.Type != "prometheus" || s.JSONData.TimeInterval != "1s" {
		t.Errorf("data source %+v", s)
	}
	var providers struct {
		Providers []struct{ Options struct{ Path string } }
	}
	load(t, "dashboards/grafana/provisioning/dashboards/schload.yml", &providers)
	home := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	for _, v := range grafana.Volumes {
		if v.Target != providers.Providers[0].Options.Path {
			continue
		}
		if home == nil || !strings.HasPrefix(*home, v.Target) {
			t.Fatalf("home board %v is not below %s", home, v.Target)
		}
		if _, err := os.Stat(filepath.Join(v.Source, strings.TrimPrefix(*home, v.Target))); err != nil {
			t.Errorf("home board: %v", err)
		}
		return
	}
	t.Errorf("nothing is mounted at %s, where boards are looked for", providers.Providers[0].Options.Path)
}

// Without a profile the whole stack comes up, and nothing that belongs to a
// profile; each alternative has what it needs and names no secret.
func TestComposeProfiles(t *testing.T) {
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithEnv(nil))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(slices.Sorted(maps.Keys(project.Services)), " "), "grafana otel-collector prometheus redis-a redis-b schload"; got != want {
		t.Errorf("docker compose up starts %s, want %s", got, want)
	}
	for _, shard := range []string{"redis-a", "redis-b"} {
		if !strings.Contains(strings.Join(project.Services["schload"].Command, " "), "redis://"+shard+":6379") || project.Services[shard].HealthCheck == nil {
			t.Errorf("shard %s is not used, or its health not known", shard)
		}
	}
	staging := compose(t, "SCHLOAD_TARGET=redis://:secret@db:1").Services["schload-staging"]
	if text := strings.Join(staging.Command, " "); strings.Contains(text, "secret") || !strings.Contains(text, "--target env:SCHLOAD_TARGET") {
		t.Errorf("staging is started with %s", text)
	}
	if got := staging.Environment["SCHLOAD_TARGET"]; got == nil || *got != "redis://:secret@db:1" {
		t.Errorf("staging is told the target %v", got)
	}
}

// The Dockerfile makes a static binary that runs as nobody, from a pinned
// image, and leaves the build behind.
func TestDockerfile(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ARG GO_IMAGE=golang:1.", "CGO_ENABLED=0", "-trimpath", "FROM scratch", "USER 65532:65532", "ENTRYPOINT [\"/schload\"]"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the Dockerfile has no %q", want)
		}
	}
	final := string(data)[strings.LastIndex(string(data), "\nFROM "):]
	if strings.Contains(final, "RUN ") {
		t.Error("the last stage runs something, and it has no shell")
	}
}

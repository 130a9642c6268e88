package test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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
		if !s.ReadOnly || len(s.CapAdd) > 0 || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.SecurityOpt, []string{"no-new-privileges:true"}) || s.Privileged {
			t.Errorf("%s: read_only %v, cap_add %v, cap_drop %v, security_opt %v, privileged %v", name, s.ReadOnly, s.CapAdd, s.CapDrop, s.SecurityOpt, s.Privileged)
		}
		// The image of lgtm is many servers and a script that root starts; see docker-compose.yml.
		if name != "lgtm" && (s.User == "" || strings.HasPrefix(s.User, "0") || strings.HasPrefix(s.User, "root")) {
			t.Errorf("%s: user %q, want somebody who is not root", name, s.User)
		}
		for _, path := range s.Tmpfs {
			if !strings.HasSuffix(path, ":mode=1777") {
				t.Errorf("%s: tmpfs %s: without a mode it is root's where the image has no such folder", name, path)
			}
		}
		if s.MemLimit <= 0 || s.CPUS <= 0 || s.PidsLimit <= 0 {
			t.Errorf("%s: mem_limit %d, cpus %v, pids_limit %d, want all three", name, s.MemLimit, s.CPUS, s.PidsLimit)
		}
		if s.Logging == nil || s.Logging.Driver != "local" {
			t.Errorf("%s: logging %+v, want the driver that bounds itself", name, s.Logging)
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

// Every service says whether it is well, by a command of its own image without a
// shell, and soon enough to be of use.
func TestComposeHealth(t *testing.T) {
	for name, s := range compose(t).Services {
		h := s.HealthCheck
		if h == nil || h.Disable || len(h.Test) < 2 || h.Test[0] != "CMD" {
			t.Errorf("%s: healthcheck %+v, want a command", name, h)
			continue
		}
		if h.Interval == nil || h.Timeout == nil || h.Retries == nil || time.Duration(*h.Interval) > 10*time.Second || time.Duration(*h.Timeout) > 10*time.Second {
			t.Errorf("%s: interval %v, timeout %v, retries %v: want all of them, at most 10s", name, h.Interval, h.Timeout, h.Retries)
		}
		own := map[string]string{"schload:dev": "/schload", "schload-collector:dev": "/schload", "redis:8.4": "redis-cli",
			"prom/prometheus:v3.15.0": "promtool", "grafana/grafana:13.2.0": "wget", "grafana/otel-lgtm:0.31.0": "curl"}
		if h.Test[1] != own[s.Image] {
			t.Errorf("%s: the healthcheck runs %s, which %s is not known to have", name, h.Test[1], s.Image)
		}
		for other, dependency := range s.DependsOn {
			if dependency.Condition != types.ServiceConditionHealthy {
				t.Errorf("%s waits for %s to be %s, want %s", name, other, dependency.Condition, types.ServiceConditionHealthy)
			}
		}
	}
}

// The simulator is a service of its own: each node has a network in which only
// it and its client are, and what leads it is reached there alone.
func TestComposeSimulator(t *testing.T) {
	project := compose(t)
	services := project.Services
	sim, load := services["simulator"], services["schload"]
	text := strings.Join(sim.Command, " ")
	for _, want := range []string{"--node-hosts node1,node2,node3", "--dns node1:5353", "--fault-injector node1:20324", "--shards redis://redis-a:6379,redis://redis-b:6379"} {
		if !strings.Contains(text, want) {
			t.Errorf("the simulator is started without %s: %s", want, text)
		}
	}
	text = strings.Join(load.Command, " ")
	for _, want := range []string{"--stage fault-injector --fault-injector http://node1:20324", "--resolver node1:5353", "--target redis://redis-12000.schload.test:12000"} {
		if !strings.Contains(text, want) {
			t.Errorf("schload is started without %s: %s", want, text)
		}
	}
	if len(sim.Ports) > 0 || sim.NetworkMode != "" {
		t.Errorf("the simulator is published: %v %s", sim.Ports, sim.NetworkMode)
	}
	for _, node := range []string{"node1", "node2", "node3"} {
		var in []string
		for name, s := range services {
			if _, ok := s.Networks[node]; ok {
				in = append(in, name)
			}
		}
		if slices.Sort(in); !slices.Equal(in, []string{"schload", "simulator"}) || !project.Networks[node].Internal || !slices.Contains(sim.Networks[node].Aliases, node) {
			t.Errorf("network %s: %v are in it, internal %v, the simulator's names %v", node, in, project.Networks[node].Internal, sim.Networks[node].Aliases)
		}
	}
	if _, ok := sim.Networks["default"]; ok || len(sim.Networks) != 4 {
		t.Errorf("the simulator is in %v: want its nodes' networks and that of the shards", slices.Sorted(maps.Keys(sim.Networks)))
	}
}

// Images are pinned and can be overridden.
func TestComposeImages(t *testing.T) {
	variables := map[string]string{"prometheus": "PROMETHEUS_IMAGE", "otel-collector": "STACK_COLLECTOR_IMAGE", "simulator": "SCHLOAD_IMAGE",
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
	}
	if got := compose(t, "COLLECTOR_IMAGE=mirror/otel:1").Services["otel-collector"].Build.Args["COLLECTOR_IMAGE"]; got == nil || *got != "mirror/otel:1" {
		t.Errorf("the collector is built from %v although COLLECTOR_IMAGE says mirror/otel:1", got)
	}
}

// The parts find each other: addresses, paths and identifiers of the different
// files agree.
func TestStackFitsTogether(t *testing.T) {
	services := compose(t).Services
	var collector struct {
		Receivers, Processors map[string]any
		Exporters             map[string]struct{ Endpoint string }
		Extensions            struct {
			HealthCheck struct{ Endpoint string } `yaml:"health_check"`
		}
		Service struct {
			Extensions []string
			Pipelines  map[string]struct{ Receivers, Processors, Exporters []string }
		}
	}
	load(t, "dashboards/collector/config.yml", &collector)
	for name, exporter := range map[string]string{"metrics": "otlp_http/prometheus", "metrics/classic": "otlp_http/prometheus", "traces": "debug", "logs": "debug"} {
		pipeline := collector.Service.Pipelines[name]
		if !slices.Equal(pipeline.Receivers, []string{"otlp"}) || !slices.Equal(pipeline.Exporters, []string{exporter}) {
			t.Errorf("pipeline %s: from %v to %v, want otlp and %s", name, pipeline.Receivers, pipeline.Exporters, exporter)
		}
		if _, ok := collector.Exporters[exporter]; !ok {
			t.Errorf("exporter %s is not configured", exporter)
		}
		for _, id := range pipeline.Processors {
			if _, ok := collector.Processors[id]; !ok {
				t.Errorf("processor %s is not configured", id)
			}
		}
	}
	if got := collector.Exporters["otlp_http/prometheus"].Endpoint; got != "http://prometheus:9090/api/v1/otlp" {
		t.Errorf("the collector exports to %q", got)
	}
	if _, ok := collector.Receivers["otlp"]; !ok {
		t.Error("receiver otlp is not configured")
	}
	if h := collector.Extensions.HealthCheck.Endpoint; !slices.Contains(collector.Service.Extensions, "health_check") || !slices.Contains(services["otel-collector"].HealthCheck.Test, "http://"+h+"/") {
		t.Errorf("the collector's healthcheck is %v, its extension listens at %s", services["otel-collector"].HealthCheck.Test, h)
	}
	if got := services["schload"].Environment["OTEL_EXPORTER_OTLP_ENDPOINT"]; got == nil || *got != "http://otel-collector:4318" {
		t.Errorf("schload exports to %v", got)
	}
	for _, flag := range []string{"--web.enable-otlp-receiver", "--query.lookback-delta=" + lookback.String(), "--enable-feature=exemplar-storage"} {
		if !slices.Contains(services["prometheus"].Command, flag) {
			t.Errorf("prometheus is started without %s", flag)
		}
	}
	// The image of lgtm has the other two flags in its own script.
	if got := services["lgtm"].Environment["PROMETHEUS_EXTRA_ARGS"]; got == nil || *got != "--query.lookback-delta="+lookback.String() {
		t.Errorf("the prometheus of lgtm is started with %v", got)
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
	if got, want := strings.Join(slices.Sorted(maps.Keys(project.Services)), " "), "grafana otel-collector prometheus redis-a redis-b schload simulator"; got != want {
		t.Errorf("docker compose up starts %s, want %s", got, want)
	}
	for name, s := range project.Services {
		if s.GetScale() != 1 {
			t.Errorf("docker compose up starts %d of %s, want 1", s.GetScale(), name)
		}
	}
	for _, shard := range []string{"redis-a", "redis-b"} {
		if !strings.Contains(strings.Join(project.Services["simulator"].Command, " "), "redis://"+shard+":6379") || project.Services[shard].HealthCheck == nil {
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

// Whoever opens a Grafana of the stack without a login looks at boards and
// changes nothing, and Grafana reports to nobody. The image of lgtm makes such
// guests administrators unless both variables of theirs are set.
func TestComposeGuestsLookOnly(t *testing.T) {
	services := compose(t).Services
	for _, name := range []string{"grafana", "lgtm"} {
		for variable, want := range map[string]string{
			"GF_AUTH_ANONYMOUS_ENABLED":                 "true",
			"GF_AUTH_ANONYMOUS_ORG_ROLE":                "Viewer",
			"GF_ANALYTICS_REPORTING_ENABLED":            "false",
			"GF_ANALYTICS_CHECK_FOR_UPDATES":            "false",
			"GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES":     "false",
			"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": "/etc/grafana/boards/handoffs.json",
		} {
			if got := services[name].Environment[variable]; got == nil || *got != want {
				t.Errorf("%s: %s is %v, want %s", name, variable, got, want)
			}
		}
	}
}

// With .env.example as .env, the profile staging starts the load on a database
// of the user's and where it is seen, and nothing of the demo.
func TestComposeStagingHasNoSimulator(t *testing.T) {
	example, err := os.ReadFile(filepath.Join(root, ".env.example"))
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	for line := range strings.Lines(string(example)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			env = append(env, line)
		}
	}
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithEnv(env), cli.WithProfiles([]string{"staging"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var started []string
	for name, s := range project.Services {
		if s.GetScale() > 0 {
			started = append(started, name)
		}
	}
	slices.Sort(started)
	if got, want := strings.Join(started, " "), "grafana otel-collector prometheus schload-staging"; got != want {
		t.Errorf("the profile staging starts %s, want %s", got, want)
	}
}

// The Dockerfile makes a static binary that runs as nobody, from a pinned
// image, with a list of what is in it, and leaves the build behind.
func TestDockerfile(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ARG GO_IMAGE=golang:1.", "CGO_ENABLED=0", "-trimpath", "go version -m /out/schload > /out/sbom.txt", "COPY --from=build /out/sbom.txt /sbom.txt", "AS collector", "FROM scratch AS schload", "USER 65532:65532", "ENTRYPOINT [\"/schload\"]"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the Dockerfile has no %q", want)
		}
	}
	final := string(data)[strings.LastIndex(string(data), "\nFROM "):]
	if strings.Contains(final, "RUN ") {
		t.Error("the last stage runs something, and it has no shell")
	}
}

package telemetry

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// variables is an environment.
type variables map[string]string

func (v variables) get(name string) string { return v[name] }

// decision is what a configuration and an environment come to, as text.
type decision struct {
	Endpoint, Protocol, Prometheus, Compression, File string
	Headers                                           map[string]string
	Warnings                                          int
}

func decide(t *testing.T, c Config, env variables) (decision, settings) {
	t.Helper()
	c.Getenv = env.get
	s, warnings, err := c.resolve()
	if err != nil {
		t.Fatal(err)
	}
	d := decision{Protocol: s.protocol, Prometheus: s.prometheus, Compression: s.compression, File: s.file, Headers: s.headers, Warnings: len(warnings)}
	if s.endpoint != nil {
		d.Endpoint = s.endpoint.String()
	}
	if len(d.Headers) == 0 {
		d.Headers = nil
	}
	return d, s
}

// Where telemetry goes: the flag beats the variable, the metrics variable
// beats the general one, and without either it goes nowhere.
func TestDestination(t *testing.T) {
	const local = "http://localhost:4318/v1/metrics"
	for _, c := range []struct {
		name   string
		config Config
		env    variables
		want   decision
	}{
		{"nothing", Config{}, nil, decision{}},
		{"variables that ask for no export", Config{}, variables{"OTEL_SERVICE_NAME": "x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, decision{}},
		{"flag", Config{Endpoint: "http://c:4318"}, nil, decision{Endpoint: "http://c:4318/v1/metrics", Protocol: HTTP}},
		{"flag with slash", Config{Endpoint: "http://c:4318/"}, nil, decision{Endpoint: "http://c:4318/v1/metrics", Protocol: HTTP}},
		{"flag with the whole path", Config{Endpoint: "http://c:4318/v1/metrics"}, nil, decision{Endpoint: "http://c:4318/v1/metrics", Protocol: HTTP}},
		{"flag with a base path", Config{Endpoint: "http://p:9090/api/v1/otlp"}, nil, decision{Endpoint: "http://p:9090/api/v1/otlp/v1/metrics", Protocol: HTTP}},
		{"flag with a query", Config{Endpoint: "https://c/in?tenant=a"}, nil, decision{Endpoint: "https://c/in/v1/metrics?tenant=a", Protocol: HTTP}},
		{"port of gRPC", Config{Endpoint: "http://c:4317"}, nil, decision{Endpoint: "http://c:4317", Protocol: GRPC}},
		{"scheme of gRPC", Config{Endpoint: "grpc://c"}, nil, decision{Endpoint: "http://c:4317", Protocol: GRPC}},
		{"scheme of gRPC with TLS", Config{Endpoint: "grpcs://c:9"}, nil, decision{Endpoint: "https://c:9", Protocol: GRPC}},
		{"protocol beats port", Config{Endpoint: "http://c:4317", Protocol: HTTP}, nil, decision{Endpoint: "http://c:4317/v1/metrics", Protocol: HTTP}},
		{"protocol variable beats port", Config{Endpoint: "http://c:4317"}, variables{"OTEL_EXPORTER_OTLP_PROTOCOL": HTTP}, decision{Endpoint: "http://c:4317/v1/metrics", Protocol: HTTP}},
		{"insecure host", Config{Endpoint: "c:4318", Insecure: true}, nil, decision{Endpoint: "http://c:4318/v1/metrics", Protocol: HTTP}},
		{"IPv6 host", Config{Endpoint: "grpc://[::1]"}, nil, decision{Endpoint: "http://[::1]:4317", Protocol: GRPC}},

		{"variable", Config{}, variables{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, decision{Endpoint: "http://c:4318/v1/metrics", Protocol: HTTP}},
		{"variable with a base path", Config{}, variables{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/x"}, decision{Endpoint: "http://c:4318/x/v1/metrics", Protocol: HTTP}},
		{"metrics variable as it is", Config{}, variables{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:1", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://b:2"},
			decision{Endpoint: "http://b:2/", Protocol: HTTP}},
		{"gRPC by variable", Config{}, variables{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
			decision{Endpoint: "http://c:4317", Protocol: GRPC}},
		{"gRPC without scheme", Config{}, variables{"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"},
			decision{Endpoint: "https://c:4317", Protocol: GRPC}},
		{"gRPC without scheme, insecure", Config{}, variables{"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_INSECURE": "true"},
			decision{Endpoint: "http://c:4317", Protocol: GRPC}},
		{"flag beats variable", Config{Endpoint: "http://flag:4318"}, variables{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://env:4318"},
			decision{Endpoint: "http://flag:4318/v1/metrics", Protocol: HTTP}},
		{"not a URL", Config{}, variables{"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4318"}, decision{Endpoint: local, Protocol: HTTP, Warnings: 1}},
		{"unknown protocol", Config{}, variables{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
			decision{Endpoint: "http://c:4318/v1/metrics", Protocol: HTTP, Warnings: 1}},

		{"exporter otlp", Config{}, variables{"OTEL_METRICS_EXPORTER": "otlp"}, decision{Endpoint: local, Protocol: HTTP}},
		{"exporter otlp over gRPC", Config{}, variables{"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
			decision{Endpoint: "http://localhost:4317", Protocol: GRPC}},
		{"exporter prometheus", Config{}, variables{"OTEL_METRICS_EXPORTER": "prometheus"}, decision{Prometheus: "localhost:9464"}},
		{"exporters", Config{}, variables{"OTEL_METRICS_EXPORTER": "otlp, prometheus", "OTEL_EXPORTER_PROMETHEUS_HOST": "0.0.0.0", "OTEL_EXPORTER_PROMETHEUS_PORT": "1"},
			decision{Endpoint: local, Protocol: HTTP, Prometheus: "0.0.0.0:1"}},
		{"exporter none", Config{}, variables{"OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, decision{}},
		{"exporter console", Config{}, variables{"OTEL_METRICS_EXPORTER": "console"}, decision{File: Stdout}},
		{"exporter unknown", Config{}, variables{"OTEL_METRICS_EXPORTER": "zipkin"}, decision{Warnings: 1}},
		{"delta", Config{}, variables{"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": "delta"}, decision{Warnings: 1}},
		{"aggregation", Config{}, variables{"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": "summary"}, decision{Warnings: 1}},
		{"reserved attributes", Config{}, variables{"OTEL_RESOURCE_ATTRIBUTES": "schload.arm=x,pool=y,service.name=z,site=a"}, decision{Warnings: 2}},
		{"attributes that are none", Config{}, variables{"OTEL_RESOURCE_ATTRIBUTES": "novalue,a=%zz,b=%ff,site=a"}, decision{Warnings: 3}},
		{"disabled", Config{}, variables{"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, decision{}},
		{"flag beats none and disabled", Config{Endpoint: "http://c:4318", Prometheus: ":1"}, variables{"OTEL_METRICS_EXPORTER": "none", "OTEL_SDK_DISABLED": "true"},
			decision{Endpoint: "http://c:4318/v1/metrics", Protocol: HTTP, Prometheus: ":1"}},

		{"headers", Config{}, variables{"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20eA==, tenant = a"},
			decision{Endpoint: local, Protocol: HTTP, Headers: map[string]string{"authorization": "Basic eA==", "tenant": "a"}}},
		{"headers by flag", Config{Headers: map[string]string{"a": "b"}}, variables{"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_HEADERS": "c=d"},
			decision{Endpoint: local, Protocol: HTTP, Headers: map[string]string{"a": "b"}}},
		{"bad headers", Config{}, variables{"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_HEADERS": "novalue,=x,a=%zz,,b=c"},
			decision{Endpoint: local, Protocol: HTTP, Headers: map[string]string{"b": "c"}, Warnings: 3}},
		{"compression", Config{}, variables{"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
			decision{Endpoint: local, Protocol: HTTP, Compression: "gzip"}},
		{"unknown compression", Config{}, variables{"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"},
			decision{Endpoint: local, Protocol: HTTP, Warnings: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := decide(t, c.config, c.env)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// How often, how long, and who: fields, then variables, then defaults.
func TestTimesAndResource(t *testing.T) {
	_, s := decide(t, Config{}, nil)
	if s.interval != time.Second || s.timeout != 5*time.Second || s.instance != "schload" {
		t.Errorf("defaults: %v, %v, %q", s.interval, s.timeout, s.instance)
	}
	env := variables{"OTEL_METRIC_EXPORT_INTERVAL": "2500", "OTEL_EXPORTER_OTLP_TIMEOUT": "700", "OTEL_SERVICE_NAME": "loader",
		"OTEL_RESOURCE_ATTRIBUTES": "service.name=other,schload.run.id=other,team=a b%2Cc"}
	_, s = decide(t, Config{RunID: "r", Upgrade: "failover", InstanceID: "w3"}, env)
	if s.interval != 2500*time.Millisecond || s.timeout != 700*time.Millisecond || s.instance != "w3" {
		t.Errorf("variables: %v, %v, %q", s.interval, s.timeout, s.instance)
	}
	want := map[string]string{"service.name": "loader", "schload.run.id": "r", "schload.upgrade": "failover", "team": "a b,c"}
	if diff := cmp.Diff(want, s.resource); diff != "" {
		t.Error(diff)
	}
	_, s = decide(t, Config{Interval: time.Minute, Timeout: time.Hour, ServiceName: "flag"}, env)
	if s.interval != time.Minute || s.timeout != time.Hour || s.resource["service.name"] != "flag" {
		t.Errorf("fields: %v, %v, %v", s.interval, s.timeout, s.resource)
	}
	d, s := decide(t, Config{}, variables{"OTEL_METRIC_EXPORT_INTERVAL": "1s", "OTEL_EXPORTER_OTLP_TIMEOUT": "-1"})
	if d.Warnings != 2 || s.interval != time.Second || s.timeout != 5*time.Second {
		t.Errorf("%d warnings, %v, %v", d.Warnings, s.interval, s.timeout)
	}
}

// Mistakes in the configuration are errors that name the value and the fix.
func TestConfigErrors(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string
	}{
		{Config{Endpoint: "c:4318"}, "write http://c:4318"},
		{Config{Endpoint: "ftp://c"}, `scheme "ftp" is unknown`},
		{Config{Endpoint: "http://"}, "names no host"},
		{Config{Endpoint: "http://c:x"}, "invalid port"},
		{Config{Endpoint: "http://c", Protocol: "http/json"}, "use grpc or http/protobuf"},
		{Config{Endpoint: "grpc://c", Protocol: HTTP}, "change one of them"},
		{Config{Endpoint: "http://u:secret@c:4318"}, "give them as a header"},
		{Config{Endpoint: "http://c", Headers: map[string]string{"a b": "x"}}, `header "a b"`},
		{Config{Endpoint: "http://c", Headers: map[string]string{"a": "secret\n"}}, "line break"},
		{Config{Histograms: "summary"}, "use native or classic"},
		{Config{File: "/no/such/folder/x.jsonl"}, "/no/such/folder/x.jsonl"},
		{Config{Prometheus: "256.0.0.1:x"}, `prometheus address "256.0.0.1:x"`},
	} {
		c.config.Getenv = nothing
		e, err := Start(t.Context(), c.config)
		if err == nil {
			_ = e.Close(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: got error %v, want one with %q", c.config, err, c.want)
		}
	}
}

// Certificates that cannot be read are errors: going on would trust the wrong
// receiver.
func TestCertificates(t *testing.T) {
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, []byte("not PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := variables{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c:4318", "OTEL_EXPORTER_OTLP_CERTIFICATE": file}
	if _, _, err := (Config{Getenv: env.get}).resolve(); err == nil || !strings.Contains(err.Error(), "holds no PEM certificate") {
		t.Errorf("got error %v", err)
	}
	env["OTEL_EXPORTER_OTLP_CERTIFICATE"] = file + ".gone"
	if _, _, err := (Config{Getenv: env.get}).resolve(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got error %v", err)
	}
	own := &tls.Config{ServerName: "x"}
	if s, _, err := (Config{Getenv: env.get, TLS: own}).resolve(); err != nil || s.tls != own {
		t.Errorf("own TLS configuration: %v, %v", s.tls, err)
	}
}

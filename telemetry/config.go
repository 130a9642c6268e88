package telemetry

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The protocols of OTLP, spelled as OTEL_EXPORTER_OTLP_PROTOCOL spells them.
const (
	GRPC = "grpc"
	HTTP = "http/protobuf"
)

// Config says where to send telemetry and who sends it. The zero value asks
// the environment (see Start); a field that is set beats every variable.
type Config struct {
	// Endpoint is the URL of an OTLP receiver: http://host:4318,
	// https://host:4318, http://prometheus:9090/api/v1/otlp, grpc://host:4317
	// or grpcs://host:4317. With OTLP over HTTP, /v1/metrics is appended unless
	// the path ends so already. Empty: the environment decides.
	Endpoint string
	// Protocol is GRPC or HTTP. Empty: the scheme of Endpoint, the environment,
	// the port (4317 means gRPC), and at last HTTP.
	Protocol string
	// Headers go with every export, for instance an authorization.
	Headers map[string]string
	// Insecure sends without TLS to an endpoint that has no scheme, as
	// OTEL_EXPORTER_OTLP_INSECURE does.
	Insecure bool
	// TLSFiles are loaded for https and grpcs, if TLS is nil.
	TLSFiles TLSFiles
	// TLS is used for https and grpcs; nil: the system's roots, or the files
	// that OTEL_EXPORTER_OTLP_CERTIFICATE and its relatives name.
	TLS *tls.Config

	// Interval between exports; default OTEL_METRIC_EXPORT_INTERVAL (of spans
	// OTEL_BSP_SCHEDULE_DELAY, of marks OTEL_BLRP_SCHEDULE_DELAY), or 1 s, because
	// maintenance is over in seconds.
	Interval time.Duration
	// Timeout of one export; default OTEL_EXPORTER_OTLP_TIMEOUT and its relatives,
	// or 5 s. There is no retry of metrics: each export
	// carries the whole truth so far, so the next one is the retry. While a
	// receiver fails, exports are spaced out.
	Timeout time.Duration

	// File is where exports are appended as OTLP/JSON, one line each, as a
	// collector's file exporter does; Stdout means Console. Empty: no file.
	File string
	// Console is where File Stdout and OTEL_METRICS_EXPORTER=console write;
	// nil: os.Stdout.
	Console io.Writer
	// Traces has spans exported of the operations that Exporter.Traced is given: to
	// TracesEndpoint or else Endpoint, and to File. Without, the variable
	// OTEL_TRACES_EXPORTER decides; unset it means none.
	Traces bool
	// TracesEndpoint is the receiver of spans, if it is another than Endpoint, as
	// for a Prometheus, which takes none. It is written like Endpoint.
	TracesEndpoint string

	// Histograms is Native or Classic. Empty: the variable
	// OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION, or Native.
	Histograms Histograms

	// Rounds tells rounds apart: what has the attribute schload.round in the list
	// of metrics is exported with it. Without, rounds are summed: a label that
	// grows with the length of a run is for those who ask for it.
	Rounds bool

	// Marks exports the run's timeline as OTLP log events, and with its metrics
	// all that a bundle has: each interval is exported for itself, whatever
	// Interval says, and rounds are told apart. See Exporter.Begin. Without, the
	// variable OTEL_LOGS_EXPORTER decides; unset it means none.
	Marks bool

	// Prometheus is the address to serve /metrics on, for instance
	// 127.0.0.1:9464. Empty: no server.
	Prometheus string

	// RunID, Upgrade, Profile and ServiceVersion become the resource attributes
	// schload.run.id, schload.upgrade, schload.profile and service.version.
	RunID, Upgrade, Profile, ServiceVersion string
	// Library is the client under test, go-redis:v9.23.0, as Redis' metrics name it.
	Library string
	// Server is the host:port that clients are given, for the attributes
	// server.address and server.port. Empty: there is no one address, as on a cluster.
	Server string
	// TestingApp, if not empty, is the app_name of the metrics that Redis' testing
	// applications share (redis_operations_total and others), and has them exported.
	TestingApp string
	// ServiceName is service.name; default OTEL_SERVICE_NAME, or schload.
	ServiceName string
	// InstanceID is the service.instance.id of the run, to which each arm
	// appends its name; default RunID. Workers of one run need different ones.
	InstanceID string

	// Arms of the run. Each becomes a telemetry source; what belongs to no arm
	// goes to a source of the run itself. Arms not named here are ignored.
	Arms []string
	// Base is the run's base instant, from which intervals count; default: now.
	Base time.Time

	// Attributes are added to the resource of every source. ReservedAttribute
	// says which keys are not to be used.
	Attributes map[string]string

	// Getenv reads the environment; nil: os.Getenv.
	Getenv func(string) string
	// Log is told about each cause of failing exports once, and when exports
	// arrive again.
	Log *slog.Logger
}

const (
	defaultInterval = time.Second
	defaultTimeout  = 5 * time.Second
	closeTimeout    = 3 * time.Second
)

// settings is what Config and environment come to. The route is that of metrics.
type settings struct {
	route
	prometheus string
	histograms Histograms
	resource   map[string]string // attributes of every source
	instance   string

	traces, events *route // nil: none
	limits         sdktrace.SpanLimits
	exemplars      bool // of operations that have spans
}

// resolve decides from the configuration, then from the environment. What is
// wrong in the configuration is an error; what is wrong in the environment is
// a warning and ignored, as the OpenTelemetry specification asks.
func (c Config) resolve() (settings, []error, error) {
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.Console == nil {
		c.Console = os.Stdout
	}
	env := &environment{get: c.Getenv, of: metricsSignal, insecure: c.Insecure, told: new(warnings)}
	s := settings{prometheus: c.Prometheus}
	asked := env.exporters()
	if s.prometheus == "" && asked.prometheus {
		s.prometheus = env.prometheusAddress()
	}
	var err error
	s.route, err = c.route(env, asked)
	if err = errors.Join(c.resolveHistograms(&s, env), err); err == nil {
		err = errors.Join(c.resolveTraces(&s, env), c.resolveEvents(&s, env))
	}
	if err == nil {
		err = c.checkTLS(&s.route, s.traces, s.events)
	}
	env.refuseDelta()
	c.resolveResource(&s, env)
	if err == nil && s.exports() {
		err = env.text("OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME")
	}
	if err == nil {
		env.warnUnused(s)
	}
	return s, env.told.list, err
}

// exports says whether anything is exported.
func (s settings) exports() bool {
	return s.otlp || s.file != "" || s.prometheus != "" || s.traces != nil || s.events != nil
}

// patience is how long an export of all signals may take.
func (s settings) patience() time.Duration {
	longest := s.timeout
	for _, r := range []*route{s.traces, s.events} {
		if r != nil {
			longest = max(longest, r.timeout)
		}
	}
	return longest
}

func (c Config) resolveHistograms(s *settings, env *environment) error {
	switch c.Histograms {
	case "":
		s.histograms = env.histograms()
	case Native, Classic:
		s.histograms = c.Histograms
	default:
		return fmt.Errorf("histograms %q are unknown: use %s or %s", c.Histograms, Native, Classic)
	}
	return nil
}

func (c Config) resolveResource(s *settings, env *environment) {
	s.resource = env.resource()
	set := func(key, value string) {
		if value != "" {
			s.resource[key] = value
		}
	}
	maps.Copy(s.resource, c.Attributes)
	set("service.name", firstNonempty(c.ServiceName, env.get("OTEL_SERVICE_NAME"), s.resource["service.name"], "schload"))
	set("service.version", c.ServiceVersion)
	set("schload.run.id", c.RunID)
	set("schload.upgrade", c.Upgrade)
	set("schload.profile", c.Profile)
	s.instance = firstNonempty(c.InstanceID, c.RunID, s.resource["service.instance.id"], "schload")
}

func firstNonempty(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func firstPositive(values ...time.Duration) time.Duration {
	for _, v := range values {
		if v > 0 {
			return v
		}
	}
	return 0
}

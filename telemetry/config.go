package telemetry

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
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

	// Interval between exports; default OTEL_METRIC_EXPORT_INTERVAL, or 1 s,
	// because maintenance is over in seconds.
	Interval time.Duration
	// Timeout of one export; default 5 s. There is no retry: each export
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
	// Interval says, and rounds are told apart. See Exporter.Begin.
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

// settings is what Config and environment come to.
type settings struct {
	of          signal
	otlp        bool
	protocol    string
	endpoint    *url.URL // complete, path included; scheme http or https
	events      *url.URL // of log events, with OTLP over HTTP
	headers     map[string]string
	tls         *tls.Config
	compression string // gzip or empty

	interval, timeout time.Duration
	prometheus        string
	file              string
	console           io.Writer
	histograms        Histograms
	resource          map[string]string // attributes of every source
	instance          string

	traces *settings // nil: none; with otlp false they go to the file alone
}

// resolve decides from the configuration, then from the environment. What is
// wrong in the configuration is an error; what is wrong in the environment is
// a warning and ignored, as the OpenTelemetry specification asks.
func (c Config) resolve() (settings, []error, error) {
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	env := &environment{get: c.Getenv, of: metricsSignal, insecure: c.Insecure}
	s := settings{of: metricsSignal, prometheus: c.Prometheus, headers: c.Headers, tls: c.TLS, file: c.File, console: c.Console}
	if s.console == nil {
		s.console = os.Stdout
	}
	asked := env.exporters()
	if s.prometheus == "" && asked.prometheus {
		s.prometheus = env.prometheusAddress()
	}
	if s.file == "" && asked.console {
		s.file = Stdout
	}
	err := errors.Join(c.resolveHistograms(&s, env), c.resolveOTLP(&s, env, asked))
	if err == nil {
		err = c.resolveTraces(&s, env)
	}
	if err == nil {
		err = c.checkTLS(&s, s.traces)
	}
	env.refuseDelta()
	s.interval = firstPositive(c.Interval, env.milliseconds("OTEL_METRIC_EXPORT_INTERVAL"), defaultInterval)
	s.timeout = firstPositive(c.Timeout, env.milliseconds("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT",
		"OTEL_METRIC_EXPORT_TIMEOUT"), defaultTimeout)
	c.resolveResource(&s, env)
	return s, env.warnings, err
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

func (c Config) resolveOTLP(s *settings, env *environment, asked exporters) error {
	switch c.Protocol {
	case "", GRPC, HTTP:
	default:
		return fmt.Errorf("telemetry protocol %q is unknown: use %s or %s", c.Protocol, GRPC, HTTP)
	}
	s.otlp = c.Endpoint != "" || asked.otlp
	if !s.otlp {
		return nil
	}
	s.protocol = c.Protocol
	var err error
	if c.Endpoint != "" {
		s.endpoint, err = c.parseEndpoint(s, env.protocol())
	} else {
		if s.protocol == "" {
			s.protocol = env.protocol()
		}
		if s.protocol == "" {
			s.protocol = HTTP
		}
		s.endpoint, err = env.endpoint(s.protocol)
	}
	if err != nil {
		return err
	}
	if s.headers == nil {
		s.headers = env.headers()
	}
	if err := checkHeaders(s.headers); err != nil {
		return err
	}
	if s.tls == nil && s.endpoint.Scheme == "https" {
		s.tls, err = env.tls(c.TLSFiles)
	}
	s.compression = env.compression()
	s.events = eventsEndpoint(s.endpoint, c.Endpoint == "", env)
	return err
}

// eventsEndpoint is where log events go: beside the metrics.
func eventsEndpoint(metrics *url.URL, fromEnvironment bool, env *environment) *url.URL {
	if fromEnvironment {
		if name, v := env.first("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"); name != "" {
			u, err := url.Parse(v)
			if err == nil && u.Hostname() != "" && u.User == nil {
				return u
			}
			env.warn(name, "", "not a URL like http://host:4318/v1/logs without credentials") // which are not repeated
		}
	}
	out := *metrics
	out.Path = strings.TrimSuffix(strings.TrimSuffix(out.Path, metricsSignal.path), "/") + logsSignal.path
	return &out
}

// parseEndpoint understands the endpoint of the configuration and settles the
// protocol with it.
func (c Config) parseEndpoint(s *settings, inherited string) (*url.URL, error) {
	text := c.Endpoint
	if !strings.Contains(text, "://") {
		if !c.Insecure {
			return nil, fmt.Errorf("telemetry endpoint %q has no scheme: write http://%[1]s, https://%[1]s, grpc://%[1]s or grpcs://%[1]s", text)
		}
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("telemetry endpoint %q: %w", c.Endpoint, errors.Unwrap(err))
	}
	if u.User != nil {
		return nil, fmt.Errorf("telemetry endpoint %q holds credentials: give them as a header, authorization", u.Redacted())
	}
	hint := ""
	switch u.Scheme {
	case "grpc":
		u.Scheme, hint = "http", GRPC
	case "grpcs":
		u.Scheme, hint = "https", GRPC
	case "http", "https":
	default:
		return nil, fmt.Errorf("telemetry endpoint %q: scheme %q is unknown: use http, https, grpc or grpcs", c.Endpoint, u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("telemetry endpoint %q names no host", c.Endpoint)
	}
	if hint != "" && s.protocol == HTTP {
		return nil, fmt.Errorf("telemetry endpoint %q asks for gRPC and the protocol is %s: change one of them", c.Endpoint, HTTP)
	}
	s.protocol = firstNonempty(s.protocol, hint, inherited, protocolOfPort(u.Port()), HTTP)
	return finish(u, s.protocol, s.of), nil
}

func protocolOfPort(port string) string {
	if port == "4317" {
		return GRPC
	}
	return ""
}

// finish gives the URL the parts that may be left out. Posting OTLP to the
// root of a receiver is answered by 404, which is why the path is completed.
func finish(u *url.URL, protocol string, of signal) *url.URL {
	if u.Port() == "" && protocol == GRPC {
		u.Host = net.JoinHostPort(u.Hostname(), "4317")
	}
	if protocol == HTTP && !strings.HasSuffix(u.Path, of.path) {
		u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, metricsSignal.path), "/") + of.path
	}
	return u
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

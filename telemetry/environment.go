package telemetry

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// environment reads the standard OTEL_ variables. It is our own reader,
// because the SDK's does not know OTEL_METRICS_EXPORTER nor OTEL_SDK_DISABLED,
// and because "no variable, no export" is our rule, not the SDK's. A variable
// that cannot be understood is a warning.
type environment struct {
	get      func(string) string
	of       signal
	insecure bool      // a flag says so
	told     *warnings // of all signals
}

// warnings are told once each, however many signals ask for the same variable.
type warnings struct{ list []error }

func (w *warnings) add(warning error) {
	if !slices.ContainsFunc(w.list, func(e error) bool { return e.Error() == warning.Error() }) {
		w.list = append(w.list, warning)
	}
}

// about is the environment as another signal reads it.
func (e environment) about(of signal) *environment {
	e.of = of
	return &e
}

// exporters says which exports the environment asks for.
type exporters struct{ otlp, prometheus, console bool }

func (e *environment) warn(variable, value, why string) {
	e.told.add(fmt.Errorf("%s=%q ignored: %s", variable, value, why))
}

// first returns the first of the variables that is set, and its name.
func (e *environment) first(names ...string) (name, value string) {
	for _, name := range names {
		if v := strings.TrimSpace(e.get(name)); v != "" {
			return name, v
		}
	}
	return "", ""
}

// variables are the names of an OTLP setting, the signal's own first.
func (s signal) variables(suffix string) []string {
	return []string{"OTEL_EXPORTER_OTLP_" + s.name + "_" + suffix, "OTEL_EXPORTER_OTLP_" + suffix}
}

// signal returns the signal's variant of an OTLP variable, or the general one.
func (e *environment) signal(suffix string) (name, value string) {
	return e.first(e.of.variables(suffix)...)
}

// boolean reads what is true only if it says so.
func (e *environment) boolean(names ...string) bool {
	name, v := e.first(names...)
	switch strings.ToLower(v) {
	case "", "false":
		return false
	case "true":
		return true
	}
	e.warn(name, v, "want true or false, and take it for false")
	return false
}

// disabled says that the variables ask for nothing at all.
func (e *environment) disabled() bool { return e.boolean("OTEL_SDK_DISABLED") }

// exporters reads which exports the variables ask for. Without
// OTEL_METRICS_EXPORTER an endpoint for metrics is wish enough. The
// specification's default is otlp for traces and logs, too; ours is none,
// because a run that was not asked for spans or marks must not make them.
func (e *environment) exporters() (out exporters) {
	if e.disabled() {
		return out
	}
	name, list := e.first("OTEL_" + e.of.name + "_EXPORTER")
	if name == "" {
		_, endpoint := e.signal("ENDPOINT")
		return exporters{otlp: e.of == metricsSignal && endpoint != ""}
	}
	for _, kind := range strings.Split(list, ",") {
		if !e.exporter(strings.ToLower(strings.TrimSpace(kind)), &out) {
			e.warn(name, list, "known exporters are otlp, console and none, and of metrics prometheus")
		}
	}
	return out
}

// exporter adds one of the list, and says whether it is known. What console
// writes is OTLP/JSON, which the specification also calls otlp/stdout.
func (e *environment) exporter(kind string, to *exporters) bool {
	switch kind {
	case "otlp":
		to.otlp = true
	case "console", "otlp/stdout":
		to.console = true
	case "prometheus":
		to.prometheus = e.of == metricsSignal
		return to.prometheus
	case "none":
	default:
		return false
	}
	return true
}

func (e *environment) prometheusAddress() string {
	_, host := e.first("OTEL_EXPORTER_PROMETHEUS_HOST")
	_, port := e.first("OTEL_EXPORTER_PROMETHEUS_PORT")
	return net.JoinHostPort(firstNonempty(host, "localhost"), firstNonempty(port, "9464"))
}

func (e *environment) protocol() string {
	name, v := e.signal("PROTOCOL")
	switch kind := strings.ToLower(v); kind {
	case "", GRPC, HTTP:
		return kind
	}
	e.warn(name, v, "known protocols are "+GRPC+" and "+HTTP)
	return ""
}

// endpoint follows the specification: the signal's variable is taken as it is,
// the general one gets the signal's path. A receiver that cannot be understood
// falls back to the default one, so that the mistake shows as failed exports.
func (e *environment) endpoint(protocol string) (*url.URL, error) {
	fallback := "http://localhost:4318" + e.of.path
	if protocol == GRPC {
		fallback = "http://localhost:4317"
	}
	name, v := e.signal("ENDPOINT")
	if name == "" {
		return url.Parse(fallback)
	}
	text := v
	if protocol == GRPC && !strings.Contains(text, "://") {
		text = e.scheme() + "://" + text
	}
	u, err := url.Parse(text)
	if err == nil && u.User != nil {
		return nil, fmt.Errorf("%s=%q holds credentials: give them in OTEL_EXPORTER_OTLP_HEADERS", name, u.Redacted())
	}
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		e.warn(name, v, "not a URL like http://host:4318, using "+fallback)
		return url.Parse(fallback)
	}
	if name == e.of.variables("ENDPOINT")[0] && protocol == HTTP {
		if u.Path == "" {
			u.Path = "/"
		}
		return u, nil
	}
	return finish(u, protocol, e.of), nil
}

// scheme is that of a gRPC endpoint without one: TLS unless stated otherwise.
func (e *environment) scheme() string {
	if e.insecure || e.boolean(e.of.variables("INSECURE")...) {
		return "http"
	}
	return "https"
}

func (e *environment) headers() map[string]string {
	name, v := e.signal("HEADERS")
	return e.pairs(name, v)
}

// resource are the attributes that the environment adds. The SDK reads the
// variable once more and takes what is ignored here; an empty value hides that.
func (e *environment) resource() map[string]string {
	name, v := e.first("OTEL_RESOURCE_ATTRIBUTES")
	attributes := e.pairs(name, v)
	for key, value := range attributes {
		switch {
		case ReservedAttribute(key) && key != "service.name" && key != "service.instance.id":
			e.warn(name, key, "schload states this attribute itself")
			attributes[key] = ""
		case !utf8.ValidString(value):
			e.warn(name, key, "its value is not UTF-8, which telemetry has to be")
			attributes[key] = ""
		}
	}
	for _, pair := range strings.Split(v, ",") {
		key, _, ok := strings.Cut(pair, "=")
		if key = strings.TrimSpace(key); ok && attributes[key] == "" {
			attributes[key] = ""
		}
	}
	return attributes
}

// text refuses variables that are no UTF-8: no export could hold them.
func (e *environment) text(names ...string) error {
	for _, name := range names {
		if v := e.get(name); !utf8.ValidString(v) {
			return fmt.Errorf("%s=%q is not UTF-8, which telemetry has to be: give it as UTF-8", name, v)
		}
	}
	return nil
}

// pairs reads key=value,key=value with percent-encoded values. The map is
// never nil.
func (e *environment) pairs(name, list string) map[string]string {
	out := map[string]string{}
	for _, pair := range strings.Split(list, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		key = strings.TrimSpace(key)
		if !ok || err != nil || key == "" {
			// The value may be a secret, so it is not repeated.
			e.warn(name, key, "want key=value,key=value with percent-encoded values")
			continue
		}
		out[key] = decoded
	}
	return out
}

func (e *environment) milliseconds(names ...string) time.Duration {
	name, v := e.first(names...)
	if name == "" {
		return 0
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n <= 0 {
		e.warn(name, v, "want a positive number of milliseconds")
		return 0
	}
	return time.Duration(n) * time.Millisecond
}

func (e *environment) compression() string {
	name, v := e.signal("COMPRESSION")
	switch strings.ToLower(v) {
	case "", "none":
		return ""
	case "gzip":
		return "gzip"
	}
	e.warn(name, v, "known compressions are gzip and none")
	return ""
}

// histograms is the form that the environment asks for.
func (e *environment) histograms() Histograms {
	const name = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"
	switch v := strings.ToLower(strings.TrimSpace(e.get(name))); v {
	case "", "base2_exponential_bucket_histogram":
	case "explicit_bucket_histogram":
		return Classic
	default:
		e.warn(name, v, "known aggregations are base2_exponential_bucket_histogram and explicit_bucket_histogram")
	}
	return Native
}

// refuseDelta says that the temporality is not a choice: an export that fails
// loses nothing only because each carries the totals.
func (e *environment) refuseDelta() {
	name, v := e.first("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE")
	if name != "" && !strings.EqualFold(v, "cumulative") {
		e.warn(name, v, "exports are cumulative, so that none that fails loses anything; a collector's cumulativetodelta processor converts them")
	}
}

package telemetry

import (
	"fmt"
	"strings"
)

// variable is a standard OTEL_ variable, or several that are about one thing,
// and what becomes of it. docs/METRICS.md has the list, and tests hold it
// against what is read and against the specification's names.
type variable struct {
	names []string
	// does is what it does; empty: nothing, because of why, which says also what
	// to use.
	does, why string
	// matters is when a variable that does nothing is worth a warning; nil:
	// never, without it all would be the same.
	matters *occasion
	same    []string // values that ask for what is done without
}

// occasion is what has to be exported for a variable to matter.
type occasion struct {
	when string
	of   func(settings) bool
}

var (
	always    = &occasion{"", func(settings) bool { return true }}
	exporting = &occasion{" if anything is exported", settings.exports}
	ofSpans   = &occasion{" if spans are exported", func(s settings) bool { return s.traces != nil }}
	ofMarks   = &occasion{" if marks are exported", func(s settings) bool { return s.events != nil }}
)

// ofEach are the general variable of an OTLP setting and those of the signals.
func ofEach(suffix string) []string {
	names := []string{"OTEL_EXPORTER_OTLP_" + suffix}
	for _, s := range []signal{metricsSignal, tracesSignal, logsSignal} {
		names = append(names, s.variables(suffix)[0])
	}
	return names
}

// each puts a prefix before names.
func each(prefix string, suffixes ...string) (names []string) {
	for _, s := range suffixes {
		names = append(names, prefix+s)
	}
	return names
}

// standard are the variables of OpenTelemetry's specification (its pages
// "Environment Variable Specification" and "OpenTelemetry Protocol Exporter",
// names that earlier versions had included), and those of its Go SDK.
var standard = []variable{
	{names: []string{"OTEL_SDK_DISABLED"}, does: "`true`: no variable asks for an export; what flags ask for is exported"},
	{names: []string{"OTEL_METRICS_EXPORTER"}, does: "`otlp`, `prometheus`, `console` (OTLP/JSON on standard output, also `otlp/stdout`), `none`, or several with commas. Unset: `otlp` if an endpoint of metrics is set, else `none`"},
	{names: []string{"OTEL_TRACES_EXPORTER"}, does: "`otlp` or `console`: as `--traces`. Unset: `none`"},
	{names: []string{"OTEL_LOGS_EXPORTER"}, does: "`otlp` or `console`: as `--export-marks`. Unset: `none`"},

	{names: ofEach("ENDPOINT"), does: "where to: the general one gets the signal's path, a signal's is taken as it is. `--otlp-endpoint` (and `--traces-endpoint`) beat all. A signal's endpoint does not turn it on, but that of metrics does"},
	{names: ofEach("PROTOCOL"), does: "`grpc` or `http/protobuf`. Unset: by the flag's endpoint, else `http/protobuf`"},
	{names: ofEach("HEADERS"), does: "headers of each export, values percent-encoded; `--otlp-header` beats all"},
	{names: ofEach("TIMEOUT"), does: "milliseconds that an export may take, at least 1. Unset: 5 000, not 10 000, since exports are a second apart"},
	{names: ofEach("COMPRESSION"), does: "`gzip` or `none`"},
	{names: ofEach("INSECURE"), does: "`true`: an endpoint of gRPC without a scheme is one without TLS"},
	{names: ofEach("CERTIFICATE"), does: "PEM file of the CA of the receiver's certificate; `--otlp-ca-file` beats all. A file that cannot be read is an error"},
	{names: ofEach("CLIENT_CERTIFICATE"), does: "PEM file of a certificate of ours; `--otlp-cert-file` beats all"},
	{names: ofEach("CLIENT_KEY"), does: "PEM file of its key; `--otlp-key-file` beats all"},
	{names: []string{"OTEL_EXPORTER_OTLP_SPAN_INSECURE", "OTEL_EXPORTER_OTLP_METRIC_INSECURE"}, matters: exporting, same: []string{"false"},
		why: "the specification calls them OTEL_EXPORTER_OTLP_TRACES_INSECURE and OTEL_EXPORTER_OTLP_METRICS_INSECURE now"},
	{names: []string{"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"}, does: "`cumulative`; others are warned of: exports are cumulative, so that none that fails loses anything, and a collector's processor cumulativetodelta converts them"},
	{names: []string{"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"}, does: "`base2_exponential_bucket_histogram` or `explicit_bucket_histogram`: as `--histograms`, which beats it. Unset: the former"},
	{names: []string{"OTEL_EXPORTER_PROMETHEUS_HOST", "OTEL_EXPORTER_PROMETHEUS_PORT"}, does: "where exporter `prometheus` serves /metrics, localhost:9464 if unset; `--prometheus` beats them"},
	{names: append(each("OTEL_EXPORTER_ZIPKIN_", "ENDPOINT", "TIMEOUT", "PROTOCOL"), each("OTEL_EXPORTER_JAEGER_", "ENDPOINT", "TIMEOUT", "PROTOCOL", "USER", "PASSWORD", "AGENT_HOST", "AGENT_PORT")...),
		matters: ofSpans, why: "spans are exported by OTLP: use OTEL_EXPORTER_OTLP_TRACES_ENDPOINT; Jaeger takes OTLP itself, a collector's exporter sends to Zipkin"},

	{names: []string{metricsSignal.interval, metricsSignal.timeout}, does: "milliseconds between exports of metrics (unset: 1 000; with marks each interval is exported), and for one if no OTLP timeout is set"},
	{names: []string{tracesSignal.interval, tracesSignal.timeout}, does: "milliseconds between exports of spans (unset: 1 000), and for one if no OTLP timeout is set"},
	{names: []string{logsSignal.interval, logsSignal.timeout}, does: "milliseconds between exports of marks (unset: 1 000), and for one if no OTLP timeout is set"},
	{names: each("OTEL_BSP_", "MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE"), matters: ofSpans,
		why: fmt.Sprintf("%d spans are kept while no receiver takes them, and sent %d at a time; --traces-limit has fewer made", mostSpans, mostSent)},
	{names: each("OTEL_BLRP_", "MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE"), matters: ofMarks,
		why: fmt.Sprintf("%d marks are kept while no receiver takes them, the last quarter for those without which a timeline cannot be read, and sent %d at a time; the bundle has them all", mostEvents, batchEvents)},

	{names: []string{"OTEL_SERVICE_NAME"}, does: "`service.name`; unset: that of OTEL_RESOURCE_ATTRIBUTES, else `schload`"},
	{names: []string{"OTEL_RESOURCE_ATTRIBUTES"}, does: "attributes of every source; a profile's `attributes` beat them, and those that schload states itself are warned of and ignored"},
	{names: []string{"OTEL_ENTITIES"}, matters: exporting,
		why: "sources are described by attributes: use OTEL_RESOURCE_ATTRIBUTES"},
	{names: []string{exemplarFilter}, does: "`trace_based` or `always_off`; `always_on` is warned of, because exemplars are of operations that have spans. Unset: the former"},
	{names: []string{"OTEL_TRACES_SAMPLER"}, matters: ofSpans, same: []string{"always_on", "parentbased_always_on"},
		why: "spans are made of operations that have ended, those that failed, were wrong or late: --traces-beyond and --traces-limit say which and how many, OTEL_TRACES_EXPORTER=none none"},
	{names: []string{"OTEL_TRACES_SAMPLER_ARG"}, why: "it is of OTEL_TRACES_SAMPLER"},
	{names: append(each("OTEL_SPAN_", "ATTRIBUTE_COUNT_LIMIT", "ATTRIBUTE_VALUE_LENGTH_LIMIT", "EVENT_COUNT_LIMIT", "LINK_COUNT_LIMIT"), "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"),
		does: "limits of a span; unset: 128, and values of any length"},
	{names: each("OTEL_ATTRIBUTE_", "COUNT_LIMIT", "VALUE_LENGTH_LIMIT"), does: "limits of a span's attributes where its own are unset; marks and metrics are exported whole"},
	{names: each("OTEL_LOGRECORD_ATTRIBUTE_", "COUNT_LIMIT", "VALUE_LENGTH_LIMIT"), matters: ofMarks,
		why: "marks are exported whole, or schload compare could not read them back; a collector's processor transform shortens them"},

	{names: []string{"OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"}, matters: always,
		why: "configuration files of OpenTelemetry are not read, and the other variables hold: use those, or flags"},
	{names: []string{"OTEL_LOG_LEVEL"}, matters: exporting, same: []string{"info", "warn"},
		why: "each cause of a failed export is told once, whatever the level, and all are counted at the end of the run; redirect standard error to have less"},
	{names: []string{"OTEL_PROPAGATORS"}, why: "Redis' protocol has no place for a trace's context, nothing is propagated"},
	{names: []string{"OTEL_SEMCONV_STABILITY_OPT_IN"}, why: "the conventions for databases are the stable ones"},
	{names: each("OTEL_GO_X_", "CARDINALITY_LIMIT", "OBSERVABILITY", "SELF_OBSERVABILITY", "PER_SERIES_START_TIMESTAMPS", "RESOURCE"), matters: exporting, same: []string{"false"},
		why: "schload makes its points itself, bounds their series (above) and counts what exporting loses; use no experimental settings of OpenTelemetry's SDK"},
}

// warnUnused warns of the variables that are set and do nothing, of each thing
// once. Values may hold secrets and are not repeated.
func (e *environment) warnUnused(s settings) {
	for _, v := range standard {
		if set := v.set(e); v.matters != nil && len(set) > 0 && v.matters.of(s) {
			verb := "is"
			if len(set) > 1 {
				verb = "are"
			}
			e.told.add(fmt.Errorf("%s %s not used: %s", strings.Join(set, ", "), verb, v.why))
		}
	}
}

// set are the names that are set to something else than is done without.
func (v variable) set(e *environment) (names []string) {
	for _, name := range v.names {
		if _, value := e.first(name); value != "" && !v.agrees(value) {
			names = append(names, name)
		}
	}
	return names
}

func (v variable) agrees(value string) bool {
	for _, same := range v.same {
		if strings.EqualFold(value, same) {
			return true
		}
	}
	return false
}

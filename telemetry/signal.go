package telemetry

import "errors"

// signal is one kind of telemetry: how variables name it, where an OTLP
// receiver over HTTP takes it, and what is said if it has nowhere to go.
type signal struct {
	name, path string
	// interval and timeout are the variables of the signal's own batches, which
	// hold in whatever way they are exported.
	interval, timeout string
	nowhere           string
}

var (
	metricsSignal = signal{name: "METRICS", path: "/v1/metrics", interval: "OTEL_METRIC_EXPORT_INTERVAL", timeout: "OTEL_METRIC_EXPORT_TIMEOUT"}
	tracesSignal  = signal{name: "TRACES", path: "/v1/traces", interval: "OTEL_BSP_SCHEDULE_DELAY", timeout: "OTEL_BSP_EXPORT_TIMEOUT",
		nowhere: "traces have nowhere to go: give --otlp-endpoint, --traces-endpoint or --otlp-file"}
	logsSignal = signal{name: "LOGS", path: "/v1/logs", interval: "OTEL_BLRP_SCHEDULE_DELAY", timeout: "OTEL_BLRP_EXPORT_TIMEOUT",
		nowhere: "marks (--export-marks) are exported by OTLP: give --otlp-endpoint, --otlp-file, OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_LOGS_ENDPOINT; Prometheus takes metrics alone"}
)

// resolveTraces decides whether spans are exported, where to, and how much of
// them.
func (c Config) resolveTraces(metrics *settings, env *environment) (err error) {
	wanted := c.Traces || c.TracesEndpoint != ""
	if c.TracesEndpoint != "" {
		c.Endpoint = c.TracesEndpoint
	}
	if metrics.traces, err = c.beside(metrics, env.about(tracesSignal), wanted); metrics.traces != nil {
		metrics.limits, metrics.exemplars = env.spanLimits(), env.exemplars()
	}
	return err
}

// resolveEvents decides whether marks are exported as log events, and where to.
func (c Config) resolveEvents(metrics *settings, env *environment) (err error) {
	metrics.events, err = c.beside(metrics, env.about(logsSignal), c.Marks)
	return err
}

// AsksForMarks says whether the environment asks for marks, as Config.Marks does.
func AsksForMarks(getenv func(string) string) bool {
	env := environment{get: getenv, of: logsSignal, told: new(warnings)}
	asked := env.exporters()
	return asked.otlp || asked.console
}

// beside is the route of a signal that is exported if the configuration wants
// it or its variable asks for it; nil: neither does. What is not said of the
// signal is as for metrics: their endpoint by flag, the general variables,
// their file.
func (c Config) beside(metrics *settings, env *environment, wanted bool) (*route, error) {
	asked := env.exporters()
	if !wanted && !asked.otlp && !asked.console {
		return nil, nil
	}
	_, named := env.signal("ENDPOINT")
	asked.otlp = asked.otlp || wanted && named != "" && !env.disabled()
	c.File = metrics.file
	r, err := c.route(env, asked)
	if err == nil && !r.otlp && r.file == "" {
		err = errors.New(r.of.nowhere)
	}
	return &r, err
}

package telemetry

import (
	"errors"
	"strings"
)

// resolveTraces decides whether spans are exported, and where to. What is not
// said of traces is as for metrics.
func (c Config) resolveTraces(metrics *settings, env *environment) error {
	asked := env.traceExporters()
	if !c.Traces && c.TracesEndpoint == "" && !asked.otlp && !asked.console {
		return nil
	}
	e := &environment{get: env.get, of: tracesSignal, insecure: c.Insecure}
	defer func() { env.warnings = append(env.warnings, e.warnings...) }()
	s := settings{of: tracesSignal, headers: c.Headers, tls: c.TLS, file: metrics.file, console: metrics.console}
	if s.file == "" && asked.console {
		s.file = Stdout
	}
	if c.TracesEndpoint != "" {
		c.Endpoint = c.TracesEndpoint
	}
	_, named := e.signal("ENDPOINT")
	asked.otlp = asked.otlp || c.Traces && named != "" && !env.disabled()
	if err := c.resolveOTLP(&s, e, asked); err != nil {
		return err
	}
	if !s.otlp && s.file == "" {
		return errors.New("traces have nowhere to go: give --otlp-endpoint, --traces-endpoint or --otlp-file")
	}
	s.timeout = firstPositive(c.Timeout, e.milliseconds("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"), defaultTimeout)
	s.interval = firstPositive(c.Interval, defaultInterval)
	metrics.traces = &s
	return nil
}

// traceExporters says which exports of spans the environment asks for. The
// specification's default is otlp; ours is none, because a run that was not
// asked for spans must not make them.
func (e *environment) traceExporters() (out exporters) {
	if e.disabled() {
		return out
	}
	name, list := e.first("OTEL_TRACES_EXPORTER")
	if name == "" {
		return out
	}
	for _, kind := range strings.Split(list, ",") {
		switch strings.TrimSpace(kind) {
		case "otlp":
			out.otlp = true
		case "console":
			out.console = true
		case "none":
		default:
			e.warn(name, list, "known exporters of traces are otlp, console and none")
		}
	}
	return out
}

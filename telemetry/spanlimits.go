package telemetry

import (
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// spanLimits reads the limits of spans as the SDK does, from the environment
// that all else is read from, and with warnings.
func (e *environment) spanLimits() sdktrace.SpanLimits {
	const span, general = "OTEL_SPAN_ATTRIBUTE_", "OTEL_ATTRIBUTE_"
	return sdktrace.SpanLimits{
		AttributeValueLengthLimit:   e.limit(sdktrace.DefaultAttributeValueLengthLimit, span+"VALUE_LENGTH_LIMIT", general+"VALUE_LENGTH_LIMIT"),
		AttributeValueDepthLimit:    sdktrace.DefaultAttributeValueDepthLimit,
		AttributeCountLimit:         e.limit(sdktrace.DefaultAttributeCountLimit, span+"COUNT_LIMIT", general+"COUNT_LIMIT"),
		EventCountLimit:             e.limit(sdktrace.DefaultEventCountLimit, "OTEL_SPAN_EVENT_COUNT_LIMIT"),
		LinkCountLimit:              e.limit(sdktrace.DefaultLinkCountLimit, "OTEL_SPAN_LINK_COUNT_LIMIT"),
		AttributePerEventCountLimit: e.limit(sdktrace.DefaultAttributePerEventCountLimit, "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"),
		AttributePerLinkCountLimit:  e.limit(sdktrace.DefaultAttributePerLinkCountLimit, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"),
	}
}

// limit reads a number that may be 0.
func (e *environment) limit(otherwise int, names ...string) int {
	name, v := e.first(names...)
	if name == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 0 {
		e.warn(name, v, "want a number, 0 or more")
		return otherwise
	}
	return int(n)
}

const exemplarFilter = "OTEL_METRICS_EXEMPLAR_FILTER"

// exemplars says whether histograms point to the spans of operations.
func (e *environment) exemplars() bool {
	_, v := e.first(exemplarFilter)
	switch strings.ToLower(v) {
	case "", "trace_based":
	case "always_off":
		return false
	case "always_on":
		e.warn(exemplarFilter, v, "exemplars are of operations that have spans (trace_based); --traces-beyond has more of them")
	default:
		e.warn(exemplarFilter, v, "known filters are trace_based and always_off")
	}
	return true
}

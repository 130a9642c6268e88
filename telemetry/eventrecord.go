package telemetry

import (
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/otel/sdk/resource"
	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"

	"schload/telemetry/mark"
)

// frame is what surrounds the events of a run in every request.
type frame struct{ resource *resourcepb.Resource }

func frameOf(r *resource.Resource) frame {
	out := &resourcepb.Resource{}
	for _, kv := range r.Attributes() {
		out.Attributes = append(out.Attributes, textual(string(kv.Key), kv.Value.String()))
	}
	return frame{out}
}

func (f frame) request(batch []event, redact func(string) string) *collogs.ExportLogsServiceRequest {
	records := make([]*logspb.LogRecord, len(batch))
	for i, one := range batch {
		one.mark.Detail = redact(one.mark.Detail) // all else is no free text, or comes without secrets
		records[i] = recordOf(one)
	}
	return &collogs.ExportLogsServiceRequest{ResourceLogs: []*logspb.ResourceLogs{{
		Resource:  f.resource,
		ScopeLogs: []*logspb.ScopeLogs{{Scope: &commonpb.InstrumentationScope{Name: scope.Name}, LogRecords: records}},
	}}}
}

// recordOf is an event as OTLP has it.
func recordOf(e event) *logspb.LogRecord {
	r := &logspb.LogRecord{
		TimeUnixNano: uint64(e.at.UnixNano()), ObservedTimeUnixNano: uint64(e.seen.UnixNano()),
		SeverityNumber: logspb.SeverityNumber_SEVERITY_NUMBER_INFO, SeverityText: "INFO",
		EventName:  e.name,
		Attributes: []*commonpb.KeyValue{numeric(mark.AttrNumber, e.number)},
	}
	switch e.name {
	case mark.EventMark:
		for _, a := range e.mark.Attributes() {
			if n, ok := a.Value.(int64); ok {
				r.Attributes = append(r.Attributes, numeric(a.Key, n))
			} else {
				r.Attributes = append(r.Attributes, textual(a.Key, a.Value.(string)))
			}
		}
		severity(r, e.mark.Kind)
		r.Body = textValue(words(e.mark))
		return r
	case mark.EventEnd:
		r.Attributes = append(r.Attributes, numeric(mark.AttrLost, int64(e.lost)))
	}
	r.Body = textValue(e.body)
	return r
}

func severity(r *logspb.LogRecord, k mark.Kind) {
	switch k {
	case mark.Invalid, mark.WrongReply, mark.Integrity:
		r.SeverityNumber, r.SeverityText = logspb.SeverityNumber_SEVERITY_NUMBER_ERROR, "ERROR"
	case mark.Outage, mark.BrownOut:
		r.SeverityNumber, r.SeverityText = logspb.SeverityNumber_SEVERITY_NUMBER_WARN, "WARN"
	}
}

// words is a mark for people who read logs. The detail is an attribute.
func words(m mark.Mark) string {
	parts := []string{string(m.Kind)}
	for _, part := range []string{m.Name, m.Arm, m.Node} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if m.Duration != 0 {
		parts = append(parts, m.Duration.String())
	}
	return strings.Join(parts, " ")
}

func textual(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: textValue(value)}
}

// textValue is a text as the bundle's JSON has it: bytes that are no UTF-8, with
// which no event would be sent, are U+FFFD each.
func textValue(value string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: valid(value)}}
}

func valid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

func numeric(key string, value int64) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: value}}}
}

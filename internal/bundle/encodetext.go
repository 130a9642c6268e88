package bundle

import (
	"math"
	"strconv"
	"unicode/utf8"

	"schload/telemetry/record"
)

// appendArm spells a resource and what was collected of it.
func (e *encoder) appendArm(out []byte, arm string) []byte {
	out = append(out, `{"resource":{`...)
	out = append(e.appendAttributes(out, e.resource(arm)), `},"scopeMetrics":[{"scope":{"name":"schload"`...)
	if v := e.run.Versions.Schload; v != "" {
		out = e.appendText(append(out, `,"version":`...), v)
	}
	out = append(out, `},"metrics":[`...)
	for i, m := range e.order {
		if i > 0 {
			out = append(out, ',')
		}
		out = e.appendMetric(out, m)
	}
	return append(out, "]}]}"...)
}

func (e *encoder) resource(arm string) []record.Attr {
	attrs := []record.Attr{{Key: attrService, Value: "schload"}}
	for _, a := range []record.Attr{
		{Key: attrVersion, Value: e.run.Versions.Schload},
		{Key: attrRun, Value: e.run.ID},
		{Key: attrUpgrade, Value: e.run.Upgrade.Name},
		{Key: attrArm, Value: arm},
	} {
		if a.Value != "" {
			attrs = append(attrs, a)
		}
	}
	return attrs
}

func (e *encoder) appendMetric(out []byte, m *metricText) []byte {
	out = append(out, '{')
	if m.name != "" {
		out = append(e.appendText(append(out, `"name":`...), m.name), ',')
	}
	if unit := units[m.name]; unit != "" {
		out = append(e.appendText(append(out, `"unit":`...), unit), ',')
	}
	out = append(append(append(out, '"'), m.kind...), `":{"dataPoints":[`...)
	out = append(append(out, m.points...), ']')
	switch m.kind {
	case sumKind:
		out = append(out, `,"aggregationTemporality":1,"isMonotonic":true`...)
	case exponentialKind:
		out = append(out, `,"aggregationTemporality":1`...)
	}
	return append(out, "}}"...)
}

// appendPoint spells what all points begin with.
func (e *encoder) appendPoint(out []byte, attrs []record.Attr) []byte {
	out = append(out, '{')
	if len(attrs) > 0 {
		out = append(e.appendAttributes(out, attrs), ',')
	}
	return append(out, e.bounds...)
}

func (e *encoder) appendAttributes(out []byte, attrs []record.Attr) []byte {
	out = append(out, `"attributes":[`...)
	for i, a := range attrs {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '{')
		if a.Key != "" {
			out = append(e.appendText(append(out, `"key":`...), a.Key), ',')
		}
		out = append(e.appendText(append(out, `"value":{"stringValue":`...), a.Value), "}}"...)
	}
	return append(out, ']')
}

// appendText spells a string.
func (e *encoder) appendText(out []byte, s string) []byte {
	const hex = "0123456789abcdef"
	if !utf8.ValidString(s) {
		e.fail(errText)
	}
	out = append(out, '"')
	begin := 0
	for i := range len(s) {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' {
			continue
		}
		out = append(append(out, s[begin:i]...), '\\')
		begin = i + 1
		switch b {
		case '"', '\\':
			out = append(out, b)
		case '\b':
			out = append(out, 'b')
		case '\f':
			out = append(out, 'f')
		case '\n':
			out = append(out, 'n')
		case '\r':
			out = append(out, 'r')
		case '\t':
			out = append(out, 't')
		default:
			out = append(out, 'u', '0', '0', hex[b>>4], hex[b&15])
		}
	}
	return append(append(out, s[begin:]...), '"')
}

// appendDouble spells a number as JSON does, and what JSON has none for as a
// string, as protojson does.
func appendDouble(out []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(out, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(out, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(out, `"-Infinity"`...)
	}
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	out = strconv.AppendFloat(out, v, format, -1, 64)
	if n := len(out); format == 'e' && n >= 4 && out[n-4] == 'e' && out[n-3] == '-' && out[n-2] == '0' {
		out[n-2] = out[n-1]
		out = out[:n-1]
	}
	return out
}

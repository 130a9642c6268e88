package telemetry

import (
	"net"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"schload/telemetry/mark"
	"schload/telemetry/record"
	operations "schload/telemetry/trace"
	"schload/workload"
)

// schemaURL is of the conventions that spans follow.
const schemaURL = semconv.SchemaURL

// wholeName is the span of an operation as the application felt it.
const wholeName = "schload.operation"

// The keys of spans' attributes that are ours alone. Times are seconds.
const (
	attrArm      = "schload.arm"
	attrSpanPool = "schload.pool"
	attrWhy      = "schload.trace.reason"
	attrResponse = "schload.response_time"
	attrService  = "schload.service_time"
	attrLateness = "schload.lateness"
	attrAttempts = "schload.attempts"
	attrAlike    = "schload.operations"
	attrConn     = "schload.connection"
	attrName     = "schload.mark.name"
	attrDetail   = "schload.mark.detail"
	attrSeq      = "schload.mark.seq"
	attrDuration = "schload.mark.duration"
)

// ofOperation are the attributes of both spans.
func ofOperation(o *operations.Operation) []attribute.KeyValue {
	list := []attribute.KeyValue{
		attribute.String(attrArm, o.Arm), attribute.String(attrSpanPool, o.Pool),
		attribute.Int(record.AttrRound, o.Round), attribute.String(record.AttrPhase, o.Phase.String()),
		attribute.String(attrWhy, string(o.Reason)),
		attribute.Float64(attrResponse, o.ResponseTime().Seconds()), attribute.Float64(attrService, o.ServiceTime().Seconds()),
		attribute.Float64(attrLateness, o.Lateness().Seconds()),
	}
	if o.Outcome.Attempts > 0 {
		list = append(list, attribute.Int(attrAttempts, o.Outcome.Attempts))
	}
	if o.Alike > 1 {
		list = append(list, attribute.Int(attrAlike, o.Alike))
	}
	if o.Outcome.Class != workload.OK {
		list = append(list, semconv.ErrorTypeKey.String(o.Outcome.Class.String()))
	}
	return list
}

// ofCall are the attributes that the conventions have for a call of a database.
func ofCall(o *operations.Operation) []attribute.KeyValue {
	list := []attribute.KeyValue{semconv.DBSystemNameRedis, semconv.DBOperationName(o.Name)}
	if o.Batch > 1 {
		list = append(list, semconv.DBOperationBatchSize(o.Batch))
	}
	if code := statusCode(o.Outcome.Class); code != "" {
		list = append(list, semconv.DBResponseStatusCode(code))
	}
	if host, port, ok := hostPort(o.Connection.Address); ok {
		list = append(list, semconv.ServerAddress(host), semconv.ServerPort(port))
	}
	if host, port, ok := hostPort(o.Connection.Node); ok {
		list = append(list, semconv.NetworkPeerAddress(host), semconv.NetworkPeerPort(port))
	}
	if o.Connection.Number > 0 {
		list = append(list, attribute.Int64(attrConn, int64(o.Connection.Number)))
	}
	return list
}

// callName is the operation and what it was sent to, as the conventions have it.
func callName(o *operations.Operation) string {
	if o.Connection.Address == "" {
		return o.Name
	}
	return o.Name + " " + o.Connection.Address
}

// statusCode is the first word of Redis' error reply, where the class is of one
// word alone.
func statusCode(c workload.Class) string {
	switch c {
	case workload.Loading, workload.Readonly, workload.Clusterdown, workload.Masterdown, workload.Tryagain:
		return strings.ToUpper(c.String())
	}
	return ""
}

func hostPort(address string) (host string, port int, ok bool) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, false
	}
	port, err = strconv.Atoi(text)
	return host, port, err == nil
}

func conclude(s trace.Span, o *operations.Operation) {
	if o.Outcome.Class != workload.OK {
		s.SetStatus(codes.Error, o.Outcome.Class.String())
	}
}

// eventName is what befell the operation's connection: schload.notice.
func eventName(m mark.Mark) string { return "schload." + string(m.Kind) }

func ofMark(m mark.Mark) []attribute.KeyValue {
	list := []attribute.KeyValue{attribute.String(attrName, m.Name)}
	if m.Detail != "" {
		list = append(list, attribute.String(attrDetail, valid(m.Detail)))
	}
	if m.Seq != nil {
		list = append(list, attribute.Int64(attrSeq, *m.Seq))
	}
	if m.Duration > 0 {
		list = append(list, attribute.Float64(attrDuration, m.Duration.Seconds()))
	}
	return list
}

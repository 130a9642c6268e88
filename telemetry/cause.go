package telemetry

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Cause names why an export failed: one of a few words, so that each can be
// counted, and said once with what mends it.
type Cause string

// The causes of failed exports.
const (
	Refused    Cause = "refused"    // nobody listens there
	NoSuchHost Cause = "no_host"    // the name does not resolve
	NoTLS      Cause = "tls"        // TLS on one side only, or a certificate that is not trusted
	Protocol   Cause = "protocol"   // gRPC to an HTTP port, or the reverse
	Denied     Cause = "denied"     // 401, 403 or their like
	NotFound   Cause = "not_found"  // the receiver knows no such path or service
	Overloaded Cause = "overloaded" // 429, 503 or their like
	Closed     Cause = "closed"     // the connection ended before the answer
	TimedOut   Cause = "timeout"    // no answer in time
	Rejected   Cause = "rejected"   // the receiver took a part only
	Garbage    Cause = "garbage"    // the answer is no OTLP
	Disk       Cause = "disk"       // the file cannot be written
	Other      Cause = "other"
)

// remedies say what to look at.
var remedies = map[Cause]string{
	Refused:    "start the receiver, or name the right port: 4318 is OTLP over HTTP, 4317 over gRPC",
	NoSuchHost: "check the host name of the endpoint",
	NoTLS:      "use http:// or grpc:// for a receiver without TLS; --otlp-ca-file (or OTEL_EXPORTER_OTLP_CERTIFICATE) names the CA of one with a certificate of its own, --otlp-cert-file and --otlp-key-file yours where it asks for one",
	Protocol:   "grpc:// for a gRPC receiver (usually 4317), http:// for HTTP (usually 4318)",
	Denied:     "give the credentials by --otlp-header or OTEL_EXPORTER_OTLP_HEADERS",
	NotFound:   "check the path of the endpoint: a collector takes /v1/metrics and /v1/traces, Prometheus /api/v1/otlp/v1/metrics with --web.enable-otlp-receiver and no spans, whose receiver --traces-endpoint names",
	Overloaded: "exports are spaced until the receiver takes them again; the next one carries all totals",
	Closed:     "the receiver's log says why it closed the connection; one that asks for a certificate gets it by --otlp-cert-file and --otlp-key-file",
	TimedOut:   "the receiver is slow or hangs; exports are spaced, the next one carries all totals",
	Rejected:   "the receiver's log says which points it refused",
	Garbage:    "what answers there is no OTLP receiver: check the endpoint",
	Disk:       "make room, or name another file with --otlp-file",
	Other:      "see the error",
}

// causeOf classifies the error of an export. Types decide where there are any;
// the transports of OTLP wrap much in text, so the rest is read from it.
func causeOf(err error) Cause {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return Disk
	}
	text := strings.ToLower(err.Error())
	for _, c := range []struct {
		cause Cause
		signs []string
	}{
		{Rejected, []string{"partial success"}},
		{NoTLS, []string{"tls:", "x509:", "http response to https client", "http request to an https server", "handshake failed"}},
		{NoSuchHost, []string{"no such host", "name resolver", "produced zero addresses", "server misbehaving"}},
		{Refused, []string{"connection refused"}},
		{TimedOut, []string{"client.timeout exceeded", "context deadline exceeded", "collect and export timeout"}},
		// readLoopPeekFailLocked is what net/http says of a far end that speaks before it was asked, as gRPC does.
		{Protocol, []string{"malformed http", "readlooppeekfaillocked", "server preface", "frame too large", "unexpected http status code", "frame header looked like an http/1.1"}},
		{Closed, []string{"broken pipe", "connection reset by peer"}},
		{Denied, []string{": 401 ", ": 403 "}},
		{NotFound, []string{": 404 ", ": 405 "}},
		{Overloaded, []string{"retry-able"}},
		{Garbage, []string{"proto:", "wire-format", "unmarshal", "response body too large", "unexpected content-type"}},
	} {
		for _, sign := range c.signs {
			if strings.Contains(text, sign) {
				return c.cause
			}
		}
	}
	return causeOfStatus(err)
}

func causeOfStatus(err error) Cause {
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return TimedOut
	}
	switch status.Code(err) {
	case codes.DeadlineExceeded, codes.Canceled:
		return TimedOut
	case codes.Unauthenticated, codes.PermissionDenied:
		return Denied
	case codes.Unimplemented, codes.NotFound:
		return NotFound
	case codes.ResourceExhausted, codes.Unavailable, codes.Aborted:
		return Overloaded
	}
	return Other
}

package telemetry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
)

// spansOverHTTP makes exporters of spans that use the transport's client.
func (r route) spansOverHTTP(client *http.Client) func(context.Context) (sdktrace.SpanExporter, error) {
	compression := otlptracehttp.NoCompression
	if r.compression != "" {
		compression = otlptracehttp.GzipCompression
	}
	return func(ctx context.Context) (sdktrace.SpanExporter, error) {
		return otlptrace.New(ctx, otlptracehttp.NewClient(
			otlptracehttp.WithTLSClientConfig(nil), // the client has it
			otlptracehttp.WithHTTPClient(client),
			otlptracehttp.WithEndpointURL(r.endpoint.String()),
			otlptracehttp.WithHeaders(r.headers),
			otlptracehttp.WithCompression(compression),
			otlptracehttp.WithTimeout(r.timeout),
			otlptracehttp.WithRetry(otlptracehttp.RetryConfig{})))
	}
}

// spansOverGRPC makes exporters of spans that use the transport's connection.
func (r route) spansOverGRPC(conn *grpc.ClientConn) func(context.Context) (sdktrace.SpanExporter, error) {
	return func(ctx context.Context) (sdktrace.SpanExporter, error) {
		return otlptrace.New(ctx, otlptracegrpc.NewClient(
			otlptracegrpc.WithGRPCConn(conn),
			otlptracegrpc.WithHeaders(r.headers),
			otlptracegrpc.WithTimeout(r.timeout),
			otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{})))
	}
}

// spans returns an exporter of spans whose requests become lines.
func (l *lines) spans(ctx context.Context) (sdktrace.SpanExporter, error) {
	return otlptrace.New(ctx, otlptracehttp.NewClient(
		otlptracehttp.WithEndpointURL("http://file.invalid"+tracesSignal.path), // never dialled
		otlptracehttp.WithHTTPClient(&http.Client{Transport: l}),
		otlptracehttp.WithHeaders(map[string]string{}),
		otlptracehttp.WithCompression(otlptracehttp.NoCompression),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{})))
}

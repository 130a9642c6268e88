package telemetry

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
)

// transport is the way to the receiver, shared by the exporters of all arms.
// It is ours and not the exporters', because theirs keeps idle connections
// (and their goroutines) alive after the end of the run.
type transport struct {
	exporter func(ctx context.Context) (sdkmetric.Exporter, error)
	spans    func(ctx context.Context) (sdktrace.SpanExporter, error)
	events   sendEvents
	close    func()
	asked    *retryAfter
}

func (s settings) transport() (transport, error) {
	if s.protocol == GRPC {
		return s.overGRPC()
	}
	return s.overHTTP(), nil
}

func (s settings) overHTTP() transport {
	wire := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: s.timeout}).DialContext,
		TLSClientConfig:     s.tls,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 16, // one an arm; two are the default, and the rest would dial every second
		IdleConnTimeout:     30 * time.Second,
		TLSHandshakeTimeout: s.timeout,
	}
	asked := &retryAfter{wire: wire}
	client := &http.Client{Transport: asked, Timeout: s.timeout}
	compression := otlpmetrichttp.NoCompression
	if s.compression != "" {
		compression = otlpmetrichttp.GzipCompression
	}
	exporter := func(ctx context.Context) (sdkmetric.Exporter, error) {
		return otlpmetrichttp.New(ctx,
			otlpmetrichttp.WithTLSClientConfig(nil), // the client has it
			otlpmetrichttp.WithHTTPClient(client),
			otlpmetrichttp.WithEndpointURL(s.endpoint.String()),
			otlpmetrichttp.WithHeaders(s.headers),
			otlpmetrichttp.WithCompression(compression),
			otlpmetrichttp.WithTimeout(s.timeout),
			otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{}))
	}
	return transport{exporter: exporter, spans: s.spansOverHTTP(client), events: s.eventsOverHTTP(client, s.events), close: wire.CloseIdleConnections, asked: asked}
}

func (s settings) overGRPC() (transport, error) {
	secure := insecure.NewCredentials()
	if s.endpoint.Scheme == "https" {
		secure = credentials.NewTLS(s.tls)
	}
	asked := new(retryAfter)
	options := []grpc.DialOption{grpc.WithTransportCredentials(secure), grpc.WithChainUnaryInterceptor(asked.intercept)}
	if s.compression != "" {
		options = append(options, grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name)))
	}
	conn, err := grpc.NewClient(s.endpoint.Host, options...)
	if err != nil {
		return transport{}, fmt.Errorf("telemetry endpoint %q: %w", s.endpoint.Host, err)
	}
	exporter := func(ctx context.Context) (sdkmetric.Exporter, error) {
		return otlpmetricgrpc.New(ctx,
			otlpmetricgrpc.WithGRPCConn(conn),
			otlpmetricgrpc.WithHeaders(s.headers),
			otlpmetricgrpc.WithTimeout(s.timeout),
			otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{}))
	}
	return transport{exporter: exporter, spans: s.spansOverGRPC(conn), events: s.eventsOverGRPC(conn), close: func() { _ = conn.Close() }, asked: asked}, nil
}

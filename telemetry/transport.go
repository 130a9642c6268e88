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

// end closes what is open, if anything is.
func (t transport) end() {
	if t.close != nil {
		t.close()
	}
}

func (r route) transport() (transport, error) {
	if r.protocol == GRPC {
		return r.overGRPC()
	}
	return r.overHTTP(), nil
}

func (r route) overHTTP() transport {
	wire := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: r.timeout}).DialContext,
		TLSClientConfig:     r.tls,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 16, // one an arm; two are the default, and the rest would dial every second
		IdleConnTimeout:     30 * time.Second,
		TLSHandshakeTimeout: r.timeout,
	}
	asked := &retryAfter{wire: wire}
	client := &http.Client{Transport: asked, Timeout: r.timeout}
	compression := otlpmetrichttp.NoCompression
	if r.compression != "" {
		compression = otlpmetrichttp.GzipCompression
	}
	exporter := func(ctx context.Context) (sdkmetric.Exporter, error) {
		return otlpmetrichttp.New(ctx,
			otlpmetrichttp.WithTLSClientConfig(nil), // the client has it
			otlpmetrichttp.WithHTTPClient(client),
			otlpmetrichttp.WithEndpointURL(r.endpoint.String()),
			otlpmetrichttp.WithHeaders(r.headers),
			otlpmetrichttp.WithCompression(compression),
			otlpmetrichttp.WithTimeout(r.timeout),
			otlpmetrichttp.WithRetry(otlpmetrichttp.RetryConfig{}))
	}
	return transport{exporter: exporter, spans: r.spansOverHTTP(client), events: r.eventsOverHTTP(client), close: wire.CloseIdleConnections, asked: asked}
}

func (r route) overGRPC() (transport, error) {
	secure := insecure.NewCredentials()
	if r.endpoint.Scheme == "https" {
		secure = credentials.NewTLS(r.tls)
	}
	asked := new(retryAfter)
	options := []grpc.DialOption{grpc.WithTransportCredentials(secure), grpc.WithChainUnaryInterceptor(asked.intercept), grpc.WithStatsHandler(wireWatch{})}
	if r.compression != "" {
		options = append(options, grpc.WithDefaultCallOptions(grpc.UseCompressor(gzip.Name)))
	}
	conn, err := grpc.NewClient(r.endpoint.Host, options...)
	if err != nil {
		return transport{}, fmt.Errorf("telemetry endpoint %q: %w", r.endpoint.Host, err)
	}
	exporter := func(ctx context.Context) (sdkmetric.Exporter, error) {
		return otlpmetricgrpc.New(ctx,
			otlpmetricgrpc.WithGRPCConn(conn),
			otlpmetricgrpc.WithHeaders(r.headers),
			otlpmetricgrpc.WithTimeout(r.timeout),
			otlpmetricgrpc.WithRetry(otlpmetricgrpc.RetryConfig{}))
	}
	return transport{exporter: exporter, spans: r.spansOverGRPC(conn), events: r.eventsOverGRPC(conn), close: func() { _ = conn.Close() }, asked: asked}, nil
}

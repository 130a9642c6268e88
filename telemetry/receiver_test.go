package telemetry

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // the server side of compression
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// received is one export as it arrived.
type received struct {
	path          string // HTTP only
	authorization string
	compressed    bool // HTTP only
	request       *collector.ExportMetricsServiceRequest
}

// receiver is an OTLP receiver that hands on what arrives, and answers when
// the test has taken it.
type receiver struct {
	collector.UnimplementedMetricsServiceServer
	url      string
	arrivals chan received
	answer   func(ctx context.Context) error // nil: all is well
}

// open starts a receiver for the protocol, on a port of its own.
func open(t testing.TB, protocol string, answer func(context.Context) error) *receiver {
	t.Helper()
	r := &receiver{arrivals: make(chan received), answer: answer}
	if protocol == HTTP {
		server := httptest.NewServer(r)
		t.Cleanup(server.Close)
		r.url = server.URL
		return r
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	collector.RegisterMetricsServiceServer(server, r)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-done })
	r.url = "grpc://" + listener.Addr().String()
	return r
}

func registerMetrics(server *grpc.Server, r *receiver) {
	collector.RegisterMetricsServiceServer(server, r)
}

// arrive delivers an export, unless the sender gave up.
func (r *receiver) arrive(ctx context.Context, in received) error {
	select {
	case r.arrivals <- in:
	case <-ctx.Done():
		return ctx.Err()
	}
	if r.answer != nil {
		return r.answer(ctx)
	}
	return nil
}

// Export implements the gRPC service.
func (r *receiver) Export(ctx context.Context, request *collector.ExportMetricsServiceRequest) (*collector.ExportMetricsServiceResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	err := r.arrive(ctx, received{authorization: fmt.Sprint(md.Get("authorization")), request: request})
	return &collector.ExportMetricsServiceResponse{}, err
}

// ServeHTTP implements OTLP over HTTP.
func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body := io.Reader(request.Body)
	compressed := request.Header.Get("Content-Encoding") == "gzip"
	if compressed {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = unzipped
	}
	data, err := io.ReadAll(body)
	export := new(collector.ExportMetricsServiceRequest)
	if err == nil {
		err = proto.Unmarshal(data, export)
	}
	if err == nil {
		err = r.arrive(request.Context(), received{path: request.URL.Path, compressed: compressed,
			authorization: fmt.Sprint(request.Header.Values("Authorization")), request: export})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// discard takes what arrives until the test is over, or stop is called.
func (r *receiver) discard(t testing.TB) {
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	go func() {
		for {
			select {
			case <-r.arrivals:
			case <-done:
				return
			}
		}
	}()
}

// discarded takes what a server of a test complains of.
var discarded = log.New(io.Discard, "", 0)

package telemetry

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// spanReceiver is an OTLP receiver of spans, and of nothing else.
type spanReceiver struct {
	collectortrace.UnimplementedTraceServiceServer
	url    string
	answer func(context.Context) (*collectortrace.ExportTraceServiceResponse, error) // nil: all is well

	mu       sync.Mutex
	requests []*collectortrace.ExportTraceServiceRequest
	paths    []string
}

func openSpans(t testing.TB, protocol string, answer func(context.Context) (*collectortrace.ExportTraceServiceResponse, error)) *spanReceiver {
	t.Helper()
	r := &spanReceiver{answer: answer}
	if r.answer == nil {
		r.answer = func(context.Context) (*collectortrace.ExportTraceServiceResponse, error) {
			return new(collectortrace.ExportTraceServiceResponse), nil
		}
	}
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
	collectortrace.RegisterTraceServiceServer(server, r)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-done })
	r.url = "grpc://" + listener.Addr().String()
	return r
}

// Export implements the gRPC service.
func (r *spanReceiver) Export(ctx context.Context, request *collectortrace.ExportTraceServiceRequest) (*collectortrace.ExportTraceServiceResponse, error) {
	response, err := r.answer(ctx)
	if err == nil {
		r.mu.Lock()
		r.requests = append(r.requests, request)
		r.mu.Unlock()
	}
	return response, err
}

// ServeHTTP implements OTLP over HTTP.
func (r *spanReceiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	r.paths = append(r.paths, request.URL.Path)
	r.mu.Unlock()
	data, err := io.ReadAll(request.Body)
	export := new(collectortrace.ExportTraceServiceRequest)
	if err == nil {
		err = proto.Unmarshal(data, export)
	}
	var response *collectortrace.ExportTraceServiceResponse
	if err == nil {
		response, err = r.Export(request.Context(), export)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	body, _ := proto.Marshal(response)
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(body)
}

// arrived is one span and the attributes of its resource.
type arrived struct {
	*tracepb.Span
	resource map[string]string
}

func (r *spanReceiver) spans() (out []arrived) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, request := range r.requests {
		out = append(out, spansOf(request)...)
	}
	return out
}

func spansOf(request *collectortrace.ExportTraceServiceRequest) (out []arrived) {
	for _, rs := range request.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				out = append(out, arrived{s, pairs(rs.Resource.Attributes)})
			}
		}
	}
	return out
}

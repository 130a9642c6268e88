package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	collogs "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// collected events of a receiver of logs, which takes metrics too.
type logReceiver struct {
	collogs.UnimplementedLogsServiceServer
	metrics *receiver

	mu    sync.Mutex
	names []string
	said  string // path, authorization and resource of the last request
	zips  string // how its body was compressed; HTTP only
}

func (l *logReceiver) take(path, authorization string, r *collogs.ExportLogsServiceRequest) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said = fmt.Sprint(path, " ", authorization, " ", pairs(r.ResourceLogs[0].Resource.Attributes))
	for _, one := range r.ResourceLogs[0].ScopeLogs[0].LogRecords {
		l.names = append(l.names, one.EventName)
	}
}

// Export implements the gRPC service.
func (l *logReceiver) Export(ctx context.Context, r *collogs.ExportLogsServiceRequest) (*collogs.ExportLogsServiceResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	l.take("", fmt.Sprint(md.Get("authorization")), r)
	return &collogs.ExportLogsServiceResponse{}, nil
}

// ServeHTTP implements OTLP over HTTP.
func (l *logReceiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if !strings.HasSuffix(request.URL.Path, "/v1/logs") {
		l.metrics.ServeHTTP(w, request)
		return
	}
	body := io.Reader(request.Body)
	if request.Header.Get("Content-Encoding") == "gzip" {
		body, _ = gzip.NewReader(body)
	}
	l.mu.Lock()
	l.zips = request.Header.Get("Content-Encoding")
	l.mu.Unlock()
	data, _ := io.ReadAll(body)
	r := new(collogs.ExportLogsServiceRequest)
	if err := proto.Unmarshal(data, r); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	l.take(request.URL.Path, fmt.Sprint(request.Header.Values("Authorization")), r)
}

// openLogs starts a receiver of logs and metrics, behind TLS if c is not nil.
func openLogs(t *testing.T, protocol string, c *tls.Config) (*logReceiver, string) {
	t.Helper()
	l := &logReceiver{metrics: open(t, protocol, nil)}
	l.metrics.discard(t)
	if protocol == HTTP {
		server := httptest.NewUnstartedServer(l)
		start := server.Start
		if server.TLS = c; c != nil {
			start = server.StartTLS
		}
		start()
		t.Cleanup(server.Close)
		return l, server.URL
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	scheme, options := "grpc", []grpc.ServerOption(nil)
	if c != nil {
		scheme, options = "grpcs", append(options, grpc.Creds(credentials.NewTLS(c)))
	}
	server := grpc.NewServer(options...)
	collogs.RegisterLogsServiceServer(server, l)
	registerMetrics(server, l.metrics)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-done })
	return l, scheme + "://" + listener.Addr().String()
}

// Events go the way of the metrics: the same receiver, headers, compression and
// resource, and into the file.
func TestEventsGoTheWayOfMetrics(t *testing.T) {
	both(t, func(t *testing.T, protocol string) {
		for _, compression := range []string{"", "gzip"} {
			l, url := openLogs(t, protocol, nil)
			file := filepath.Join(t.TempDir(), "x.jsonl")
			e := started(t, Config{Endpoint: url, File: file, Marks: true, Headers: map[string]string{"authorization": "Bearer t"}, Timeout: 10 * time.Second,
				Getenv: func(name string) string {
					if name == "OTEL_EXPORTER_OTLP_COMPRESSION" {
						return compression
					}
					return ""
				}})
			e.Begin([]byte(`{"run_id":"run-1"}`), func(s string) string { return s })
			e.Mark(mark.Mark{At: time.Second, Kind: mark.Phase, Name: "warmup", Detail: "Z\xfcrich"}) // as others say it
			e.Interval(record.Interval{To: time.Second})
			e.End(t.Context(), []byte(`{"run_id":"run-1"}`))
			l.mu.Lock()
			if got, want := fmt.Sprint(l.names), "[schload.run schload.mark schload.reading schload.end]"; got != want {
				t.Errorf("%s: %s arrived, want %s", compression, got, want)
			}
			for _, want := range []string{"[Bearer t]", "schload.run.id:run-1", "service.instance.id:run-1"} {
				if !strings.Contains(l.said, want) {
					t.Errorf("%s: %q lacks %q", compression, l.said, want)
				}
			}
			l.mu.Unlock()
			text, err := os.ReadFile(file)
			if err != nil || strings.Count(string(text), `"eventName":"schload.`) != 4 || !strings.Contains(string(text), "resourceMetrics") || !strings.Contains(string(text), "Z\ufffdrich") {
				t.Errorf("%v: the file holds\n%s", err, text)
			}
			if s := e.Stats(); s.Events.Sent != 8 || s.Events.Lost+s.Events.Failed+s.Failed > 0 {
				t.Errorf("%+v", s)
			}
		}
	})
}

// The variables of logs send marks their own way: to another receiver, by
// another protocol, with other headers, compression and certificates than the
// metrics have.
func TestEventsGoTheirOwnWay(t *testing.T) {
	both(t, func(t *testing.T, protocol string) {
		a := newAuthority(t)
		cert, key := a.sign("client")
		l, url := openLogs(t, protocol, a.server(true))
		metrics := open(t, HTTP, func(context.Context) error { return nil })
		metrics.discard(t)
		env := variables{"OTEL_LOGS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": metrics.url + "/v1/metrics", "OTEL_EXPORTER_OTLP_HEADERS": "authorization=metrics",
			"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": strings.Replace(url, "grpcs", "https", 1) + "/v1/logs", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": protocol,
			"OTEL_EXPORTER_OTLP_LOGS_HEADERS": "authorization=logs", "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION": "gzip", "OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE": a.file,
			"OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE": cert, "OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY": key}
		e := started(t, Config{Timeout: 10 * time.Second, Getenv: env.get})
		e.Begin([]byte("{}"), func(s string) string { return s })
		e.Mark(mark.Mark{At: time.Second, Kind: mark.Phase, Name: "warmup"})
		e.End(t.Context(), []byte("{}"))
		l.mu.Lock()
		defer l.mu.Unlock()
		if got := fmt.Sprint(l.names); got != "[schload.run schload.mark schload.end]" || !strings.Contains(l.said, "[logs]") {
			t.Errorf("%s arrived, %s", got, l.said)
		}
		if want := map[string]string{HTTP: "gzip"}[protocol]; l.zips != want {
			t.Errorf("compressed as %q, want %q", l.zips, want)
		}
		if s := e.Stats(); s.Events.Sent != 3 || s.Sent != 3 || s.Failed+s.Events.Lost+s.Events.Failed > 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Log events alone can be exported, and then nothing else is.
func TestEventsAlone(t *testing.T) {
	l, url := openLogs(t, HTTP, nil)
	env := variables{"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": url}
	e := started(t, Config{Getenv: env.get})
	e.Begin([]byte("{}"), func(s string) string { return s })
	e.Interval(record.Interval{To: time.Second})
	e.End(t.Context(), []byte("{}"))
	l.mu.Lock()
	defer l.mu.Unlock()
	if got := fmt.Sprint(l.names); got != "[schload.run schload.reading schload.end]" {
		t.Errorf("%s arrived", got)
	}
	if s := e.Stats(); s.Events.Sent != 3 || s.Sent+s.Failed > 0 {
		t.Errorf("%+v", s)
	}
}

// Log events on the console are nothing of the metrics, which go their way.
func TestEventsOnTheConsole(t *testing.T) {
	metrics := open(t, HTTP, nil)
	metrics.discard(t)
	var console bytes.Buffer
	env := variables{"OTEL_LOGS_EXPORTER": "console", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": metrics.url + "/v1/metrics"}
	e := started(t, Config{Console: &console, Getenv: env.get})
	e.Begin([]byte("{}"), func(s string) string { return s })
	e.Interval(record.Interval{To: time.Second})
	e.End(t.Context(), []byte("{}"))
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if text := console.String(); strings.Count(text, `"eventName":"schload.`) != 3 || strings.Contains(text, "resourceMetrics") {
		t.Errorf("the console has\n%s", text)
	}
}

// Where log events go is decided as for the other signals: the flag beats every
// variable, that of logs beats the general one, those of metrics are none of
// theirs.
func TestEventsEndpoint(t *testing.T) {
	for _, c := range []struct {
		endpoint string
		env      map[string]string
		want     string
	}{
		{"http://host:4318", nil, "http://host:4318/v1/logs"},
		{"http://host:4318/v1/metrics", nil, "http://host:4318/v1/logs"},
		{"http://prometheus:9090/api/v1/otlp", nil, "http://prometheus:9090/api/v1/otlp/v1/logs"},
		{"grpc://host", nil, "http://host:4317"},
		{"", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://host:4318/x"}, "http://host:4318/x/v1/logs"},
		{"", map[string]string{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://m:1/v1/metrics", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://l:2/in"}, "http://l:2/in"},
		{"http://host:4318", map[string]string{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://l:2/in"}, "http://host:4318/v1/logs"},
		{"", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:1", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "l:2", "OTEL_EXPORTER_OTLP_LOGS_INSECURE": "true"}, "http://l:2"},
		{"", map[string]string{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "l:2"}, "http://localhost:4318/v1/logs"},
	} {
		s, _, err := Config{Endpoint: c.endpoint, Marks: true, Getenv: func(name string) string { return c.env[name] }}.resolve()
		if err != nil || s.events.endpoint.String() != c.want {
			t.Errorf("%+v: %v %v", c, s.events, err)
		}
	}
}

// Marks are off unless somebody asks, and the variable is asked as that of
// traces is.
func TestWhenMarksAreOn(t *testing.T) {
	for _, c := range []struct {
		config Config
		env    variables
		want   string // endpoint, file, off, or the error's text
	}{
		{Config{}, variables{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://c:4318"}, "off"},
		{Config{}, variables{"OTEL_LOGS_EXPORTER": "otlp"}, "http://localhost:4318/v1/logs"},
		{Config{}, variables{"OTEL_LOGS_EXPORTER": "OTLP", "OTEL_METRICS_EXPORTER": "none"}, "http://localhost:4318/v1/logs"},
		{Config{}, variables{"OTEL_LOGS_EXPORTER": "console"}, "file"},
		{Config{}, variables{"OTEL_LOGS_EXPORTER": "otlp/stdout"}, "file"},
		{Config{}, variables{"OTEL_LOGS_EXPORTER": "none"}, "off"},
		{Config{}, variables{"OTEL_LOGS_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, "off"},
		{Config{Marks: true, Endpoint: "http://c:1"}, variables{"OTEL_LOGS_EXPORTER": "none"}, "http://c:1/v1/logs"},
		{Config{Marks: true}, variables{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://m:1"}, logsSignal.nowhere},
		{Config{Marks: true, File: "x"}, variables{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://m:1"}, "file"},
	} {
		c.config.Getenv = c.env.get
		s, warned, err := c.config.resolve()
		got := "off"
		switch {
		case err != nil:
			got = err.Error()
		case s.events != nil && s.events.otlp:
			got = s.events.endpoint.String()
		case s.events != nil:
			got = "file"
		}
		if asks := AsksForMarks(c.env.get); asks != (s.events != nil) && !c.config.Marks {
			t.Errorf("%+v: asks for marks %v", c.env, asks)
		}
		if got != c.want || len(warned) > 0 {
			t.Errorf("%+v: %s, want %s; warnings %v", c.env, got, c.want, warned)
		}
	}
}

// Marks without a way out are a mistake, not silence.
func TestMarksNeedOTLP(t *testing.T) {
	for _, c := range []Config{{}, {Prometheus: "127.0.0.1:0"}} {
		c.Marks, c.Getenv = true, nothing
		if e, err := Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "give --otlp-endpoint, --otlp-file") {
			t.Errorf("%+v: %v %v", c, e, err)
		}
	}
}

// A receiver that hangs holds no interval up; snapshots that find no room are
// counted as held, and the next carries all.
func TestStreamNeverWaits(t *testing.T) {
	r := open(t, HTTP, nil) // nobody takes what arrives
	e := started(t, Config{Endpoint: r.url, Marks: true, Timeout: 30 * time.Second})
	began := time.Now()
	for i := range 5 * waiting {
		e.Interval(record.Interval{From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second})
	}
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("intervals waited %v", d)
	}
	if s := e.Stats(); s.Held < uint64(3*waiting) {
		t.Errorf("%+v: want what found no room held", s)
	}
}

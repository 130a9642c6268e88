package telemetry

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"schload/telemetry/mark"
	"schload/telemetry/record"
	operations "schload/telemetry/trace"
	"schload/workload"
)

const ms = time.Millisecond

// failedGet is a GET of the arm on that waited and then failed.
func failedGet() operations.Operation {
	seq := int64(7)
	return operations.Operation{
		Sample: workload.Sample{Intended: 1000 * ms, Sent: 1010 * ms, Done: 1250 * ms, Outcome: workload.Outcome{Class: workload.EOF, Attempts: 4}},
		Arm:    "on", Pool: "main", Name: "GET", Reason: operations.Failed, Phase: record.Maintenance, Round: 2, Alike: 1, Batch: 1,
		Connection: operations.Connection{Number: 9, Address: "db.example:12000", Node: "10.0.0.1:12000"},
		Events:     []mark.Mark{{At: 900 * ms, Duration: 15 * time.Second, Kind: mark.Notice, Name: "MOVING", Seq: &seq, Detail: "MOVING 7 15 db:1"}},
	}
}

func text(list []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, a := range list {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			out[a.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			out[a.Key] = strconv.FormatInt(v.IntValue, 10)
		case *common.AnyValue_DoubleValue:
			out[a.Key] = strconv.FormatFloat(v.DoubleValue, 'g', -1, 64)
		}
	}
	return out
}

func nanos(d time.Duration) uint64 { return uint64(base.Add(d).UnixNano()) }

// An operation becomes two spans: what the application felt, and within it the
// client's call, as the semantic conventions have it, with what befell its
// connection.
func TestSpansOfAnOperation(t *testing.T) {
	both(t, func(t *testing.T, protocol string) {
		r := openSpans(t, protocol, nil)
		e := started(t, Config{TracesEndpoint: r.url})
		if !e.Traces() {
			t.Fatal("no traces")
		}
		e.Traced([]operations.Operation{failedGet()})
		if err := e.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		spans := r.spans()
		if len(spans) != 2 {
			t.Fatalf("%d spans, want 2", len(spans))
		}
		slices.SortFunc(spans, func(a, b arrived) int { return cmp.Compare(a.StartTimeUnixNano, b.StartTimeUnixNano) })
		whole, call := spans[0], spans[1]
		ours := map[string]string{"schload.arm": "on", "schload.pool": "main", "schload.round": "2", "schload.phase": "maintenance",
			"schload.trace.reason": "failed", "schload.response_time": "0.25", "schload.service_time": "0.24", "schload.lateness": "0.01",
			"schload.attempts": "4", "error.type": "eof"}
		if diff := gocmp.Diff(ours, text(whole.Attributes)); diff != "" {
			t.Errorf("the operation's attributes (-want +got):\n%s", diff)
		}
		for key, value := range map[string]string{"db.system.name": "redis", "db.operation.name": "GET", "server.address": "db.example", "server.port": "12000",
			"network.peer.address": "10.0.0.1", "network.peer.port": "12000", "schload.connection": "9"} {
			ours[key] = value
		}
		if diff := gocmp.Diff(ours, text(call.Attributes)); diff != "" {
			t.Errorf("the call's attributes (-want +got):\n%s", diff)
		}
		if whole.Name != "schload.operation" || call.Name != "GET db.example:12000" || call.Kind != tracepb.Span_SPAN_KIND_CLIENT {
			t.Errorf("%s, and %s of kind %v", whole.Name, call.Name, call.Kind)
		}
		if !bytes.Equal(whole.TraceId, call.TraceId) || !bytes.Equal(call.ParentSpanId, whole.SpanId) || len(whole.ParentSpanId) != 0 {
			t.Error("the call is not within the operation")
		}
		for _, at := range [][2]uint64{{whole.StartTimeUnixNano, nanos(1000 * ms)}, {whole.EndTimeUnixNano, nanos(1250 * ms)},
			{call.StartTimeUnixNano, nanos(1010 * ms)}, {call.EndTimeUnixNano, nanos(1250 * ms)}} {
			if at[0] != at[1] {
				t.Errorf("at %d, want %d", at[0], at[1])
			}
		}
		if whole.Status.Code != tracepb.Status_STATUS_CODE_ERROR || call.Status.Code != tracepb.Status_STATUS_CODE_ERROR {
			t.Error("a failed operation is not marked as an error")
		}
		if len(call.Events) != 1 || call.Events[0].Name != "schload.notice" || call.Events[0].TimeUnixNano != nanos(900*ms) {
			t.Fatalf("events %v", call.Events)
		}
		want := map[string]string{"schload.mark.name": "MOVING", "schload.mark.seq": "7", "schload.mark.duration": "15", "schload.mark.detail": "MOVING 7 15 db:1"}
		if diff := gocmp.Diff(want, text(call.Events[0].Attributes)); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
		if call.resource["schload.arm"] != "on" || call.resource["schload.run.id"] != "run-1" || call.resource["service.instance.id"] != "run-1-on" {
			t.Errorf("resource %v", call.resource)
		}
		if protocol == HTTP && !slices.Equal(r.paths, []string{"/v1/traces"}) {
			t.Errorf("paths %v", r.paths)
		}
		if s := e.Stats(); s.SpansSent != 2 || s.SpansLost != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// A success has no error, a pipeline tells its depth, and an error reply of one
// word its code.
func TestSpansOfOtherOperations(t *testing.T) {
	r := openSpans(t, HTTP, nil)
	e := started(t, Config{TracesEndpoint: r.url})
	late, loading := failedGet(), failedGet()
	late.Outcome, late.Reason, late.Alike, late.Batch = workload.Outcome{}, operations.Late, 3, 16
	loading.Outcome.Class, loading.Connection = workload.Loading, operations.Connection{}
	stranger := failedGet()
	stranger.Arm = "stranger"
	e.Traced([]operations.Operation{late, loading, stranger})
	if err := e.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	calls := map[string]map[string]string{}
	for _, s := range r.spans() {
		if s.Kind == tracepb.Span_SPAN_KIND_CLIENT {
			calls[s.Name] = text(s.Attributes)
			if failed := s.Status.Code == tracepb.Status_STATUS_CODE_ERROR; failed != (s.Name == "GET") {
				t.Errorf("%s: error %v", s.Name, failed)
			}
		}
	}
	if len(calls) != 2 {
		t.Fatalf("%d calls: %v", len(calls), calls)
	}
	if c := calls["GET db.example:12000"]; c["db.operation.batch.size"] != "16" || c["schload.operations"] != "3" || c["error.type"] != "" || c["schload.attempts"] != "" {
		t.Errorf("pipeline: %v", c)
	}
	if c := calls["GET"]; c["db.response.status_code"] != "LOADING" || c["error.type"] != "loading" || c["server.address"] != "" {
		t.Errorf("loading: %v", c)
	}
}

// Nothing is traced unless somebody asks, and the variables are asked as the
// specification has them.
func TestWhenTracesAreOn(t *testing.T) {
	for _, c := range []struct {
		name   string
		config Config
		env    map[string]string
		want   string // protocol and endpoint, file, off, or the error's text
	}{
		{"nothing", Config{}, nil, "off"},
		{"metrics alone", Config{Endpoint: "http://c:4318", File: "x"}, nil, "off"},
		{"an endpoint in the environment is no wish", Config{}, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "off"},
		{"flag", Config{Traces: true, Endpoint: "http://c:4318"}, nil, "http/protobuf http://c:4318/v1/traces"},
		{"flag, path of metrics", Config{Traces: true, Endpoint: "http://c:4318/v1/metrics"}, nil, "http/protobuf http://c:4318/v1/traces"},
		{"flag, gRPC", Config{Traces: true, Endpoint: "grpc://c"}, nil, "grpc http://c:4317"},
		{"flag of its own", Config{TracesEndpoint: "grpcs://tempo:4317", Endpoint: "http://p:9090/api/v1/otlp"}, nil, "grpc https://tempo:4317"},
		{"flag and file", Config{Traces: true, File: "x"}, nil, "file"},
		{"flag and nowhere", Config{Traces: true, Prometheus: "127.0.0.1:0"}, nil, "traces have nowhere to go: give --otlp-endpoint, --traces-endpoint or --otlp-file"},
		{"flag and general variable", Config{Traces: true}, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/x"}, "http/protobuf http://c:4318/x/v1/traces"},
		{"flag and variable of its own", Config{Traces: true}, map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/y"}, "http/protobuf http://c:4318/y"},
		{"flag beats variable", Config{Traces: true, Endpoint: "http://c:4318"}, map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d:4318", "OTEL_TRACES_EXPORTER": "none"}, "http/protobuf http://c:4318/v1/traces"},
		{"variable", Config{}, map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, "http/protobuf http://localhost:4318/v1/traces"},
		{"variables", Config{}, map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, "grpc http://localhost:4317"},
		{"console", Config{}, map[string]string{"OTEL_TRACES_EXPORTER": "console"}, "file"},
		{"none", Config{}, map[string]string{"OTEL_TRACES_EXPORTER": "none"}, "off"},
		{"disabled", Config{}, map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, "off"},
		{"unknown", Config{}, map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, "off"},
		{"bad endpoint", Config{TracesEndpoint: "c:4318"}, nil, `telemetry endpoint "c:4318" has no scheme: write http://c:4318, https://c:4318, grpc://c:4318 or grpcs://c:4318`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.Getenv = func(name string) string { return c.env[name] }
			s, warnings, err := c.config.resolve()
			got := "off"
			switch {
			case err != nil:
				got = err.Error()
			case s.traces != nil && s.traces.otlp:
				got = fmt.Sprint(s.traces.protocol, " ", s.traces.endpoint)
			case s.traces != nil:
				got = "file"
			}
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			if wantWarning := c.name == "unknown"; (len(warnings) > 0) != wantWarning {
				t.Errorf("warnings %v", warnings)
			}
		})
	}
}

// Without traces nothing is made of operations, and nothing runs.
func TestNoTraces(t *testing.T) {
	r := open(t, HTTP, nil)
	e := started(t, Config{Endpoint: r.url})
	e.Traced([]operations.Operation{failedGet()})
	e.Interval(record.Interval{To: time.Second, Series: []record.Series{seriesOf("on", "GET", "failed", record.Maintenance, 2, 1)}})
	for _, in := range flushed(t, e, r) {
		for _, scope := range in.request.ResourceMetrics[0].ScopeMetrics {
			for _, m := range scope.Metrics {
				for _, p := range m.GetExponentialHistogram().GetDataPoints() {
					if len(p.Exemplars) > 0 {
						t.Errorf("%s has exemplars", m.Name)
					}
				}
				if strings.Contains(m.Name, "spans") || strings.Contains(m.Name, "trace") {
					t.Errorf("%s is exported", m.Name)
				}
			}
		}
	}
	if e.Traces() {
		t.Error("traces are on")
	}
}

// The file has spans as OTLP/JSON, with identifiers in hex, which is where
// OTLP's JSON differs from Protobuf's.
func TestSpansInTheFile(t *testing.T) {
	var file bytes.Buffer
	e := started(t, Config{Traces: true, File: Stdout, Console: &file})
	o := failedGet()
	o.Events[0].Detail = `a text like "traceId":"aGVsbG8=" stays`
	e.Traced([]operations.Operation{o})
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(file.String()) {
		var request struct {
			ResourceSpans []struct {
				ScopeSpans []struct {
					Spans []struct{ TraceID, SpanID, ParentSpanID string }
				}
			}
		}
		if err := json.Unmarshal([]byte(line), &request); err != nil {
			t.Fatal(err)
		}
		for _, rs := range request.ResourceSpans {
			for _, s := range rs.ScopeSpans[0].Spans {
				found++
				trace, err := hex.DecodeString(s.TraceID)
				if id, err2 := hex.DecodeString(s.SpanID); err != nil || err2 != nil || len(trace) != 16 || len(id) != 8 {
					t.Errorf("identifiers %q and %q", s.TraceID, s.SpanID)
				}
			}
			if !strings.Contains(line, `a text like \"traceId\":\"aGVsbG8=\" stays`) {
				t.Error("a text was taken for an identifier")
			}
		}
	}
	if found != 2 {
		t.Errorf("%d spans in the file, want 2", found)
	}
}

// A receiver that is down gets the spans when it is back; those that there was
// no room for are counted.
func TestSpansWaitForTheirReceiver(t *testing.T) {
	down := true
	r := openSpans(t, HTTP, func(context.Context) (*collectortrace.ExportTraceServiceResponse, error) {
		if down {
			return nil, errors.New("down")
		}
		return new(collectortrace.ExportTraceServiceResponse), nil
	})
	e := started(t, Config{TracesEndpoint: r.url})
	const over = 100
	for range (mostSpans + over) / 2 {
		e.Traced([]operations.Operation{failedGet()})
	}
	if err := e.Flush(t.Context()); err == nil {
		t.Error("Flush reports success")
	}
	if s := e.Stats(); s.SpansSent != 0 || s.SpansLost != over || s.Causes[Overloaded] == 0 {
		t.Errorf("%+v, want %d lost", s, over)
	}
	down = false
	if err := e.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if s := e.Stats(); s.SpansSent != mostSpans || s.SpansLost != over {
		t.Errorf("%+v, want %d sent and %d lost", s, mostSpans, over)
	}
	seen := map[string]bool{}
	for _, s := range r.spans() {
		seen[string(s.SpanId)] = true
	}
	if len(seen) != mostSpans || len(r.spans()) != mostSpans {
		t.Errorf("%d spans arrived, %d different ones, want %d", len(r.spans()), len(seen), mostSpans)
	}
}

// What a receiver refuses for good is lost, and is not sent again.
func TestSpansRefused(t *testing.T) {
	both(t, func(t *testing.T, protocol string) {
		r := openSpans(t, protocol, func(context.Context) (*collectortrace.ExportTraceServiceResponse, error) {
			return &collectortrace.ExportTraceServiceResponse{PartialSuccess: &collectortrace.ExportTracePartialSuccess{RejectedSpans: 1, ErrorMessage: "too long"}}, nil
		})
		e := started(t, Config{TracesEndpoint: r.url})
		e.Traced([]operations.Operation{failedGet()})
		for range 2 {
			if err := e.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if s := e.Stats(); s.SpansSent != 1 || s.SpansLost != 1 || len(r.spans()) != 2 {
			t.Errorf("%+v, %d arrived, want one sent, one lost, and both sent once", s, len(r.spans()))
		}
	})
}

// A receiver that hangs delays nobody but Close, and that no longer than its
// bound; the spans are counted as lost.
func TestSpanReceiverHangs(t *testing.T) {
	both(t, func(t *testing.T, protocol string) {
		asked := make(chan struct{}, 100)
		r := openSpans(t, protocol, func(ctx context.Context) (*collectortrace.ExportTraceServiceResponse, error) {
			asked <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		})
		e := started(t, Config{TracesEndpoint: r.url, Interval: ms, Timeout: time.Hour})
		e.Traced([]operations.Operation{failedGet()})
		<-asked // in the background, which now hangs
		before := time.Now()
		for range 100 {
			e.Traced([]operations.Operation{failedGet()})
			e.Interval(record.Interval{To: time.Second})
		}
		if took := time.Since(before); took > 5*time.Second {
			t.Errorf("100 intervals took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
		defer cancel()
		before = time.Now()
		if err := e.Close(ctx); err == nil {
			t.Error("Close reports success")
		}
		if took := time.Since(before); took > 3*time.Second {
			t.Errorf("Close took %v, 50ms were allowed", took)
		}
		if s := e.Stats(); s.SpansSent != 0 || s.SpansLost != 202 {
			t.Errorf("%+v, want 202 lost", s)
		}
	})
}

// Prometheus takes no spans: what it answers is told with what mends it.
func TestSpansToPrometheus(t *testing.T) {
	url := answering(t, func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) })
	var log bytes.Buffer
	e := started(t, Config{TracesEndpoint: url, Log: textLogger(&log)})
	e.Traced([]operations.Operation{failedGet()})
	_ = e.Flush(t.Context())
	if text := log.String(); !strings.Contains(text, "cause=not_found") || !strings.Contains(text, "--traces-endpoint") {
		t.Errorf("%s", text)
	}
}

// Limits of the environment hold for spans, and a sampler that nobody knows is
// told of as a variable and not as an export that failed.
func TestVariablesOfSpans(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "xray") // the SDK reads the process's
	r := openSpans(t, HTTP, nil)
	var log bytes.Buffer
	env := variables{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": r.url + "/v1/traces", "OTEL_TRACES_SAMPLER": "xray",
		"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "3", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "2", "OTEL_SPAN_EVENT_COUNT_LIMIT": "0"}
	e := started(t, Config{Getenv: env.get, Log: textLogger(&log)})
	e.Traced([]operations.Operation{failedGet()})
	if err := e.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, s := range r.spans() {
		if len(s.Attributes) != 3 || len(s.Events) > 0 {
			t.Errorf("%s: %d attributes and %d events, want 3 and none", s.Name, len(s.Attributes), len(s.Events))
		}
		for key, value := range text(s.Attributes) {
			if len(value) > 2 {
				t.Errorf("%s is %q, longer than 2", key, value)
			}
		}
	}
	if s := e.Stats(); s.SpansSent != 2 || s.Errors > 0 {
		t.Errorf("%+v", s)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "OTEL_TRACES_SAMPLER is not used") {
		t.Errorf("told: %s", got)
	}
}

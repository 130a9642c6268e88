package experiment

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"schload/handoff/sim"
	"schload/internal/compare"
	"schload/telemetry"
	"schload/telemetry/record"
)

// tracedRun has the bench export to memory and returns what was exported.
func tracedRun(t *testing.T, b *bench, traces Traces, on bool) (*exports, compare.Summary) {
	t.Helper()
	var file bytes.Buffer
	c := telemetry.Config{Traces: on, File: telemetry.Stdout, Console: &file, Base: b.config.Base, RunID: "test", Getenv: func(string) string { return "" }, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	for _, a := range b.config.Arms {
		c.Arms = append(c.Arms, a.Name)
	}
	exporter, err := telemetry.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	b.config.Telemetry, b.config.Traces = exporter, traces
	result, s := b.run(t.Context())
	if len(result.Invalid) > 0 {
		t.Errorf("invalid: %q", result.Invalid)
	}
	if err := exporter.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if stats := exporter.Stats(); stats.SpansLost > 0 || stats.Failed > 0 {
		t.Errorf("%+v", stats)
	}
	return readExports(t, &file), s
}

// exports are what a run exported: the spans of calls, their traces, and the
// exemplars of all points.
type exports struct {
	calls     []span
	traces    map[string]bool
	exemplars map[string]string // trace and time by value: to count each once
	counts    map[string]int64  // of record.TracedOperations, by arm and result
}

type span struct {
	*tracepb.Span
	attributes map[string]string
}

func readExports(t *testing.T, file *bytes.Buffer) *exports {
	t.Helper()
	e := &exports{traces: map[string]bool{}, exemplars: map[string]string{}, counts: map[string]int64{}}
	read := protojson.UnmarshalOptions{DiscardUnknown: true}
	for line := range strings.Lines(file.String()) {
		var spans collectortrace.ExportTraceServiceRequest
		var points collectormetrics.ExportMetricsServiceRequest
		if strings.Contains(line, `"resourceSpans"`) {
			if err := read.Unmarshal([]byte(line), &spans); err != nil {
				t.Fatal(err)
			}
		} else if err := read.Unmarshal([]byte(line), &points); err != nil {
			t.Fatal(err)
		}
		for _, rs := range spans.ResourceSpans {
			for _, s := range rs.ScopeSpans[0].Spans {
				e.traces[string(s.TraceId)] = true
				if s.Kind == tracepb.Span_SPAN_KIND_CLIENT {
					e.calls = append(e.calls, span{s, plain(s.Attributes)})
				}
			}
		}
		e.readPoints(&points)
	}
	return e
}

func (e *exports) readPoints(points *collectormetrics.ExportMetricsServiceRequest) {
	for _, rm := range points.ResourceMetrics {
		arm := plain(rm.Resource.Attributes)["schload.arm"]
		for _, m := range rm.ScopeMetrics[0].Metrics {
			for _, p := range m.GetExponentialHistogram().GetDataPoints() {
				for _, x := range p.Exemplars {
					e.exemplars[fmt.Sprint(m.Name, x.TimeUnixNano, x.GetAsDouble())] = string(x.TraceId)
				}
			}
			if m.Name == record.TracedOperations {
				for _, p := range m.GetSum().DataPoints {
					e.counts[arm+" "+plain(p.Attributes)["result"]] = p.GetAsInt()
				}
			}
		}
	}
}

func plain(list []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, a := range list {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			out[a.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			out[a.Key] = fmt.Sprint(v.IntValue)
		case *common.AnyValue_DoubleValue:
			out[a.Key] = fmt.Sprint(v.DoubleValue)
		}
	}
	return out
}

// reasons counts the calls by arm and why they were traced.
func (e *exports) reasons() map[string]int {
	out := map[string]int{}
	for _, c := range e.calls {
		out[c.attributes["schload.arm"]+" "+c.attributes["schload.trace.reason"]]++
	}
	return out
}

// As many wrong replies as are injected become traces, each with the connection
// it came on, and nothing else does.
func TestInjectedFailuresAreTraced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const k = 17
		b := newBench(t, "none", "quiet_time=2s").use("off")
		if err := b.sim.Inject(sim.Injection{Fault: sim.WrongReply, Count: k, From: time.Second, Every: 50 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		got, _ := tracedRun(t, b, Traces{Limit: 1000, Beyond: time.Minute}, true)
		if want := map[string]int{"off wrong": k}; !maps.Equal(got.reasons(), want) || len(got.traces) != k {
			t.Errorf("%v in %d traces, want %v", got.reasons(), len(got.traces), want)
		}
		for _, c := range got.calls {
			a := c.attributes
			if a["network.peer.address"] == "" || a["server.address"] == "" || a["schload.connection"] == "" || a["error.type"] != "wrong_reply" || c.Status.Code != tracepb.Status_STATUS_CODE_ERROR {
				t.Errorf("%s: %v", c.Name, a)
			}
		}
		if want := map[string]int64{"off limited": 0, "off traced": k}; !maps.Equal(got.counts, want) {
			t.Errorf("counted %v, want %v", got.counts, want)
		}
	})
}

// Every failure and every late success of both arms is in a trace, as the
// summary counts them; exemplars lead to traces that exist; calls whose
// connection was closed tell so.
func TestAnUpgradeIsTraced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind")
		got, s := tracedRun(t, b, Traces{Limit: 1000}, true)
		for _, a := range s.Arms {
			reasons, limited := got.reasons(), got.counts[a.Name+" limited"]
			if failed := reasons[a.Name+" failed"]; uint64(failed) != a.Operations.Failed || a.Name == "off" && failed == 0 {
				t.Errorf("%s: %d failures traced, the summary has %d", a.Name, failed, a.Operations.Failed)
			}
			if late := reasons[a.Name+" late"]; uint64(late)+uint64(limited) != a.Operations.Late {
				t.Errorf("%s: %d late ones traced and %d beyond the bound, the summary has %d", a.Name, late, limited, a.Operations.Late)
			}
		}
		if len(got.exemplars) == 0 {
			t.Error("no exemplars")
		}
		for value, trace := range got.exemplars {
			if !got.traces[trace] {
				t.Errorf("exemplar %s belongs to no span", value)
			}
		}
		if got.events("off failed")["schload.close"] == 0 {
			t.Error("no call that failed tells that its connection was closed")
		}
	})
}

// events counts what befell the connections of calls, by arm and reason.
func (e *exports) events(of string) map[string]int {
	out := map[string]int{}
	for _, c := range e.calls {
		if c.attributes["schload.arm"]+" "+c.attributes["schload.trace.reason"] == of {
			for _, event := range c.Events {
				out[event.Name]++
			}
		}
	}
	return out
}

// Operations that a failover made late tell of the notices that announced it,
// where the client asked for notices.
func TestTracesTellOfNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, _ := tracedRun(t, newBench(t, "failover"), Traces{Limit: 1000}, true)
		on, off := got.events("on late")["schload.notice"], got.events("off late")["schload.notice"]
		if reasons := got.reasons(); on < reasons["on late"] || reasons["on late"] == 0 || off != 0 {
			t.Errorf("%v: %d notices on, %d off; want one for each late operation at least, and none off", reasons, on, off)
		}
	})
}

// Beyond the bound operations are counted and not traced.
func TestTracesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind").use("off")
		got, s := tracedRun(t, b, Traces{Limit: 2}, true)
		a := arm2(t, s, "off")
		seconds := map[uint64]int{}
		for _, c := range got.calls {
			seconds[(c.EndTimeUnixNano-uint64(b.config.Base.UnixNano()))/1e9]++
		}
		for second, n := range seconds {
			if n > 2 {
				t.Errorf("%d traces of second %d, want at most 2", n, second)
			}
		}
		qualified := int64(a.Operations.Failed + a.Operations.Late)
		if got.counts["off traced"] != int64(len(got.calls)) || got.counts["off traced"]+got.counts["off limited"] != qualified || got.counts["off limited"] == 0 {
			t.Errorf("%d traces, counted %v, %d qualified", len(got.calls), got.counts, qualified)
		}
	})
}

// Where arms take turns, each with clients of its own, connections keep the
// numbers that the bundle has, and are known to the last operation.
func TestTurnsAreTraced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "endpoint-rebind").sequential(2)
		got, s := tracedRun(t, b, Traces{Limit: 1000}, true)
		reasons := got.reasons()
		if off := summed(t, s, "off"); uint64(reasons["off failed"]) != off.Operations.Failed || off.Operations.Failed == 0 {
			t.Errorf("%v, the summary has %d failures", reasons, off.Operations.Failed)
		}
		most := 0
		for _, c := range got.calls {
			if text := c.attributes["schload.connection"]; text != "" {
				n, _ := strconv.Atoi(text)
				most = max(most, n)
				if c.attributes["network.peer.address"] == "" {
					t.Errorf("%s on connection %s: its node is not known", c.Name, text)
				}
			}
		}
		if turn := b.connections(); most <= turn {
			t.Errorf("connections up to number %d, want those of the second turn beyond %d", most, turn)
		}
	})
}

// Without traces there is none of it.
func TestNothingIsTraced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, _ := tracedRun(t, newBench(t, "endpoint-rebind").use("off"), Traces{}, false)
		if len(got.calls)+len(got.exemplars)+len(got.counts) > 0 {
			t.Errorf("%d calls, %d exemplars, counts %v", len(got.calls), len(got.exemplars), got.counts)
		}
	})
}

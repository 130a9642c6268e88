package telemetry

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// nothing is an environment without variables.
func nothing(string) string { return "" }

// started returns an Exporter for the arms on and off that exports when told,
// and is closed at the end of the test at the latest.
func started(t *testing.T, c Config) *Exporter {
	t.Helper()
	if c.Interval == 0 {
		c.Interval = time.Hour
	}
	if c.Getenv == nil {
		c.Getenv = nothing
	}
	c.Arms, c.Base = []string{"on", "off"}, base
	c.RunID, c.Upgrade, c.Profile, c.ServiceVersion = "run-1", "failover", "cache", "v1.2.3"
	e, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		defer cancel()
		_ = e.Close(ctx)
	})
	return e
}

// pairs makes a map of string attributes.
func pairs(list []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, a := range list {
		out[a.Key] = a.Value.GetStringValue()
	}
	return out
}

// flushed exports once and returns what arrived, by arm.
func flushed(t *testing.T, e *Exporter, r *receiver) map[string]received {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- e.Flush(context.Background()) }()
	out := map[string]received{}
	for range 3 {
		in := <-r.arrivals
		out[pairs(in.request.ResourceMetrics[0].Resource.Attributes)["schload.arm"]] = in
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return out
}

func both(t *testing.T, run func(t *testing.T, protocol string)) {
	t.Run("http", func(t *testing.T) { run(t, HTTP) })
	t.Run("grpc", func(t *testing.T) { run(t, GRPC) })
}

// What a receiver decodes is, bucket by bucket, what was recorded; and it
// knows the arm, the run and the upgrade.
func TestRoundTrip(t *testing.T) {
	both(t, func(t *testing.T, protocol string) {
		r := open(t, protocol, nil)
		e := started(t, Config{Endpoint: r.url, Headers: map[string]string{"authorization": "Bearer x"},
			Getenv: func(name string) string {
				return map[string]string{"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_RESOURCE_ATTRIBUTES": "site=a%2Cb"}[name]
			}})
		series := seriesOf("on", "GET", "ok", record.Maintenance, 1, 7)
		e.Interval(record.Interval{To: time.Second, Series: []record.Series{series}})
		arrived := flushed(t, e, r)
		on := arrived["on"]
		wantResource := map[string]string{"service.name": "schload", "service.version": "v1.2.3", "service.instance.id": "run-1-on",
			"schload.run.id": "run-1", "schload.arm": "on", "schload.upgrade": "failover", "schload.profile": "cache", "site": "a,b"}
		if diff := cmp.Diff(wantResource, pairs(on.request.ResourceMetrics[0].Resource.Attributes)); diff != "" {
			t.Errorf("resource (-want +got):\n%s", diff)
		}
		if protocol == HTTP && (on.path != "/v1/metrics" || !on.compressed) {
			t.Errorf("path %q, compressed %v", on.path, on.compressed)
		}
		if on.authorization != "[Bearer x]" {
			t.Errorf("authorization %q", on.authorization)
		}
		if got := decoded(t, on, "schload.operation.response_time"); !got.Equal(series.Response) {
			t.Error("the response times decoded are not those recorded")
		}
		if run := arrived[""]; pairs(run.request.ResourceMetrics[0].Resource.Attributes)["service.instance.id"] != "run-1" {
			t.Errorf("the run's own resource is %v", run.request.ResourceMetrics[0].Resource)
		}
	})
}

// decoded rebuilds the last histogram of a metric from the wire; when the
// series is new, the first is the zero it was before.
func decoded(t *testing.T, in received, name string) *histogram.Histogram {
	t.Helper()
	for _, scope := range in.request.ResourceMetrics[0].ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == name {
				points := m.GetExponentialHistogram().DataPoints
				return rebuilt(t, points[len(points)-1])
			}
		}
	}
	t.Fatalf("no metric %s arrived", name)
	panic("unreachable")
}

func rebuilt(t *testing.T, p *metrics.ExponentialHistogramDataPoint) *histogram.Histogram {
	t.Helper()
	nanos := func(seconds float64) time.Duration { return time.Duration(seconds*1e9 + 0.5) }
	h, err := histogram.FromBuckets(p.Positive.Offset, p.Positive.BucketCounts, p.ZeroCount, nanos(p.GetSum()), nanos(p.GetMin()), nanos(p.GetMax()))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Without being told, an Exporter exports once an interval.
func TestExportsEachInterval(t *testing.T) {
	r := open(t, HTTP, nil)
	started(t, Config{Endpoint: r.url, Interval: time.Millisecond})
	for range 9 { // three sources, three times
		<-r.arrivals
	}
}

// Prepare sends zeros, of arms that are known.
func TestPrepareSendsZeros(t *testing.T) {
	r := open(t, HTTP, nil)
	e := started(t, Config{Endpoint: r.url})
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.Prepare(context.Background(), append(arms[:2:2], record.Arm{Name: "stranger"}))
	}()
	for range 3 {
		in := <-r.arrivals
		arm := pairs(in.request.ResourceMetrics[0].Resource.Attributes)["schload.arm"]
		if arm == "" {
			continue
		}
		if got := decoded(t, in, "db.client.operation.duration"); got.Count() != 0 {
			t.Errorf("arm %s begins with %d operations", arm, got.Count())
		}
	}
	<-done
}

// While a receiver hangs, intervals are taken: the export under way ends only
// after the interval was added, so waiting for it would never end.
func TestIntervalDoesNotWait(t *testing.T) {
	both(t, func(t *testing.T, protocol string) {
		release := make(chan struct{})
		r := open(t, protocol, func(ctx context.Context) error { <-release; return nil })
		e := started(t, Config{Endpoint: r.url})
		done := make(chan error, 1)
		go func() { done <- e.Flush(context.Background()) }()
		for range 3 {
			<-r.arrivals // all three sources are being exported
		}
		for range 1000 {
			e.Interval(record.Interval{To: time.Second, Series: []record.Series{{Key: record.Key{Arm: "on", Operation: "GET"}}}})
		}
		close(release)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := e.Stats(); got.Sent != 3 || got.Failed != 0 {
			t.Errorf("%+v, want 3 sent", got)
		}
	})
}

// A receiver that hangs, refuses or answers with errors costs its timeout,
// shows in Stats, and Close keeps its bound.
func TestFailingReceiver(t *testing.T) {
	both(t, func(t *testing.T, protocol string) {
		hanging := open(t, protocol, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		hanging.discard(t)
		erring := open(t, protocol, func(context.Context) error { return errors.New("out of order") })
		erring.discard(t)
		for name, url := range map[string]string{"hangs": hanging.url, "errs": erring.url, "refuses": refused(t, protocol)} {
			t.Run(name, func(t *testing.T) {
				e := started(t, Config{Endpoint: url, Timeout: 20 * time.Millisecond})
				e.Prepare(t.Context(), arms)
				if err := e.Flush(t.Context()); err == nil {
					t.Error("Flush reports success")
				}
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				before := time.Now()
				if err := e.Close(ctx); err == nil {
					t.Error("Close reports success")
				}
				if took := time.Since(before); took > 3*time.Second {
					t.Errorf("Close took %v, 50ms were allowed", took)
				}
				if s := e.Stats(); s.Sent != 0 || s.Failed < 6 {
					t.Errorf("%+v, want no export sent and at least 6 failed", s)
				}
			})
		}
	})
}

// refused is the URL of a port where nobody listens.
func refused(t *testing.T, protocol string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return map[string]string{HTTP: "http://", GRPC: "grpc://"}[protocol] + listener.Addr().String()
}

// Close sends what the last interval brought.
func TestCloseSendsTheRest(t *testing.T) {
	both(t, func(t *testing.T, protocol string) {
		r := open(t, protocol, nil)
		e := started(t, Config{Endpoint: r.url})
		series := seriesOf("off", "SET", "ok", record.Recovery, 1, 3)
		e.Interval(record.Interval{To: time.Second, Series: []record.Series{series}})
		done := make(chan error, 1)
		go func() { done <- e.Close(context.Background()) }()
		for range 3 {
			in := <-r.arrivals
			if pairs(in.request.ResourceMetrics[0].Resource.Attributes)["schload.arm"] == "off" {
				if !decoded(t, in, "schload.operation.lateness").Equal(series.Lateness) {
					t.Error("the lateness decoded is not the one recorded")
				}
			}
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := e.Close(context.Background()); err != nil {
			t.Errorf("a second Close: %v", err)
		}
		e.Interval(record.Interval{To: 2 * time.Second}) // is allowed, and of no effect
	})
}

// Load, exports, flushes, statistics and the end may come together.
func TestExporterConcurrentSafe(t *testing.T) {
	r := open(t, HTTP, nil)
	r.discard(t)
	e := started(t, Config{Endpoint: r.url, Interval: time.Millisecond, Prometheus: "127.0.0.1:0"})
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 5 {
				e.Interval(record.Interval{To: time.Duration(i) * time.Second,
					Series: []record.Series{seriesOf("on", "GET", "ok", record.Phase(worker), 1, uint64(i))},
					Counts: []record.Count{{Name: record.OperationsDue, Arm: "on", Value: 1}},
					Levels: []record.Level{{Name: record.OutageActive, Arm: "on", Value: 1}}})
				_ = e.Flush(t.Context())
				e.Prepare(t.Context(), arms)
				e.Stats()
			}
		})
	}
	wg.Wait()
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// Without a flag and without a variable nothing runs and nothing is kept.
func TestDefaultIsNothing(t *testing.T) {
	before := stacks()
	e, err := Start(t.Context(), Config{Arms: []string{"on"}, RunID: "run-1", Getenv: nothing})
	if err != nil {
		t.Fatal(err)
	}
	e.Prepare(t.Context(), arms)
	e.Interval(record.Interval{Series: []record.Series{seriesOf("on", "GET", "ok", record.Baseline, 1, 1)}})
	if err := e.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if started := surplus(before); len(started) > 0 {
		t.Errorf("goroutines were started: %v", started)
	}
	if len(e.sources) != 0 || len(e.providers) != 0 || !cmp.Equal(e.Stats(), Stats{}) || e.ScrapeAddress() != "" {
		t.Errorf("%+v", e)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

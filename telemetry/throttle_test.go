package telemetry

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	operations "schload/telemetry/trace"
)

// throttled is what a receiver over gRPC answers that wants to be left alone.
func throttled(t *testing.T, wait time.Duration) error {
	t.Helper()
	s, err := status.New(codes.ResourceExhausted, "slower").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(wait)})
	if err != nil {
		t.Fatal(err)
	}
	return s.Err()
}

// A receiver over gRPC that says when to come back is left alone until then:
// each arm asks once, though the interval is a millisecond.
func TestRetryInfo(t *testing.T) {
	answer := throttled(t, time.Minute)
	var asked, askedSpans atomic.Int64
	r := open(t, GRPC, func(context.Context) error { asked.Add(1); return answer })
	r.discard(t)
	spans := openSpans(t, GRPC, func(context.Context) (*collectortrace.ExportTraceServiceResponse, error) {
		askedSpans.Add(1)
		return nil, answer
	})
	e := started(t, Config{Endpoint: r.url, TracesEndpoint: spans.url, Interval: time.Millisecond})
	e.Traced([]operations.Operation{failedGet()})
	deadline := time.Now().Add(20 * time.Second)
	for e.Stats().Held < 300 || askedSpans.Load() == 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%+v, spans asked for %d times", e.Stats(), askedSpans.Load())
		}
		runtime.Gosched()
	}
	if a, s := asked.Load(), askedSpans.Load(); a != 3 || s != 1 {
		t.Errorf("asked %d times for three arms and %d times for spans, want 3 and 1", a, s)
	}
	if got := e.Stats(); got.Causes[Overloaded] != 4 || got.SpansLost != 0 {
		t.Errorf("%+v", got)
	}
	if wait := time.Until(e.transport.asked.deadline()); wait < 30*time.Second || wait > maxRetryAfter {
		t.Errorf("left alone for %v more, want up to %v", wait, maxRetryAfter)
	}
}

// Without such an answer the usual pauses hold, and an answer that is absurd is
// cut off.
func TestRetryInfoWithinReason(t *testing.T) {
	for _, c := range []struct{ asked, atMost time.Duration }{{0, 0}, {-time.Hour, 0}, {24 * time.Hour, maxRetryAfter}} {
		var r retryAfter
		r.wait(c.asked)
		if wait := time.Until(r.deadline()); wait > c.atMost || c.atMost > 0 && wait < c.atMost-10*time.Second {
			t.Errorf("asked for %v: %v, want %v", c.asked, wait, c.atMost)
		}
	}
}

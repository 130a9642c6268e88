package telemetry

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"
)

// A receiver that fails is asked less often: after the first failure at the
// next interval, then half as often each time, at least every maxPause. A
// receiver that names its own time (Retry-After) gets it, up to maxRetryAfter.
const (
	maxPause      = 15 * time.Second
	maxRetryAfter = time.Minute
)

// spaced is an exporter whose results are counted, and which leaves out
// exports while its receiver is to be spared. Nothing is lost by leaving one
// out, because each carries everything so far: the database lacks the points
// between. Nothing is kept for later either, so memory is bounded.
type spaced struct {
	sdkmetric.Exporter
	health   *health
	interval time.Duration
	urgent   *atomic.Int64 // above 0: a flush, which is not left out
	asked    *retryAfter   // nil: the way there has no such answer
	turn     turn          // in which it computes

	mu    sync.Mutex
	pause time.Duration
	until time.Time
}

// Export implements sdkmetric.Exporter.
func (s *spaced) Export(ctx context.Context, data *metricdata.ResourceMetrics) error {
	if s.spare() {
		s.health.held.Add(1)
		return nil
	}
	err := s.turn.hold(ctx, func(ctx context.Context) error { return s.Exporter.Export(ctx, data) })
	if err != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		return nil // the end of the run cut the periodic export off, and exports the same and more itself
	}
	s.health.exported(err)
	s.settle(err)
	return err
}

func (s *spaced) spare() bool {
	if s.urgent.Load() > 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.until)
}

// settle sets the pause that follows the result of an export. The first
// failure has none beyond the interval itself.
func (s *spaced) settle(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.pause, s.until = 0, time.Time{}
		return
	}
	s.until = time.Now().Add(s.pause)
	s.pause = min(max(2*s.pause, s.interval), maxPause)
	if asked := s.asked.deadline(); asked.After(s.until) {
		s.until = asked
	}
}

// retryAfter remembers the last time that the receiver asked to be left alone
// until. The zero of *retryAfter never was asked.
type retryAfter struct {
	wire http.RoundTripper
	at   atomic.Int64 // ns of the Unix epoch
}

func (r *retryAfter) deadline() time.Time {
	if r == nil {
		return time.Time{}
	}
	return time.Unix(0, r.at.Load())
}

// RoundTrip implements http.RoundTripper.
func (r *retryAfter) RoundTrip(request *http.Request) (*http.Response, error) {
	underWay(request.Context())
	response, err := r.wire.RoundTrip(request)
	if err != nil || response.StatusCode != http.StatusTooManyRequests && response.StatusCode != http.StatusServiceUnavailable {
		return response, err
	}
	r.wait(waitOf(response.Header.Get("Retry-After"), time.Now()))
	return response, nil
}

func (r *retryAfter) wait(d time.Duration) {
	if d > 0 {
		r.at.Store(time.Now().Add(min(d, maxRetryAfter)).UnixNano())
	}
}

// intercept is RoundTrip for gRPC, whose receivers throttle by the details of a
// status.
func (r *retryAfter) intercept(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if conn.GetState() != connectivity.Ready {
		underWay(ctx) // gRPC waits for the connection before it encodes
	}
	err := invoke(ctx, method, request, reply, conn, options...)
	if err == nil {
		return nil
	}
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			r.wait(info.GetRetryDelay().AsDuration())
		}
	}
	return err
}

// waitOf reads Retry-After: seconds, or a date.
func waitOf(text string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(now)
	}
	return 0
}

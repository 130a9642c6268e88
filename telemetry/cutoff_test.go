package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// hanging is an exporter that waits for its context's end.
type hanging struct{ sdkmetric.Exporter }

func (hanging) Export(ctx context.Context, _ *metricdata.ResourceMetrics) error {
	<-ctx.Done()
	return ctx.Err()
}

// An export that the end of the run cuts off is no failure, for the end exports
// once more; one that ran out of time is.
func TestCutOffIsNoFailure(t *testing.T) {
	h := &health{log: slog.New(slog.DiscardHandler)}
	s := &spaced{Exporter: hanging{}, health: h, interval: time.Second, urgent: new(atomic.Int64)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Export(ctx, nil); err != nil {
		t.Error(err)
	}
	h.Handle(context.Canceled)
	if stats := h.stats(); stats.Failed+stats.Errors != 0 {
		t.Errorf("cut off: %+v", stats)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := s.Export(ctx, nil); err == nil {
		t.Error("an export that ran out of time is told")
	}
	if stats := h.stats(); stats.Failed != 1 {
		t.Errorf("out of time: %+v", stats)
	}
}

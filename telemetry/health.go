package telemetry

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// Stats says how exporting went.
type Stats struct {
	// Sent and Failed count exports, one an arm and interval (scrapes of the
	// Prometheus endpoint are not counted).
	Sent, Failed uint64
	// Errors counts what OpenTelemetry reported to its error handler, failed
	// exports included.
	Errors uint64
	// Overflowed counts series that were merged into one marked
	// otel.metric.overflow, because an arm may have only so many.
	Overflowed uint64
}

// health counts what becomes of exports and says so, rarely: a collector that
// is down fails every second, which must neither flood the screen nor cost
// time that the load needs.
type health struct {
	sent, failed, errors, overflowed atomic.Uint64

	log    *slog.Logger
	silent atomic.Int64  // no line before this instant, in ns of the Unix epoch
	hushed atomic.Uint64 // errors since the last line
}

const quietFor = 10 * time.Second

// Handle implements otel.ErrorHandler.
func (h *health) Handle(err error) {
	h.errors.Add(1)
	now := time.Now().UnixNano()
	until := h.silent.Load()
	if now < until || !h.silent.CompareAndSwap(until, now+int64(quietFor)) {
		h.hushed.Add(1)
		return
	}
	h.log.Warn("telemetry export failed; the run is not affected", "error", err, "not_shown", h.hushed.Swap(0))
}

func (h *health) stats() Stats {
	return Stats{Sent: h.sent.Load(), Failed: h.failed.Load(), Errors: h.errors.Load(), Overflowed: h.overflowed.Load()}
}

// counted is an exporter whose results are counted.
type counted struct {
	sdkmetric.Exporter
	health *health
}

// Export implements sdkmetric.Exporter.
func (c counted) Export(ctx context.Context, data *metricdata.ResourceMetrics) error {
	err := c.Exporter.Export(ctx, data)
	if err != nil {
		c.health.failed.Add(1)
	} else {
		c.health.sent.Add(1)
	}
	return err
}

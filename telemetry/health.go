package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
)

// Stats says how exporting went.
type Stats struct {
	// Sent and Failed count exports, one an arm and interval (scrapes of the
	// Prometheus endpoint are not counted).
	Sent, Failed uint64
	// Held counts exports that were left out to spare a receiver that failed.
	// The next one that arrives carries what they would have.
	Held uint64
	// Errors counts what OpenTelemetry reported to its error handler, failed
	// exports included.
	Errors uint64
	// Overflowed counts how often a series beyond the bound of its metric was
	// merged into the one marked otel.metric.overflow.
	Overflowed uint64
	// SpansSent and SpansLost count spans that arrived, and those that did not:
	// refused, or more than are kept while no receiver takes them.
	SpansSent, SpansLost uint64
	// Causes counts the failed exports by why they failed.
	Causes map[Cause]uint64
	// Events counts the log events of marks.
	Events Events
}

// Events counts log events, each way out for itself.
type Events struct {
	Sent   uint64
	Lost   uint64 // for want of room while a receiver failed, or refused by it
	Failed uint64 // batches that were to be sent again
}

// health counts what becomes of exports and says so, rarely: a collector that
// is down fails every second, which must neither flood the screen nor cost
// time that the load needs. Each cause is told once, with what mends it.
type health struct {
	sent, failed, held, errors, overflowed atomic.Uint64

	spans                                struct{ sent, lost atomic.Uint64 }
	eventsSent, eventsLost, eventsFailed atomic.Uint64

	log *slog.Logger

	mu       sync.Mutex
	causes   map[Cause]uint64
	told     map[string]bool
	troubled bool // a failure was told, and no success since
}

// Handle implements otel.ErrorHandler. A reading that the end of the run cut
// off is none: that end has a reading of its own.
func (h *health) Handle(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	h.errors.Add(1)
	h.tell(err)
}

// exported counts one export.
func (h *health) exported(err error) {
	if err == nil {
		h.sent.Add(1)
		h.recovered()
		return
	}
	h.because(err, func() { h.failed.Add(1) })
	h.tell(err)
}

// tell logs a failure, once for each cause.
func (h *health) tell(err error) {
	cause := causeOf(err)
	if h.first("cause " + string(cause)) {
		h.mu.Lock()
		h.troubled = true
		h.mu.Unlock()
		h.log.Warn("telemetry export failed; the run is not affected", "cause", string(cause), "error", short(err), "fix", remedies[cause])
	}
}

// spanFailed counts one export of spans. They are kept and tried again.
func (h *health) spanFailed(err error) {
	cause := h.because(err, func() {})
	if h.first("spans " + string(cause)) {
		h.log.Warn("telemetry export of spans failed; the run is not affected, some are kept and tried again", "cause", string(cause), "error", short(err), "fix", remedies[cause])
	}
}

// tellEvents logs why events could not be sent, once for each cause.
func (h *health) tellEvents(err error) {
	cause := causeOf(err)
	what := "export of marks failed; they wait and are sent again"
	if cause == Rejected {
		what = "marks were refused and are lost"
	}
	if h.first("events " + string(cause)) {
		h.log.Warn(what, "cause", string(cause), "error", short(err), "fix", remedies[cause])
	}
}

// because counts the cause of a failed export, and the failure with it: whoever
// reads the counts between two exports finds as many causes as failures.
func (h *health) because(err error, failed func()) Cause {
	cause := causeOf(err)
	h.mu.Lock()
	defer h.mu.Unlock()
	failed()
	if h.causes == nil {
		h.causes = map[Cause]uint64{}
	}
	h.causes[cause]++
	return cause
}

// short bounds the text of an error, of which a receiver may write any length.
func short(err error) string {
	const most = 300
	text := []rune(err.Error())
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}

func (h *health) recovered() {
	h.mu.Lock()
	again := h.troubled
	h.troubled = false
	h.mu.Unlock()
	if again {
		h.log.Warn("telemetry exports arrive again; what was missed between is in the totals", "failed", h.failed.Load(), "held_back", h.held.Load())
	}
}

// overflow counts a series that was merged, and says so once for each metric.
func (h *health) overflow(metric string, limit int) {
	h.overflowed.Add(1)
	if h.first("overflow " + metric) {
		h.log.Warn("telemetry: too many series; those beyond the bound are merged into one with otel.metric.overflow=true, the bundle has them all",
			"metric", metric, "bound", limit)
	}
}

// first says whether a thing is to be told: never before, and there is
// somebody to tell.
func (h *health) first(thing string) bool {
	if h.log == nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.told[thing] {
		return false
	}
	if h.told == nil {
		h.told = map[string]bool{}
	}
	h.told[thing] = true
	return true
}

func (h *health) stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Stats{Sent: h.sent.Load(), Failed: h.failed.Load(), Held: h.held.Load(), Errors: h.errors.Load(),
		Overflowed: h.overflowed.Load(), SpansSent: h.spans.sent.Load(), SpansLost: h.spans.lost.Load(), Causes: maps.Clone(h.causes),
		Events: Events{h.eventsSent.Load(), h.eventsLost.Load(), h.eventsFailed.Load()}}
}

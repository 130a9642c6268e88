package telemetry

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const (
	// mostSpans bounds what is queued while a receiver does not take it: some
	// 2 MB. What comes beyond is lost and counted.
	mostSpans = 4096
	// mostSent bounds the spans of one export.
	mostSent = 512
)

// spanQueue is a span processor that exports in the background and counts what
// becomes of every span, which the SDK's own does not tell. Metrics may miss an
// export, for the next one carries the totals; a span is sent once, so here
// one that fails is kept and tried again, as long as there is room.
type spanQueue struct {
	exporter          sdktrace.SpanExporter
	health            *health
	interval, timeout time.Duration
	asked             *retryAfter
	turn              turn // in which it encodes

	mu     sync.Mutex
	spans  []sdktrace.ReadOnlySpan
	closed bool

	sending chan struct{} // holds a token while nobody exports
	pause   time.Duration // of whom has the token
	until   time.Time     // the receiver is spared; likewise

	background context.Context // of exports that nobody waits for
	cancel     context.CancelFunc
	stop       chan struct{}
	running    sync.WaitGroup
}

func newSpanQueue(exporter sdktrace.SpanExporter, h *health, interval, timeout time.Duration, asked *retryAfter, t turn) *spanQueue {
	q := &spanQueue{exporter: exporter, health: h, interval: interval, timeout: timeout, asked: asked, turn: t,
		sending: make(chan struct{}, 1), stop: make(chan struct{})}
	q.sending <- struct{}{}
	q.background, q.cancel = context.WithCancel(context.Background())
	q.running.Go(q.run)
	return q
}

// OnStart implements sdktrace.SpanProcessor.
func (q *spanQueue) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor. It never waits.
func (q *spanQueue) OnEnd(s sdktrace.ReadOnlySpan) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || len(q.spans) >= mostSpans {
		q.health.spans.lost.Add(1)
		return
	}
	q.spans = append(q.spans, s)
}

func (q *spanQueue) run() {
	ticker := time.NewTicker(q.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-q.stop:
			return
		}
		_ = q.drain(q.background, false) // counted, and told once for each cause
	}
}

// drain exports until nothing is queued, or an export fails. Unless it is
// urgent it leaves a receiver alone that is to be spared.
func (q *spanQueue) drain(ctx context.Context, urgent bool) error {
	select {
	case <-q.sending:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { q.sending <- struct{}{} }()
	if !urgent && time.Now().Before(q.until) {
		return nil
	}
	for {
		q.mu.Lock()
		batch := q.spans[:min(len(q.spans), mostSent)]
		q.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		if err := q.send(ctx, batch); err != nil {
			return err
		}
		q.mu.Lock()
		q.spans = slices.Clone(q.spans[len(batch):])
		q.mu.Unlock()
	}
}

// send exports one batch. What a receiver refuses for good is lost, and no
// error: sent again it would be refused again.
func (q *spanQueue) send(ctx context.Context, batch []sdktrace.ReadOnlySpan) error {
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	err := q.turn.hold(ctx, func(ctx context.Context) error { return q.exporter.ExportSpans(ctx, batch) })
	n := uint64(len(batch))
	if err != nil && causeOf(err) == Rejected {
		lost := min(rejected(err), n)
		q.health.spans.lost.Add(lost)
		n -= lost
		q.health.tell(err)
		err = nil
	}
	if err == nil {
		q.health.spans.sent.Add(n)
		q.pause, q.until = 0, time.Time{}
		return nil
	}
	q.health.spanFailed(err)
	q.until = time.Now().Add(q.pause)
	q.pause = min(max(2*q.pause, q.interval), maxPause)
	if asked := q.asked.deadline(); asked.After(q.until) {
		q.until = asked
	}
	return err
}

// rejections finds how many spans a partial success refused: the exporters
// tell it in text alone.
var rejections = regexp.MustCompile(`\((\d+) spans rejected\)`)

func rejected(err error) uint64 {
	if m := rejections.FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.ParseUint(m[1], 10, 64)
		return n
	}
	return 0
}

// ForceFlush implements sdktrace.SpanProcessor: it exports now.
func (q *spanQueue) ForceFlush(ctx context.Context) error { return q.drain(ctx, true) }

// Shutdown implements sdktrace.SpanProcessor: it exports a last time, until ctx
// ends; what is left then is lost.
func (q *spanQueue) Shutdown(ctx context.Context) error {
	q.mu.Lock()
	again := q.closed
	q.closed = true
	q.mu.Unlock()
	if again {
		return nil
	}
	close(q.stop)
	defer context.AfterFunc(ctx, q.cancel)() // an export under way ends with ctx
	err := q.drain(ctx, true)
	q.cancel()
	q.running.Wait()
	q.mu.Lock()
	q.health.spans.lost.Add(uint64(len(q.spans)))
	q.spans = nil
	q.mu.Unlock()
	return errors.Join(err, q.exporter.Shutdown(ctx))
}

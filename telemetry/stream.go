package telemetry

import (
	"context"
	"errors"
	"sync"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// waiting bounds the snapshots of a source that wait for a slow receiver.
const waiting = 8

// stream exports a source at each of its intervals, instead of once in a
// while: between two points of its series then lies one interval, which can be
// had back. A snapshot that finds no room is left out and counted as held; the
// next carries what it would have.
type stream struct {
	reader   *sdkmetric.ManualReader
	exporter *spaced
	timeout  time.Duration
	queue    chan snapshot
	ended    chan struct{}
	stop     context.CancelFunc // of what is being exported

	mu     sync.RWMutex // guards closed and with it the right to send
	closed bool
}

// snapshot is a source as it was after an interval; done, if not nil, is closed
// once it was exported.
type snapshot struct {
	metrics *metricdata.ResourceMetrics
	done    chan struct{}
}

func newStream(exporter *spaced, timeout time.Duration, producer sdkmetric.Producer) *stream {
	ctx, stop := context.WithCancel(context.Background())
	s := &stream{reader: sdkmetric.NewManualReader(sdkmetric.WithProducer(producer)), exporter: exporter, timeout: timeout,
		queue: make(chan snapshot, waiting), ended: make(chan struct{}), stop: stop}
	go s.export(ctx)
	return s
}

func (s *stream) export(ctx context.Context) {
	defer close(s.ended)
	for one := range s.queue {
		limited, cancel := context.WithTimeout(ctx, s.timeout)
		_ = s.exporter.Export(limited, one.metrics) // counted and told there
		cancel()
		if one.done != nil {
			close(one.done)
		}
	}
}

func (s *stream) snapshot(done chan struct{}) (snapshot, error) {
	one := snapshot{new(metricdata.ResourceMetrics), done}
	return one, s.reader.Collect(context.Background(), one.metrics)
}

// take queues the source as it is now. It never waits.
func (s *stream) take() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed || len(s.queue) == cap(s.queue) {
		s.exporter.health.held.Add(1)
		return
	}
	one, err := s.snapshot(nil)
	if err != nil {
		s.exporter.health.Handle(err)
		return
	}
	select {
	case s.queue <- one:
	default:
		s.exporter.health.held.Add(1)
	}
}

// flush exports the source as it is now, after all that waits.
func (s *stream) flush(ctx context.Context) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil
	}
	one, err := s.snapshot(make(chan struct{}))
	if err != nil {
		return err
	}
	select {
	case s.queue <- one:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-one.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close flushes, and returns when the goroutine has ended.
func (s *stream) close(ctx context.Context) error {
	err := s.flush(ctx)
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.queue)
	}
	s.mu.Unlock()
	stopped := context.AfterFunc(ctx, s.stop)
	defer stopped()
	<-s.ended
	s.stop()
	return errors.Join(err, s.exporter.Shutdown(ctx))
}

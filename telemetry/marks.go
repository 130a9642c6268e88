package telemetry

import (
	"context"
	"errors"
	"sync"
	"time"

	"schload/telemetry/mark"
)

// startEvents opens the ways out of log events.
func (e *Exporter) startEvents(s settings, base time.Time) (err error) {
	e.events = &events{base: base}
	add := func(send sendEvents, asked *retryAfter) {
		way := &outbox{send: send, frame: frameOf(s.resourceOf("")), health: &e.health, interval: s.events.interval, timeout: s.events.timeout, asked: asked, turn: e.turn}
		way.start()
		e.events.ways = append(e.events.ways, way)
	}
	if s.events.otlp {
		if e.events.transport, err = s.events.transport(); err != nil {
			return err
		}
		add(e.events.transport.events, e.events.transport.asked)
	}
	if s.events.file != "" {
		if err := e.open(*s.events); err != nil {
			return err
		}
		add(e.lines.events, nil)
	}
	return nil
}

// Begin says what runs: run is run.json without secrets, redact hides secrets
// in the details of marks. It and the next two do nothing unless Config.Marks or
// OTEL_LOGS_EXPORTER asks for marks.
func (e *Exporter) Begin(run []byte, redact func(string) string) {
	if e.events != nil {
		e.events.begin(run, redact)
	}
}

// Mark exports a mark. It is a mark.Sink: it never waits. What finds no room is
// lost and counted, phases, steps and outages last.
func (e *Exporter) Mark(m mark.Mark) {
	if e.events != nil {
		e.events.mark(m)
	}
}

// End says what became of the run: run is run.json as it stays. It returns when
// all events were sent, or ctx or the export timeout ended.
func (e *Exporter) End(ctx context.Context, run []byte) {
	if e.events == nil {
		return
	}
	e.events.end(run)
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	_ = e.flushStreams(ctx) // a failure is counted in Stats
}

// flushStreams sends what waits of metrics and events.
func (e *Exporter) flushStreams(ctx context.Context) error {
	return e.all(func(s *stream) error { return s.flush(ctx) }, func(o *outbox) error { return o.flush(ctx) })
}

func (e *Exporter) closeStreams(ctx context.Context) error {
	err := e.all(func(s *stream) error { return s.close(ctx) }, func(o *outbox) error { return o.close(ctx) })
	if e.events != nil {
		e.events.transport.end()
	}
	return err
}

// all does something to all streams and outboxes at once.
func (e *Exporter) all(stream func(*stream) error, box func(*outbox) error) error {
	var boxes []*outbox
	if e.events != nil {
		boxes = e.events.ways
	}
	errs := make([]error, len(e.streams)+len(boxes))
	var wg sync.WaitGroup
	for i, s := range e.streams {
		wg.Go(func() { errs[i] = stream(s) })
	}
	for i, o := range boxes {
		wg.Go(func() { errs[len(e.streams)+i] = box(o) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

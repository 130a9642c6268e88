package telemetry

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	operations "schload/telemetry/trace"
)

// traces makes spans of operations and hands them to the queues that export
// them. It is the only part of schload that meets the SDK of traces.
type traces struct {
	base      time.Time
	arms      map[string]*sdktrace.TracerProvider
	queues    []*spanQueue
	transport transport
	linked    bool // histograms point to spans
}

// startTraces makes a provider for each arm, whose spans have the arm's
// resource, and the queues that all arms share.
func (e *Exporter) startTraces(ctx context.Context, s settings, arms []string, base time.Time) (err error) {
	t := &traces{base: base, arms: map[string]*sdktrace.TracerProvider{}, linked: s.exemplars}
	e.traces = t
	queue := func(exporter sdktrace.SpanExporter, asked *retryAfter) {
		t.queues = append(t.queues, newSpanQueue(exporter, &e.health, s.traces.interval, s.traces.timeout, asked, e.turn))
	}
	if s.traces.otlp {
		if t.transport, err = s.traces.transport(); err != nil {
			return err
		}
		exporter, err := t.transport.spans(ctx)
		if err != nil {
			return err
		}
		queue(exporter, t.transport.asked)
	}
	if s.traces.file != "" {
		if err := e.open(*s.traces); err != nil {
			return err
		}
		exporter, err := e.lines.spans(ctx)
		if err != nil {
			return err
		}
		queue(exporter, nil)
	}
	// The SDK complains of a sampler that it does not know, though it is given
	// another. That we do not use the variable was said already.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	defer otel.SetErrorHandler(&e.health)
	for _, arm := range arms {
		options := []sdktrace.TracerProviderOption{
			sdktrace.WithResource(s.resourceOf(arm)), sdktrace.WithSampler(sdktrace.AlwaysSample()), // what comes here was chosen
			sdktrace.WithRawSpanLimits(s.limits),
		}
		for _, q := range t.queues {
			options = append(options, sdktrace.WithSpanProcessor(q))
		}
		t.arms[arm] = sdktrace.NewTracerProvider(options...)
	}
	return nil
}

// Traces says whether spans are exported: only then Traced has an effect.
func (e *Exporter) Traces() bool { return e.traces != nil }

// Traced makes spans of operations that have ended, and exemplars of the
// histograms that they are in: a trace for each, of the operation as the
// application felt it (intended to done) and of the client's call within (sent
// to done). It never waits for an export: what the queue has no room for is
// lost and counted. Give operations before the Interval that has recorded them.
func (e *Exporter) Traced(list []operations.Operation) {
	if e.traces == nil {
		return
	}
	for i := range list {
		whole, call, ok := e.traces.spans(&list[i])
		if !ok || !e.traces.linked {
			continue
		}
		for _, src := range e.sources {
			if src.arm == list[i].Arm {
				src.exemplify(&list[i], whole, call)
			}
		}
	}
}

// spans makes the two spans of an operation and returns their contexts.
func (t *traces) spans(o *operations.Operation) (whole, call trace.SpanContext, ok bool) {
	provider := t.arms[o.Arm]
	if provider == nil {
		return whole, call, false
	}
	at := func(d time.Duration) time.Time { return t.base.Add(d) }
	tracer := provider.Tracer(scope.Name, trace.WithSchemaURL(schemaURL))
	common := ofOperation(o)
	ctx, outer := tracer.Start(context.Background(), wholeName, trace.WithNewRoot(), trace.WithTimestamp(at(o.Intended)),
		trace.WithSpanKind(trace.SpanKindInternal), trace.WithAttributes(common...))
	_, inner := tracer.Start(ctx, callName(o), trace.WithTimestamp(at(o.Sent)),
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(append(common, ofCall(o)...)...))
	for _, m := range o.Events {
		inner.AddEvent(eventName(m), trace.WithTimestamp(at(m.At)), trace.WithAttributes(ofMark(m)...))
	}
	conclude(inner, o)
	conclude(outer, o)
	inner.End(trace.WithTimestamp(at(o.Done)))
	outer.End(trace.WithTimestamp(at(o.Done)))
	return outer.SpanContext(), inner.SpanContext(), true
}

// flush exports what is queued, all queues at once.
func (t *traces) flush(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.each(func(q *spanQueue) error { return q.ForceFlush(ctx) })
}

// close exports a last time and ends the queues.
func (t *traces) close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	err := t.each(func(q *spanQueue) error { return q.Shutdown(ctx) })
	t.transport.end()
	return err
}

func (t *traces) each(do func(*spanQueue) error) error {
	errs := make([]error, len(t.queues))
	var wg sync.WaitGroup
	for i, q := range t.queues {
		wg.Go(func() { errs[i] = do(q) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

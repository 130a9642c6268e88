package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"

	"schload/telemetry/record"
)

// Exporter sends the run's intervals away. All methods are safe for concurrent
// use; on an Exporter that exports nothing they do nothing.
type Exporter struct {
	health    health
	sources   []*source // the run itself, then the arms
	providers []*sdkmetric.MeterProvider
	transport transport
	lines     *lines
	scraped   *scraped
	traces    *traces      // nil: none
	events    *events      // nil: none
	streams   []*stream    // that export each interval; with events only
	urgent    atomic.Int64 // flushes under way
	timeout   time.Duration
	turn      turn // of all that is exported

	closing sync.Once
	closed  error
}

// Start resolves the configuration with the environment and starts exporting.
//
// OTLP is on when Config.Endpoint or OTEL_EXPORTER_OTLP_ENDPOINT (or its
// METRICS variant) names a receiver, or when OTEL_METRICS_EXPORTER says otlp;
// the Prometheus endpoint when Config.Prometheus or OTEL_METRICS_EXPORTER says
// so; the file when Config.File does, or OTEL_METRICS_EXPORTER says console; spans
// when Config.Traces or OTEL_TRACES_EXPORTER does; marks when Config.Marks or
// OTEL_LOGS_EXPORTER does. OTEL_SDK_DISABLED=true and OTEL_METRICS_EXPORTER=none silence the
// variables, not the configuration. With nothing on, the Exporter has no
// goroutine and no memory.
//
// Start returns before anything was sent: a receiver that is down is no error.
// While the Exporter is open it is the process's OpenTelemetry error handler.
func Start(ctx context.Context, c Config) (*Exporter, error) {
	s, warnings, err := c.resolve()
	if err != nil {
		return nil, err
	}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	for _, warning := range warnings {
		log.Warn("telemetry environment", "error", warning)
	}
	e := &Exporter{timeout: s.patience(), turn: newTurn()}
	if !s.exports() {
		return e, nil
	}
	e.health.log = log
	// What the SDK finds fault with in variables is no failed export; it was told above.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	err = e.start(ctx, s, c)
	otel.SetErrorHandler(&e.health)
	if err != nil {
		return nil, errors.Join(err, e.Close(ctx))
	}
	return e, nil
}

func (e *Exporter) start(ctx context.Context, s settings, c Config) (err error) {
	if c.Base.IsZero() {
		c.Base = time.Now()
	}
	if s.otlp {
		if e.transport, err = s.transport(); err != nil {
			return err
		}
	}
	if s.file != "" {
		if err := e.open(s.route); err != nil {
			return err
		}
	}
	if s.prometheus != "" {
		if e.scraped, err = serve(s.prometheus); err != nil {
			return err
		}
	}
	if s.events != nil {
		if err := e.startEvents(s, c.Base); err != nil {
			return err
		}
	}
	for _, arm := range append([]string{""}, c.Arms...) {
		src := newSource(arm, c.Base, &e.health)
		src.server = serverOf(c.Server)
		src.library, src.rounds, src.traces = c.Library, c.Rounds || s.events != nil, s.traces != nil
		src.contract = contract{app: c.TestingApp, instance: s.instance + "-" + arm, run: c.RunID, version: c.Library}
		if err := e.provide(ctx, s, src); err != nil {
			return err
		}
		e.sources = append(e.sources, src)
	}
	if s.traces != nil {
		return e.startTraces(ctx, s, c.Arms, c.Base)
	}
	return nil
}

// provide attaches a source to the exports that are on.
func (e *Exporter) provide(ctx context.Context, s settings, src *source) error {
	options := []sdkmetric.Option{sdkmetric.WithResource(s.resourceOf(src.arm))}
	reader := func(exporter sdkmetric.Exporter, asked *retryAfter, p sdkmetric.Producer) {
		spaced := &spaced{Exporter: exporter, health: &e.health, interval: s.interval, urgent: &e.urgent, asked: asked, turn: e.turn}
		if e.events != nil {
			st := newStream(spaced, s.timeout, p)
			e.streams = append(e.streams, st)
			options = append(options, sdkmetric.WithReader(st.reader))
			return
		}
		options = append(options, sdkmetric.WithReader(sdkmetric.NewPeriodicReader(spaced,
			sdkmetric.WithInterval(s.interval), sdkmetric.WithTimeout(s.timeout), sdkmetric.WithProducer(inTurn{p, e.turn}))))
	}
	if s.otlp {
		exporter, err := e.transport.exporter(ctx)
		if err != nil {
			return err
		}
		reader(exporter, e.transport.asked, push{src, s.histograms})
	}
	if s.file != "" {
		exporter, err := e.lines.exporter(ctx)
		if err != nil {
			return err
		}
		if s.otlp {
			reader(exporter, nil, pull{src, s.histograms}) // births are the receiver's
		} else {
			reader(exporter, nil, push{src, s.histograms})
		}
	}
	if e.scraped != nil {
		reader, err := e.scraped.reader(src, s.histograms)
		if err != nil {
			return err
		}
		options = append(options, sdkmetric.WithReader(reader))
	}
	e.providers = append(e.providers, sdkmetric.NewMeterProvider(options...))
	return nil
}

// resourceOf describes one source: the run's attributes and the arm.
func (s settings) resourceOf(arm string) *resource.Resource {
	var attrs []attribute.KeyValue
	for key, value := range s.resource {
		if key == "schload.arm" && arm != "" {
			continue // hidden: of the environment
		}
		attrs = append(attrs, attribute.String(key, value))
	}
	instance := s.instance
	if arm != "" {
		instance += "-" + arm
		attrs = append(attrs, attribute.String("schload.arm", arm))
	}
	attrs = append(attrs, attribute.String("service.instance.id", instance))
	return resource.NewSchemaless(attrs...)
}

// Prepare states every series of the arms at zero and sends that, so that the
// first interval of load is an increase and not a beginning: databases that
// compute rates see nothing of what a series holds when it first appears.
// Arms unknown to Start are ignored, those of what the run may come to besides
// included: counts whose attributes depend on target, upgrade and pools, their
// values not looked at. It returns when the zeros were sent or
// ctx (at most the export timeout) ended; failing to send is not an error,
// only a number in Stats.
func (e *Exporter) Prepare(ctx context.Context, arms []record.Arm, besides ...record.Count) {
	for _, src := range e.sources {
		src.prepare(arms, besides)
	}
	_ = e.Flush(ctx)
}

// Interval adds what was recorded in one interval. It copies what it needs,
// and never waits for an export.
func (e *Exporter) Interval(i record.Interval) {
	for _, src := range e.sources {
		src.add(i)
	}
	if e.events != nil && len(e.sources) > 0 {
		e.events.reading(i, e.sources)
	}
	for _, s := range e.streams {
		s.take()
	}
}

// Flush exports now, and returns when all sources have, or when ctx or the
// export timeout ended.
func (e *Exporter) Flush(ctx context.Context) error {
	if len(e.providers) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	e.urgent.Add(1)
	defer e.urgent.Add(-1)
	spans := make(chan error, 1)
	go func() { spans <- e.traces.flush(ctx) }()
	return errors.Join(e.flushStreams(ctx), e.each(func(p *sdkmetric.MeterProvider) error { return p.ForceFlush(ctx) }), <-spans)
}

// Stats says how exporting went so far.
func (e *Exporter) Stats() Stats { return e.health.stats() }

// ScrapeAddress is where /metrics is served, or empty. It tells the port that
// was given for an address with port 0.
func (e *Exporter) ScrapeAddress() string {
	if e.scraped == nil {
		return ""
	}
	return e.scraped.listener.Addr().String()
}

// Close exports a last time and returns when every goroutine of the Exporter
// has ended. Without a deadline in ctx it takes at most 3 s; pass a context
// that is still alive, or the last interval is lost.
func (e *Exporter) Close(ctx context.Context) error {
	e.closing.Do(func() {
		if _, ok := ctx.Deadline(); !ok {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, closeTimeout)
			defer cancel()
		}
		e.urgent.Add(1)
		if e.scraped != nil {
			e.closed = e.scraped.close(ctx)
		}
		spans := make(chan error, 1)
		go func() { spans <- e.traces.close(ctx) }()
		e.closed = errors.Join(e.closed, e.closeStreams(ctx), e.each(func(p *sdkmetric.MeterProvider) error { return p.Shutdown(ctx) }), <-spans)
		e.transport.end()
		if e.lines != nil {
			e.closed = errors.Join(e.closed, e.lines.close())
		}
	})
	return e.closed
}

// each does the same to all providers at once: a receiver that hangs costs its
// timeout once, not once an arm.
func (e *Exporter) each(do func(*sdkmetric.MeterProvider) error) error {
	errs := make([]error, len(e.providers))
	var wg sync.WaitGroup
	for i, p := range e.providers {
		wg.Go(func() { errs[i] = do(p) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Package engine is Prometheus without its main: its receiver of OTLP, its
// database and its query engine in one process, made of what the shipped
// configuration says.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"
)

// Lookback is what the compose file gives to --query.lookback-delta.
const Lookback = 15 * time.Second

// Engine stores what its Receiver gets and answers queries about it. Its
// methods may be called concurrently.
type Engine struct {
	Receiver http.Handler // OTLP metrics, whatever the path

	db     *tsdb.DB
	engine *promql.Engine
}

// Open makes an Engine of a Prometheus configuration file; its data lies in
// the folder.
func Open(file, folder string) (*Engine, error) {
	quiet := slog.New(slog.DiscardHandler)
	shipped, err := config.LoadFile(file, false, quiet)
	if err != nil {
		return nil, err
	}
	options := tsdb.DefaultOptions()
	options.OutOfOrderTimeWindow = shipped.StorageConfig.TSDBConfig.OutOfOrderTimeWindow
	db, err := tsdb.Open(folder, nil, nil, options, nil)
	if err != nil {
		return nil, err
	}
	return &Engine{
		Receiver: remote.NewOTLPWriteHandler(quiet, prometheus.NewRegistry(), db,
			func() config.Config { return *shipped }, remote.OTLPOptions{LookbackDelta: Lookback}),
		db: db,
		engine: promql.NewEngine(promql.EngineOpts{MaxSamples: 50e6, Timeout: time.Minute, LookbackDelta: Lookback,
			EnableAtModifier: true, EnableNegativeOffset: true, Parser: parser.NewParser(parser.Options{})}),
	}, nil
}

// Close gives the data up.
func (e *Engine) Close() error {
	_ = e.engine.Close()
	return e.db.Close()
}

// answer runs a query. A warning is an error.
func answer(ctx context.Context, query promql.Query) (*promql.Result, error) {
	result := query.Exec(ctx)
	if result.Err != nil || len(result.Warnings) > 0 {
		return nil, fmt.Errorf("%v, warnings %v", result.Err, result.Warnings)
	}
	return result, nil
}

// Sample is one value: a number, or a histogram.
type Sample = promql.Sample

// Instant asks for the values at an instant. A warning is an error.
func (e *Engine) Instant(ctx context.Context, expr string, at time.Time) ([]Sample, error) {
	query, err := e.engine.NewInstantQuery(ctx, e.db, nil, expr, at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	defer query.Close()
	result, err := answer(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	vector, err := result.Vector()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	out := make([]Sample, len(vector))
	for i, sample := range vector {
		out[i] = sample
		out[i].Metric = own(sample.Metric)
		if sample.H != nil {
			out[i].H = sample.H.Copy()
		}
	}
	return out, nil
}

// Line is one line of a range query.
type Line struct {
	Labels  labels.Labels
	Samples []Sample // in order of time; Metric is empty
}

// Range asks for a value each step of a time range. A warning is an error.
func (e *Engine) Range(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Line, error) {
	query, err := e.engine.NewRangeQuery(ctx, e.db, nil, expr, from, to, step)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	defer query.Close()
	result, err := answer(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	matrix, err := result.Matrix()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	var out []Line
	for _, series := range matrix {
		line := Line{Labels: own(series.Metric)}
		for _, point := range series.Floats {
			line.Samples = append(line.Samples, Sample{T: point.T, F: point.F})
		}
		for _, point := range series.Histograms {
			line.Samples = append(line.Samples, Sample{T: point.T, H: point.H.Copy()})
		}
		out = append(out, line)
	}
	return out, nil
}

// own outlives the query, whose memory is used again.
func own(l labels.Labels) labels.Labels {
	var all []labels.Label
	l.Range(func(one labels.Label) { all = append(all, one) })
	return labels.New(all...)
}

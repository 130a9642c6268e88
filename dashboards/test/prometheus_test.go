package test

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"
	"gopkg.in/yaml.v3"
)

const root = "../.."

// server is Prometheus without its main: receiver, database, engine. What the
// shipped configuration and command line say is what it is made of.
type server struct {
	url      string // to send OTLP to
	db       *tsdb.DB
	engine   *promql.Engine
	from, to time.Time // the time range that queries ask for
}

func serve(t *testing.T) *server {
	t.Helper()
	file := filepath.Join(root, "dashboards/prometheus/prometheus.yml")
	shipped, err := config.LoadFile(file, false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	options := tsdb.DefaultOptions()
	options.OutOfOrderTimeWindow = shipped.StorageConfig.TSDBConfig.OutOfOrderTimeWindow
	db, err := tsdb.Open(t.TempDir(), nil, nil, options, nil)
	if err != nil {
		t.Fatal(err)
	}
	handler := remote.NewOTLPWriteHandler(slog.New(slog.DiscardHandler), prometheus.NewRegistry(), db,
		func() config.Config { return *shipped }, remote.OTLPOptions{LookbackDelta: lookback})
	receiver := httptest.NewServer(handler)
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 10e6, Timeout: time.Minute, LookbackDelta: lookback,
		EnableAtModifier: true, EnableNegativeOffset: true, Parser: parser.NewParser(parser.Options{})})
	t.Cleanup(func() {
		receiver.Close()
		_ = engine.Close()
		_ = db.Close()
	})
	return &server{url: receiver.URL + "/api/v1/otlp", db: db, engine: engine}
}

// lookback is what the compose file gives to --query.lookback-delta.
const lookback = 15 * time.Second

// instant asks for the values at the end of the time range.
func (s *server) instant(t *testing.T, expr string) promql.Vector {
	t.Helper()
	query, err := s.engine.NewInstantQuery(t.Context(), s.db, nil, expr, s.to)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	defer query.Close()
	result := query.Exec(t.Context())
	if result.Err != nil || len(result.Warnings) > 0 {
		t.Fatalf("%s: %v, warnings %v", expr, result.Err, result.Warnings)
	}
	vector, err := result.Vector()
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	return cloned(vector)
}

// cloned outlives the query, whose memory is used again.
func cloned(v promql.Vector) promql.Vector {
	out := make(promql.Vector, len(v))
	for i, sample := range v {
		out[i] = sample
		out[i].Metric = labels.New(labelsOf(sample.Metric)...)
	}
	return out
}

func labelsOf(l labels.Labels) (out []labels.Label) {
	l.Range(func(one labels.Label) { out = append(out, one) })
	return out
}

// series is one line of a range query.
type series struct {
	labels labels.Labels
	points int
}

// over asks for a value each second of the time range.
func (s *server) over(t *testing.T, expr string) []series {
	t.Helper()
	query, err := s.engine.NewRangeQuery(t.Context(), s.db, nil, expr, s.from, s.to, time.Second)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	defer query.Close()
	result := query.Exec(t.Context())
	if result.Err != nil || len(result.Warnings) > 0 {
		t.Fatalf("%s: %v, warnings %v", expr, result.Err, result.Warnings)
	}
	matrix, err := result.Matrix()
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	var out []series
	for _, line := range matrix {
		out = append(out, series{labels.New(labelsOf(line.Metric)...), len(line.Floats) + len(line.Histograms)})
	}
	return out
}

// load reads a YAML file of the repository.
func load(t *testing.T, name string, to any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, to); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

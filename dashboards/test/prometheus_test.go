package test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"schload/dashboards/test/engine"
)

const root = "../.."

// lookback is what the compose file gives to --query.lookback-delta.
const lookback = engine.Lookback

// server is an engine that listens.
type server struct {
	*engine.Engine
	url      string    // to send OTLP to
	from, to time.Time // the time range that queries ask for
}

func serve(t *testing.T) *server {
	t.Helper()
	e, err := engine.Open(filepath.Join(root, "dashboards/prometheus/prometheus.yml"), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	receiver := httptest.NewServer(e.Receiver)
	t.Cleanup(func() {
		receiver.Close()
		_ = e.Close()
	})
	return &server{Engine: e, url: receiver.URL + "/api/v1/otlp"}
}

// instant asks for the values at the end of the time range.
func (s *server) instant(t *testing.T, expr string) []engine.Sample {
	t.Helper()
	out, err := s.Instant(t.Context(), expr, s.to)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// over asks for a value each second of the time range.
func (s *server) over(t *testing.T, expr string) []engine.Line {
	t.Helper()
	out, err := s.Range(t.Context(), expr, s.from, s.to, time.Second)
	if err != nil {
		t.Fatal(err)
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

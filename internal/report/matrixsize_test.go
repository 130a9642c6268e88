package report

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"schload/handoff/upgrade"
	"schload/internal/bundle"
	"schload/internal/matrix"
)

// mostBytes is what the page of a matrix of 30 minutes may have.
const mostBytes = 3e6

// The page of a long matrix stays one that can be sent.
func TestMatrixPageSize(t *testing.T) {
	if testing.Short() {
		t.Skip("writes and reads 18 000 intervals")
	}
	text := written(t, MatrixHTML, longMatrix(t))
	t.Logf("%d bytes", len(text))
	if len(text) > mostBytes {
		t.Errorf("%d bytes, want %.0f at most", len(text), mostBytes)
	}
}

// longMatrix is one of 30 minutes: every upgrade, ten cells at a time, each of
// ten rounds of 80 seconds.
func longMatrix(t testing.TB) *matrix.Matrix {
	t.Helper()
	names := upgrade.Names()
	m := &matrix.Matrix{
		Schema: matrix.Schema, Started: time.Date(2026, 11, 22, 13, 24, 0, 0, time.UTC), Dir: t.TempDir(),
		Plan: matrix.Plan{Versions: bundle.Versions{Schload: "v0.1.0", GoRedis: "v9.23.0"}, Parallel: 10, Rounds: 10, Arms: []string{"on", "off"}},
	}
	for i, name := range names {
		u, err := upgrade.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		c := matrix.Cell{Profile: "default", Upgrade: name, Title: u.Title, SCHSupport: string(u.SCH), Speed: 1,
			Settings: json.RawMessage(`{"name":"` + name + `","rate":"1000"}`), Expected: bundle.Seconds(800 * time.Second)}
		m.Plan.Cells = append(m.Plan.Cells, c)
		m.Rows = append(m.Rows, matrix.Row{Profile: c.Profile, Upgrade: c.Upgrade, Title: c.Title, SCHSupport: c.SCHSupport, Speed: 1, State: matrix.Pending})
		staged{rounds: 10, length: 27, rate: 200, arms: []string{"on", "off"}, upgrade: name, seed: uint64(i), ledger: true}.write(t, filepath.Join(m.BundleDir(c)))
	}
	m.Read()
	for i, r := range m.Rows {
		if r.State != matrix.Done {
			t.Fatalf("%s is %s: %q", m.Plan.Cells[i].Name(), r.State, r.Reasons)
		}
	}
	return m
}

package dashboards

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/otlptranslator"

	"schload/telemetry/record"
)

var update = flag.Bool("update", false, "rewrite the boards")

// The JSON that Grafana loads is what this code builds, byte for byte.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("grafana/boards/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(Boards()) && !*update {
		t.Errorf("%d files for %d boards: %v", len(files), len(Boards()), files)
	}
	for name, board := range Boards() {
		want, err := board.JSON()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("grafana/boards", name)
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v: write it with -update", err)
		}
		if !bytes.Equal(want, got) {
			t.Errorf("%s is not what the code builds, rewrite it with -update (-want +got):\n%s", file, cmp.Diff(string(want), string(got)))
		}
	}
}

// query is one PromQL expression of a board and where it stands.
type query struct{ where, expr string }

func queries(b Board) []query {
	var out []query
	for _, p := range b.Panels {
		for _, target := range p.Targets {
			out = append(out, query{fmt.Sprintf("panel %q, query %s", p.Title, target.RefID), target.Expr})
		}
	}
	for _, a := range b.Annotations.List {
		out = append(out, query{"annotation " + a.Name, a.Expr})
	}
	for _, v := range b.Templating.List {
		if q, ok := v.Query.(VariableQuery); ok {
			out = append(out, query{"variable " + v.Name, q.Query})
		}
	}
	return out
}

// exported lists the names that record.Metrics have in Prometheus, with
// whether they are counters.
func exported(t *testing.T) map[string]bool {
	t.Helper()
	kinds := map[string]otlptranslator.MetricType{
		record.Counter:       otlptranslator.MetricTypeMonotonicCounter,
		record.UpDownCounter: otlptranslator.MetricTypeNonMonotonicCounter,
		record.Gauge:         otlptranslator.MetricTypeGauge,
		record.Histogram:     otlptranslator.MetricTypeExponentialHistogram,
	}
	namer := otlptranslator.NewMetricNamer("", otlptranslator.UnderscoreEscapingWithSuffixes)
	out := map[string]bool{}
	for _, m := range record.Metrics {
		name, err := namer.Build(otlptranslator.Metric{Name: m.Name, Unit: m.Unit, Type: kinds[m.Kind]})
		if err != nil {
			t.Fatal(err)
		}
		out[name] = m.Kind == record.Counter
	}
	return out
}

// Every query selects metrics that schload exports; rates are taken of
// counters and counters are never shown as they are, but at the end of a run.
func TestQueriesKnowTheirMetrics(t *testing.T) {
	selector := regexp.MustCompile(`(?:(rate|increase|last_over_time|max_over_time)\()?\b([a-z_]+)(?:\{[^}]*\})(\[\$__(?:rate_interval|range)\])?`)
	counters := exported(t)
	for _, b := range Boards() {
		for _, q := range queries(b) {
			found := selector.FindAllStringSubmatch(q.expr, -1)
			if len(found) == 0 && !strings.HasPrefix(q.expr, "label_values(schload_operations_due_total, ") {
				t.Errorf("%s: no selector with braces in %s", q.where, q.expr)
			}
			for _, m := range found {
				function, name, window := m[1], m[2], m[3]
				counter, known := counters[name]
				if !known {
					t.Errorf("%s: no metric of record.Metrics is called %s", q.where, name)
				}
				if counter && function == "" && !strings.HasPrefix(q.expr, "label_values(") {
					t.Errorf("%s: counter %s without rate, increase or last_over_time", q.where, name)
				}
				if want := map[string]string{"rate": "[$__rate_interval]", "increase": "[$__rate_interval]", "last_over_time": "[$__range]", "max_over_time": "[$__range]"}[function]; want != "" && window != want {
					t.Errorf("%s: %s over %q, want %s", q.where, function, window, want)
				}
			}
		}
	}
}

// What a reader of a board may expect of each panel.
func TestPanelsAreComplete(t *testing.T) {
	for _, b := range Boards() {
		if b.UID == "" || b.Editable || b.Templating.List[0].Name != "datasource" {
			t.Errorf("%s: uid %q, editable %v, first variable %q", b.Title, b.UID, b.Editable, b.Templating.List[0].Name)
		}
		ids := map[int]bool{}
		taken := map[[2]int]string{}
		for _, p := range b.Panels {
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("panel %q: id %d is taken or zero", p.Title, p.ID)
			}
			ids[p.ID] = true
			occupy(t, taken, p)
			if p.Type == "row" {
				continue
			}
			if p.Title == "" || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
				t.Errorf("panel %q lacks title, description, unit or query: %+v", p.Title, p)
			}
			for _, target := range p.Targets {
				if target.Datasource.UID != "${datasource}" || p.Datasource.UID != "${datasource}" {
					t.Errorf("panel %q does not ask the data source that was chosen", p.Title)
				}
				if target.LegendFormat == "" && p.Type != "heatmap" {
					t.Errorf("panel %q: query %s has no legend", p.Title, target.RefID)
				}
			}
		}
	}
}

// What must never change, because links and bookmarks hang on it, and what no
// board may have: a data source of its own choice, or units Grafana has not.
func TestBoardsKeepTheirIdentity(t *testing.T) {
	uids := map[string]string{"handoffs.json": "schload-handoffs", "matrix.json": "schload-matrix", "explorer.json": "schload-explorer"}
	units := []string{"short", "s", "ops", "cps", "percentunit", "bytes"}
	for file, b := range Boards() {
		if b.UID != uids[file] || b.SchemaVersion != 41 {
			t.Errorf("%s has the uid %q and schema version %d, want %q and 41", file, b.UID, b.SchemaVersion, uids[file])
		}
		for _, a := range b.Annotations.List {
			if a.Datasource != source || a.Step != "1s" {
				t.Errorf("%s: annotation %q asks %+v each %s", file, a.Name, a.Datasource, a.Step)
			}
		}
		for _, v := range b.Templating.List {
			if v.Type == "query" && (v.Datasource == nil || *v.Datasource != source) {
				t.Errorf("%s: variable %s asks %+v", file, v.Name, v.Datasource)
			}
		}
		for _, p := range b.Panels {
			if p.Type == "row" {
				continue
			}
			if !slices.Contains(units, p.FieldConfig.Defaults.Unit) {
				t.Errorf("%s, panel %q: unit %q", file, p.Title, p.FieldConfig.Defaults.Unit)
			}
			if len(p.Transform) > 0 && p.Type != "table" {
				t.Errorf("%s, panel %q has transformations, which no test can see", file, p.Title)
			}
		}
	}
}

// All arms have the same scales in heat maps, or they could not be compared.
func TestHeatmapsHaveEqualScales(t *testing.T) {
	found := 0
	for _, b := range Boards() {
		for _, p := range b.Panels {
			if o, ok := p.Options.(heatmapOptions); ok {
				found++
				if o.YAxis.Min != fastest || o.YAxis.Max != slowest || o.Color.Min != 0 || o.Color.Max != densestShare || p.Repeat != "arm" {
					t.Errorf("panel %q: axis %+v, colour %+v, repeated by %q", p.Title, o.YAxis, o.Color, p.Repeat)
				}
			}
		}
	}
	if found == 0 {
		t.Error("there is no heat map")
	}
}

// occupy fails when two panels lie on each other or beyond the grid.
func occupy(t *testing.T, taken map[[2]int]string, p Panel) {
	t.Helper()
	g := p.GridPos
	if g.X < 0 || g.W < 1 || g.X+g.W > 24 || g.H < 1 {
		t.Errorf("panel %q lies outside of the grid: %+v", p.Title, g)
	}
	for x := g.X; x < g.X+g.W; x++ {
		for y := g.Y; y < g.Y+g.H; y++ {
			if other, ok := taken[[2]int{x, y}]; ok {
				t.Fatalf("panels %q and %q lie on each other", p.Title, other)
			}
			taken[[2]int{x, y}] = p.Title
		}
	}
}

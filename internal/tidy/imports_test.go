package tidy

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// allowed is the import table: for each package of the module, the packages of
// the module it may import and the outside modules that have their home there.
// What is absent is forbidden. Adding an edge is a reviewed one-line diff.
var allowed = map[string]struct {
	inside  []string
	outside []string
}{
	"workload":            {inside: []string{"workload/ledger", "workload/delivery", "internal/spelling"}, outside: []string{"golang.org/x/sync", "golang.org/x/sys"}},
	"workload/ledger":     {},
	"workload/delivery":   {},
	"telemetry/histogram": {},
	"telemetry/mark":      {},
	"telemetry/record":    {inside: []string{"workload", "telemetry/histogram", "telemetry/mark"}},
	"telemetry/trace":     {inside: []string{"workload", "telemetry/histogram", "telemetry/mark", "telemetry/record"}},
	"telemetry": {
		inside:  []string{"workload", "telemetry/histogram", "telemetry/record", "telemetry/mark", "telemetry/trace", "handoff/notice"},
		outside: []string{"go.opentelemetry.io/otel", "go.opentelemetry.io/collector/pdata", "github.com/prometheus/client_golang", "github.com/prometheus/otlptranslator", "google.golang.org/grpc", "google.golang.org/genproto/googleapis/rpc", "go.opentelemetry.io/proto/otlp", "google.golang.org/protobuf"},
	},
	"handoff/notice": {},
	"handoff/upgrade": {
		inside:  []string{"handoff/notice", "internal/yamlfile", "internal/spelling"},
		outside: []string{"github.com/goccy/go-yaml"},
	},
	"handoff/stage": {inside: []string{"handoff/upgrade", "telemetry/mark"}},
	"handoff/sim": {
		inside:  []string{"handoff/upgrade", "handoff/notice", "handoff/sim/resp", "telemetry/mark", "internal/memnet"},
		outside: []string{"github.com/alicebob/miniredis/v2", "github.com/miekg/dns"},
	},
	"handoff/sim/resp":          {},
	"handoff/sim/jobs":          {},
	"handoff/sim/control":       {inside: []string{"handoff/sim", "handoff/sim/jobs", "handoff/upgrade", "handoff/notice", "internal/spelling"}},
	"handoff/sim/faultinjector": {inside: []string{"handoff/sim/control", "handoff/sim/jobs"}},
	"handoff/sim/softwareapi":   {inside: []string{"handoff/sim/control", "handoff/sim/jobs"}},
	"handoff/raw":               {inside: []string{"workload"}},
	"handoff": {
		inside:  []string{"workload", "workload/ledger", "handoff/notice", "handoff/raw", "telemetry/histogram", "telemetry/mark", "internal/spelling"},
		outside: []string{"github.com/redis/go-redis/v9", "golang.org/x/sync"},
	},
	"profiles": {
		inside:  []string{"workload", "handoff", "handoff/upgrade", "handoff/stage", "internal/yamlfile", "internal/spelling", "internal/compare"},
		outside: []string{"github.com/goccy/go-yaml"},
	},
	"dashboards":         {inside: []string{"telemetry/record"}},
	"test/observability": {},
	"internal/memnet":    {},
	"internal/recount":   {},
	"internal/linear":    {inside: []string{"workload/ledger"}, outside: []string{"github.com/anishathalye/porcupine"}},
	"internal/tidy":      {},
	"internal/race":      {},
	"internal/markdown":  {},
	"internal/spelling":  {},
	"internal/vitals":    {},
	"internal/probe":     {inside: []string{"internal/bundle"}},
	"internal/yamlfile":  {inside: []string{"internal/spelling"}, outside: []string{"github.com/goccy/go-yaml"}},
	"internal/bundle": {
		inside:  []string{"telemetry/histogram", "telemetry/record", "telemetry/mark", "workload", "handoff/notice"},
		outside: []string{"go.opentelemetry.io/proto/otlp", "google.golang.org/protobuf"},
	},
	"internal/compare/paired": {},
	"internal/merge":          {inside: []string{"internal/bundle", "telemetry/histogram", "telemetry/record", "telemetry/mark"}},
	"internal/compare":        {inside: []string{"internal/compare/paired", "internal/bundle", "telemetry/histogram", "telemetry/record", "telemetry/mark", "workload", "workload/delivery", "internal/spelling"}},
	"internal/export": {
		inside:  []string{"internal/bundle", "internal/compare", "telemetry/histogram", "telemetry/record", "workload"},
		outside: []string{"github.com/HdrHistogram/hdrhistogram-go", "github.com/parquet-go/parquet-go", "github.com/prometheus/otlptranslator", "go.opentelemetry.io/proto/otlp", "google.golang.org/protobuf"},
	},
	"internal/hour": {inside: []string{"internal/bundle", "telemetry/record", "telemetry/mark", "workload"}},
	"internal/prometheus": {
		inside:  []string{"internal/bundle", "telemetry/histogram", "telemetry/record"},
		outside: []string{"github.com/prometheus/client_golang", "github.com/prometheus/common", "github.com/prometheus/otlptranslator"},
	},
	"internal/series": {inside: []string{"internal/compare", "internal/bundle", "telemetry/histogram", "telemetry/record", "telemetry/mark", "workload"}},
	"internal/report": {
		inside: []string{"internal/markdown", "internal/compare", "internal/explain", "internal/bundle", "internal/series", "internal/matrix", "internal/report/chart", "telemetry/histogram", "telemetry/mark"},
	},
	"internal/report/chart": {},
	"internal/matrix":       {inside: []string{"internal/compare", "internal/compare/paired", "internal/bundle", "handoff/upgrade"}},
	"internal/explain":      {inside: []string{"internal/markdown", "internal/compare", "internal/bundle", "telemetry/mark"}},
	"internal/doctor":       {inside: []string{"handoff", "handoff/stage", "telemetry/mark"}},
	"internal/experiment": {
		inside: []string{
			"workload", "workload/ledger", "workload/delivery", "handoff", "handoff/notice", "handoff/upgrade", "handoff/stage", "telemetry", "telemetry/record", "telemetry/trace",
			"telemetry/histogram", "telemetry/mark", "internal/bundle", "internal/report", "internal/linear", "internal/vitals",
		},
		outside: []string{"golang.org/x/sync"},
	},
	"internal/isolate": {
		inside:  []string{"workload", "telemetry/record", "telemetry/mark", "internal/experiment", "internal/report"},
		outside: []string{"golang.org/x/sys"},
	},
	"internal/calibrate": {inside: []string{
		"workload", "handoff", "handoff/upgrade", "handoff/stage", "handoff/sim", "telemetry/record", "telemetry/histogram", "telemetry/mark",
		"internal/experiment", "internal/bundle", "internal/compare", "internal/vitals", "internal/spelling",
	}},
	"cmd/schload": {
		inside: []string{
			"workload", "handoff", "handoff/upgrade", "handoff/stage", "handoff/sim", "telemetry",
			"handoff/sim/control", "handoff/sim/faultinjector", "handoff/sim/softwareapi",
			"telemetry/record", "telemetry/mark", "telemetry/trace", "profiles", "internal/experiment", "internal/bundle",
			"internal/compare", "internal/report", "internal/explain", "internal/doctor", "internal/calibrate", "internal/matrix", "internal/spelling", "internal/merge", "internal/export", "internal/isolate", "internal/prometheus", "internal/probe",
		},
		outside: []string{"github.com/spf13/cobra", "golang.org/x/term", "github.com/spf13/pflag"},
	},
}

func TestImportTable(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test {
			continue // tests meet whom they must
		}
		rule, ok := allowed[f.pkg]
		if !ok {
			t.Errorf("%s: package %q has no line in the import table", f.path, f.pkg)
			continue
		}
		for _, imp := range f.imports {
			inside, local := strings.CutPrefix(imp, "schload/")
			switch {
			case local && !slices.Contains(rule.inside, inside):
				t.Errorf("%s imports %s: not in the import table (allowed: %s)", f.path, inside, strings.Join(rule.inside, ", "))
			case !local && isOutside(imp) && !slices.ContainsFunc(rule.outside, func(m string) bool { return imp == m || strings.HasPrefix(imp, m+"/") }):
				t.Errorf("%s imports %s: this dependency has no home here (allowed: %s)", f.path, imp, strings.Join(rule.outside, ", "))
			}
		}
	}
}

// Each line of the table must name a folder that exists, or the table rots.
func TestImportTableNamesPackages(t *testing.T) {
	have := map[string]bool{}
	for _, f := range goFiles(t) {
		have[f.pkg] = true
	}
	for _, pkg := range slices.Sorted(maps.Keys(allowed)) {
		if !have[pkg] {
			t.Errorf("import table: no package %q", pkg)
		}
	}
}

// isOutside tells modules from the standard library: a dot in the first element.
func isOutside(imp string) bool {
	first, _, _ := strings.Cut(imp, "/")
	return strings.Contains(first, ".") && path.Base(imp) != ""
}

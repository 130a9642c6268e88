package compare_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// recordBoth records one run through the bundle and the exporter, and returns
// the bundle's directory and the exported file.
func recordBoth(t *testing.T) (dir, file string) {
	t.Helper()
	base := time.Date(2026, 5, 1, 12, 0, 0, 123456789, time.UTC)
	dir, file = filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "m.jsonl")
	w, err := bundle.Create(dir, bundle.Run{ID: "r-1", Started: base, Stage: "sim", Rounds: 2, Speed: 1,
		Arms:    []bundle.Arm{{Name: "off", Requested: "off"}, {Name: "on", Requested: "on"}},
		Pools:   []bundle.Pool{{Name: "main", Operations: []string{"GET"}, Arrival: "constant"}},
		Upgrade: bundle.Upgrade{Name: "endpoint-rebind"}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := telemetry.Start(t.Context(), telemetry.Config{File: file, RunID: "r-1", Upgrade: "endpoint-rebind", Base: base, Arms: []string{"off", "on"}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 8 {
		iv := busy(rnd, i)
		if err := w.Interval(iv); err != nil {
			t.Fatal(err)
		}
		e.Interval(iv)
		if err := e.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(bundle.Final{Ended: base.Add(8 * time.Second), Valid: true}); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

// busy is one of eight intervals: two rounds of four phases.
func busy(rnd *rand.Rand, i int) record.Interval {
	iv := record.Interval{From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second}
	phase, round := record.Phase(i%4), string(rune('1'+i/4))
	for _, arm := range []string{"off", "on"} {
		for _, outcome := range []string{"ok", "failed"} {
			n := 20 + rnd.IntN(200)
			s := record.Series{Key: record.Key{Arm: arm, Pool: "main", Operation: "GET", Outcome: outcome, Phase: phase, Round: 1 + i/4},
				Response: new(histogram.Histogram), Service: new(histogram.Histogram), Lateness: new(histogram.Histogram)}
			for range n {
				d := time.Duration(rnd.Int64N(1 << (10 + rnd.IntN(28))))
				s.Response.Record(2 * d)
				s.Service.Record(d)
				s.Lateness.Record(d / 3)
			}
			iv.Series = append(iv.Series, s)
			class := map[string]string{"ok": "ok", "failed": "read_timeout"}[outcome]
			attrs := []record.Attr{{Key: record.AttrPool, Value: "main"}, {Key: record.AttrPhase, Value: phase.String()}, {Key: record.AttrRound, Value: round}}
			iv.Counts = append(iv.Counts,
				record.Count{Name: record.Operations, Arm: arm, Value: uint64(n), Attrs: append([]record.Attr{
					{Key: record.AttrOperation, Value: "GET"}, {Key: record.AttrOutcome, Value: class}}, attrs...)})
			if outcome == "ok" {
				iv.Counts = append(iv.Counts, record.Count{Name: record.OperationsLate, Arm: arm, Value: uint64(n / 3), Attrs: attrs},
					record.Count{Name: record.OperationsMissed, Arm: arm, Value: 4, Attrs: append([]record.Attr{{Key: record.AttrReason, Value: "backlog"}}, attrs...)},
					record.Count{Name: record.OperationsDue, Arm: arm, Value: 4, Attrs: attrs})
			}
			iv.Counts = append(iv.Counts, record.Count{Name: record.OperationsDue, Arm: arm, Value: uint64(n), Attrs: attrs})
		}
	}
	for reason, beyond := range map[string]bool{bundle.ReasonCPU: i > 2, bundle.ReasonSteal: i == 2, bundle.ReasonPause: false} {
		level := record.Level{Name: record.HarnessSaturated, Attrs: []record.Attr{{Key: record.AttrReason, Value: reason}}}
		if beyond {
			level.Value = 1
		}
		iv.Levels = append(iv.Levels, level)
	}
	for i := 0; i < len(iv.Counts); i++ { // each series once
		for j := len(iv.Counts) - 1; j > i; j-- {
			if a, b := iv.Counts[i], iv.Counts[j]; a.Name == b.Name && a.Arm == b.Arm && cmp.Equal(a.Attrs, b.Attrs) {
				iv.Counts[i].Value += b.Value
				iv.Counts = append(iv.Counts[:j], iv.Counts[j+1:]...)
			}
		}
	}
	return iv
}

// What metrics tell is the same through the exporter as in the bundle, to the
// last digit; the bundle's own lines are read alike.
func TestExportedIsTheBundle(t *testing.T) {
	dir, file := recordBoth(t)
	b, err := bundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	want, err := compare.Summarize(b)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "d.jsonl")
	data, err := os.ReadFile(filepath.Join(dir, "metrics.otlp.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, copied} {
		exports, err := bundle.ReadExports([]string{path})
		if err != nil || len(exports) != 1 || exports[0].Whole != nil || exports[0].Lacking == "" {
			t.Fatal(exports, err)
		}
		e := exports[0].Alone
		got, err := compare.Exported(e)
		if err != nil {
			t.Fatal(err)
		}
		if got.RunID != "r-1" || got.Upgrade.Name != "endpoint-rebind" || len(got.Arms) != 2 || e.Deltas != (path == copied) || !e.To.Equal(b.Run.Started.Add(8*time.Second)) {
			t.Errorf("%s: run %q, %d arms, deltas to %v", path, got.RunID, len(got.Arms), e.To)
		}
		if h := got.Harness; !h.Saturated || !slices.Equal(h.SaturatedReasons, []string{bundle.ReasonCPU}) {
			t.Errorf("%s: saturated %v by %q, want by the limit that it was beyond at last", path, h.Saturated, h.SaturatedReasons)
		}
		for _, a := range got.Arms {
			w, _ := want.Arm(a.Name)
			if w.Operations.Failed == 0 || w.Operations.Missed == 0 || w.Phases.Maintenance.ResponseTime.Count == 0 {
				t.Fatalf("nothing to compare: %+v", w)
			}
			if diff := cmp.Diff([]any{w.Operations, w.Errors, w.MissedReasons, w.Phases}, []any{a.Operations, a.Errors, a.MissedReasons, a.Phases}); diff != "" {
				t.Errorf("%s, arm %s (-bundle +exported):\n%s", path, a.Name, diff)
			}
		}
	}
}

// Of a file that is not whole, or not what it should be, nothing is computed.
func TestExportedRefuses(t *testing.T) {
	dir, file := recordBoth(t)
	live, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.ReadFile(filepath.Join(dir, "metrics.otlp.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	deltas := strings.SplitAfter(string(own), "\n")
	replace := func(text []byte, old, new string) string {
		out := strings.Replace(string(text), old, new, 1)
		if out == string(text) {
			t.Fatalf("no %q to replace", old)
		}
		return out
	}
	for name, c := range map[string]struct{ text, want string }{
		"torn":            {string(live[:len(live)-9]), "torn"},
		"not OTLP":        {"{}\nhello\n", "line 2: not an OTLP/JSON request"},
		"empty":           {"", ": no metrics of schload"},
		"foreign":         {`{"resourceSpans":[]}` + "\n", ": no metrics of schload"},
		"another scale":   {replace(own, `"scale":6`, `"scale":5`), "line 1: arm off metric schload.operation.response_time: scale 5"},
		"negative":        {replace(own, `"asInt":"4"`, `"asInt":"-4"`), "is not a count"},
		"not a number":    {replace(own, `"asInt":"4"`, `"asDouble":"NaN"`), "is not a count"},
		"length NaN":      {replace(own, `"asDouble":`, `"asDouble":"NaN","was":`), "line 1: metric schload.interval: value NaN is no level"},
		"length no whole": {replace(own, `"asDouble":`, `"asInt":"-1","was":`), "line 1: metric schload.interval: value -1 is no level"},
		"sum no number":   {replace(own, `"sum":`, `"sum":"NaN","was":`), "line 1"},
		"newer phase":     {replace(own, `"stringValue":"warmup"`, `"stringValue":"cooldown"`), "cooldown"},
		"a gap":           {strings.Join(append(append([]string{}, deltas[:3]...), deltas[4:]...), ""), "line 4: deltas from"},
		"twice":           {string(own) + deltas[7], "line 9: arm off"},
		"an arm ends":     {upToArm(string(live)), "the file ends within an export"},
		"both kinds":      {string(live) + deltas[7], "before it was of r-1-off"},
		"unknown for sum": {replace(own, `"aggregationTemporality":1`, `"aggregationTemporality":0`), "want cumulative or delta"},
	} {
		path := filepath.Join(t.TempDir(), "x.jsonl")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := bundle.ReadExports([]string{path}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// upToArm cuts the last lines off in which the arm on has points.
func upToArm(live string) string {
	lines := strings.SplitAfter(live, "\n")
	var kept []string
	for i, line := range lines {
		if i < len(lines)/2 || !strings.Contains(line, `"r-1-on"`) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

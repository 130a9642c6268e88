package compare

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestSummarize(t *testing.T) {
	p := start(t)
	rolling(p)
	s := p.finish(bundle.Final{Valid: true, Exports: bundle.Exports{Sent: 7, Failed: 1},
		StartLag: &bundle.Lag{P50: 40_000, P99: 300_000, Max: 900_000}})
	if !s.Valid || !s.Complete {
		t.Errorf("valid %v, complete %v: %q", s.Valid, s.Complete, s.InvalidReasons)
	}
	on, _ := s.Arm("on")
	off, _ := s.Arm("off")
	want := map[string]any{
		"on":  Operations{Due: 722, OK: 722, Late: 2},
		"off": Operations{Due: 728, OK: 722, Failed: 4, Missed: 2, Late: 2},
	}
	got := map[string]any{"on": on.Operations, "off": off.Operations}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
	// Windows: each round's maintenance leaves off without a success for 1.9 s
	// less what fell due in between, on for 150 ms less the same.
	if off.Outage.Windows != 2 || off.Outage.Longest < bundle.Seconds(time.Second) {
		t.Errorf("outage of off: %+v", off.Outage)
	}
	golden(t, "rolling.json", filepath.Join(s.Dir, "summary.json"))
}

func golden(t *testing.T, name, path string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("summary differs from %s (run with -update and read the diff):\n%s", file, cmp.Diff(string(want), string(got)))
	}
}

// Law: the summary depends on the files alone; computed again it is the same.
func TestSummarizeAgain(t *testing.T) {
	p := start(t)
	rolling(p)
	first := p.finish(bundle.Final{Valid: true})
	stored, err := os.ReadFile(filepath.Join(first.Dir, "summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	if second := p.summarize(); !cmp.Equal(first, second) {
		t.Error(cmp.Diff(first, second))
	}
	var back Summary
	if err := json.Unmarshal(stored, &back); err != nil {
		t.Fatal(err)
	}
	back.Dir = first.Dir
	if diff := cmp.Diff(first, back); diff != "" {
		t.Errorf("summary.json does not hold the summary:\n%s", diff)
	}
}

// Law: a percentile of the run is that of all its samples, whatever intervals,
// pools and rounds they fell into. The mean of percentiles would be far off:
// half of the intervals are a hundred times slower.
func TestPercentilesOfMerged(t *testing.T) {
	p := start(t)
	r := rand.New(rand.NewPCG(3, 3))
	var all []time.Duration
	for n := range 10 {
		p.phase(1+n/5, record.Baseline)
		for range 200 {
			took := 100*time.Microsecond + time.Duration(r.ExpFloat64()*float64(time.Millisecond))
			if n%2 == 1 {
				took *= 100
			}
			all = append(all, took)
			p.ends([]string{"on/main", "on/batch"}[r.IntN(2)], took, workload.OK)
			p.ends("on/main", time.Hour, workload.ReadTimeout) // failures have no part in it
		}
		p.second()
	}
	s := p.finish(bundle.Final{Valid: true})
	got := s.Arms[0].Phases.Baseline.ResponseTime
	slices.Sort(all)
	if got.Count != uint64(len(all)) || got.Max.Duration() != all[len(all)-1] {
		t.Errorf("count %d, max %v; want %d, %v", got.Count, got.Max.Duration(), len(all), all[len(all)-1])
	}
	for _, q := range []struct {
		q   float64
		got bundle.Seconds
	}{{0.5, got.P50}, {0.95, got.P95}, {0.99, got.P99}, {0.999, got.P999}} {
		want := all[int(q.q*float64(len(all)))-1].Seconds()
		if e := q.got.Duration().Seconds()/want - 1; e > 0.0055 || e < -0.0055 {
			t.Errorf("quantile %v is %v, want %v s within 0.55 %%", q.q, q.got.Duration(), want)
		}
	}
}

func wantReasons(t *testing.T, s Summary, words ...string) {
	t.Helper()
	if s.Valid == (len(words) > 0) || len(s.InvalidReasons) != len(words) {
		t.Errorf("valid %v with reasons %q, want %d reasons", s.Valid, s.InvalidReasons, len(words))
		return
	}
	for i, word := range words {
		if !strings.Contains(s.InvalidReasons[i], word) {
			t.Errorf("reason %q lacks %q", s.InvalidReasons[i], word)
		}
	}
}

func wantWarnings(t *testing.T, s Summary, words ...string) {
	t.Helper()
	for _, word := range words {
		if !slices.ContainsFunc(s.Warnings, func(w string) bool { return strings.Contains(w, word) }) {
			t.Errorf("no warning with %q among %q", word, s.Warnings)
		}
	}
}

func TestInvalid(t *testing.T) {
	op := []string{record.AttrOperation, "GET", record.AttrOutcome, "ok", record.AttrPool, "main", record.AttrPhase, "baseline", record.AttrRound, "1"}
	for name, tt := range map[string]struct {
		happens func(*play)
		final   bundle.Final
		want    []string
	}{
		"said so":       {func(p *play) {}, bundle.Final{InvalidReasons: []string{"aborted", "aborted"}}, []string{"aborted"}},
		"said nothing":  {func(p *play) {}, bundle.Final{}, []string{"without saying why"}},
		"mark":          {func(p *play) { p.w.Mark(mark.Mark{Kind: mark.Invalid, Arm: "on", Detail: "lost the clock"}) }, bundle.Final{Valid: true}, []string{"arm on: lost the clock"}},
		"on that isn't": {func(p *play) { p.proved("on", 4, "false") }, bundle.Final{Valid: true}, []string{"none of its 4 connections opted in"}},
		"off that is":   {func(p *play) { p.proved("off", 4, "false"); p.proved("off", 1, "true") }, bundle.Final{Valid: true}, []string{"1 of its 5 connections opted in"}},
		"judged already": {func(p *play) { p.proved("on", 4, "false") },
			bundle.Final{InvalidReasons: []string{"arm on: the server refused the opt-in"}}, []string{"the server refused"}},
		"by final proof": {func(p *play) {}, bundle.Final{Valid: true, Arms: []bundle.Proof{{Name: "on", Connections: 3}}}, []string{"none of its 3 connections opted in"}},
		"lost operation": {func(p *play) { p.sinks["on/batch"].Due(p.now, 2) }, bundle.Final{Valid: true},
			[]string{"arm on, pool batch: due 2 is not ok 0 + failed 0 + missed 0 without warm-up", "over the whole run"}},
		"lost in warm-up": {func(p *play) { p.sinks["on/batch"].Due(-1, 2) }, bundle.Final{Valid: true},
			[]string{"arm on, pool batch: due 2 is not ok 0 + failed 0 + missed 0 over the whole run"}},
		"two truths": {func(p *play) {
			p.count("on", record.Operations, 1, op...)
			p.count("on", record.OperationsDue, 1, op[4:]...)
		}, bundle.Final{Valid: true}, []string{"arm on: its histograms hold 1 successes and 0 failures, its counters 2 and 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			p.phase(0, record.Warmup)
			p.phase(1, record.Baseline)
			p.ends("on/main", time.Millisecond, workload.OK)
			tt.happens(p)
			p.second()
			wantReasons(t, p.finish(tt.final), tt.want...)
		})
	}
}

// A killed run gives what it recorded, and says what it lacks.
func TestKilled(t *testing.T) {
	p := start(t)
	p.phase(0, record.Warmup)
	p.second()
	p.phase(1, record.Baseline)
	p.ends("on/main", time.Millisecond, workload.OK)
	p.sinks["on/main"].Due(p.now, 3) // in flight when the kill came
	p.count("", record.TelemetryExports, 5, record.AttrResult, "ok")
	p.count("", record.TelemetryExports, 2, record.AttrResult, "failed")
	p.proved("on", 4, "true")
	p.proved("on", 4, "false")
	p.second()
	p.second() // and the three had no answer for a second
	s := p.kill()
	wantReasons(t, s)
	wantWarnings(t, s, "did not end properly", "arm on: 3 operations had not ended", "arm on: an outage was going on",
		"arm on: only 4 of 8", "arm off: nothing proves",
		"2 of 7 exports", "arm off: no operation fell due", "p99 needs 100 successes: on baseline has 1")
	if s.Complete || s.Arms[0].Operations != (Operations{Due: 4, OK: 1}) || s.Arms[0].SCH.Effective != "mixed" {
		t.Errorf("complete %v, %+v, %+v", s.Complete, s.Arms[0].Operations, s.Arms[0].SCH)
	}
	if got := s.Harness.StartLag; got.Max != bundle.Seconds(50*time.Microsecond) {
		t.Errorf("start lag %+v, want that of the baseline's lateness", got)
	}
}

// More ends than operations were due is wrong in a killed run, too.
func TestKilledWithTooManyEnds(t *testing.T) {
	p := start(t)
	p.phase(1, record.Baseline)
	p.sinks["on/main"].Missed(p.now, workload.Ended, 1)
	p.second()
	wantReasons(t, p.kill(), "due 0 is not ok 0 + failed 0 + missed 1 without", "over the whole run")
}

func TestSaturated(t *testing.T) {
	for _, tt := range []struct {
		late, took time.Duration
		want       string
	}{
		{400 * time.Microsecond, 500 * time.Microsecond, ""},
		{900 * time.Microsecond, 20 * time.Millisecond, ""},
		{900 * time.Microsecond, 2 * time.Millisecond, "more than a tenth of their response time of 2ms"},
		{6 * time.Millisecond, time.Second, "up to 6ms late at p99 of 100 (limit 5ms)"},
	} {
		p := start(t)
		p.phase(1, record.Baseline)
		p.sinks["on/main"].Due(p.now, 100)
		p.sinks["on/main"].Done(workload.Sample{Intended: p.now, Sent: p.now + tt.late, Done: p.now + tt.took}, 100)
		p.second()
		s := p.finish(bundle.Final{Valid: true})
		if tt.want != "" {
			wantWarnings(t, s, tt.want)
		} else if slices.ContainsFunc(s.Warnings, func(w string) bool { return strings.Contains(w, "harness") }) {
			t.Errorf("late %v of %v: warnings %q", tt.late, tt.took, s.Warnings)
		}
	}
}

// Without marks of phases nothing is known to be warm-up.
func TestNoPhases(t *testing.T) {
	p := start(t)
	p.w.Mark(mark.Mark{Kind: mark.Outage, Arm: "on", Duration: time.Second})
	p.count("on", record.ConnectionDials, 3, record.AttrResult, "ok")
	p.second()
	s := p.finish(bundle.Final{Valid: true})
	if a := s.Arms[0]; a.Outage.Windows != 1 || a.Connections.Dials != 3 {
		t.Errorf("%+v, %+v", a.Outage, a.Connections)
	}
}

// The proof at the end decides what an arm was: it knows which connections
// carried operations.
func TestProof(t *testing.T) {
	p := start(t)
	p.proved("on", 15, "true")
	p.proved("on", 1, "false") // its dial was given up
	p.second()
	s := p.finish(bundle.Final{Valid: true, Arms: []bundle.Proof{
		{Name: "on", Effective: "on", Connections: 3, OptedIn: 3}, {Name: "off", Effective: "off", Connections: 5},
	}})
	want := []SCH{{"on", "on", 3, 3}, {"off", "off", 5, 0}}
	if diff := cmp.Diff(want, []SCH{s.Arms[0].SCH, s.Arms[1].SCH}); diff != "" {
		t.Error(diff)
	}
	wantReasons(t, s)
}

// A bundle that cannot be read is an error, not a summary.
func TestUnreadable(t *testing.T) {
	for _, name := range []string{"marks.jsonl", "metrics.otlp.jsonl"} {
		p := start(t)
		p.second()
		p.kill()
		if err := os.WriteFile(filepath.Join(p.w.Dir(), name), []byte("{]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Save(p.w.Dir()); err == nil || !strings.Contains(err.Error(), name+" line 1") {
			t.Errorf("error %v, want one of %s line 1", err, name)
		}
	}
	if _, err := Save(t.TempDir()); err == nil {
		t.Error("an empty directory was summarized")
	}
}

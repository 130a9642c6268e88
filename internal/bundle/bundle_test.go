package bundle

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"schload/telemetry/histogram"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

var started = time.Date(2026, 11, 22, 13, 24, 0, 123456789, time.UTC)

func testRun() Run {
	return Run{
		ID: "20261122-132400-7", Started: started,
		Command: []string{"schload", "run", "rolling"},
		Arms:    []Arm{{Name: "on", Requested: "on"}, {Name: "off", Requested: "off"}},
		Pools:   []Pool{{Name: "main", Operations: []string{"GET", "SET"}}},
		Upgrade: Upgrade{Name: "rolling", Title: "Rolling upgrade", SCHSupport: "full"},
		Stage:   "sim", Rounds: 2, Seed: 7, Speed: 1,
		LateAfter: Seconds(100 * time.Millisecond), OutageAfter: Seconds(100 * time.Millisecond),
		Environment: Environment{OS: "linux", Arch: "amd64", CPUs: 2, Go: "go1.26.8"},
		Versions:    Versions{Schload: "v0.1.0", GoRedis: "v9.23.0"},
	}
}

func create(t *testing.T, run Run) *Writer {
	t.Helper()
	w, err := Create(filepath.Join(t.TempDir(), "bundle"), run)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func open(t *testing.T, path string) *Bundle {
	t.Helper()
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func intervals(t *testing.T, b *Bundle) []record.Interval {
	t.Helper()
	var all []record.Interval
	for iv, err := range b.Intervals() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, iv)
	}
	return all
}

// randomHistogram spreads durations over every bucket, zero and overflow too.
func randomHistogram(r *rand.Rand) *histogram.Histogram {
	h := &histogram.Histogram{}
	for range r.IntN(40) {
		h.RecordN(time.Duration(r.Uint64()>>(1+r.IntN(63))), 1+r.Uint64N(3))
		if h.Sum() > 1<<52 { // beyond, a double may not hold every nanosecond
			h.Reset()
		}
	}
	return h
}

func randomInterval(r *rand.Rand, from time.Duration) record.Interval {
	iv := record.Interval{From: from, To: from + time.Duration(r.Int64N(int64(2*time.Second)))}
	for _, arm := range []string{"on", "off", "odd"} {
		for _, op := range []string{"GET", "SET"} {
			for _, outcome := range []string{"ok", "failed"} {
				if r.IntN(3) == 0 {
					continue
				}
				s := record.Series{Key: record.Key{Arm: arm, Pool: "main", Operation: op, Outcome: outcome,
					Phase: record.Phase(r.IntN(record.Phases)), Round: r.IntN(3)}}
				s.Response, s.Service = randomHistogram(r), randomHistogram(r)
				if r.IntN(4) > 0 {
					s.Lateness = randomHistogram(r)
				}
				iv.Series = append(iv.Series, s)
			}
		}
	}
	for i := range r.IntN(12) {
		iv.Counts = append(iv.Counts, record.Count{
			Name: fmt.Sprintf("schload.count.%d", r.IntN(4)), Arm: []string{"", "on", "off"}[r.IntN(3)],
			Attrs: []record.Attr{{Key: "n", Value: strconv.Itoa(i)}, {Key: "quote", Value: `"é` + "\n\u2028<&>"}},
			Value: r.Uint64() >> (1 + r.IntN(63)),
		})
		iv.Levels = append(iv.Levels, record.Level{
			Name: fmt.Sprintf("schload.level.%d", r.IntN(4)), Arm: []string{"", "on", "off"}[r.IntN(3)],
			Attrs: []record.Attr{{Key: "n", Value: strconv.Itoa(i)}}, Value: r.NormFloat64(),
		})
		iv.Distributions = append(iv.Distributions, record.Distribution{
			Name: []string{record.NoticeDelay, record.HandoffDuration}[r.IntN(2)], Arm: []string{"on", "odd"}[r.IntN(2)],
			Attrs: []record.Attr{{Key: "n", Value: strconv.Itoa(i)}}, Times: randomHistogram(r),
		})
	}
	return iv
}

// sorted puts an interval into the order the reader returns.
func sorted(iv record.Interval) record.Interval {
	d := decoder{iv: iv}
	d.sort()
	return d.iv
}

// Law: what is written is what is read, bit for bit.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := create(t, testRun())
		var want []record.Interval
		for from := time.Duration(0); len(want) < 5; from = want[len(want)-1].To {
			iv := randomInterval(r, from)
			if err := w.Interval(iv); err != nil {
				t.Fatal(err)
			}
			want = append(want, sorted(iv))
		}
		if err := w.Finish(Final{Valid: true}); err != nil {
			t.Fatal(err)
		}
		got := intervals(t, open(t, w.Dir()))
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("seed %d: intervals read differ (-written +read):\n%s", seed, diff)
		}
	}
}

// Law: the intervals of a recorder come back as they were, order included.
func TestRecorderRoundTrip(t *testing.T) {
	arms := []record.Arm{
		{Name: "on", Pools: []record.Pool{{Name: "main", Operations: []string{"GET", "SET"}}}},
		{Name: "off", Pools: []record.Pool{{Name: "main", Operations: []string{"GET", "SET"}}}},
	}
	w := create(t, testRun())
	r := record.New(record.Config{Arms: arms, Marks: w.Mark})
	sinks := map[string]workload.Sink{"on": r.Sink("on", "main"), "off": r.Sink("off", "main")}
	var want []record.Interval
	for n := range 8 {
		from := time.Duration(n) * time.Second
		r.Begin(1, record.Phase(n/2), from)
		for arm, s := range sinks {
			s.Due(from, 3)
			s.Missed(from, workload.NoWorker, 1)
			s.Done(workload.Sample{Operation: n % 2, Intended: from, Sent: from + 9, Done: from + time.Duration(n)*time.Millisecond,
				Outcome: workload.Outcome{Class: workload.Class(n / 2 * len(arm) % 3)}}, 2)
		}
		want = append(want, r.Collect(from+time.Second))
		if err := w.Interval(want[n]); err != nil {
			t.Fatal(err)
		}
		want[n].Phase, want[n].Round = 0, 0 // marks tell them
	}
	if diff := gocmp.Diff(want, intervals(t, open(t, w.Dir()))); diff != "" {
		t.Errorf("intervals read differ (-written +read):\n%s", diff)
	}
}

// An interval in which nothing happened keeps its bounds.
func TestEmptyInterval(t *testing.T) {
	w := create(t, testRun())
	want := record.Interval{From: time.Second, To: 2*time.Second + 1}
	if err := w.Interval(want); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]record.Interval{want}, intervals(t, open(t, w.Dir()))); diff != "" {
		t.Error(diff)
	}
}

func TestIntervalRefused(t *testing.T) {
	w := create(t, testRun())
	for name, tt := range map[string]struct {
		iv   record.Interval
		want string
	}{
		"backwards": {record.Interval{From: 2, To: 1}, "want 0 <= from <= to"},
		"too large": {record.Interval{Counts: []record.Count{{Name: "c", Value: 1 << 63}}}, "exceeds"},
		"two kinds": {record.Interval{Counts: []record.Count{{Name: "c"}}, Levels: []record.Level{{Name: "c"}}}, "another kind"},
		"reserved":  {record.Interval{Levels: []record.Level{{Name: intervalName}}}, "the name is taken"},
	} {
		if err := w.Interval(tt.iv); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want one with %q", name, err, tt.want)
		}
	}
	if got := intervals(t, open(t, w.Dir())); len(got) != 0 {
		t.Errorf("refused intervals left %d lines", len(got))
	}
}

func TestRunRoundTrip(t *testing.T) {
	want := testRun()
	want.Profile = json.RawMessage(`{"arrival":"poisson","rate":1000.50}`)
	want.Upgrade.Parameters = []Parameter{{Name: "moving_time", Value: "15s", Origin: "documented", Note: "page <x> & y"}}
	want.Upgrade.Assumptions = []string{"the endpoint stalls 1 s"}
	want.Upgrade.Plan = json.RawMessage(`[{"at_ns":1}]`)
	w := create(t, want)
	if b := open(t, w.Dir()); b.Complete() || len(b.Warnings) != 1 {
		t.Errorf("before Finish: complete %v with warnings %q, want an incomplete bundle and one warning", b.Complete(), b.Warnings)
	}
	final := Final{
		Ended: started.Add(time.Minute), InvalidReasons: []string{"arm on never opted in"},
		Arms:     []Proof{{Name: "on", Requested: "on", Effective: "off", Connections: 16}},
		StartLag: &Lag{P50: 1500, P99: 60000, Max: 1},
		Exports:  Exports{Sent: 60, Failed: 1},
	}
	if err := w.Finish(final); err != nil {
		t.Fatal(err)
	}
	b := open(t, filepath.Join(w.Dir(), "metrics.otlp.jsonl"))
	final.Lines = new(Lines)
	want.Schema, want.Final = Schema, &final
	if diff := gocmp.Diff(want, b.Run, rawText); diff != "" {
		t.Errorf("run.json differs (-written +read):\n%s", diff)
	}
	if !b.Complete() || len(b.Warnings) != 0 {
		t.Errorf("after Finish: complete %v with warnings %q", b.Complete(), b.Warnings)
	}
	if err := b.WriteSummary(map[string]int{"a": 1}); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(filepath.Join(b.Dir, "summary.json")); string(text) != "{\n  \"a\": 1\n}\n" {
		t.Errorf("summary.json holds %q", text)
	}
}

// rawText compares raw JSON without its indentation.
var rawText = gocmp.Transformer("text", func(m json.RawMessage) string {
	text, _ := marshal(m)
	return string(text)
})

func TestMarksRoundTrip(t *testing.T) {
	w := create(t, testRun())
	seq := int64(0)
	want := []mark.Mark{
		{At: 0, Kind: mark.Phase, Name: "warmup"},
		{At: 5, Kind: mark.Notice, Name: "MOVING", Arm: "on", Conn: 3, Node: "127.0.0.2:6379", Seq: &seq},
		{At: 4, Duration: 9, Kind: mark.Outage, Arm: "off", Round: 1, Detail: "a < b"},
	}
	for _, m := range want {
		w.Mark(m)
	}
	if err := w.Finish(Final{Valid: true}); err != nil {
		t.Fatal(err)
	}
	b := open(t, w.Dir())
	var got []mark.Mark
	for m, err := range b.Marks() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("marks differ (-written +read):\n%s", diff)
	}
	ordered, err := b.Timeline()
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff([]mark.Mark{want[0], want[2], want[1]}, ordered); diff != "" {
		t.Errorf("timeline differs:\n%s", diff)
	}
}

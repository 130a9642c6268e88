package export

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/perf/benchfmt"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// recorded makes a bundle: two arms, two rounds, six intervals, times from 0 to
// beyond the histogram's range.
func recorded(t *testing.T) (*bundle.Bundle, compare.Summary) {
	t.Helper()
	base := time.Date(2026, 5, 1, 12, 0, 0, 123456789, time.UTC)
	w, err := bundle.Create(filepath.Join(t.TempDir(), "b"), bundle.Run{
		ID: "r-1", Started: base, Stage: "sim", Rounds: 2, Speed: 1,
		Arms:    []bundle.Arm{{Name: "on", Requested: "on"}, {Name: "off", Requested: "off"}},
		Pools:   []bundle.Pool{{Name: "main", Operations: []string{"GET"}, Arrival: "constant"}},
		Upgrade: bundle.Upgrade{Name: "endpoint-rebind"},
	})
	if err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 6 {
		iv := record.Interval{From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second}
		for _, arm := range []string{"off", "on"} {
			s := record.Series{Key: record.Key{Arm: arm, Pool: "main", Operation: "GET", Outcome: "ok", Phase: record.Phase(1 + i%3), Round: 1 + i/3},
				Response: random(rnd, 500), Service: random(rnd, 500), Lateness: random(rnd, 500)}
			iv.Series = append(iv.Series, s)
			iv.Counts = append(iv.Counts, record.Count{Name: record.Operations, Arm: arm, Value: 500, Attrs: []record.Attr{
				{Key: record.AttrOperation, Value: "GET"}, {Key: record.AttrOutcome, Value: "ok"}, {Key: record.AttrPool, Value: "main"},
				{Key: record.AttrPhase, Value: s.Phase.String()}, {Key: record.AttrRound, Value: strconv.Itoa(s.Round)}}})
		}
		if err := w.Interval(iv); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(bundle.Final{Ended: base.Add(6 * time.Second), Valid: true}); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(w.Dir())
	if err != nil {
		t.Fatal(err)
	}
	s, err := compare.Summarize(b)
	if err != nil {
		t.Fatal(err)
	}
	return b, s
}

func random(rnd *rand.Rand, n int) *histogram.Histogram {
	h := &histogram.Histogram{}
	h.Record(0)
	h.Record(200 * time.Second)
	for range n - 2 {
		h.Record(time.Duration(math.Exp(rnd.Float64()*25) * 100))
	}
	return h
}

// What stands for the durations has all of them, and answers every rank as the
// histogram itself.
func TestValuesAreThoseOfTheQuantiles(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{2, 3, 4, 100, 5000} {
		h := random(rnd, n)
		rank := uint64(0)
		for d, k := range values(h) {
			for range k {
				rank++
				if want := h.Quantile((float64(rank) - 0.5) / float64(n)); d != want {
					t.Fatalf("n %d rank %d: %v, the histogram says %v", n, rank, d, want)
				}
			}
		}
		if rank != h.Count() {
			t.Errorf("n %d: %d values", n, rank)
		}
	}
	one := &histogram.Histogram{}
	one.Record(time.Millisecond)
	for d, k := range values(one) {
		if d != time.Millisecond || k != 1 {
			t.Errorf("of one: %v %d times", d, k)
		}
	}
	for range values(&histogram.Histogram{}) {
		t.Error("an empty histogram has values")
	}
}

// near says whether a value is the other within three significant digits.
func near(got, want time.Duration) bool {
	return math.Abs(float64(got-want)) <= math.Ceil(float64(want)/1000)
}

func TestHLogReadBack(t *testing.T) {
	b, s := recorded(t)
	var out bytes.Buffer
	if err := HLog(&out, b, s); err != nil {
		t.Fatal(err)
	}
	r := hdrhistogram.NewHistogramLogReader(&out)
	for iv, err := range b.Intervals() {
		if err != nil {
			t.Fatal(err)
		}
		want := times{}
		want.add(iv, false)
		for _, p := range want.parts() {
			h, err := r.NextIntervalHistogram()
			if err != nil || h == nil {
				t.Fatalf("%v: %v", p, err)
			}
			if h.Tag() != p.name() || h.TotalCount() != int64(want[p].Count()) {
				t.Errorf("tag %q count %d, want %q %d", h.Tag(), h.TotalCount(), p.name(), want[p].Count())
			}
			if at := b.Run.Started.Add(iv.From).UnixMilli(); h.StartTimeMs() != at {
				t.Errorf("start %d ms, want %d", h.StartTimeMs(), at)
			}
			for _, q := range []float64{0.5, 0.9, 0.95, 0.99, 0.998, 1} {
				if got := time.Duration(h.ValueAtPercentile(100 * q)); !near(got, want[p].Quantile(q)) {
					t.Errorf("%s q %v: %v, the bundle says %v", p.name(), q, got, want[p].Quantile(q))
				}
			}
		}
	}
	if h, _ := r.NextIntervalHistogram(); h != nil {
		t.Errorf("one more line, tag %s", h.Tag())
	}
}

func TestHGRMReadBack(t *testing.T) {
	b, s := recorded(t)
	dir := filepath.Join(t.TempDir(), "out")
	names, err := HGRM(dir, b, s)
	if err != nil || len(names) != 2*3*3 {
		t.Fatalf("%q: %v", names, err)
	}
	want, _ := readTimes(b, s, false)
	for _, p := range want.parts() {
		text, err := os.ReadFile(filepath.Join(dir, p.name()+".hgrm"))
		if err != nil {
			t.Fatal(err)
		}
		lines := 0
		for line := range strings.Lines(string(text)) {
			var ms, q float64
			var rank uint64
			if n, _ := fmt.Sscan(line, &ms, &q, &rank); n != 3 {
				continue
			}
			lines++
			at := want[p].Quantile((float64(rank) - 0.5) / float64(want[p].Count()))
			if got := ms * 1e6; math.Abs(got-float64(at)) > float64(at)/1000+1000 { // a digit more than printed
				t.Errorf("%s rank %d: %v ns, the bundle says %v", p.name(), rank, got, at)
			}
		}
		if total := fmt.Sprintf("Total count    = %12d]", want[p].Count()); lines < 10 || !strings.Contains(string(text), total) {
			t.Errorf("%s: %d lines, want %q in\n%s", p.name(), lines, total, text)
		}
	}
	if _, err := HGRM(dir, b, s); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a full directory: %v", err)
	}
}

func TestBenchstatReadBack(t *testing.T) {
	b, s := recorded(t)
	var out bytes.Buffer
	if err := Benchstat(&out, b, s); err != nil {
		t.Fatal(err)
	}
	want, _ := readTimes(b, s, true)
	parts := want.parts()
	r := benchfmt.NewReader(&out, "x")
	for r.Scan() {
		res, ok := r.Result().(*benchfmt.Result)
		if !ok {
			t.Fatalf("%v", r.Result())
		}
		p := parts[0]
		parts = parts[1:]
		name := camel(p.time) + "/phase=" + p.phase.String() + "/arm=" + p.arm
		if string(res.Name) != name || res.Iters != int(want[p].Count()) || res.GetConfig("run") != "r-1" {
			t.Errorf("%s %d of run %q, want %s %d", res.Name, res.Iters, res.GetConfig("run"), name, want[p].Count())
		}
		for unit, q := range map[string]float64{"p50-sec": 0.5, "p95-sec": 0.95, "p99-sec": 0.99, "p999-sec": 0.999, "max-sec": 1} {
			if v, ok := res.Value(unit); !ok || math.Round(v*1e9) != float64(want[p].Quantile(q)) {
				t.Errorf("%s %s: %v %v, the bundle says %v", name, unit, v, ok, want[p].Quantile(q))
			}
		}
	}
	if r.Err() != nil || len(parts) > 0 {
		t.Errorf("%v, %d lines missing", r.Err(), len(parts))
	}
}

func TestCSVReadBack(t *testing.T) {
	b, s := recorded(t)
	var out bytes.Buffer
	if err := CSV(&out, b, s); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	want, _ := readTimes(b, s, true)
	found, operations := 0, 0
	for _, row := range rows[1:] {
		get := func(name string) string { return row[at[name]] }
		if get("metric") == record.Operations {
			n, _ := strconv.Atoi(get("value"))
			operations += n
		}
		if get("metric") != record.ResponseTime {
			continue
		}
		found++
		var phase record.Phase
		if err := phase.UnmarshalText([]byte(get("phase"))); err != nil {
			t.Fatal(err)
		}
		round, _ := strconv.Atoi(get("round"))
		h := want[part{get("arm"), phase, "response_time", round}]
		for name, d := range map[string]time.Duration{"sum_s": h.Sum(), "min_s": h.Min(), "p99_s": h.Quantile(0.99), "max_s": h.Max()} {
			if get(name) != seconds(d) {
				t.Errorf("%v %s: the bundle says %s", row, name, seconds(d))
			}
		}
		if get("count") != strconv.FormatUint(h.Count(), 10) {
			t.Errorf("%v: count %d", row, h.Count())
		}
	}
	if found != 12 || operations != 6000 {
		t.Errorf("%d rows of response times, %d operations", found, operations)
	}
}

func TestOTLPIsTheFile(t *testing.T) {
	b, _ := recorded(t)
	var out bytes.Buffer
	if err := OTLP(&out, b, 0); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(b.Dir, "metrics.otlp.jsonl"))
	if err != nil || !bytes.Equal(out.Bytes(), want) {
		t.Errorf("not the bundle's lines (%v)", err)
	}
	end := time.Date(2027, 1, 1, 0, 0, 0, 5, time.UTC)
	shift, err := ShiftTo(b, end)
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := OTLP(&out, b, shift); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), fmt.Sprintf(`"timeUnixNano":"%d"`, end.UnixNano())) {
		t.Error("the run does not end at the instant")
	}
	back := bytes.Buffer{}
	for line := range bytes.Lines(out.Bytes()) {
		text, err := Shift(-shift).line(line)
		if err != nil {
			t.Fatal(err)
		}
		back.Write(append(text, '\n'))
	}
	if !bytes.Equal(back.Bytes(), want) {
		t.Error("shifted to and fro it is another file")
	}
}

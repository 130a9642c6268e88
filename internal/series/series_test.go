package series

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/histogram"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// second is an interval in which an arm did n operations, one of them failed.
func second(at int, n uint64) record.Interval {
	attrs := func(outcome string) []record.Attr {
		return []record.Attr{
			{Key: record.AttrOutcome, Value: outcome}, {Key: record.AttrPool, Value: "main"},
			{Key: record.AttrPhase, Value: "baseline"}, {Key: record.AttrRound, Value: "1"},
		}
	}
	h := new(histogram.Histogram)
	for i := range n {
		h.Record(time.Duration(i+1) * 100 * time.Microsecond)
	}
	return record.Interval{
		From: time.Duration(at) * time.Second, To: time.Duration(at+1) * time.Second,
		Series: []record.Series{{
			Key:      record.Key{Arm: "on", Pool: "main", Operation: "GET", Outcome: "ok", Phase: record.Baseline, Round: 1},
			Response: h, Service: h, Lateness: h,
		}},
		Counts: []record.Count{
			{Name: record.Operations, Arm: "on", Attrs: attrs("ok"), Value: n},
			{Name: record.Operations, Arm: "on", Attrs: attrs("reset"), Value: 1},
		},
		Levels: []record.Level{{Name: record.Connections, Arm: "on", Attrs: []record.Attr{{Key: record.AttrNode, Value: "n" + strconv.Itoa(at%2)}}, Value: 16}},
	}
}

func write(t *testing.T, intervals []record.Interval, marks ...mark.Mark) Run {
	t.Helper()
	w, err := bundle.Create(filepath.Join(t.TempDir(), "b"), bundle.Run{
		ID: "r", Started: time.Unix(1, 0), Arms: []bundle.Arm{{Name: "on"}}, Rounds: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range marks {
		w.Mark(m)
	}
	for _, iv := range intervals {
		if err := w.Interval(iv); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(bundle.Final{Ended: time.Unix(2, 0), Valid: true}); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(w.Dir())
	if err != nil {
		t.Fatal(err)
	}
	run, err := Read(b, compare.Summary{})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// A long run has wider columns, and every operation is in one of them.
func TestColumnsAddUp(t *testing.T) {
	var intervals []record.Interval
	var want uint64
	for i := range 3*fewestColumns + 7 {
		n := uint64(i%5 + 1)
		want += n
		intervals = append(intervals, second(i, n))
	}
	run := write(t, intervals)
	if n := len(run.Columns); n > fewestColumns || n < fewestColumns/2 {
		t.Errorf("%d columns, want at most %d and at least half as many", n, fewestColumns)
	}
	var at time.Duration
	for _, c := range run.Columns {
		if c.From != at || c.To <= c.From {
			t.Fatalf("column %v after %v", c, at)
		}
		at = c.To
	}
	arm := run.Arms[0]
	if len(arm.Cells) != len(run.Columns) {
		t.Fatalf("%d cells for %d columns", len(arm.Cells), len(run.Columns))
	}
	sum := Join(arm.Cells)
	if again := Join(arm.Cells); again.OK != sum.OK || again.Times.Count() != sum.Times.Count() {
		t.Error("joining cells changes them")
	}
	whole := arm.Times[Part{1, "baseline"}].Count()
	if sum.OK != want || sum.Times.Count() != want || whole != want || sum.Failed != uint64(len(intervals)) || sum.Failures["reset"] != sum.Failed {
		t.Errorf("sum %d ok, %d and %d in histograms, %d failed; want %d and %d", sum.OK, sum.Times.Count(), whole, sum.Failed, want, len(intervals))
	}
	if last := arm.Cells[len(arm.Cells)-1].Connections; len(last) != 1 {
		t.Errorf("connections of the last column: %v, want those at its end", last)
	}
}

// A short interval, read where a phase ends, is no column of its own.
func TestShortIntervalJoins(t *testing.T) {
	short := second(1, 5)
	short.To = short.From + 50*time.Millisecond
	run := write(t, []record.Interval{second(0, 5), short})
	if len(run.Columns) != 1 || run.Columns[0].To != short.To || run.Arms[0].Cells[0].OK != 10 {
		t.Errorf("columns %v", run.Columns)
	}
}

func TestRounds(t *testing.T) {
	phase := func(at int, name string, round int) mark.Mark {
		return mark.Mark{At: time.Duration(at) * time.Second, Kind: mark.Phase, Name: name, Round: round}
	}
	var intervals []record.Interval
	for i := range 10 {
		intervals = append(intervals, second(i, 1))
	}
	run := write(t, intervals,
		phase(0, "warmup", 1), phase(2, "baseline", 1), phase(3, "maintenance", 1), phase(6, "baseline", 2), phase(7, "maintenance", 2),
		mark.Mark{At: 3500 * time.Millisecond, Kind: mark.Notice, Name: "MOVING", Arm: "on"},
		mark.Mark{At: 4 * time.Second, Duration: time.Second, Kind: mark.Outage, Arm: "on"},
		mark.Mark{At: 4 * time.Second, Duration: time.Second, Kind: mark.Outage, Arm: "on", Pool: "main"},
		mark.Mark{At: 7 * time.Second, Kind: mark.Step, Name: "close", Round: 2},
	)
	if len(run.Rounds) != 2 || run.Rounds[0].To != 6*time.Second || run.Rounds[1].To != 10*time.Second {
		t.Fatalf("rounds %+v", run.Rounds)
	}
	if p := run.Rounds[0].Phases; len(p) != 3 || p[0] != (Phase{Name: "warmup", To: 2 * time.Second}) || p[2].To != 6*time.Second {
		t.Errorf("phases of the first round: %v", p)
	}
	if first, end := run.Rounds[1].Columns(run.Columns); first != 6 || end != 10 {
		t.Errorf("columns of the second round: %d to %d", first, end)
	}
	arm := run.Arms[0]
	if len(arm.Outages) != 1 || len(arm.Lanes) != 1 || arm.Lanes[0].Bins[int(3500*time.Millisecond/run.Bin)] != 1 {
		t.Errorf("outages %v, lanes %v", arm.Outages, arm.Lanes)
	}
	if len(run.Rounds[1].Steps) != 1 || len(run.Rounds[0].Steps) != 0 {
		t.Error("the step is not where it was made")
	}
}

// A long timeline has wider bins, and every mark is in one of them.
func TestBinsAddUp(t *testing.T) {
	var marks []mark.Mark
	for i := range 1000 {
		marks = append(marks, mark.Mark{At: time.Duration(i) * 4 * time.Second, Kind: mark.Dial, Name: "ok", Arm: "on"})
	}
	run := write(t, nil, marks...)
	var sum uint64
	for bin, n := range run.Arms[0].Lanes[0].Bins {
		if bin >= mostBins {
			t.Errorf("bin %d", bin)
		}
		sum += n
	}
	if sum != 1000 {
		t.Errorf("%d marks, want 1000", sum)
	}
}

// Bands hold what a histogram holds, and their quantiles are at most 9 % long.
func TestBands(t *testing.T) {
	var h histogram.Histogram
	var b Bands
	for d := time.Duration(500); d < 200*time.Second; d = d*21/20 + 1 {
		h.Record(d)
	}
	b.add(&h)
	if b.Count() != h.Count() {
		t.Fatalf("%d of %d", b.Count(), h.Count())
	}
	for _, q := range []float64{0.1, 0.5, 0.9, 0.95} /* beyond is the overflow, which has no end */ {
		exact, got := float64(h.Quantile(q)), float64(b.Quantile(q))
		if got < exact*0.99 || got > exact*1.10 {
			t.Errorf("quantile %v: %v, exactly %v", q, got, exact)
		}
	}
	if first, last, ok := b.Range(); !ok || first != 0 || last != bands {
		t.Errorf("range %d to %d", first, last)
	}
}

func TestFoundMaintenanceDivides(t *testing.T) {
	s := compare.Summary{PhaseSource: "data", Maintenance: []compare.Span{{From: bundle.Seconds(4 * time.Second), To: bundle.Seconds(6 * time.Second)}}}
	run := Run{To: 10 * time.Second}
	timeline{phases: []mark.Mark{{At: time.Second, Kind: mark.Phase, Name: "baseline", Round: 1}}}.finish(&run, s)
	var names []string
	for _, p := range run.Rounds[0].Phases {
		names = append(names, p.Name)
	}
	if len(names) != 4 || names[2] != "maintenance" || run.Rounds[0].Phases[2].From != 4*time.Second {
		t.Errorf("phases %v", run.Rounds[0].Phases)
	}
}

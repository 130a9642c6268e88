package record

import (
	"slices"
	"testing"
	"time"

	"schload/telemetry/mark"
	"schload/workload"
)

const ms = time.Millisecond

// oneArm is a recorder with an arm "on" of one pool "main" of GET and SET.
func oneArm(c Config) *Recorder {
	c.Arms = []Arm{{Name: "on", Pools: []Pool{{Name: "main", Operations: []string{"GET", "SET"}}}}}
	return New(c)
}

func sample(op int, intended, sent, done time.Duration, class workload.Class) workload.Sample {
	return workload.Sample{Operation: op, Intended: intended, Sent: sent, Done: done, Outcome: workload.Outcome{Class: class, Attempts: 1}}
}

// countOf returns the sum of the counts of a name that carry all the
// attributes.
func countOf(i Interval, name string, attrs ...Attr) (sum uint64) {
	for _, c := range i.Counts {
		if c.Name != name {
			continue
		}
		has := func(a Attr) bool { return slices.Contains(c.Attrs, a) }
		if !slices.ContainsFunc(attrs, func(a Attr) bool { return !has(a) }) {
			sum += c.Value
		}
	}
	return sum
}

func wantCount(t *testing.T, i Interval, want uint64, name string, attrs ...Attr) {
	t.Helper()
	if got := countOf(i, name, attrs...); got != want {
		t.Errorf("%s %v = %d, want %d", name, attrs, got, want)
	}
}

// The three histograms of a sample are those of its three durations.
func TestSeries(t *testing.T) {
	r := oneArm(Config{})
	s := r.Sink("on", "main")
	s.Due(10*ms, 2)
	s.Done(sample(0, 10*ms, 12*ms, 15*ms, workload.OK), 1)
	s.Done(sample(1, 10*ms, 13*ms, 30*ms, workload.Reset), 1)
	i := r.Collect(time.Second)

	if i.From != 0 || i.To != time.Second {
		t.Errorf("interval %v to %v, want 0s to 1s", i.From, i.To)
	}
	if len(i.Series) != 2 {
		t.Fatalf("%d series, want 2", len(i.Series))
	}
	get, set := i.Series[0], i.Series[1]
	if want := (Key{Arm: "on", Pool: "main", Operation: "GET", Outcome: "ok", Phase: Warmup}); get.Key != want {
		t.Errorf("key %v, want %v", get.Key, want)
	}
	if want := (Key{Arm: "on", Pool: "main", Operation: "SET", Outcome: "failed", Phase: Warmup}); set.Key != want {
		t.Errorf("key %v, want %v", set.Key, want)
	}
	for _, h := range []struct {
		name      string
		got, want time.Duration
	}{
		{"GET response", get.Response.Sum(), 5 * ms}, {"GET service", get.Service.Sum(), 3 * ms}, {"GET lateness", get.Lateness.Sum(), 2 * ms},
		{"SET response", set.Response.Sum(), 20 * ms}, {"SET service", set.Service.Sum(), 17 * ms}, {"SET lateness", set.Lateness.Sum(), 3 * ms},
	} {
		if h.got != h.want {
			t.Errorf("%s %v, want %v", h.name, h.got, h.want)
		}
	}
	wantCount(t, i, 1, Operations, Attr{AttrOperation, "SET"}, Attr{AttrOutcome, "reset"})
	again := r.Collect(2 * time.Second)
	if again.From != time.Second || again.To != 2*time.Second {
		t.Errorf("the next interval is %v to %v, want 1s to 2s", again.From, again.To)
	}
	if len(again.Series) != 0 || countOf(again, Operations) != 0 {
		t.Errorf("the next interval holds %d series and %d operations, want none: counted twice", len(again.Series), countOf(again, Operations))
	}
}

// A sample belongs to the phase of its intended instant, even if it ends in
// another.
func TestFiledByIntended(t *testing.T) {
	r := oneArm(Config{})
	s := r.Sink("on", "main")
	r.Begin(1, Baseline, 1*time.Second)
	r.Begin(1, Maintenance, 2*time.Second)
	for _, at := range []time.Duration{999 * ms, 1000 * ms, 1999 * ms, 2000 * ms} {
		s.Due(at, 1)
		s.Done(sample(0, at, at, 2500*ms, workload.OK), 1)
	}
	s.Due(1500*ms, 3)
	s.Missed(1500*ms, workload.QueueFull, 3)
	i := r.Collect(3 * time.Second)

	wantCount(t, i, 1, OperationsDue, Attr{AttrPhase, "warmup"}, Attr{AttrRound, "0"})
	wantCount(t, i, 5, OperationsDue, Attr{AttrPhase, "baseline"}, Attr{AttrRound, "1"})
	wantCount(t, i, 1, OperationsDue, Attr{AttrPhase, "maintenance"}, Attr{AttrRound, "1"})
	wantCount(t, i, 3, OperationsMissed, Attr{AttrPhase, "baseline"}, Attr{AttrReason, "queue_full"})
	wantCount(t, i, 2, OperationsLate, Attr{AttrPhase, "baseline"})
	got := map[Phase]uint64{}
	for _, s := range i.Series {
		got[s.Phase] += s.Response.Count()
	}
	if got[Warmup] != 1 || got[Baseline] != 2 || got[Maintenance] != 1 {
		t.Errorf("samples by phase %v, want warmup 1, baseline 2, maintenance 1", got)
	}
	totals := r.Totals("on")
	if totals.Warmup.Due != 1 || totals.Measured.Due != 6 || totals.Due != 7 {
		t.Errorf("due %d = %d warm-up + %d measured, want 7 = 1 + 6", totals.Due, totals.Warmup.Due, totals.Measured.Due)
	}
}

// Phases begin in order: one that claims to begin before the latest begins
// with it, and one that has begun does not begin again.
func TestBeginInOrder(t *testing.T) {
	r := oneArm(Config{})
	r.Begin(1, Baseline, 2*time.Second)
	r.Begin(1, Maintenance, 1*time.Second)
	r.Begin(1, Maintenance, 5*time.Second)
	s := r.Sink("on", "main")
	for _, at := range []time.Duration{1500 * ms, 2 * time.Second, 6 * time.Second} {
		s.Due(at, 1)
	}
	i := r.Collect(7 * time.Second)
	wantCount(t, i, 1, OperationsDue, Attr{AttrPhase, "warmup"})
	wantCount(t, i, 0, OperationsDue, Attr{AttrPhase, "baseline"})
	wantCount(t, i, 2, OperationsDue, Attr{AttrPhase, "maintenance"})
	seen := map[string]bool{}
	for _, c := range i.Counts {
		id := identity(c.Name, c.Arm, c.Attrs)
		if seen[id] {
			t.Errorf("%s %v is in the interval twice", c.Name, c.Attrs)
		}
		seen[id] = true
	}
}

// A success is late above the limit, not at it; a failure never is.
func TestLate(t *testing.T) {
	r := oneArm(Config{LateAfter: 50 * ms})
	s := r.Sink("on", "main")
	s.Done(sample(0, 0, 0, 50*ms, workload.OK), 1)
	s.Done(sample(0, 0, 0, 50*ms+1, workload.OK), 7)
	s.Done(sample(0, 0, 0, 90*ms, workload.ReadTimeout), 1)
	wantCount(t, r.Collect(time.Second), 7, OperationsLate)
}

// Due = ok + failed + missed once all is reported, and the law fails if it is
// broken.
func TestConservation(t *testing.T) {
	r := oneArm(Config{})
	dispatcher, worker := r.Sink("on", "main"), r.Sink("on", "main")
	for at := range 100 * ms {
		if at%ms != 0 {
			continue
		}
		dispatcher.Due(at, 1)
		switch at / ms % 4 {
		case 0:
			dispatcher.Missed(at, workload.NoWorker, 1)
		case 1:
			worker.Done(sample(0, at, at, at+ms, workload.EOF), 1)
		default:
			worker.Done(sample(1, at, at, at+ms, workload.OK), 1)
		}
	}
	r.Collect(time.Second)
	totals := r.Totals("on")
	if err := totals.Conservation(); err != nil {
		t.Error(err)
	}
	if totals.Due != 100 || totals.OK != 50 || totals.Failed != 25 || totals.Missed != 25 ||
		totals.Classes[workload.EOF] != 25 || totals.Classes[workload.OK] != 50 || totals.Reasons[workload.NoWorker] != 25 {
		t.Errorf("totals %+v, want 100 due, 50 ok, 25 eof, 25 no_worker", totals.Tally)
	}
	dispatcher.Due(time.Second, 1)
	r.Collect(2 * time.Second)
	if err := r.Totals("on").Conservation(); err == nil {
		t.Error("an operation is due and unaccounted for, but Conservation has no objection")
	}
}

// A span's counters appear at zero once, so that none differs from unknown.
func TestCountersBeginAtZero(t *testing.T) {
	r := oneArm(Config{})
	r.Begin(1, Baseline, time.Second)
	first := r.Collect(time.Second)
	for _, name := range []string{OperationsDue, OperationsLate, OperationsMissed, Operations} {
		n := 0
		for _, c := range first.Counts {
			if c.Name == name && c.Value == 0 && slices.Contains(c.Attrs, Attr{AttrPhase, "baseline"}) {
				n++
			}
		}
		if n == 0 {
			t.Errorf("%s is absent from the first interval, want it at 0", name)
		}
	}
	if second := r.Collect(2 * time.Second); len(second.Counts) != 0 {
		t.Errorf("%d counts in an idle interval, want none", len(second.Counts))
	}
}

// An interval does not end before it begins, even if the run ended before the
// last Collect.
func TestFinishBeforeCollect(t *testing.T) {
	r := oneArm(Config{})
	r.Collect(2 * time.Second)
	if i := r.Finish(time.Second); i.From != 2*time.Second || i.To != 2*time.Second {
		t.Errorf("the last interval is %v to %v, want 2s to 2s", i.From, i.To)
	}
}

// Operations of equal names share one series.
func TestEqualNames(t *testing.T) {
	r := New(Config{Arms: []Arm{{Name: "on", Pools: []Pool{{Name: "main", Operations: []string{"GET", "SET", "GET"}}}}}})
	s := r.Sink("on", "main")
	for op := range 3 {
		s.Done(sample(op, 0, 0, ms, workload.OK), 1)
	}
	i := r.Collect(time.Second)
	if len(i.Series) != 2 || i.Series[0].Response.Count() != 2 || i.Series[1].Response.Count() != 1 {
		t.Errorf("series %v, want GET with 2 and SET with 1", i.Series)
	}
	wantCount(t, i, 2, Operations, Attr{AttrOperation, "GET"})
}

// Interval contents come in the documented order.
func TestIntervalSorted(t *testing.T) {
	r := New(Config{Arms: []Arm{
		{Name: "on", Pools: []Pool{{Name: "main", Operations: []string{"SET", "GET"}}, {Name: "canary", Operations: []string{"PING"}}}},
		{Name: "off", Pools: []Pool{{Name: "main", Operations: []string{"SET", "GET"}}}},
	}})
	r.Begin(1, Baseline, time.Second)
	for _, a := range []string{"on", "off"} {
		s := r.Sink(a, "main")
		for _, class := range []workload.Class{workload.OK, workload.Reset, workload.EOF} {
			for op := range 2 {
				s.Done(sample(op, 0, 0, ms, class), 1)
				s.Done(sample(op, 2*time.Second, 2*time.Second, 2*time.Second+ms, class), 1)
			}
		}
	}
	i := r.Collect(3 * time.Second)
	if !slices.IsSortedFunc(i.Series, func(x, y Series) int { return x.Key.Compare(y.Key) }) {
		t.Error("series are not sorted")
	}
	if !slices.IsSortedFunc(i.Counts, Count.compare) {
		t.Error("counts are not sorted")
	}
	for _, c := range i.Counts {
		if !slices.IsSortedFunc(c.Attrs, Attr.compare) {
			t.Errorf("attributes %v are not sorted", c.Attrs)
		}
	}
}

// Naming a pool that Config does not is a programmer's mistake.
func TestUnknownSinkPanics(t *testing.T) {
	r := oneArm(Config{})
	for _, name := range [][2]string{{"off", "main"}, {"on", "other"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Sink(%q, %q) did not panic", name[0], name[1])
				}
			}()
			r.Sink(name[0], name[1])
		}()
	}
}

// An outage leaves one mark with its round and shows in totals and gauges.
func TestOutageMark(t *testing.T) {
	var marks []mark.Mark
	r := oneArm(Config{Marks: func(m mark.Mark) {
		if m.Kind == mark.Outage {
			marks = append(marks, m)
		}
	}})
	r.Begin(1, Baseline, 0)
	r.Begin(2, Maintenance, time.Second)
	s := r.Sink("on", "main")
	operate := func(at, done time.Duration, class workload.Class) {
		s.Due(at, 1)
		s.Done(sample(0, at, at, done, class), 1)
	}
	operate(1000*ms, 1001*ms, workload.OK)
	operate(1100*ms, 1101*ms, workload.Reset)
	r.Collect(1300 * ms)
	if o := r.Totals("on").Outage; !o.Open || o.OpenSince != 1100*ms || o.Longest != 200*ms || o.Windows != 1 {
		t.Errorf("outage %+v, want one open since 1.1s, 200ms so far", o)
	}
	operate(1400*ms, 1401*ms, workload.OK)
	i := r.Collect(1500 * ms)
	if o := r.Totals("on").Outage; o.Open || o.Longest != 301*ms || o.Total != 301*ms {
		t.Errorf("outage %+v, want a closed one of 301ms", o)
	}
	for _, l := range i.Levels {
		if l.Name == OutageLongest && l.Value != 0.301 {
			t.Errorf("%s = %v, want 0.301", l.Name, l.Value)
		}
	}
	s.Due(1600*ms, 1)
	lasted := slices.Concat(i.Distributions, r.Finish(2000*ms).Distributions)
	if len(lasted) != 1 || lasted[0].Name != OutageDuration || lasted[0].Times.Count() != 2 || lasted[0].Times.Min() != 301*ms || lasted[0].Times.Max() != 400*ms ||
		!slices.Equal(lasted[0].Attrs, []Attr{{AttrPhase, "maintenance"}, {AttrRound, "2"}}) {
		t.Errorf("lengths of outages %+v, want once 301ms and 400ms, of maintenance in round 2", lasted)
	}
	want := []mark.Mark{
		{Kind: mark.Outage, Source: "arm", Arm: "on", Round: 2, At: 1100 * ms, Duration: 301 * ms},
		{Kind: mark.Outage, Source: "arm", Arm: "on", Round: 2, At: 1600 * ms, Duration: 400 * ms, Detail: "open at the end of the load"},
	}
	if !slices.Equal(marks, want) {
		t.Errorf("marks %+v, want %+v", marks, want)
	}
	if o := r.Totals("on").Outage; o.Windows != 2 || o.Longest != 400*ms || o.Total != 701*ms || o.Open {
		t.Errorf("outage %+v, want two, 400ms the longest", o)
	}
}

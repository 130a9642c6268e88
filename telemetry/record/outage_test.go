package record

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"schload/telemetry/mark"
	"schload/workload"
)

// event is one operation of a made-up run.
type event struct {
	due, end time.Duration // end is due for a missed operation
	class    workload.Class
	missed   bool
}

// storm makes a run from a seed: operations at a random rate, with stretches
// in which they fail at once, fail late, wait, are missed, or do not fall due.
func storm(seed uint64) []event {
	r := rand.New(rand.NewPCG(seed, 1))
	var events []event
	at := time.Duration(r.IntN(int(time.Second)))
	for range 12 {
		every := time.Duration(1+r.IntN(60)) * ms
		until := at + time.Duration(r.IntN(600))*ms
		kind := r.IntN(6)
		for ; at < until; at += time.Duration(r.IntN(int(2*every))) + 1 {
			e := event{due: at, end: at + time.Duration(r.IntN(int(5*ms)))}
			switch kind {
			case 0:
				e.class = workload.Reset
			case 1:
				e.class, e.end = workload.ReadTimeout, e.end+time.Duration(r.IntN(300))*ms
			case 2:
				e.end = until + time.Duration(r.IntN(int(30*ms))) // all wait for the end
			case 3:
				e.missed, e.end = true, at
			}
			events = append(events, e)
		}
		if kind == 4 {
			at += time.Duration(r.IntN(500)) * ms
		}
	}
	return events
}

// oracle finds outages by looking at all operations for each success: first
// by the rule of tracker, then as they truly began.
func oracle(events []event, after, width, end time.Duration) (byRule, exact []window) {
	var successes []time.Duration
	for _, e := range events {
		if !e.missed && e.class == workload.OK {
			successes = append(successes, e.end)
		}
	}
	slices.Sort(successes)
	add := func(last, next time.Duration, open bool) {
		// Demand after the last success: whoever had not ended by then.
		first := end
		for _, e := range events {
			if e.end > last {
				first = min(first, max(e.due, last))
			}
		}
		if first > next {
			return
		}
		if w := (window{first, next, open}); w.length() > after {
			exact = append(exact, w)
		}
		if last != beginning && first < last-last%width+width {
			first = last
		}
		if w := (window{first, next, open}); w.length() > after {
			byRule = append(byRule, w)
		}
	}
	last := beginning
	for _, s := range successes {
		add(last, s, false)
		last = s
	}
	add(last, end, true)
	return byRule, exact
}

// script is what happens to a Recorder.
type script []call

type call struct {
	at time.Duration
	do func()
}

func (s *script) at(at time.Duration, do func()) {
	*s = append(*s, call{at, do})
}

// fall is that an operation falls due; one that is missed is known to be then.
func (s *script) fall(dispatcher workload.Sink, e event) {
	s.at(e.due, func() {
		dispatcher.Due(e.due, 1)
		if e.missed {
			dispatcher.Missed(e.due, workload.NoWorker, 1)
		}
	})
}

// run lets it happen in order, with a Collect now and then.
func (s script) run(r *Recorder, rnd *rand.Rand, end time.Duration) {
	for at := time.Duration(0); at < end; at += time.Duration(1+rnd.IntN(1500)) * ms {
		s.at(at, func() { r.Collect(at) })
	}
	slices.SortStableFunc(s, func(x, y call) int { return cmp.Compare(x.at, y.at) })
	for _, c := range s {
		c.do()
	}
	r.Finish(end)
}

// play records the events through several sinks, in the order they become
// known, with a Collect now and then.
func play(r *Recorder, seed uint64, events []event, end time.Duration) {
	rnd := rand.New(rand.NewPCG(seed, 2))
	var calls script
	dispatcher := r.Sink("on", "main")
	workers := []workload.Sink{r.Sink("on", "main"), r.Sink("on", "main"), r.Sink("on", "canary")}
	for _, e := range events {
		w := workers[rnd.IntN(len(workers))]
		calls.fall(dispatcher, e)
		if !e.missed {
			calls.at(e.end, func() { w.Done(sample(0, e.due, e.due, e.end, e.class), 1) })
		}
	}
	calls.run(r, rnd, end)
}

// The tracker finds the outages a brute-force search finds, whenever the
// reader came; and these begin less than a bin before they truly began.
func TestOutageOracle(t *testing.T) {
	found := 0
	for seed := range uint64(400) {
		after := []time.Duration{100 * ms, 30 * ms, 7 * ms}[seed%3]
		events := storm(seed)
		end := time.Duration(0)
		for _, e := range events {
			end = max(end, e.end)
		}
		end += time.Duration(seed%5) * 40 * ms
		var got []window
		r := New(Config{
			OutageAfter: after,
			Arms:        []Arm{{Name: "on", Pools: []Pool{{Name: "main", Operations: []string{"GET"}}, {Name: "canary", Operations: []string{"GET"}}}}},
			Marks: func(m mark.Mark) {
				if m.Kind != mark.Outage || m.Pool != "" {
					return
				}
				got = append(got, window{m.At, m.At + m.Duration, m.Detail != ""})
			},
		})
		play(r, seed, events, end)
		want, exact := oracle(events, after, binWidth(after), end)
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: outages %v, want %v", seed, got, want)
		}
		checkNear(t, seed, want, exact, after, binWidth(after))
		checkTotals(t, seed, r.Totals("on"), want)
		found += len(want)
	}
	if found < 400 {
		t.Errorf("only %d outages in all seeds: the test tests little", found)
	}
}

// checkNear: each outage by the rule is a true one that begins less than a
// bin's width later, or is too short to be one by less than that.
func checkNear(t *testing.T, seed uint64, byRule, exact []window, after, width time.Duration) {
	t.Helper()
	for _, w := range byRule {
		near := slices.ContainsFunc(exact, func(x window) bool {
			return x.end == w.end && x.start >= w.start && x.start-w.start < width
		})
		if !near && w.length() >= after+width {
			t.Errorf("seed %d: no true outage near %v among %v", seed, w, exact)
		}
	}
	for _, x := range exact {
		if !slices.ContainsFunc(byRule, func(w window) bool { return x.end == w.end && w.start <= x.start }) {
			t.Errorf("seed %d: outage %v was not found", seed, x)
		}
	}
}

func checkTotals(t *testing.T, seed uint64, totals Totals, want []window) {
	t.Helper()
	var sum Outage
	for _, w := range want {
		sum.add(w, w.length())
	}
	if totals.Outage != sum {
		t.Errorf("seed %d: totals %+v, want %+v", seed, totals.Outage, sum)
	}
	if err := totals.Conservation(); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
}

// No operation due is no outage, however long.
func TestSilenceIsNoOutage(t *testing.T) {
	r := oneArm(Config{})
	s := r.Sink("on", "main")
	for _, at := range []time.Duration{0, time.Minute} {
		s.Due(at, 1)
		s.Done(sample(0, at, at, at+ms, workload.OK), 1)
		r.Collect(at + 30*time.Second)
	}
	r.Finish(time.Hour)
	if o := r.Totals("on").Outage; o != (Outage{}) {
		t.Errorf("outage %+v, want none", o)
	}
}

// Of an outage that began in warm-up each part counts where it lies, if it is
// long enough to be one.
func TestOutagePhase(t *testing.T) {
	r := oneArm(Config{})
	s := r.Sink("on", "main")
	r.Begin(1, Baseline, time.Second)
	for _, at := range []time.Duration{800 * ms, 1200 * ms} {
		s.Due(at, 1)
		s.Done(sample(0, at, at, at+300*ms, workload.OK), 1)
	}
	r.Finish(2 * time.Second)
	totals := r.Totals("on")
	if want := (Outage{Windows: 1, Longest: 200 * ms, Total: 200 * ms}); totals.Warmup.Outage != want {
		t.Errorf("warm-up %+v, want the 200ms before its end", totals.Warmup.Outage)
	}
	if want := (Outage{Windows: 1, Longest: 300 * ms, Total: 300 * ms}); totals.Measured.Outage != want {
		t.Errorf("measured %+v, want the second one of 300ms: of the first 100ms are left, which is no outage", totals.Measured.Outage)
	}
	if o := totals.Outage; o.Windows != 2 || o.Total != 500*ms || o.Longest != 300*ms {
		t.Errorf("all %+v, want two of 500ms together", o)
	}
	if g := [2]time.Duration{totals.Warmup.LongestGap, totals.Measured.LongestGap}; g != [2]time.Duration{200 * ms, 300 * ms} {
		t.Errorf("longest gaps %v, want 200ms in warm-up and 300ms after it", g)
	}
}

// operate does one operation that takes a millisecond and succeeds.
func operate(s workload.Sink, at time.Duration) {
	s.Due(at, 1)
	s.Done(sample(0, at, at, at+ms, workload.OK), 1)
}

// News that come after their bin was stepped neither undo nor invent outages.
func TestLateNews(t *testing.T) {
	r := oneArm(Config{})
	s, late := r.Sink("on", "main"), r.Sink("on", "main")
	for at := time.Duration(0); at < 5*time.Second; at += 50 * ms {
		operate(s, at)
	}
	r.Collect(5 * time.Second)
	r.Collect(6500 * ms) // every bin is stepped
	operate(late, 2*time.Second)
	operate(late, 2500*ms)
	r.Collect(7 * time.Second)
	r.Finish(8 * time.Second)
	if o := r.Totals("on").Outage; o != (Outage{}) {
		t.Errorf("outage %+v, want none", o)
	}
	if err := r.Totals("on").Conservation(); err != nil {
		t.Error(err)
	}
}

// A success before the last one, told late, does not end an outage.
func TestLateNewsEndNothing(t *testing.T) {
	r := oneArm(Config{})
	s, late := r.Sink("on", "main"), r.Sink("on", "main")
	operate(s, 100*ms)
	s.Due(200*ms, 1)
	r.Collect(2 * time.Second)
	late.Done(sample(0, 50*ms, 50*ms, 51*ms, workload.OK), 1)
	r.Collect(4 * time.Second)
	if o := r.Totals("on").Outage; !o.Open || o.OpenSince != 200*ms || o.Windows != 1 {
		t.Errorf("outage %+v, want one open since 200ms", o)
	}
}

// What fell due before the last success, and is told late, does not move the
// beginning of an outage before that success.
func TestLateNewsAroundLastSuccess(t *testing.T) {
	r := oneArm(Config{})
	s := r.Sink("on", "main")
	operate(s, 109*ms)
	r.Collect(2 * time.Second)
	s.Due(101*ms, 1)
	s.Due(119*ms, 1)
	r.Collect(4 * time.Second)
	r.Finish(5 * time.Second)
	if o := r.Totals("on").Outage; o.Windows != 1 || o.Total != 5*time.Second-110*ms {
		t.Errorf("outage %+v, want one from 110ms to the end at 5s", o)
	}
}

// A success that is told after a Collect that already saw later ones takes
// back what Totals showed, and no mark was sent.
func TestMarksWaitForLateNews(t *testing.T) {
	r := oneArm(Config{Marks: func(m mark.Mark) {
		if m.Kind != mark.Gap {
			t.Errorf("mark %+v, want none", m)
		}
	}})
	s, late := r.Sink("on", "main"), r.Sink("on", "main")
	for _, at := range []time.Duration{0, 90 * ms, 330 * ms} {
		operate(s, at)
	}
	s.Due(180*ms, 1)
	r.Collect(350 * ms)
	if o := r.Totals("on").Outage; o.Windows != 1 || o.Longest != 151*ms {
		t.Errorf("outage %+v, want one of 151ms so far", o)
	}
	late.Done(sample(0, 180*ms, 180*ms, 181*ms, workload.OK), 1)
	r.Collect(400 * ms)
	if o := r.Totals("on").Outage; o != (Outage{}) {
		t.Errorf("outage %+v, want none", o)
	}
	r.Finish(450 * ms)
}

// A reader that never comes does not make a shard grow without bound, and
// loses no count.
func TestBinsBounded(t *testing.T) {
	b := bins{width: 20 * ms}
	const n = 3 * maxBins
	for i := range n {
		at := time.Duration(i) * 20 * ms
		b.at(at).fellDue(at, 1)
		b.at(at).done(at+ms, timely, 1)
	}
	if len(b.list) > maxBins {
		t.Errorf("%d bins, want at most %d", len(b.list), maxBins)
	}
	var due, ended int64
	for _, x := range b.list {
		due += x.due.n
		ended += x.ended
	}
	if due != n || ended != n {
		t.Errorf("due %d, ended %d, want %d each", due, ended, n)
	}
	if got := b.list[len(b.list)-1].timely.last; got != (n-1)*20*ms+ms {
		t.Errorf("last success %v, want %v", got, (n-1)*20*ms+ms)
	}
}

// The time bins of one goroutine stay in order, whatever order instants come.
func TestBinsInOrder(t *testing.T) {
	b := bins{width: 20 * ms}
	r := rand.New(rand.NewPCG(5, 5))
	for range 2000 {
		at := time.Duration(r.IntN(int(2 * time.Second)))
		got := b.at(at)
		if at < got.from || at >= got.from+20*ms {
			t.Fatalf("%v is in the bin from %v", at, got.from)
		}
	}
	if !slices.IsSortedFunc(b.list, func(x, y bin) int { return cmp.Compare(x.from, y.from) }) || len(b.list) != 100 {
		t.Errorf("%d bins, want 100 in order", len(b.list))
	}
}

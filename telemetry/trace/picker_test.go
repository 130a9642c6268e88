package trace

import (
	"slices"
	"testing"
	"time"

	"schload/telemetry/histogram"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// inner counts what reaches the recorder.
type inner struct{ done int }

func (i *inner) Due(time.Duration, int)                                           {}
func (i *inner) Missed(time.Duration, workload.Reason, int)                       {}
func (i *inner) Done(_ workload.Sample, n int)                                    { i.done += n }
func (i *inner) Sent(time.Duration, []workload.Operation)                         {}
func (i *inner) Answered(time.Duration, []workload.Operation, []workload.Outcome) {}

func pool(t testing.TB, pipeline int) workload.Pool {
	t.Helper()
	mix, err := workload.ParseMix("GET=0.8,SET=0.2")
	if err != nil {
		t.Fatal(err)
	}
	return workload.Pool{Name: "main", Mix: mix, Pipeline: pipeline}
}

const ms = time.Millisecond

// ended is an operation that ended at an instant after a response time.
func ended(at, took time.Duration, class workload.Class) workload.Sample {
	return workload.Sample{Intended: at - took, Sent: at - took + took/4, Done: at, Outcome: workload.Outcome{Class: class, Attempts: 1}}
}

// All that failed, was wrong or late is chosen, and nothing else; each with its
// reason.
func TestChoosesWhatMatters(t *testing.T) {
	p := New(Config{Arms: []string{"on", "off"}, LateAfter: 100 * ms})
	recorded := new(inner)
	s := p.Sink("on", pool(t, 1), recorded)
	for i := range 1000 {
		s.Done(ended(time.Duration(i)*ms, 5*ms, workload.OK), 1)
	}
	s.Done(ended(200*ms, 100*ms, workload.OK), 1) // at the limit is in time
	s.Done(ended(300*ms, 100*ms+1, workload.OK), 1)
	s.Done(ended(400*ms, 1*ms, workload.EOF), 1)
	s.Done(ended(500*ms, 1*ms, workload.CrossedReply), 1)
	s.Done(ended(600*ms, 1*ms, workload.WrongReply), 1)
	if got, _ := p.Take(900*ms, false); len(got) != 0 {
		t.Errorf("%d are taken of a second that is not over", len(got))
	}
	got, counts := p.Take(time.Second, false)
	var reasons []Reason
	for _, o := range got {
		reasons = append(reasons, o.Reason)
		if o.Arm != "on" || o.Pool != "main" || o.Name != "GET" || o.Alike != 1 || o.Batch != 1 {
			t.Errorf("%+v", o)
		}
	}
	if want := []Reason{Late, Failed, Wrong, Wrong}; !slices.Equal(reasons, want) {
		t.Errorf("reasons %v, want %v", reasons, want)
	}
	if want := []Picked{{"on", 4, 0}, {"off", 0, 0}}; !slices.Equal(counts, want) {
		t.Errorf("counts %v, want %v", counts, want)
	}
	if recorded.done != 1005 {
		t.Errorf("%d operations were handed on, want 1005", recorded.done)
	}
	if got, counts := p.Take(time.Minute, true); len(got) != 0 || counts[0] != (Picked{Arm: "on"}) {
		t.Errorf("taken twice: %v, %v", got, counts)
	}
}

// Of each second so many are chosen and no more, however often they are taken;
// the rest is counted. Neither failures nor slow successes hide the others.
func TestBoundOfASecond(t *testing.T) {
	p := New(Config{Arms: []string{"on"}, Limit: 10})
	s := p.Sink("on", pool(t, 1), new(inner))
	storm := func(second, failed, late int) {
		for i := range max(failed, late) {
			at := time.Duration(second)*time.Second + time.Duration(i)*time.Microsecond
			if i < failed {
				s.Done(ended(at, ms, workload.Reset), 1)
			}
			if i < late {
				s.Done(ended(at, time.Second, workload.OK), 1)
			}
		}
	}
	for second, c := range []struct{ failed, late, wantFailed, wantLate int }{
		{5000, 0, 10, 0}, {0, 5000, 0, 10}, {5000, 5000, 5, 5}, {5000, 2, 8, 2}, {3, 5000, 3, 7}, {7, 3, 7, 3}, {6, 6, 5, 5},
	} {
		storm(second, c.failed, c.late)
		now := time.Duration(second+1) * time.Second
		got, counts := p.Take(now, false)
		failed := 0
		for _, o := range got {
			if o.Reason == Failed {
				failed++
			}
		}
		if failed != c.wantFailed || len(got)-failed != c.wantLate {
			t.Errorf("second %d: %d failed and %d late, want %d and %d", second, failed, len(got)-failed, c.wantFailed, c.wantLate)
		}
		traced := uint64(len(got))
		if want := (Picked{"on", traced, uint64(c.failed+c.late) - traced}); counts[0] != want {
			t.Errorf("second %d: %+v, want %+v", second, counts[0], want)
		}
		// A worker that was held up comes with a second that was taken: it counts
		// for the one that was not.
		s.Done(ended(time.Duration(second)*time.Second, ms, workload.EOF), 1)
		if got, _ := p.Take(now, false); len(got) != 0 {
			t.Errorf("second %d: %d more after it was taken", second, len(got))
		}
		if got, _ := p.Take(now, true); len(got) != 1 {
			t.Errorf("second %d: the one that was held up is lost", second)
		}
	}
}

// The draw is fair: the first and the last of a storm are chosen alike often.
func TestDrawIsFair(t *testing.T) {
	const storm, limit, turns = 200, 20, 500
	var chosen [storm]int
	for range turns {
		p := New(Config{Arms: []string{"on"}, Limit: limit})
		s := p.Sink("on", pool(t, 1), new(inner))
		for i := range storm {
			s.Done(ended(time.Duration(i), 0, workload.EOF), 1)
		}
		got, _ := p.Take(0, true)
		for _, o := range got {
			chosen[o.Done]++
		}
	}
	// 50 times each are expected, with a deviation of 6.7: six of them are far.
	for i, n := range chosen {
		if n < 10 || n > 90 {
			t.Errorf("operation %d of the storm was chosen %d times of %d, want about %d", i, n, turns, turns*limit/storm)
		}
	}
}

// When nobody takes them, windows stay few and no operation goes uncounted.
func TestNobodyTakes(t *testing.T) {
	p := New(Config{Arms: []string{"on"}, Limit: 2})
	s := p.Sink("on", pool(t, 1), new(inner))
	for second := range 3600 {
		for i := range 5 {
			s.Done(ended(time.Duration(second)*time.Second+time.Duration(i), ms, workload.EOF), 1)
		}
	}
	if n := len(p.arms["on"].windows); n > mostWindows {
		t.Errorf("%d windows", n)
	}
	_, counts := p.Take(time.Hour, true)
	if sum := counts[0].Traced + counts[0].Limited; sum != 3600*5 {
		t.Errorf("%d operations are counted, want %d", sum, 3600*5)
	}
}

// Of a pipeline those that ended alike are one, and all of them count.
func TestPipeline(t *testing.T) {
	p := New(Config{Arms: []string{"on"}})
	p.Sink("on", pool(t, 16), new(inner)).Done(ended(ms, ms, workload.EOF), 12)
	got, counts := p.Take(0, true)
	if len(got) != 1 || got[0].Alike != 12 || got[0].Batch != 16 || counts[0].Traced != 12 {
		t.Errorf("%+v, %+v", got, counts)
	}
}

// A percentile follows the interval before; one that is too short moves
// nothing, and until there is one the limit of response time counts.
func TestBeyondAPercentile(t *testing.T) {
	p := New(Config{Arms: []string{"on"}, Share: 0.99, LateAfter: 100 * ms})
	s := p.Sink("on", pool(t, 1), new(inner))
	qualifies := func(took time.Duration) bool {
		s.Done(ended(time.Second, took, workload.OK), 1)
		got, _ := p.Take(0, true)
		return len(got) == 1
	}
	interval := func(n int, took time.Duration) record.Interval {
		var h histogram.Histogram
		for range n {
			h.Record(took)
		}
		return record.Interval{Series: []record.Series{{Key: record.Key{Arm: "on", Outcome: "ok"}, Response: &h}}}
	}
	if qualifies(50*ms) || !qualifies(101*ms) {
		t.Error("before the first interval the limit of response time is not what counts")
	}
	p.Observe(interval(99, ms))
	if qualifies(50 * ms) {
		t.Error("an interval without a 99th percentile has moved it")
	}
	p.Observe(interval(100, ms))
	if !qualifies(2*ms) || qualifies(ms/2) {
		t.Error("the 99th percentile of the interval before is not what counts")
	}
	s.Done(ended(time.Second, 2*ms, workload.OK), 1)
	if got, _ := p.Take(0, true); got[0].Reason != Slow {
		t.Errorf("reason %v, want slow", got[0].Reason)
	}
}

// An operation knows its connection and what befell it: not what befell others,
// nor what came long before or after.
func TestConnectionAndItsEvents(t *testing.T) {
	p := New(Config{Arms: []string{"on"}, Connection: func(arm string, n uint64) Connection {
		return Connection{Number: n, Address: "db:1", Node: "10.0.0.1:1"}
	}, At: func(time.Duration) (int, record.Phase) { return 3, record.Maintenance }})
	befell := func(at time.Duration, kind mark.Kind, conn uint64, arm string) {
		p.Mark(mark.Mark{At: at, Kind: kind, Arm: arm, Conn: conn})
	}
	befell(time.Second, mark.Dial, 7, "on") // too long ago
	befell(20*time.Second, mark.Notice, 7, "on")
	befell(20*time.Second, mark.Notice, 8, "on")
	befell(20*time.Second, mark.Notice, 7, "off")
	befell(21*time.Second, mark.WrongReply, 7, "on") // no fact about a connection
	befell(25*time.Second, mark.Close, 7, "on")
	befell(26*time.Second, mark.Handoff, 7, "on") // afterwards
	x := ended(25*time.Second, ms, workload.EOF)
	x.Outcome.Conn = 7
	p.Sink("on", pool(t, 1), new(inner)).Done(x, 1)
	got, _ := p.Take(0, true)
	o := got[0]
	if o.Connection != (Connection{7, "db:1", "10.0.0.1:1"}) || o.Round != 3 || o.Phase != record.Maintenance {
		t.Errorf("%+v", o)
	}
	var kinds []mark.Kind
	for _, m := range o.Events {
		kinds = append(kinds, m.Kind)
	}
	if want := []mark.Kind{mark.Notice, mark.Close}; !slices.Equal(kinds, want) {
		t.Errorf("events %v, want %v", kinds, want)
	}
}

// Marks are remembered up to a bound, the latest ones, and of an operation the
// last few.
func TestEventsAreBounded(t *testing.T) {
	var e events
	for i := range 10 * mostMarks {
		e.put(mark.Mark{At: time.Duration(i), Kind: mark.Notice, Conn: 1})
	}
	got := e.of(1, 0, time.Hour)
	if len(e.ring) != mostMarks || len(got) != MostEvents || got[MostEvents-1].At != 10*mostMarks-1 || got[0].At != 10*mostMarks-MostEvents {
		t.Errorf("%d remembered, %d told, from %d to %d", len(e.ring), len(got), got[0].At, got[len(got)-1].At)
	}
}

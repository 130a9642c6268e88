package record

import (
	"testing"
	"time"

	"schload/telemetry/histogram"
	"schload/workload"
)

// tried is a sample that took so many tries.
func tried(attempts int, service time.Duration, class workload.Class) workload.Sample {
	s := sample(0, 10*ms, 12*ms, 12*ms+service, class)
	s.Outcome.Attempts = attempts
	return s
}

// What took more than one try is part of the series and told apart as well,
// over shards, by retries up to a bound; the parts make up the whole.
func TestRetriedAreToldApart(t *testing.T) {
	r := oneArm(Config{})
	a, b := r.Sink("on", "main"), r.Sink("on", "main")
	a.Done(tried(1, 1*ms, workload.OK), 1)
	a.Done(tried(0, 2*ms, workload.OK), 1) // the client does not say
	a.Done(tried(2, 3*ms, workload.OK), 2)
	b.Done(tried(2, 4*ms, workload.EOF), 1)
	b.Done(tried(2, 5*ms, workload.ReadTimeout), 1)
	b.Done(tried(2, 6*ms, workload.OK), 1)
	b.Done(tried(4, 7*ms, workload.OK), 1)
	b.Done(tried(9, 8*ms, workload.OK), 1)
	i := r.Collect(time.Second)
	var all, first, once histogram.Histogram
	for _, d := range []time.Duration{1 * ms, 2 * ms} {
		first.Record(d)
		all.Record(d)
	}
	for _, d := range []time.Duration{3 * ms, 3 * ms, 6 * ms} {
		once.Record(d)
		all.Record(d)
	}
	all.Record(7 * ms)
	all.Record(8 * ms)
	for _, s := range i.Series {
		if s.Outcome == "ok" && (!s.Service.Equal(&all) || !s.First.Equal(&first)) {
			t.Errorf("ok: %d in all, %d at the first try, want 7 and 2", s.Service.Count(), s.First.Count())
		}
		if s.Outcome == "failed" && (s.Service.Count() != 2 || s.First.Count() != 0) {
			t.Errorf("failed: %d in all, %d at the first try, want 2 and none", s.Service.Count(), s.First.Count())
		}
	}
	found := 0
	for _, x := range i.Retried {
		found++
		switch {
		case x.Arm != "on" || x.Pool != "main" || x.Operation != "GET":
			t.Errorf("%+v", x.Key)
		case x.Outcome == "ok" && x.Retries == 1:
			if !x.Service.Equal(&once) || x.Classes[workload.OK] != 3 {
				t.Errorf("ok after one retry: %d, want 3", x.Classes[workload.OK])
			}
		case x.Outcome == "ok" && x.Retries == MostRetries:
			if x.Service.Count() != 2 {
				t.Errorf("ok after three retries or more: %d, want 2", x.Service.Count())
			}
		case x.Outcome == "failed" && x.Retries == 1:
			if x.Classes[workload.EOF] != 1 || x.Classes[workload.ReadTimeout] != 1 || x.Service.Count() != 2 {
				t.Errorf("failed after one retry: %v", x.Classes)
			}
		default:
			t.Errorf("%s after %d retries", x.Outcome, x.Retries)
		}
	}
	if found != 3 {
		t.Errorf("%d told apart, want 3", found)
	}
	a.Done(tried(1, ms, workload.OK), 1)
	if i := r.Collect(2 * time.Second); len(i.Retried) != 0 || len(i.Series) != 1 || i.Series[0].First != nil {
		t.Errorf("the next interval has %d retried", len(i.Retried))
	}
}

package test

import (
	"testing"
	"time"

	"schload/telemetry"
	"schload/telemetry/record"
	"schload/workload"
)

// The scripted run: a node is drained at 20 s. With handoffs on, connections
// move to another node at once; with handoffs off they break at 25 s and come
// back at 28 s.
const (
	length      = 60 * time.Second
	warm        = 5 * time.Second
	announced   = 20 * time.Second
	broken      = 25 * time.Second
	back        = 28 * time.Second
	over        = 35 * time.Second
	rate        = 100 // operations a second and arm
	pool        = 8   // connections an arm
	failedInOff = 3*rate - missedInOff
	missedInOff = 50
	lateInOff   = 2 * rate
)

var began = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// told is a run of the story: which upgrade it plays and when it begins.
type told struct {
	run, upgrade string
	began        time.Time
}

// The story is told twice, as two upgrades.
var (
	first  = told{"20261122T090000Z-1", "endpoint-rebind", began}
	second = told{"20261122T090500Z-2", "failover", began.Add(5 * time.Minute)}
)

// story plays the first run into the server and returns all that was recorded.
func story(t *testing.T, s *server) *record.Cumulative {
	t.Helper()
	return tell(t, s, first)
}

func tell(t *testing.T, s *server, which told) *record.Cumulative {
	t.Helper()
	pools := []record.Pool{{Name: "main", Operations: []string{"GET"}}, {Name: "feed", Operations: []string{"PUBLISH"}, Apart: true}}
	arms := []record.Arm{
		{Name: "on", Pools: pools}, {Name: "off", Pools: pools},
	}
	exporter, err := telemetry.Start(t.Context(), telemetry.Config{
		Endpoint: s.url, Interval: time.Hour, Timeout: time.Minute, Base: which.began,
		RunID: which.run, Upgrade: which.upgrade, ServiceVersion: "test",
		Arms: []string{"on", "off"}, Getenv: func(string) string { return "" },
	})
	if err != nil {
		t.Fatal(err)
	}
	exporter.Prepare(t.Context(), arms)
	recorder := record.New(record.Config{Arms: arms})
	begin(recorder)
	sum := play(t, recorder, exporter)
	if stats := exporter.Stats(); stats.Failed > 0 || stats.Errors > 0 || stats.Overflowed > 0 {
		t.Fatalf("exports: %+v", stats)
	}
	if err := exporter.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.from, s.to = which.began, which.began.Add(length)
	return sum
}

func begin(r *record.Recorder) {
	r.Begin(1, record.Baseline, warm)
	r.Begin(1, record.Maintenance, announced)
	r.Begin(1, record.Recovery, over)
}

func play(t *testing.T, recorder *record.Recorder, exporter *telemetry.Exporter) *record.Cumulative {
	t.Helper()
	on, off := recorder.Sink("on", "main"), recorder.Sink("off", "main")
	feeds := []workload.Sink{recorder.Sink("on", "feed"), recorder.Sink("off", "feed")}
	sum := new(record.Cumulative)
	for from := time.Duration(0); from < length; from += time.Second {
		for i := range rate {
			at := from + time.Duration(i)*time.Second/rate
			on.Due(at, 1)
			on.Done(done(at, 0, time.Millisecond+time.Duration(i)*time.Microsecond, workload.OK), 1)
			offOperation(off, at, i)
			if i%10 == 0 {
				publish(feeds, at)
			}
		}
		to := from + time.Second
		interval := recorder.Collect(to)
		if to == length {
			rest := recorder.Finish(to)
			interval.Series = append(interval.Series, rest.Series...)
			interval.Counts = append(interval.Counts, rest.Counts...)
			interval.Levels = rest.Levels
		}
		interval.Counts = append(append(interval.Counts, events(from)...), messages(from)...)
		interval.Levels = append(interval.Levels, states(from)...)
		interval.Series = append(interval.Series, deliveries(from)...)
		interval.Distributions = append(interval.Distributions, takeovers(from)...)
		sum.Add(interval)
		exporter.Interval(interval)
		if err := exporter.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return sum
}

func done(at, lateness, service time.Duration, class workload.Class) workload.Sample {
	return workload.Sample{Intended: at, Sent: at + lateness, Done: at + lateness + service, Outcome: workload.Outcome{Class: class}}
}

// publish is an operation of the pool that only sends messages: nothing befalls
// it, in either arm.
func publish(feeds []workload.Sink, at time.Duration) {
	for _, feed := range feeds {
		feed.Due(at, 1)
		feed.Done(done(at, 0, time.Millisecond, workload.OK), 1)
	}
}

func offOperation(sink workload.Sink, at time.Duration, i int) {
	sink.Due(at, 1)
	switch {
	case at >= broken && at < broken+time.Second && i >= rate-missedInOff:
		sink.Missed(at, workload.NoWorker, 1)
	case at >= broken && at < broken+time.Second:
		sink.Done(done(at, 0, time.Millisecond, workload.EOF), 1)
	case at >= broken && at < back:
		sink.Done(done(at, 10*time.Millisecond, 500*time.Millisecond, workload.ReadTimeout), 1)
	case at >= back && at < back+2*time.Second:
		sink.Done(done(at, 400*time.Millisecond, 2*time.Millisecond, workload.OK), 1)
	default:
		sink.Done(done(at, 0, time.Millisecond+time.Duration(i)*time.Microsecond, workload.OK), 1)
	}
}

package test

import (
	"testing"
	"time"

	"schload/handoff/notice"
	"schload/telemetry"
	"schload/telemetry/record"
	"schload/workload"
)

// The scripted run: a node is drained at 20 s. With handoffs on, connections
// move to another node at once; with handoffs off they break at 25 s and come
// back at 28 s.
const (
	length      = 60 * time.Second
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

// story plays the run into the server and returns all that was recorded.
func story(t *testing.T, s *server) *record.Cumulative {
	t.Helper()
	arms := []record.Arm{
		{Name: "on", Pools: []record.Pool{{Name: "main", Operations: []string{"GET"}}}},
		{Name: "off", Pools: []record.Pool{{Name: "main", Operations: []string{"GET"}}}},
	}
	exporter, err := telemetry.Start(t.Context(), telemetry.Config{
		Endpoint: s.url, Interval: time.Hour, Timeout: time.Minute, Base: began,
		RunID: "20261122T090000Z-1", Upgrade: "endpoint-rebind", ServiceVersion: "test",
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
	s.from, s.to = began, began.Add(length)
	return sum
}

func begin(r *record.Recorder) {
	r.Begin(1, record.Baseline, 5*time.Second)
	r.Begin(1, record.Maintenance, announced)
	r.Begin(1, record.Recovery, over)
}

func play(t *testing.T, recorder *record.Recorder, exporter *telemetry.Exporter) *record.Cumulative {
	t.Helper()
	on, off := recorder.Sink("on", "main"), recorder.Sink("off", "main")
	sum := new(record.Cumulative)
	for from := time.Duration(0); from < length; from += time.Second {
		for i := range rate {
			at := from + time.Duration(i)*time.Second/rate
			on.Due(at, 1)
			on.Done(done(at, 0, time.Millisecond+time.Duration(i)*time.Microsecond, workload.OK), 1)
			offOperation(off, at, i)
		}
		to := from + time.Second
		interval := recorder.Collect(to)
		if to == length {
			rest := recorder.Finish(to)
			interval.Series = append(interval.Series, rest.Series...)
			interval.Counts = append(interval.Counts, rest.Counts...)
			interval.Levels = rest.Levels
		}
		interval.Counts = append(interval.Counts, events(from)...)
		interval.Levels = append(interval.Levels, states(from)...)
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

func attrs(pairs ...string) (out []record.Attr) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, record.Attr{Key: pairs[i], Value: pairs[i+1]})
	}
	return out
}

// events are what clients and stage counted in the second from an instant.
func events(from time.Duration) []record.Count {
	count := func(name, arm string, n uint64, pairs ...string) record.Count {
		return record.Count{Name: name, Arm: arm, Value: n, Attrs: attrs(pairs...)}
	}
	switch from {
	case 0:
		return []record.Count{
			count(record.ConnectionDials, "on", pool, record.AttrResult, "ok"),
			count(record.ConnectionDials, "off", pool, record.AttrResult, "ok"),
		}
	case announced:
		return []record.Count{
			count(record.MaintenanceEvents, "", 1, record.AttrSource, "push", record.AttrType, notice.Moving.String()),
			count(record.ClientNotifications, "on", pool, record.AttrNotice, notice.Moving.String()),
			count(record.Handoffs, "on", pool, record.AttrResult, "started"),
		}
	case announced + time.Second:
		return []record.Count{
			count(record.Handoffs, "on", pool, record.AttrResult, "succeeded"),
			count(record.ConnectionDials, "on", pool, record.AttrResult, "ok"),
			count(record.ConnectionCloses, "on", pool, record.AttrBy, "client", record.AttrReason, "handoff"),
		}
	case broken:
		return []record.Count{
			count(record.ConnectionCloses, "off", pool, record.AttrBy, "server", record.AttrReason, "eof"),
			count(record.ConnectionDials, "off", 5, record.AttrResult, "dial_refused"),
		}
	case back:
		return []record.Count{count(record.ConnectionDials, "off", pool, record.AttrResult, "ok")}
	}
	return nil
}

const oldNode, newNode = "127.0.0.2:6379", "127.0.0.3:6379"

// states are the gauges at the end of the second from an instant.
func states(from time.Duration) []record.Level {
	level := func(name, arm string, value float64, pairs ...string) record.Level {
		return record.Level{Name: name, Arm: arm, Value: value, Attrs: attrs(pairs...)}
	}
	window, relaxed := 0.0, 0.0
	if from >= announced && from < over {
		window, relaxed = 1, pool
	}
	onNode, offNode := oldNode, oldNode
	if from > announced {
		onNode = newNode
	}
	out := []record.Level{
		level(record.MaintenanceActive, "", window, record.AttrType, notice.Moving.String()),
		level(record.ConnectionsRelaxed, "on", relaxed),
		level(record.ConnectionsRelaxed, "off", 0),
		level(record.Connections, "on", pool, record.AttrNode, onNode),
		level(record.HarnessStartLag, "", 50e-6, record.AttrQuantile, "0.5"),
		level(record.HarnessStartLag, "", 300e-6, record.AttrQuantile, "0.99"),
		level(record.HarnessStartLag, "", 1e-3, record.AttrQuantile, "1"),
		level(record.RunInfo, "", 1, "client.version", "v9.23.0", "config.hash", "abc", "seed", "7"),
	}
	if from >= broken && from < back {
		return append(out, level(record.Connections, "off", 0, record.AttrNode, oldNode))
	} else if from >= back {
		offNode = newNode
	}
	return append(out, level(record.Connections, "off", pool, record.AttrNode, offNode))
}

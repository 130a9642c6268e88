package bench

import (
	"testing"
	"time"

	"schload/telemetry/record"
	"schload/workload"
)

// samplers record one operation: its response time, service time and lateness
// and, where a recorder needs more to tell how operations ended, that too.
var samplers = []recorder{
	{"schload", func(tb testing.TB) func() func(latency) {
		r := record.New(record.Config{Arms: []record.Arm{{Name: "on", Pools: []record.Pool{{Name: "main", Operations: []string{"GET"}}}}}})
		collect(tb, r)
		return func() func(latency) { return sampler(r.Sink("on", "main")) }
	}},
	owned("hdr", func() func(latency) {
		response, service, lateness := newHDR(), newHDR(), newHDR()
		return func(l latency) {
			_ = response.RecordValue(int64(l.duration))
			_ = service.RecordValue(int64(l.duration - l.duration/8))
			_ = lateness.RecordValue(int64(l.duration / 8))
		}
	}),
	shared("otel-exponential", func(tb testing.TB) func(latency) {
		response, service, lateness := newOTel(tb, exponential), newOTel(tb, exponential), newOTel(tb, exponential)
		return func(l latency) {
			response(l)
			service(latency{seconds: l.seconds * 7 / 8})
			lateness(latency{seconds: l.seconds / 8})
		}
	}),
	shared("prometheus-native", func(testing.TB) func(latency) {
		response, service, lateness := newNative(), newNative(), newNative()
		return func(l latency) {
			response.Observe(l.seconds)
			service.Observe(l.seconds * 7 / 8)
			lateness.Observe(l.seconds / 8)
		}
	}),
}

// collect takes what is recorded once a second, as a run does.
func collect(tb testing.TB, r *record.Recorder) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for now := time.Second; ; now += time.Second {
			select {
			case <-stop:
				return
			case <-tick.C:
				r.Collect(now)
			}
		}
	}()
	tb.Cleanup(func() { close(stop); <-stopped })
}

// sampler does an operation a microsecond, so that a second of the benchmark
// is tens of seconds of the run: more bins, not fewer, than in a real one.
func sampler(s workload.Sink) func(latency) {
	at := time.Duration(0)
	return func(l latency) {
		at += time.Microsecond
		s.Done(workload.Sample{Intended: at - l.duration, Sent: at - l.duration + l.duration/8, Done: at}, 1)
	}
}

func BenchmarkSample(b *testing.B) {
	for _, r := range samplers {
		b.Run("recorder="+r.name+"/goroutines=1", func(b *testing.B) { one(b, r.start(b)) })
		b.Run("recorder="+r.name+"/goroutines=64", func(b *testing.B) { many(b, r.start(b)) })
	}
}

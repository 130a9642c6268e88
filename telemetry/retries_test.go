package telemetry

import (
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"schload/telemetry/record"
	"schload/workload"
)

// Service times and errors go out by the number of retries, as Redis'
// specification asks; together they are what was recorded, and none is counted
// twice.
func TestRetriesAreAnAttribute(t *testing.T) {
	recorder := record.New(record.Config{Arms: arms})
	sink := recorder.Sink("on", "main")
	end := func(attempts int, class workload.Class, took time.Duration) {
		sink.Done(workload.Sample{Done: took, Outcome: workload.Outcome{Class: class, Attempts: attempts}}, 1)
	}
	s := newSource("on", base, new(health))
	s.contract = contract{app: "app"}
	s.prepare(arms, nil)
	for second := range 3 { // over several intervals sums never go down
		end(1, workload.EOF, ms)
		for range second {
			end(2, workload.EOF, 2*ms)
			end(5, workload.OK, 4*ms)
		}
		before := values(t, collected(t, pull{s, Native})[record.ClientErrors])
		s.add(recorder.Collect(time.Duration(second+1) * time.Second))
		for key, n := range values(t, collected(t, pull{s, Native})[record.ClientErrors]) {
			if n < before[key] {
				t.Errorf("%s fell from %v to %v", key, before[key], n)
			}
		}
	}
	metrics := collected(t, push{s, Native})
	counts := map[[2]string]uint64{}
	for _, p := range metrics[record.ServiceTime].Data.(metricdata.ExponentialHistogram[float64]).DataPoints {
		retries, _ := p.Attributes.Value(record.AttrRetries)
		outcome, _ := p.Attributes.Value(record.AttrOutcome)
		if retries.Type() != attribute.INT64 {
			t.Errorf("retries are a %v", retries.Type())
		}
		counts[[2]string{outcome.AsString(), retries.String()}] += p.Count
	}
	for key, want := range map[[2]string]uint64{{"failed", "0"}: 3, {"failed", "1"}: 3, {"ok", "0"}: 0, {"ok", "3"}: 3} {
		if counts[key] != want {
			t.Errorf("%v: %d service times, want %d", key, counts[key], want)
		}
	}
	errors := map[string]int64{}
	for _, p := range metrics[record.ClientErrors].Data.(metricdata.Sum[int64]).DataPoints {
		if kind, _ := p.Attributes.Value(record.AttrError); kind.AsString() == "eof" {
			retries, _ := p.Attributes.Value(record.AttrRetries)
			errors[retries.String()] = p.Value
		}
	}
	if errors["0"] != 3 || errors["1"] != 3 || len(errors) != 2 {
		t.Errorf("errors by retries %v, want 3 and 3", errors)
	}
	total := uint64(0)
	for _, p := range metrics[contractDuration].Data.(metricdata.Histogram[float64]).DataPoints {
		total += p.Count
	}
	if total != 9 {
		t.Errorf("the testing applications' contract has %d service times, want all 9", total)
	}
}

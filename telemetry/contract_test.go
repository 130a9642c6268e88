package telemetry

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// The contract is off unless asked for, and then the same numbers: every
// operation once, with the labels and buckets that Redis' boards read.
func TestContract(t *testing.T) {
	s := newSource("on", base, new(health))
	var times histogram.Histogram
	for _, d := range []time.Duration{50 * time.Microsecond, 400 * time.Microsecond, 3 * time.Millisecond, 3 * time.Millisecond, 20 * time.Second} {
		times.Record(d)
	}
	series := record.Series{Key: record.Key{Arm: "on", Pool: "main", Operation: "GET", Outcome: "ok", Phase: record.Baseline}, Service: &times, Response: &times}
	again := series
	again.Phase = record.Maintenance // phases are no label of the contract: they are added up
	s.add(record.Interval{To: time.Second, Series: []record.Series{series, again}, Counts: []record.Count{
		{Name: record.Operations, Arm: "on", Value: 10, Attrs: attrs(record.AttrOperation, "GET", record.AttrOutcome, "ok")},
		{Name: record.Operations, Arm: "on", Value: 2, Attrs: attrs(record.AttrOperation, "GET", record.AttrOutcome, "read_timeout")},
		{Name: record.ConnectionDials, Arm: "on", Value: 4, Attrs: attrs(record.AttrResult, "ok")},
		{Name: record.ConnectionDials, Arm: "on", Value: 3, Attrs: attrs(record.AttrResult, "dial_refused")},
	}})
	if _, ok := collected(t, pull{s, Native})[contractOperations]; ok {
		t.Error("the contract is exported although nobody asked")
	}
	s.contract = contract{app: "go-x", instance: "i", run: "r", version: "go-redis:v9"}
	metrics := collected(t, pull{s, Native})
	labels := "app_name=go-x,error_type=%s,instance_id=i,operation=GET,run_id=r,status=%s,version=go-redis:v9"
	operations := values(t, metrics[contractOperations])
	if operations[fmt.Sprintf(labels, "none", "success")] != 10 || operations[fmt.Sprintf(labels, "timeout", "error")] != 2 || len(operations) != 2 {
		t.Errorf("operations: %v", operations)
	}
	dials := values(t, metrics[contractConnections])
	if dials["app_name=go-x,instance_id=i,run_id=r,status=success,version=go-redis:v9"] != 4 || dials["app_name=go-x,instance_id=i,run_id=r,status=error,version=go-redis:v9"] != 3 {
		t.Errorf("connections: %v", dials)
	}
	points := metrics[contractDuration].Data.(metricdata.Histogram[float64]).DataPoints
	if len(points) != 1 {
		t.Fatalf("%d series of durations", len(points))
	}
	want := make([]uint64, len(contractBounds)+1)
	want[0], want[1], want[4], want[15] = 2, 2, 4, 2
	if p := points[0]; !slices.Equal(p.BucketCounts, want) || p.Count != 10 || metrics[contractDuration].Unit != "ms" {
		t.Errorf("%v, %d in all, want %v", p.BucketCounts, p.Count, want)
	}
	if v, _ := points[0].Attributes.Value(attribute.Key("operation")); v.AsString() != "GET" {
		t.Errorf("labels %v", points[0].Attributes)
	}
}

// What some of the applications have is there, too: how long clients took to
// open, reconnections, and messages of pub/sub but not of streams.
func TestContractRest(t *testing.T) {
	s := newSource("on", base, new(health))
	s.contract = contract{app: "go-x", instance: "i", run: "r", version: "v"}
	took := func(d time.Duration) *histogram.Histogram {
		h := new(histogram.Histogram)
		h.Record(d)
		return h
	}
	s.add(record.Interval{To: time.Second,
		Distributions: []record.Distribution{
			{Name: record.ClientInitTime, Arm: "on", Times: took(3 * time.Millisecond)},
			{Name: record.ReconnectionTime, Arm: "on", Times: took(3 * time.Second)}, {Name: record.ReconnectionTime, Arm: "on", Times: took(50 * time.Millisecond)},
		},
		Counts: []record.Count{
			{Name: record.Operations, Arm: "on", Value: 5, Attrs: attrs(record.AttrOperation, "PUBLISH", record.AttrOutcome, "ok", record.AttrPool, "news")},
			{Name: record.Operations, Arm: "on", Value: 2, Attrs: attrs(record.AttrOperation, "PUBLISH", record.AttrOutcome, "eof", record.AttrPool, "news")},
			{Name: record.Operations, Arm: "on", Value: 9, Attrs: attrs(record.AttrOperation, "XADD", record.AttrOutcome, "ok", record.AttrPool, "stream")},
			{Name: record.Messages, Arm: "on", Value: 15, Attrs: attrs(record.AttrPool, "news", record.AttrResult, "delivered")},
			{Name: record.Messages, Arm: "on", Value: 4, Attrs: attrs(record.AttrPool, "news", record.AttrResult, "lost")},
			{Name: record.Messages, Arm: "on", Value: 8, Attrs: attrs(record.AttrPool, "stream", record.AttrResult, "delivered")},
			{Name: record.ReceiverErrors, Arm: "on", Value: 3, Attrs: attrs(record.AttrOutcome, "read_timeout", record.AttrPool, "news")},
			{Name: record.ReceiverErrors, Arm: "on", Value: 1, Attrs: attrs(record.AttrOutcome, "panic", record.AttrPool, "news")},
		}})
	metrics := collected(t, pull{s, Native})
	messages := values(t, metrics[contractPubSub])
	labels := "app_name=go-x,channel=news,error_type=%s,instance_id=i,operation_type=%s,run_id=r,status=%s,version=v"
	for key, want := range map[string]float64{
		fmt.Sprintf(labels, "none", "publish", "success"): 5, fmt.Sprintf(labels, "connection_error", "publish", "error"): 2,
		fmt.Sprintf(labels, "none", "receive", "success"): 15, fmt.Sprintf(labels, "timeout", "receive", "error"): 3,
	} {
		if messages[key] != want {
			t.Errorf("%s: %v, want %v", key, messages[key], want)
		}
	}
	if len(messages) != 4 {
		t.Errorf("messages: %v", messages)
	}
	point := func(name string) metricdata.HistogramDataPoint[float64] {
		return metrics[name].Data.(metricdata.Histogram[float64]).DataPoints[0]
	}
	if p := point(contractReconnect); !slices.Equal(p.Bounds, reconnectBounds) || !slices.Equal(p.BucketCounts, []uint64{1, 0, 0, 0, 1, 0, 0, 0, 0}) || math.Abs(p.Sum-3050) > 1e-6 {
		t.Errorf("reconnections: %+v", p)
	}
	if p := point(contractInit); p.Count != 1 || math.Abs(p.Sum-3) > 1e-6 {
		t.Errorf("opening: %+v", p)
	}
	opened := point(contractInit).Attributes
	if v, _ := opened.Value("client"); v.AsString() != "on" {
		t.Errorf("labels %v", opened)
	}
}

// Each class has one of the contract's error types.
func TestContractErrorTypes(t *testing.T) {
	known := []string{"none", "timeout", "connection_error", "command_error", "memory_error", "auth_error", "cluster_error", "unknown"}
	for class := range workload.Class(workload.Classes) {
		if got := contractErrors(class); !slices.Contains(known, got) || (got == "none") != (class == workload.OK) {
			t.Errorf("%s is %s", class, got)
		}
	}
}

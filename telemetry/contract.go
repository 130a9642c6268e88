package telemetry

import (
	"cmp"
	"math"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// The metrics that Redis' testing applications for several languages share,
// which its own boards of such tests read. They are exported on request.
const (
	contractOperations  = "redis_operations_total"
	contractDuration    = "redis_operation_duration"
	contractConnections = "redis_connections_total"
	contractInit        = "redis_client_init_duration"
	contractReconnect   = "redis_reconnection_duration_ms"
	contractPubSub      = "redis_pubsub_operations_total"
)

// contractBounds are the buckets of redis_operation_duration, in milliseconds.
var contractBounds = []float64{0.1, 0.5, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000}

// reconnectBounds are those of redis_reconnection_duration_ms.
var reconnectBounds = []float64{100, 500, 1000, 2000, 5000, 10000, 30000, 60000}

// contractMetric is one metric of the contract, as it is exported and as
// docs/METRICS.md lists it.
type contractMetric struct {
	name        string
	kind        string // record.Counter or record.Histogram
	unit        string // of a histogram's bounds and sum; empty: what is counted, or as the name says
	description string
	labels      []string  // sorted, beyond those of all: contractLabels
	bounds      []float64 // of a histogram: upper edges of its buckets, in ms
}

// contractLabels are on every series of the contract.
var contractLabels = []string{"app_name", "instance_id", "run_id", "version"}

// contractMetrics is the contract: what it names as required, and what some of
// Redis' applications have beyond. Sorted by name.
var contractMetrics = []contractMetric{
	{contractInit, record.Histogram, "ms", "how long clients took to open", []string{"client"}, contractBounds},
	{contractConnections, record.Counter, "", "connections dialled", []string{"status"}, nil},
	{contractDuration, record.Histogram, "ms", "service time of operations", []string{"operation", "status"}, contractBounds},
	{contractOperations, record.Counter, "", "operations that ended", []string{"error_type", "operation", "status"}, nil},
	{contractPubSub, record.Counter, "", "messages published and received", []string{"channel", "error_type", "operation_type", "status"}, nil},
	{contractReconnect, record.Histogram, "", "from the end of a connection to the end of the dial in its place", nil, reconnectBounds},
}

// TestingAppMetrics lists the metrics that Config.TestingApp has exported, as
// record.Metrics lists the others.
func TestingAppMetrics() (list []record.Metric) {
	for _, m := range contractMetrics {
		list = append(list, record.Metric{Name: m.name, Unit: m.unit, Kind: m.kind, Description: m.description, Attributes: slices.Sorted(slices.Values(slices.Concat(contractLabels, m.labels)))})
	}
	return list
}

// contractOf is the metric of the contract with the name. It panics on another:
// that is a mistake of this package.
func contractOf(name string) contractMetric {
	for _, m := range contractMetrics {
		if m.name == name {
			return m
		}
	}
	panic("telemetry: no metric of the contract is called " + name)
}

// agreed gives data the unit and the description of the contract.
func agreed(name string, data metricdata.Aggregation) metricdata.Metrics {
	m := contractOf(name)
	return metricdata.Metrics{Name: m.name, Unit: m.unit, Description: m.description, Data: data}
}

// contractErrors is the error_type that the contract has for a class.
func contractErrors(class workload.Class) string {
	switch class {
	case workload.OK:
		return "none"
	case workload.DialTimeout, workload.ReadTimeout, workload.WriteTimeout, workload.PoolTimeout:
		return "timeout"
	case workload.DialRefused, workload.DialOther, workload.Reset, workload.EOF, workload.PoolExhausted:
		return "connection_error"
	case workload.Noauth:
		return "auth_error"
	case workload.Redirect, workload.Clusterdown, workload.Masterdown, workload.Tryagain:
		return "cluster_error"
	case workload.Loading, workload.Readonly, workload.Conflict, workload.ServerError, workload.WrongReply, workload.CrossedReply:
		return "command_error"
	}
	return "unknown"
}

func contractStatus(ok bool) string {
	if ok {
		return "success"
	}
	return "error"
}

// contract is what every series of the contract is labelled with; empty app:
// it was not asked for.
type contract struct {
	app, instance, run, version string
}

func (c contract) set(pairs ...string) attribute.Set {
	list := []attribute.KeyValue{
		attribute.String("app_name", c.app), attribute.String("instance_id", c.instance), attribute.String("run_id", c.run), attribute.String("version", c.version)}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, attribute.String(pairs[i], pairs[i+1]))
	}
	return attribute.NewSet(list...)
}

// contracted states what the source holds as the contract has it. Nothing is
// recorded for it: it is the same numbers under other names.
func (s *source) contracted() []metricdata.Metrics {
	if s.contract.app == "" || s.arm == "" {
		return nil
	}
	operations, connections := map[attribute.Set]int64{}, map[attribute.Set]int64{}
	for _, c := range s.counts.all {
		value := func(key string) string { v, _ := c.attributes.Value(attribute.Key(key)); return v.AsString() }
		switch c.metric {
		case record.Operations:
			class := byName[value(record.AttrOutcome)]
			operations[s.contract.set("operation", value(record.AttrOperation), "status", contractStatus(class == workload.OK), "error_type", contractErrors(class))] += int64(c.value)
		case record.ConnectionDials:
			connections[s.contract.set("status", contractStatus(value(record.AttrResult) == succeeded))] += int64(c.value)
		}
	}
	return append([]metricdata.Metrics{
		agreed(contractOperations, s.contractSum(operations)),
		agreed(contractDuration, s.contractDurations()),
		agreed(contractConnections, s.contractSum(connections)),
	}, s.contractedRest()...)
}

func (s *source) contractSum(values map[attribute.Set]int64) metricdata.Aggregation {
	out := metricdata.Sum[int64]{Temporality: metricdata.CumulativeTemporality, IsMonotonic: true}
	for set, n := range values {
		out.DataPoints = append(out.DataPoints, metricdata.DataPoint[int64]{Attributes: set, StartTime: s.start, Time: s.now, Value: n})
	}
	slices.SortFunc(out.DataPoints, func(a, b metricdata.DataPoint[int64]) int { return order(a.Attributes, b.Attributes) })
	return out
}

// contractDurations are the service times, which is what the contract means by
// timing the call to Redis only.
func (s *source) contractDurations() metricdata.Aggregation {
	merged := map[attribute.Set]*histogram.Histogram{}
	for _, o := range s.operations.all {
		name, ok := o.ours.Value(record.AttrOperation)
		if !ok {
			continue // overflow: of no one operation
		}
		outcome, _ := o.ours.Value(record.AttrOutcome)
		set := s.contract.set("operation", name.AsString(), "status", contractStatus(outcome.AsString() == succeeded))
		if merged[set] == nil {
			merged[set] = new(histogram.Histogram)
		}
		merged[set].Merge(o.served())
	}
	out := metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality}
	for set, h := range merged {
		out.DataPoints = append(out.DataPoints, s.milliseconds(set, h, contractOf(contractDuration).bounds))
	}
	slices.SortFunc(out.DataPoints, func(a, b metricdata.HistogramDataPoint[float64]) int { return order(a.Attributes, b.Attributes) })
	return out
}

func (s *source) milliseconds(set attribute.Set, h *histogram.Histogram, bounds []float64) metricdata.HistogramDataPoint[float64] {
	const inSeconds = float64(time.Millisecond) / float64(time.Second)
	native := s.histogram(h, set, s.now)
	p := metricdata.HistogramDataPoint[float64]{Attributes: set, StartTime: s.start, Time: s.now, Count: native.Count,
		Sum: native.Sum / inSeconds, Bounds: bounds, BucketCounts: make([]uint64, len(bounds)+1)}
	p.BucketCounts[0] = native.ZeroCount
	for i, n := range native.PositiveBucket.Counts {
		if n > 0 {
			upper := math.Exp2(float64(int(native.PositiveBucket.Offset)+i+1) / math.Exp2(histogram.Scale))
			p.BucketCounts[below(bounds, upper/inSeconds)] += n
		}
	}
	return p
}

func order(a, b attribute.Set) int {
	return cmp.Compare(a.Encoded(attribute.DefaultEncoder()), b.Encoded(attribute.DefaultEncoder()))
}

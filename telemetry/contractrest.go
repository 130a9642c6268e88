package telemetry

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// contractedRest are the metrics of the contract that not all of Redis' testing
// applications have. Their labels subscriber_id and, beyond the pool that stands
// for it, channel are left out: there may be thousands.
func (s *source) contractedRest() []metricdata.Metrics {
	out := []metricdata.Metrics{
		agreed(contractInit, s.contractTimes(record.ClientInitTime, contractOf(contractInit).bounds, "client", s.arm)),
		agreed(contractReconnect, s.contractTimes(record.ReconnectionTime, contractOf(contractReconnect).bounds)),
	}
	if sums := s.contractMessages(); len(sums) > 0 {
		out = append(out, agreed(contractPubSub, s.contractSum(sums)))
	}
	return out
}

// contractTimes are all distributions of a metric as one.
func (s *source) contractTimes(name string, bounds []float64, labels ...string) metricdata.Aggregation {
	var all histogram.Histogram
	for _, d := range s.distributions.all {
		if d.metric == name {
			all.Merge(&d.times)
		}
	}
	return metricdata.Histogram[float64]{Temporality: metricdata.CumulativeTemporality,
		DataPoints: []metricdata.HistogramDataPoint[float64]{s.milliseconds(s.contract.set(labels...), &all, bounds)}}
}

// contractMessages are the messages of pub/sub: what was published counts as the
// operation that did, what was received at each receiver, and errors of these.
func (s *source) contractMessages() map[attribute.Set]int64 {
	value := func(c *count, key string) string { v, _ := c.attributes.Value(attribute.Key(key)); return v.AsString() }
	sums, channels := map[attribute.Set]int64{}, map[string]bool{}
	add := func(channel, kind string, class workload.Class, n uint64) {
		sums[s.contract.set("channel", channel, "operation_type", kind, "status", contractStatus(class == workload.OK), "error_type", contractErrors(class))] += int64(n)
	}
	for _, c := range s.counts.all {
		if operation := value(c, record.AttrOperation); c.metric == record.Operations && (operation == "PUBLISH" || operation == "SPUBLISH") {
			channels[value(c, record.AttrPool)] = true
			add(value(c, record.AttrPool), "publish", byName[value(c, record.AttrOutcome)], c.value)
		}
	}
	for _, c := range s.counts.all {
		pool := value(c, record.AttrPool)
		if !channels[pool] {
			continue // a stream is no channel
		}
		switch class, known := byName[value(c, record.AttrOutcome)]; {
		case c.metric == record.Messages && value(c, record.AttrResult) == "delivered":
			add(pool, "receive", workload.OK, c.value)
		case c.metric == record.ReceiverErrors && known:
			add(pool, "receive", class, c.value)
		}
	}
	return sums
}

package telemetry

import (
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"schload/telemetry/record"
)

// Delivery times are exported as recorded, under a name of their own, and leave
// the times of operations alone.
func TestDeliveryIsExported(t *testing.T) {
	s := newSource("on", base, new(health))
	took := spread(1, 100)
	for round := range 2 { // rounds are summed
		s.add(record.Interval{From: time.Duration(round) * time.Second, To: time.Duration(round+1) * time.Second, Series: []record.Series{
			{Key: record.Key{Arm: "on", Pool: "news", Phase: record.Maintenance, Round: round + 1}, Delivery: took}}})
	}
	metrics := collected(t, pull{s, Native})
	if _, ok := metrics[record.ResponseTime]; ok {
		t.Error("operations have times, and there were none")
	}
	data, ok := metrics[record.MessageDeliveryTime].Data.(metricdata.ExponentialHistogram[float64])
	if !ok || len(data.DataPoints) != 1 {
		t.Fatalf("got %+v", metrics[record.MessageDeliveryTime])
	}
	if p := data.DataPoints[0]; p.Sum != 2*took.Sum().Seconds() || p.Attributes.Len() != 2 {
		t.Errorf("sum %v, want %v; attributes %v", p.Sum, 2*took.Sum().Seconds(), p.Attributes.ToSlice())
	}
}

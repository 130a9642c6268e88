package telemetry

import (
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// deliveryKey names the deliveries of one pool and phase. The round is 0 where
// rounds are summed.
type deliveryKey struct {
	pool  string
	phase record.Phase
	round int
}

// delivery is how long messages took to their receivers.
type delivery struct {
	attributes attribute.Set
	birth      time.Time
	time       histogram.Histogram
}

func (s *source) delivery(key deliveryKey) *delivery {
	return s.deliveries.get(record.MessageDeliveryTime, key, deliveryKey{}, s.bound(maxOperations), s.health, func(overflow bool) *delivery {
		d := &delivery{birth: s.birth(), attributes: overflowed}
		if !overflow {
			d.attributes = s.newPoints(record.MessageDeliveryTime, s.placed(record.MessageDeliveryTime,
				[]record.Attr{{Key: record.AttrPool, Value: key.pool}}, key.phase, key.round), false).attributes
		}
		return d
	})
}

func (s *source) deliveryTimes(pushed bool) []metricdata.Metrics {
	if len(s.deliveries.all) == 0 {
		return nil
	}
	var points []metricdata.ExponentialHistogramDataPoint[float64]
	for _, d := range s.deliveries.all {
		if pushed && !d.birth.IsZero() {
			points = append(points, s.histogram(new(histogram.Histogram), d.attributes, d.birth))
			d.birth = time.Time{}
		}
		points = append(points, s.histogram(&d.time, d.attributes, s.now))
	}
	return []metricdata.Metrics{metric(record.MessageDeliveryTime, exponential(points))}
}

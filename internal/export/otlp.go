package export

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"schload/internal/bundle"
)

// Shift is what is added to all instants of a bundle's lines; 0 keeps them, and
// then every byte of a line.
type Shift time.Duration

// ShiftTo returns the shift by which the last interval ends at the instant.
func ShiftTo(b *bundle.Bundle, end time.Time) (Shift, error) {
	var last time.Duration
	for iv, err := range b.Intervals() {
		if err != nil {
			return 0, err
		}
		last = max(last, iv.To)
	}
	return Shift(end.Sub(b.Run.Started.Add(last))), nil
}

// OTLP writes the bundle's lines, each an ExportMetricsServiceRequest of delta
// temporality: what the file receiver of a collector reads.
func OTLP(w io.Writer, b *bundle.Bundle, shift Shift) error {
	out := bufio.NewWriter(w)
	for line, err := range b.Lines() {
		if err != nil {
			return err
		}
		if line, err = shift.line(line); err != nil {
			return err
		}
		out.Write(line)
		out.WriteByte('\n')
	}
	return out.Flush()
}

// line returns the line with its instants shifted, without a newline.
func (s Shift) line(line []byte) ([]byte, error) {
	if s == 0 {
		return line, nil
	}
	var data metricspb.MetricsData
	if err := protojson.Unmarshal(line, &data); err != nil {
		return nil, err
	}
	for _, r := range data.ResourceMetrics {
		for _, scope := range r.ScopeMetrics {
			for _, m := range scope.Metrics {
				if err := s.metric(m); err != nil {
					return nil, err
				}
			}
		}
	}
	text, err := protojson.MarshalOptions{UseEnumNumbers: true}.Marshal(&data)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Compact(&out, text) // protojson puts spaces at random
	return out.Bytes(), err
}

// metric shifts the points of a metric, which are of the kinds that a bundle has.
func (s Shift) metric(m *metricspb.Metric) error {
	var instants []*uint64
	numbers := func(points []*metricspb.NumberDataPoint) {
		for _, p := range points {
			instants = append(instants, &p.StartTimeUnixNano, &p.TimeUnixNano)
		}
	}
	switch d := m.Data.(type) {
	case *metricspb.Metric_ExponentialHistogram:
		for _, p := range d.ExponentialHistogram.DataPoints {
			instants = append(instants, &p.StartTimeUnixNano, &p.TimeUnixNano)
		}
	case *metricspb.Metric_Sum:
		numbers(d.Sum.DataPoints)
	case *metricspb.Metric_Gauge:
		numbers(d.Gauge.DataPoints)
	default:
		return fmt.Errorf("metric %s: a bundle holds exponential histograms, sums and gauges only; keep the instants to pass others on", m.Name)
	}
	for _, at := range instants {
		if *at == 0 { // OTLP's unknown
			continue
		}
		if *at > math.MaxInt64 || int64(*at)+int64(s) <= 0 {
			return fmt.Errorf("metric %s: the instant %d ns cannot be shifted by %v", m.Name, *at, time.Duration(s))
		}
		*at = uint64(int64(*at) + int64(s))
	}
	return nil
}

package telemetry

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"schload/telemetry/record"
)

// points is what the data points of one series have in common. Attribute sets
// are built once, when the series first appears.
type points struct {
	metric     string
	attributes attribute.Set
}

// overflowed is the OpenTelemetry specification's mark of what was merged.
var overflowed = attribute.NewSet(attribute.Bool("otel.metric.overflow", true))

// failure is the value that the semantic conventions give to an error.type
// that is not told apart: histograms know ok and failed, the class of the
// failure is the outcome of schload.operations.
const failure = "_OTHER"

// ofClient are the attributes that the specifications require of metrics of
// clients, beyond those that were recorded: system, library, and pool of what
// is about connections.
func (s *source) ofClient(metric string) (list []attribute.KeyValue) {
	if !strings.HasPrefix(metric, "db.client.") && !strings.HasPrefix(metric, "redis.client.") {
		return nil
	}
	list = append(list, attribute.String(record.AttrSystem, "redis"))
	if s.library != "" {
		list = append(list, attribute.String(record.AttrLibrary, s.library))
	}
	if strings.Contains(metric, ".connection.") {
		list = append(list, attribute.String(record.AttrPoolName, s.arm))
	}
	if s.server.address != "" && (metric == record.ServiceTime || metric == record.ClientErrors || metric == record.ClientNotifications) {
		list = append(list, attribute.String(record.AttrServer, s.server.address))
		if s.server.port > 0 {
			list = append(list, attribute.Int(record.AttrServerPort, s.server.port))
		}
	}
	return list
}

// server is the database as the client was given it.
type server struct {
	address string // empty: it has none of its own, as a cluster
	port    int
}

func serverOf(address string) (s server) {
	s.address, s.port, _ = hostPort(address)
	return s
}

func (s *source) newPoints(metric string, attrs []record.Attr, overflow bool) points {
	if overflow {
		return points{metric: metric, attributes: overflowed}
	}
	list := s.ofClient(metric)
	for _, a := range attrs {
		if s.exported(a.Key) {
			list = append(list, keyValue(a))
		}
	}
	return points{metric: metric, attributes: attribute.NewSet(list...)}
}

// keyOf spells the attributes that are exported, in the order of their keys.
// The separator is no part of any UTF-8 text.
func (s *source) keyOf(metric string, attrs []record.Attr) pointKey {
	if !slices.IsSortedFunc(attrs, byKey) {
		attrs = slices.SortedFunc(slices.Values(attrs), byKey)
	}
	var labels strings.Builder
	for _, a := range attrs {
		if !s.exported(a.Key) {
			continue
		}
		labels.WriteString(a.Key)
		labels.WriteByte(0xff)
		labels.WriteString(a.Value)
		labels.WriteByte(0xff)
	}
	return pointKey{metric: metric, labels: labels.String()}
}

func byKey(a, b record.Attr) int { return strings.Compare(a.Key, b.Key) }

func (s *source) newOperation(key operationKey, overflow bool) *operation {
	if overflow {
		return &operation{ours: overflowed, standard: overflowed}
	}
	ours := []attribute.KeyValue{
		attribute.String(record.AttrPool, key.pool),
		attribute.String(record.AttrOperation, key.name),
		attribute.String(record.AttrOutcome, key.outcome),
		attribute.String(record.AttrPhase, key.phase.String()),
	}
	if s.rounds {
		ours = append(ours, attribute.String(record.AttrRound, strconv.Itoa(key.round)))
	}
	standard := append(ours[:len(ours):len(ours)], s.ofClient(record.ServiceTime)...)
	standard = append(standard, attribute.Int(record.AttrRetries, 0))
	if key.outcome != succeeded {
		standard = append(standard, attribute.String(record.AttrError, failure))
	}
	return &operation{ours: attribute.NewSet(ours...), standard: attribute.NewSet(standard...)}
}

// metric gives data the name, unit and description of the list in record.
func metric(name string, data metricdata.Aggregation) metricdata.Metrics {
	d := described(name, record.Counter, record.UpDownCounter, record.Gauge, record.Histogram)
	return metricdata.Metrics{Name: name, Unit: d.Unit, Description: d.Description, Data: data}
}

// described is what the list in record says of a metric that is stated as one
// of these kinds. It panics on a name that is not in the list, or is there as
// another kind: a mistake of the program, which would go out without unit and
// description and be in no document. Series are looked up when they are made,
// on the goroutine of whoever states them, and nearly all before the load.
func described(name string, kinds ...string) record.Metric {
	d, listed := descriptors[name]
	if !listed {
		panic(fmt.Sprintf("telemetry: metric %q is not in record.Metrics: list it there", name))
	}
	if !slices.Contains(kinds, d.Kind) {
		panic(fmt.Sprintf("telemetry: metric %q is stated as %s, and record.Metrics has it as %s", name, strings.Join(kinds, " or "), d.Kind))
	}
	return d
}

var descriptors = func() map[string]record.Metric {
	m := map[string]record.Metric{}
	for _, d := range record.Metrics {
		m[d.Name] = d
	}
	return m
}()

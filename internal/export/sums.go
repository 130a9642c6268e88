package export

import (
	"cmp"
	"errors"
	"slices"
	"strconv"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

var errNothing = errors.New("the bundle holds no operation after warm-up: there is nothing to export")

// series is one series, added up over the run. Of a histogram times is set, of
// anything else value.
type series struct {
	record.Metric
	arm   string
	attrs []record.Attr // sorted by key
	times *histogram.Histogram
	value string
}

// sums are all series of a run in the order of metric, arm and attributes, and
// the stretch that they cover.
type sums struct {
	record.Cumulative
	all []series
}

func readSums(b *bundle.Bundle, s compare.Summary) (*sums, error) {
	out := &sums{}
	for iv, err := range s.Intervals(b) {
		if err != nil {
			return nil, err
		}
		out.Add(iv)
	}
	for _, x := range out.Series() {
		out.operations(x)
	}
	for _, d := range out.Distributions() {
		out.add(d.Name, d.Arm, d.Attrs, d.Times, "")
	}
	for _, c := range out.Counts() {
		out.add(c.Name, c.Arm, c.Attrs, nil, strconv.FormatUint(c.Value, 10))
	}
	for _, l := range out.Levels() {
		out.add(l.Name, l.Arm, l.Attrs, nil, strconv.FormatFloat(l.Value, 'g', -1, 64))
	}
	slices.SortStableFunc(out.all, func(x, y series) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.arm, y.arm), slices.CompareFunc(x.attrs, y.attrs, func(a, b record.Attr) int {
			return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value))
		}))
	})
	return out, nil
}

func (s *sums) operations(x record.Series) {
	attrs := []record.Attr{
		{Key: record.AttrOperation, Value: x.Operation}, {Key: record.AttrOutcome, Value: x.Outcome}, {Key: record.AttrPool, Value: x.Pool},
		{Key: record.AttrPhase, Value: x.Phase.String()}, {Key: record.AttrRound, Value: strconv.Itoa(x.Round)},
	}
	s.add(record.ResponseTime, x.Arm, attrs, x.Response, "")
	s.add(record.ServiceTime, x.Arm, append([]record.Attr{{Key: record.AttrSystem, Value: "redis"}}, attrs...), x.Service, "")
	s.add(record.Lateness, x.Arm, attrs, x.Lateness, "")
	s.add(record.MessageDeliveryTime, x.Arm, attrs[2:], x.Delivery, "")
}

// add keeps a series; a histogram that nothing was recorded into is left out.
func (s *sums) add(name, arm string, attrs []record.Attr, h *histogram.Histogram, value string) {
	if h == nil && value == "" || h != nil && h.Count() == 0 {
		return
	}
	m := record.Metric{Name: name}
	for _, known := range record.Metrics {
		if known.Name == name {
			m = known
		}
	}
	s.all = append(s.all, series{Metric: m, arm: arm, attrs: attrs, times: h, value: value})
}

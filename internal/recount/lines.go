package recount

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strconv"
)

// point is one data point of an interval: of a counter, a gauge or a histogram.
type point struct {
	arm, name string
	attrs     map[string]string
	count     uint64
	level     float64
	exact     int64  // the level, if it is in seconds, in nanoseconds
	times     *times // of a histogram
}

func (p point) phase() string { return p.attrs["schload.phase"] }

// interval is one line of metrics.otlp.jsonl; its bounds are nanoseconds since
// the run's base.
type interval struct {
	from, to int64
	points   []point
}

// middle decides to which phase an interval belongs where nothing in it says so.
func (i interval) middle() int64 { return i.from + (i.to-i.from)/2 }

func (i interval) seconds() float64 { return seconds(i.to - i.from) }

// seconds is for ratios; what is told in seconds stays whole nanoseconds.
func seconds(ns int64) float64 { return float64(ns) / 1e9 }

// mark is one line of marks.jsonl.
type mark struct {
	At       int64  `json:"at_ns"`
	Duration int64  `json:"duration_ns"`
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Round    int    `json:"round"`
	Arm      string `json:"arm"`
	Detail   string `json:"detail"`

	Pool  string       `json:"pool"`
	Slots string       `json:"slots"`
	Seq   *json.Number `json:"seq"`
	Count uint64       `json:"count"`
	Of    uint64       `json:"of"`
}

// wholeLines calls line for each line of a file that ends in a newline, and
// reports whether a torn one follows.
func wholeLines(path string, line func([]byte) error) (torn bool, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	torn = len(data) > 0 && data[len(data)-1] != '\n'
	lines := bufio.NewScanner(bytes.NewReader(data[:bytes.LastIndexByte(data, '\n')+1]))
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		if err := line(lines.Bytes()); err != nil {
			return torn, fmt.Errorf("%s line %d: %w", path, n, err)
		}
	}
	return torn, lines.Err()
}

// The parts of an OTLP/JSON line that a summary rests on.
type (
	otlpLine struct {
		ResourceMetrics []struct {
			Resource     struct{ Attributes []otlpAttr }
			ScopeMetrics []struct{ Metrics []otlpMetric }
		}
	}
	otlpAttr struct {
		Key   string
		Value struct{ StringValue string }
	}
	otlpMetric struct {
		Name                 string
		Gauge, Sum           struct{ DataPoints []otlpPoint }
		ExponentialHistogram struct{ DataPoints []otlpPoint }
	}
	otlpPoint struct {
		Attributes        []otlpAttr
		StartTimeUnixNano string
		TimeUnixNano      string
		AsInt             string
		AsDouble          json.Number
		Count, ZeroCount  string
		Sum, Min, Max     json.Number
		Scale             int
		Positive          struct {
			Offset       int
			BucketCounts []string
		}
	}
)

func parseLine(line []byte, base int64) (interval, error) {
	var read otlpLine
	if err := json.Unmarshal(line, &read); err != nil {
		return interval{}, err
	}
	var i interval
	for _, r := range read.ResourceMetrics {
		arm := attributes(r.Resource.Attributes)["schload.arm"]
		for _, s := range r.ScopeMetrics {
			for _, m := range s.Metrics {
				if err := i.add(arm, m, base); err != nil {
					return i, fmt.Errorf("%s: %w", m.Name, err)
				}
			}
		}
	}
	return i, nil
}

func (i *interval) add(arm string, m otlpMetric, base int64) error {
	for _, p := range append(append(m.Gauge.DataPoints, m.Sum.DataPoints...), m.ExponentialHistogram.DataPoints...) {
		i.from, i.to = whole(p.StartTimeUnixNano)-base, whole(p.TimeUnixNano)-base
		q := point{arm: arm, name: m.Name, attrs: attributes(p.Attributes)}
		switch {
		case p.AsInt != "":
			q.count = uint64(whole(p.AsInt))
		case p.AsDouble != "":
			q.level, _ = p.AsDouble.Float64()
			q.exact = nanoseconds(p.AsDouble)
		default:
			if p.Scale != 6 {
				return fmt.Errorf("scale %d", p.Scale)
			}
			q.times = readTimes(p)
		}
		i.points = append(i.points, q)
	}
	return nil
}

func attributes(list []otlpAttr) map[string]string {
	m := map[string]string{}
	for _, a := range list {
		m[a.Key] = a.Value.StringValue
	}
	return m
}

// whole reads a 64-bit integer, which OTLP/JSON spells as a string.
func whole(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// nanoseconds reads decimal seconds. What was written is the shortest decimal
// that means the double next to a whole number of nanoseconds, and up to 97
// days that is the number itself: nothing is rounded here.
func nanoseconds(n json.Number) int64 {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return 0
	}
	r.Mul(r, big.NewRat(1e9, 1))
	return new(big.Int).Quo(r.Num(), r.Denom()).Int64()
}

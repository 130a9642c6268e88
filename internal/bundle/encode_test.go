package bundle

import (
	"bytes"
	"math"
	"testing"
	"time"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// sameAsReference wants the same bytes of both encoders, or an error of both.
func sameAsReference(t *testing.T, run Run, iv record.Interval) {
	t.Helper()
	want, refused := newReference(run).line(iv)
	e := newEncoder(run)
	for range 2 { // the second time what was kept is used
		got, err := e.line(iv)
		if (err != nil) != (refused != nil) {
			t.Fatalf("error %v, protojson says %v", err, refused)
		}
		if err == nil && !bytes.Equal(got, want) {
			t.Fatalf("written as\n%sprotojson writes\n%s", got, want)
		}
	}
}

// What the encoder writes is what protojson writes of the same interval.
func TestEncoderIsProtojson(t *testing.T) {
	sameAsReference(t, testRun(), busyInterval())
	sameAsReference(t, testRun(), goldenInterval())
	sameAsReference(t, Run{}, record.Interval{})
	for _, iv := range []record.Interval{
		{Levels: []record.Level{{Name: "x", Arm: "of nobody", Value: math.NaN()}, {Name: "y", Value: math.Inf(1)}, {Name: "", Value: math.Inf(-1)}}},
		{Counts: []record.Count{{Name: "x", Value: math.MaxInt64 + 1}}},
		{Counts: []record.Count{{Name: "x"}}, Levels: []record.Level{{Name: "x"}}},
		{Levels: []record.Level{{Name: intervalName}}},
		{Levels: []record.Level{{Name: "not \xff UTF-8"}}},
		{Series: []record.Series{{Key: record.Key{Arm: "on"}, Delivery: &histogram.Histogram{}}, {Key: record.Key{Arm: "on", Round: -1}, Lateness: &histogram.Histogram{}}}},
	} {
		sameAsReference(t, testRun(), iv)
	}
}

// Law: whatever names and numbers there are, both encoders write the same.
func FuzzEncode(f *testing.F) {
	f.Add("schload.operations", "on", "key", "value", 1.5e-7, uint64(7), int64(1500), int64(0))
	f.Add("schload.interval", "", "", "a \"quoted\" \\ \n\x00\x7f\u2028 text", math.Inf(1), uint64(math.MaxUint64), int64(-1), int64(128e9+1))
	f.Add("x", "\xff", "\t", "\b\f\r", -1e21, uint64(0), int64(953), int64(954))
	f.Fuzz(func(t *testing.T, name, arm, key, value string, level float64, count uint64, one, other int64) {
		attrs := []record.Attr{{Key: key, Value: value}}
		h := &histogram.Histogram{}
		h.Record(time.Duration(one))
		h.RecordN(time.Duration(other), count%1000)
		sameAsReference(t, testRun(), record.Interval{
			From: 1, To: max(1, time.Duration(one)),
			Series:        []record.Series{{Key: record.Key{Arm: arm, Operation: name, Pool: value, Outcome: key}, Response: h, Service: h}},
			Counts:        []record.Count{{Name: name, Arm: arm, Attrs: attrs, Value: count}, {Name: key, Value: count / 2}},
			Levels:        []record.Level{{Name: value, Arm: key, Attrs: attrs, Value: level}, {Name: "plain", Attrs: attrs, Value: -level}},
			Distributions: []record.Distribution{{Name: key, Arm: arm, Attrs: attrs, Times: h}},
		})
	})
}

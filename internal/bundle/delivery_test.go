package bundle

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// Delivery times come back as recorded, beside those of operations.
func TestDeliveryRoundTrip(t *testing.T) {
	took := new(histogram.Histogram)
	took.RecordN(3*time.Millisecond, 7)
	iv := record.Interval{To: time.Second, Series: []record.Series{
		{Key: record.Key{Arm: "on", Pool: "news", Phase: record.Maintenance, Round: 2}, Delivery: took},
		{Key: record.Key{Arm: "on", Pool: "news", Operation: "PUBLISH", Outcome: "ok", Phase: record.Maintenance, Round: 2},
			Response: took.Clone(), Service: took.Clone(), Lateness: new(histogram.Histogram)},
	}}
	w := create(t, testRun())
	if err := w.Interval(iv); err != nil {
		t.Fatal(err)
	}
	var sum record.Cumulative
	for _, got := range intervals(t, open(t, w.Dir())) {
		sum.Add(got)
	}
	got := sum.Series()
	if len(got) != 2 || got[0].Key != iv.Series[0].Key {
		t.Fatalf("got %+v", got)
	}
	if diff := gocmp.Diff(took, got[0].Delivery, gocmp.Comparer((*histogram.Histogram).Equal)); diff != "" || got[1].Delivery != nil {
		t.Errorf("delivery times: %s, of operations %v", diff, got[1].Delivery)
	}
}

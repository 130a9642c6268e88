package telemetry

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"schload/telemetry/record"
)

// What is counted without a phase has that of its interval, and with rounds
// told apart its round; what knows its own keeps it.
func TestPlaced(t *testing.T) {
	for _, c := range []struct {
		rounds      bool
		dials, late map[string]float64
	}{
		{false,
			map[string]float64{"result=ok,schload.phase=warmup": 1, "result=ok,schload.phase=maintenance": 6},
			map[string]float64{"pool=main,schload.phase=recovery": 7}},
		{true,
			map[string]float64{"result=ok,schload.phase=warmup,schload.round=0": 1, "result=ok,schload.phase=maintenance,schload.round=1": 2, "result=ok,schload.phase=maintenance,schload.round=2": 4},
			map[string]float64{"pool=main,schload.phase=recovery,schload.round=1": 3, "pool=main,schload.phase=recovery,schload.round=2": 4}},
	} {
		s := newSource("on", base, new(health))
		s.rounds = c.rounds
		dial := func(n uint64) record.Count {
			return record.Count{Name: record.ConnectionDials, Arm: "on", Attrs: attrs("result", "ok"), Value: n}
		}
		late := func(round string, n uint64) record.Count {
			return record.Count{Name: record.OperationsLate, Arm: "on", Attrs: attrs("pool", "main", "schload.phase", "recovery", "schload.round", round), Value: n}
		}
		s.add(record.Interval{To: 1 * time.Second, Phase: record.Warmup, Counts: []record.Count{dial(1)}})
		s.add(record.Interval{To: 2 * time.Second, Phase: record.Maintenance, Round: 1, Counts: []record.Count{dial(2)}})
		s.add(record.Interval{To: 3 * time.Second, Phase: record.Maintenance, Round: 2, Counts: []record.Count{dial(4), late("1", 3), late("2", 4)}})
		metrics := collected(t, pull{s, Native})
		if diff := cmp.Diff(c.dials, values(t, metrics[record.ConnectionDials])); diff != "" {
			t.Errorf("rounds %v: dials (-want +got):\n%s", c.rounds, diff)
		}
		if diff := cmp.Diff(c.late, values(t, metrics[record.OperationsLate])); diff != "" {
			t.Errorf("rounds %v: late (-want +got):\n%s", c.rounds, diff)
		}
	}
}

// Told apart, the rounds of a histogram are a series each.
func TestRoundsOfHistograms(t *testing.T) {
	s := newSource("on", base, new(health))
	s.rounds = true
	var list []record.Series
	for round := range 3 {
		list = append(list, seriesOf("on", "GET", "ok", record.Baseline, round+1, uint64(round)),
			record.Series{Key: record.Key{Arm: "on", Pool: "main", Phase: record.Baseline, Round: round + 1}, Delivery: spread(9, 10)})
	}
	s.add(record.Interval{To: time.Second, Series: list})
	metrics := collected(t, pull{s, Native})
	for _, name := range []string{record.ResponseTime, record.ServiceTime, record.Lateness, record.MessageDeliveryTime} {
		if n := len(metrics[name].Data.(metricdata.ExponentialHistogram[float64]).DataPoints); n != 3 {
			t.Errorf("%s: %d series, want one for each of 3 rounds", name, n)
		}
	}
}

// No metric but one of the list's grows with the rounds, and without rounds
// told apart none does.
func TestRoundsAreSummed(t *testing.T) {
	s := newSource("on", base, new(health))
	count := func(round int) int {
		s.add(record.Interval{To: time.Duration(round+1) * time.Second, Phase: record.Baseline, Round: round,
			Series: []record.Series{seriesOf("on", "GET", "ok", record.Baseline, round, 1)},
			Counts: []record.Count{{Name: record.ConnectionDials, Arm: "on", Attrs: attrs("result", "ok"), Value: 1}}})
		return len(s.operations.all) + len(s.counts.all)
	}
	first := count(1)
	if later := count(7); later != first {
		t.Errorf("%d series after another round, %d before", later, first)
	}
}

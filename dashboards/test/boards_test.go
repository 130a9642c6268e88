package test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"schload/dashboards"
	"schload/dashboards/test/view"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// One story serves all checks: what the board asks, and what the answers must
// be. Every query of every panel, variable and annotation answers, without
// error or warning, with series that have the labels the legend names; and the
// numbers are those that were recorded.
func TestBoards(t *testing.T) {
	s := serve(t)
	recorded := story(t, s)
	t.Run("values", func(t *testing.T) { values(t, s) })
	t.Run("one truth", func(t *testing.T) { oneTruth(t, s, recorded) })
	tell(t, s, second)
	s.from = first.began
	for file, board := range dashboards.Boards() {
		v := s.open(t, board)
		for _, p := range board.Panels {
			t.Run(file+" "+p.Title, func(t *testing.T) { answers(t, v, p) })
		}
		for _, a := range board.Annotations.List {
			t.Run(file+" annotation "+a.Name, func(t *testing.T) { shades(t, s, v, a) })
		}
	}
}

// open opens a board with all that its variables offer chosen.
func (s *server) open(t *testing.T, b dashboards.Board) *view.View {
	t.Helper()
	v, err := view.Open(t.Context(), s.Engine, b, s.from, s.to, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// shades: the annotation is above zero for as long as the windows were open.
func shades(t *testing.T, s *server, v *view.View, a dashboards.Annotation) {
	lines := s.over(t, v.Expand(a.Expr))
	if len(lines) != 1 || lines[0].Labels.Get(a.TagKeys) != "MOVING" {
		t.Fatalf("got %v, want the one window MOVING", lines)
	}
	var open time.Duration
	for _, sample := range lines[0].Samples {
		if sample.F > 0 {
			open += time.Second
		}
	}
	want := over - announced
	if a.Name == "Maintenance" {
		want *= time.Duration(len(v.Values("run")))
	}
	if open != want {
		t.Errorf("shades %v, want %v", open, want)
	}
}

func answers(t *testing.T, v *view.View, p dashboards.Panel) {
	for _, target := range p.Targets {
		series, err := v.Series(t.Context(), target)
		if err != nil {
			t.Errorf("query %s: %v", target.RefID, err)
		} else if len(series) == 0 {
			t.Errorf("query %s answers with nothing: %s", target.RefID, v.Expand(target.Expr))
		}
		for _, one := range series {
			if missing := view.Missing(one); len(missing) > 0 {
				t.Errorf("query %s: the legend names %v, but there is only %v", target.RefID, missing, one.Labels)
			}
		}
	}
}

// at evaluates an expression that yields one value per arm.
func at(t *testing.T, s *server, expr string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for _, sample := range s.instant(t, expr) {
		out[sample.Metric.Get("schload_arm")] = sample.F
	}
	return out
}

// values: off has failures, an outage and a higher p99, on has none of it; and
// what was counted is counted to the last operation.
func values(t *testing.T, s *server) {
	exact := func(what, expr string, on, off float64) {
		t.Helper()
		if got := at(t, s, expr); got["on"] != on || got["off"] != off {
			t.Errorf("%s: got %v, want on %v and off %v", what, got, on, off)
		}
	}
	exact("failed", `sum by (schload_arm) (last_over_time(schload_operations_total{pool="main",outcome!="ok"}[60s]))`, 0, failedInOff)
	exact("missed", `sum by (schload_arm) (last_over_time(schload_operations_missed_total{pool="main"}[60s]))`, 0, missedInOff)
	exact("late", `sum by (schload_arm) (last_over_time(schload_operations_late_total{pool="main"}[60s]))`, 0, lateInOff)
	exact("due", `sum by (schload_arm) (last_over_time(schload_operations_due_total{pool="main"}[60s]))`, length.Seconds()*rate, length.Seconds()*rate)
	exact("operations in histograms", `histogram_count(sum by (schload_arm) (last_over_time(db_client_operation_duration_seconds{pool="main"}[60s])))`,
		length.Seconds()*rate, length.Seconds()*rate-missedInOff)
	exact("relaxed at the end", `sum by (schload_arm) (schload_connections_relaxed)`, 0, 0)
	exact("relaxed in between", fmt.Sprintf(`sum by (schload_arm) (schload_connections_relaxed @ %d)`, began.Add(over-time.Second).Unix()), pool, 0)
	exact("connections on the old node at the end", `sum by (schload_arm) (schload_connections{node="`+oldNode+`"})`, 0, 0)
	exact("connections on the new node when off breaks", fmt.Sprintf(`sum by (schload_arm) (schload_connections{node="%s"} @ %d)`, newNode, began.Add(broken).Unix()), pool, 0)
	// The first interval of load is an increase, because zeros went ahead.
	if got := at(t, s, `sum by (schload_arm) (increase(schload_operations_due_total{pool="main"}[61s]))`); math.Abs(got["on"]/(length.Seconds()*rate)-1) > 0.02 {
		t.Errorf("increase over the run is %v, want about %v", got["on"], length.Seconds()*rate)
	}

	p99 := at(t, s, `histogram_quantile(0.99, sum by (schload_arm) (last_over_time(schload_operation_response_time_seconds{pool="main",schload_phase="maintenance"}[60s])))`)
	if p99["on"] <= 0 || p99["off"] < 100*p99["on"] {
		t.Errorf("p99 in maintenance: %v, want that of off far above that of on", p99)
	}
	outage := at(t, s, `max by (schload_arm) (max_over_time(schload_outage_longest_seconds[60s]))`)
	if outage["on"] != 0 || math.Abs(outage["off"]-3) > 0.5 {
		t.Errorf("longest outage %v, want on 0 and off about %v", outage, back-broken)
	}
}

// oneTruth: a quantile that Prometheus computes is the one that a report
// computes from the same buckets, but for the place inside of a bucket.
func oneTruth(t *testing.T, s *server, recorded *record.Cumulative) {
	for metric, of := range map[string]func(record.Series) *histogram.Histogram{
		"schload_operation_response_time_seconds": func(r record.Series) *histogram.Histogram { return r.Response },
		"db_client_operation_duration_seconds":    func(r record.Series) *histogram.Histogram { return r.Service },
		"schload_operation_lateness_seconds":      func(r record.Series) *histogram.Histogram { return r.Lateness },
	} {
		merged := map[string]*histogram.Histogram{"on": {}, "off": {}}
		for _, series := range recorded.Series() {
			merged[series.Arm].Merge(of(series))
		}
		for _, q := range []float64{0.5, 0.9, 0.99, 0.999} {
			got := at(t, s, fmt.Sprintf("histogram_quantile(%v, sum by (schload_arm) (last_over_time(%s[60s])))", q, metric))
			for arm, h := range merged {
				want := h.Quantile(q).Seconds()
				if want > time.Microsecond.Seconds() && math.Abs(got[arm]/want-1) > 0.011 {
					t.Errorf("%s of %s, quantile %v: Prometheus says %v, the report %v", metric, arm, q, got[arm], want)
				}
			}
		}
	}
}

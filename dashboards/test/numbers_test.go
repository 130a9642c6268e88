package test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"schload/dashboards"
	"schload/dashboards/test/engine"
	"schload/dashboards/test/view"
)

// asked is a board with its variables chosen, and its panels by title.
type asked struct {
	*view.View
	panels map[string]dashboards.Panel
}

func ask(t *testing.T, s *server, b dashboards.Board) asked {
	t.Helper()
	out := asked{s.open(t, b), map[string]dashboards.Panel{}}
	for _, p := range b.Panels {
		if p.Type == "row" {
			continue
		}
		if _, taken := out.panels[p.Title]; taken {
			t.Fatalf("two panels are called %q", p.Title)
		}
		out.panels[p.Title] = p
	}
	return out
}

// shown returns what a panel shows, by legend.
func (a asked) shown(t *testing.T, title string) map[string]view.Series {
	t.Helper()
	p, ok := a.panels[title]
	if !ok {
		t.Fatalf("no panel is called %q", title)
	}
	out := map[string]view.Series{}
	for _, target := range p.Targets {
		series, err := a.Series(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range series {
			if _, taken := out[one.Name]; taken && p.Type != "table" {
				t.Errorf("%s: two series are called %q", title, one.Name)
			}
			out[one.Name] = one
		}
	}
	return out
}

// What the bars of the board show is what was recorded.
func TestBarsShowWhatWasRecorded(t *testing.T) {
	s := serve(t)
	story(t, s)
	a := ask(t, s, dashboards.Handoffs())
	const (
		dueInEvent = 40 * (rate + rate/10) // 40 s of both pools
		outage     = 3.402                 // what fell due when all was back ended 402 ms later
	)
	of := func(on, off float64) map[string]float64 {
		return map[string]float64{"endpoint-rebind: on": on, "endpoint-rebind: off": off}
	}
	for title, want := range map[string]map[string]float64{
		"Failed operations":              of(0, failedInOff),
		"Late operations":                of(0, lateInOff),
		"Availability":                   of(1, 1-float64(failedInOff+missedInOff+lateInOff)/dueInEvent),
		"Longest outage":                 of(0, outage),
		"Broken promises about data":     of(0, stale),
		"Saved by relaxed timeouts":      of(relaxedSaved, 0),
		"Saved by retries alone":         of(0, retried),
		"Connections saved by handoff":   of(pool, 0),
		"Handoff, quantile $quantile":    {"from dial: on": 0.002, "from notice: on": 0.003},
		"Messages lost":                  {"feed: on": 0, "feed: off": lost},
		"Longest span without messages":  {"feed: on": 0, "feed: off": 0.3},
		"Integrity findings":             {"stale_read: off": stale},
		"Replies checked":                {"all: on": checked, "all: off": checked},
		"Writes whose end nobody saw":    {"applied: off": 1},
		"Longest outage of each pool":    {"main: on": 0, "main: off": outage, "feed: on": 0, "feed: off": 0},
		"Dials that gave nothing":        {"failed: off": 5, "failed: on": 0, "overflow: on": 0, "overflow: off": 0, "unused: on": 0, "unused: off": 0},
		"Windows of relaxed timeouts":    {"begun: on": pool, "begun: off": 0, "open: on": 0, "open: off": 0, "never_closed: on": 0, "never_closed: off": 0},
		"Dials to a node about to leave": {"failed: on": 0, "failed: off": 0, "ok: on": 0, "ok: off": 0},
		"Connections closed anyway":      {"closed_told: on": 0, "closed_told: off": 0, "closed_untold: on": 0, "closed_untold: off": 0},
	} {
		got := a.shown(t, title)
		for legend, value := range want {
			tolerance := 1e-9
			if strings.HasPrefix(title, "Longest outage") || strings.HasPrefix(title, "Handoff") {
				tolerance = 0.02 // outages are told in bins of 20 ms, histograms in buckets of 1.09 %
			}
			if one, ok := got[legend]; !ok {
				t.Errorf("%s: no %s", title, legend)
			} else if v := one.Last(); math.Abs(v-value) > tolerance*max(value, 1e-3) {
				t.Errorf("%s: %s is %v, want %v", title, legend, v, value)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s shows %v, want %v", title, slices.Sorted(maps.Keys(got)), want)
		}
	}
}

// What the board draws over time rises and falls when the story says.
func TestLinesFollowTheStory(t *testing.T) {
	s := serve(t)
	story(t, s)
	a := ask(t, s, dashboards.Handoffs())
	for _, c := range []struct {
		title, legend string
		at            time.Duration
		low, high     float64
	}{
		{"Relaxed connections", "on", announced - time.Second, 0, 0},
		{"Relaxed connections", "on", over - time.Second, pool, pool},
		{"Relaxed connections", "on", length, 0, 0},
		{"Relaxed connections", "off", over - time.Second, 0, 0},
		{"Response time p50", "on", broken + 2*time.Second, 1e-3, 1.1e-3},
		{"Response time p99", "on", broken + 2*time.Second, 1e-3, 1.2e-3},
		{"Response time p99", "off", broken + 3*time.Second, 0.5, 0.52},
		{"Response time p99", "off", length, 1e-3, 1.2e-3},
		{"Response time p95 and p99", "off p95", broken + 3*time.Second, 0.5, 0.52},
		{"Service time, quantile $quantile", "off", back + 4*time.Second, 2e-3, 0.51},
		{"Timeout frequency", "on", broken + 3*time.Second, 0, 0},
		{"Timeout frequency", "off", broken + 3*time.Second, rate / 2, rate},
		{"Timeout frequency", "off", length, 0, 0},
		{"Reconnection attempts", "on", announced + 3*time.Second, pool * 0.9, pool * 1.4},
		{"Reconnection attempts", "off", announced + 3*time.Second, 0, 0},
		{"Connection success rate", "on", announced + 3*time.Second, 1, 1},
		{"Connection success rate", "off", broken + 3*time.Second, 0, 0},
		{"Availability over time", "on", broken + 3*time.Second, 0.999, 1.001},
		{"Availability over time", "off", broken + 4*time.Second, 0, 0.4},
		{"Operations due and ok", "off due", broken + 3*time.Second, 1.09 * rate, 1.11 * rate},
		{"Outages and brown-outs", "off outage", broken + 2*time.Second, 1, 1},
		{"Outages and brown-outs", "off outage", length, 0, 0},
		{"Outages and brown-outs", "on outage", broken + 2*time.Second, 0, 0},
		{"What happened when", "window MOVING", over - time.Second, 1, 1},
		{"What happened when", "window MOVING", over + time.Second, 0, 0},
		{"What happened when", "on notices", announced + 2*time.Second, 2, 2},
		{"What happened when", "on handoffs", announced + 2*time.Second, 3, 3},
		{"What happened when", "on relaxed", announced + 2*time.Second, 4, 4},
		{"What happened when", "on relaxed", length, 0, 0},
		{"What happened when", "off relaxed", announced + 2*time.Second, 0, 0},
		{"Connections per node", "on " + newNode, announced + 2*time.Second, pool, pool},
		{"Connections per node", "off " + oldNode, announced + 2*time.Second, pool, pool},
		{"Delivery time, quantile $quantile", "off feed", length, 2e-3 * 0.98, 2e-3 * 1.02},
		{"Start lag", "quantile 0.99", length, 300e-6, 300e-6},
	} {
		one, ok := a.shown(t, c.title)[c.legend]
		if !ok {
			t.Errorf("%s: no line %q", c.title, c.legend)
			continue
		}
		line := one.Samples
		i := slices.IndexFunc(line, func(s engine.Sample) bool { return s.T == first.began.Add(c.at).UnixMilli() })
		if i < 0 || line[i].F < c.low || line[i].F > c.high {
			t.Errorf("%s: %s at %v is %v, want %v to %v", c.title, c.legend, c.at, samplesAround(line, i), c.low, c.high)
		}
	}
}

func samplesAround(line []engine.Sample, i int) any {
	if i < 0 {
		return "absent"
	}
	return line[i].F
}

// A heat map shows shares of what was due: with nothing failing they come to
// 1, and a stall lies high.
func TestHeatmapsAreShares(t *testing.T) {
	s := serve(t)
	story(t, s)
	a := ask(t, s, dashboards.Handoffs())
	expr := a.panels["Response times of arm $arm"].Targets[0].Expr
	for _, arm := range []string{"on", "off"} {
		lines := s.over(t, a.With("arm", arm).Expand(expr))
		if len(lines) != 1 {
			t.Fatalf("%s: %d lines, want 1", arm, len(lines))
		}
		var slow float64
		for _, sample := range lines[0].Samples {
			if sample.H == nil {
				t.Fatalf("%s: a sample is no histogram", arm)
			}
			if arm == "on" && math.Abs(sample.H.Count-1) > 1e-6 {
				t.Errorf("on: the shares come to %v, want 1", sample.H.Count)
			}
			for buckets := sample.H.PositiveBucketIterator(); buckets.Next(); {
				if bucket := buckets.At(); bucket.Lower > 0.3 {
					slow += bucket.Count
				}
			}
		}
		if (arm == "on") != (slow == 0) {
			t.Errorf("%s: %v of the shares lie above 0.3 s", arm, slow)
		}
	}
}

// A run that has ended stands for as long as queries look back. Where another
// follows at once its connections are not added to the next one's.
func TestRunsFollowEachOther(t *testing.T) {
	s := serve(t)
	story(t, s)
	tell(t, s, told{"20261122T090052Z-2", "failover", first.began.Add(length - announced + lookback/2)}) // comes to newNode while first stands there
	s.from = first.began
	a := ask(t, s, dashboards.Handoffs())
	for title, legend := range map[string]string{"Connections per node": "on " + newNode, "Relaxed connections": "on"} {
		most := 0.0
		for _, sample := range a.shown(t, title)[legend].Samples {
			most = max(most, sample.F)
		}
		if most != pool {
			t.Errorf("%s: %s has up to %v, want %v", title, legend, most, pool)
		}
	}
}

// The rows of tables meet, because all their columns have the same labels; and
// the compared run lies on the other.
func TestTablesAndShift(t *testing.T) {
	s := serve(t)
	story(t, s)
	tell(t, s, second)
	s.from = first.began
	for title, b := range map[string]dashboards.Board{"What it cost": dashboards.Matrix(), "Totals": dashboards.Explorer()} {
		a := ask(t, s, b)
		var rows []string
		for i, target := range a.panels[title].Targets {
			var got []string
			for _, sample := range s.instant(t, a.Expand(target.Expr)) {
				got = append(got, sample.Metric.String())
			}
			slices.Sort(got)
			if i == 0 {
				rows = got
			}
			if len(got) != 4 || !slices.Equal(got, rows) {
				t.Errorf("%s: column %s has rows %v, want the four of the first column: %v", title, target.LegendFormat, got, rows)
			}
		}
	}
	a := ask(t, s, dashboards.Explorer())
	if got := a.Expand("$run, $compare, $shift"); got != second.run+", "+first.run+", 300" {
		t.Errorf("the explorer compares %s", got)
	}
	relaxed := a.shown(t, "Relaxed connections")
	end := func(line []engine.Sample) (out time.Time) {
		for _, sample := range line {
			if sample.F > 0 {
				out = time.UnixMilli(sample.T)
			}
		}
		return out
	}
	this, other := relaxed["on of "+second.run].Samples, relaxed["on of "+first.run].Samples
	if len(this) == 0 || !end(this).Equal(end(other)) {
		t.Errorf("relaxed connections end at %v, of the compared run at %v", end(this), end(other))
	}
	// The other way round the compared run is the later one.
	back, err := view.Open(t.Context(), s.Engine, dashboards.Explorer(), s.from, s.to, map[string]string{"run": first.run, "compare": second.run})
	if err != nil {
		t.Fatal(err)
	}
	if got := back.Expand("$shift"); got != "-300" {
		t.Errorf("the later run is shifted by %s, want -300", got)
	}
	answers(t, back, a.panels["Relaxed connections"])
	for legend, want := range map[string]float64{"endpoint-rebind": failedInOff, "failover": failedInOff} {
		if got := ask(t, s, dashboards.Matrix()).shown(t, "Failures spared: off - on")[legend].Last(); got != want {
			t.Errorf("failures spared of %s: %v, want %v", legend, got, want)
		}
	}
}

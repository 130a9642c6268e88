package compare

import (
	"slices"
	"strings"
	"testing"
	"time"

	"schload/internal/bundle"
)

func TestParseSLO(t *testing.T) {
	for text, want := range map[string]SLO{
		"maintenance.failed_ratio < 0.001":  {Metric: "maintenance.failed_ratio", Op: "<", Limit: 0.001},
		"on.maintenance.p99 < 250ms":        {Arm: "on", Metric: "maintenance.p99", Op: "<", Limit: 0.25},
		"recovery.p95<=20ms":                {Metric: "recovery.p95", Op: "<=", Limit: 0.02},
		" outage.longest  <  1s ":           {Metric: "outage.longest", Op: "<", Limit: 1},
		"availability >= 99.9%":             {Metric: "availability", Op: ">=", Limit: 0.999},
		"off.availability > 0.5":            {Arm: "off", Metric: "availability", Op: ">", Limit: 0.5},
		"baseline.service_time.p999 < 1.5s": {Metric: "baseline.service_time.p999", Op: "<", Limit: 1.5},
		"a.b.failed <= 0":                   {Arm: "", Metric: "", Op: ""}, // an arm has no dot before a metric: see below
	} {
		got, err := ParseSLO(text)
		want.Text = strings.Join(strings.Fields(text), " ")
		if want.Op == "" {
			if err == nil {
				t.Errorf("%q: %+v, want an error", text, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestParseSLOErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                `slo "": want METRIC`,
		"maintenance.p99":                 "want METRIC, one of <= >= < >, and a limit",
		"maintenance.p99 = 3ms":           "want METRIC, one of <= >= < >",
		"maintenence.p99 < 3ms":           `unknown metric "maintenence.p99" (did you mean maintenance.p99?)`,
		"on.maintenance.p98 < 3ms":        "(did you mean maintenance.p9",
		"on.off.maintenance.p99 < 3ms":    "unknown metric",
		"maintenance.p99 < 3":             `limit "3": want a duration with a unit, such as 250ms`,
		"maintenance.p99 < -3ms":          "want a duration",
		"maintenance.p99 <":               `limit "": want a duration`,
		"maintenance.p99 < < 3ms":         `limit "< 3ms"`,
		"failed < 3%":                     "it is counted, write a number without %",
		"failed < -1":                     "want a number, 0 or more",
		"failed < NaN":                    "want a number, 0 or more",
		"availability >= +Inf":            "want a number, 0 or more",
		"availability >= 1s":              "want a number, 0 or more",
		strings.Repeat("x", 500) + " < 1": "...",
		"availability >= " + strings.Repeat("9", 400): "...",
	} {
		_, err := ParseSLO(text)
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 400 {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Every comparison, at the limit and beside it; what is unknown is not met.
func TestSLOs(t *testing.T) {
	arm := func(name, requested string, optedIn uint64) Arm {
		return Arm{
			Name: name, SCH: SCH{Requested: requested, Connections: 8, OptedIn: optedIn}, Operations: Operations{Due: 1000, OK: 990, Failed: 10},
			Phases: Phases{Maintenance: Phase{ResponseTime: Quantiles{Count: 99, P95: bundle.Seconds(20 * time.Millisecond), P99: 1}}},
			Events: []Event{{Due: 600, Failed: 10, Late: 20}, {Due: 400, Missed: 1}},
		}
	}
	s := Summary{Valid: true, Arms: []Arm{arm("on", "on", 8), arm("off", "off", 0), arm("auto", "auto", 8), arm("refused", "auto", 0), arm("raw", Raw, 0)}}
	for _, test := range []struct {
		text, arms string
		met, known bool
	}{
		{"failed < 10", "on auto", false, true},
		{"failed <= 10", "on auto", true, true},
		{"failed > 10", "on auto", false, true},
		{"off.failed >= 10", "off", true, true},
		{"failed_ratio <= 1%", "on auto", true, true},
		{"failed_ratio < 0.01", "on auto", false, true},
		{"availability >= 0.969", "on auto", true, true},
		{"availability > 0.969", "on auto", false, true},
		{"maintenance.p95 <= 20ms", "on auto", true, true},
		{"maintenance.p99 < 1h", "on auto", false, false}, // 99 successes have none
		{"recover < 1h", "on auto", false, false},         // it never came
		{"integrity.stale_reads < 1", "on auto", false, false},
		{"messages.lost < 1", "on auto", false, false},
		{"maintenance.failed_ratio < 1", "on auto", false, false},
		{"raw.failed <= 10", "raw", true, true},
		{"nobody.failed <= 10", "nobody", false, false},
	} {
		got := s.slos([]string{test.text})
		var arms []string
		for _, r := range got {
			arms = append(arms, r.Arm)
			if r.Met != test.met || (r.Value != nil) != test.known || r.Text != test.text {
				t.Errorf("%q: %+v", test.text, r)
			}
		}
		if strings.Join(arms, " ") != test.arms {
			t.Errorf("%q is for %q, want %q", test.text, arms, test.arms)
		}
	}
	none := Summary{Valid: true, Arms: []Arm{arm("off", "off", 0)}}
	if got := none.slos([]string{"failed < 100", "not readable"}); len(got) != 2 || got[0].Arm != "" || got[0].Met || got[1].Met {
		t.Errorf("%+v: want both not met", got)
	}
	s.Harness.Saturated = true
	if got := s.slos([]string{"failed < 100"}); got != nil {
		t.Errorf("%+v of a saturated run", got)
	}
}

// Law: every metric has a unit and reads every arm, also one without anything.
func TestSLOMetrics(t *testing.T) {
	for _, name := range SLOMetrics() {
		m := sloMetrics[name]
		if !slices.Contains([]string{unitSeconds, unitShare, unitCount}, m.unit) {
			t.Errorf("%s has the unit %q", name, m.unit)
		}
		if value, _ := m.of(Arm{}); value != 0 {
			t.Errorf("%s of nothing is %g", name, value)
		}
	}
}

func FuzzParseSLO(f *testing.F) {
	f.Add("on.maintenance.p99 < 250ms")
	f.Add("availability >= 99.9%")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSLO(text)
		if err != nil {
			return
		}
		again, err := ParseSLO(s.Text)
		if err != nil || again != s {
			t.Errorf("%q: %+v, again %+v, %v", text, s, again, err)
		}
	})
}

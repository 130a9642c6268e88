package main

import (
	"errors"
	"strings"
	"testing"

	"schload/internal/compare"
)

// Which verdicts fail under which condition, and that the message names them.
func TestFailOn(t *testing.T) {
	value := 0.5
	verdict := func(v string) compare.Summary {
		return compare.Summary{RunID: "r", Valid: true, Expectations: []compare.Expectation{{Arm: "on", Against: "off", Verdict: v, Reasons: []string{"because"}}}}
	}
	difference := func(metric, v string) compare.Summary {
		s := compare.Summary{RunID: "r", Valid: true}
		if metric != compare.Primary {
			s = verdict(compare.AsDocumented)
		}
		s.Differences = []compare.Difference{{Metric: metric, Arm: "on", Against: "off", Verdict: v}}
		return s
	}
	slo := func(met bool, value *float64) compare.Summary {
		s := verdict(compare.AsDocumented)
		s.SLO = []compare.SLOResult{{Text: "failed_ratio < 0.6", Arm: "on", Value: value, Met: met}}
		return s
	}
	saturated := compare.Summary{RunID: "r", Valid: true}
	saturated.Harness.Saturated, saturated.Harness.SaturatedReasons = true, []string{"no processor"}
	calibrates := verdict(compare.AsDocumented) // beside an arm that is not judged and need not be
	calibrates.Arms = []compare.Arm{{Name: "off-dns", SCH: compare.SCH{Requested: "off"}}}
	calibrates.Expectations = append(calibrates.Expectations, compare.Expectation{Arm: "off-dns", Verdict: compare.NoPromise, Reasons: []string{"off"}})
	calibrates.Differences = []compare.Difference{{Metric: compare.Primary, Arm: "off-dns", Against: "off", Verdict: compare.NoEvidence}}
	alike := verdict(compare.AsDocumented) // by its promise: that no difference has evidence is no news
	alike.Differences = difference(compare.Primary, compare.NoEvidence).Differences
	for _, test := range []struct {
		name string
		s    compare.Summary
		on   string // the conditions that fail
		says string
	}{
		{"as documented", verdict(compare.AsDocumented), "", ""},
		{"better", verdict(compare.BetterThan), "", ""},
		{"worse", verdict(compare.WorseThan), "worse", "run r: on worse than documented (because)"},
		{"no evidence", verdict(compare.NoEvidence), "evidence-missing", "run r: on no evidence (because)"},
		{"alike", alike, "", ""},
		{"worse in something", difference("late", compare.VerdictWorse), "worse", "on worse than off in late"},
		{"primary difference", difference(compare.Primary, compare.NoEvidence), "evidence-missing", "harmed_ratio: no evidence"},
		{"another difference", difference("late", compare.NoEvidence), "", ""},
		{"nothing promised", verdict(compare.NoPromise), "evidence-missing", "no arm was judged: because"},
		{"handoffs off", calibrates, "", ""},
		{"met", slo(true, &value), "", ""},
		{"not met", slo(false, &value), "slo", "slo failed_ratio < 0.6 not met by on: 0.5"},
		{"unknown", slo(false, nil), "slo", "not met by on: the value is unknown"},
		{"saturated", saturated, "evidence-missing slo", "the harness was the bottleneck: no processor"},
	} {
		for _, condition := range failConditions {
			if condition == failSLO && len(test.s.SLO) == 0 && !test.s.Harness.Saturated {
				continue // has no objectives, which fails: below
			}
			err := failOn{condition}.check([]compare.Summary{test.s}, nil)
			if want := strings.Contains(" "+test.on+" ", " "+condition+" "); want != (exitCode(err) == codeNotMet) || want && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: --fail-on %s: %v, want one: %v", test.name, condition, err, want)
			}
		}
	}
	if err := (failOn{failSLO}).check([]compare.Summary{verdict(compare.AsDocumented)}, nil); exitCode(err) != codeNotMet || !strings.Contains(err.Error(), "without objectives") {
		t.Errorf("%v: want a run without objectives to fail", err)
	}
	if err := (failOn{}).check([]compare.Summary{verdict(compare.WorseThan), saturated}, nil); err != nil {
		t.Errorf("%v without conditions", err)
	}
}

// Rounds that are judged together count together: one run's rounds are too few.
func TestFailOnTogether(t *testing.T) {
	one := compare.Summary{RunID: "r", Valid: true, Expectations: []compare.Expectation{{Arm: "on", Verdict: compare.NoEvidence, Reasons: []string{"because"}}}}
	f := failOn{failMissing, failWorse}
	found := &compare.Together{Differences: []compare.Difference{{Metric: compare.Primary, Arm: "on", Against: "off", Verdict: compare.VerdictBetter}}}
	if err := f.check([]compare.Summary{one, one}, found); err != nil {
		t.Error(err)
	}
	found.Differences[0].Verdict = compare.VerdictWorse
	if err := f.check([]compare.Summary{one}, found); err == nil || !strings.Contains(err.Error(), "all runs together: on worse") {
		t.Errorf("%v: want worse", err)
	}
	if err := f.check([]compare.Summary{one}, &compare.Together{}); err == nil || !strings.Contains(err.Error(), "no rounds could be compared") {
		t.Errorf("%v: want evidence to be missing", err)
	}
	// What is judged by its promise need not differ.
	found.Differences[0].Verdict = compare.NoEvidence
	found.Differences[0].Metric = compare.Primary
	for verdict, fails := range map[string]bool{compare.AsDocumented: false, compare.NoEvidence: true, compare.WorseThan: true, compare.NoPromise: true} {
		found.Expectations = []compare.Expectation{{Arm: "on", Verdict: verdict, Reasons: []string{"because"}}}
		if err := f.check([]compare.Summary{one}, found); (err != nil) != fails || err != nil && !strings.Contains(err.Error(), "all runs together: on") {
			t.Errorf("%s together: %v, want one: %v", verdict, err, fails)
		}
	}
}

// 4 beats 3, and a run that could not be made beats both.
func TestSeverity(t *testing.T) {
	order := []error{nil, &exitError{codeNotMet, errors.New("worse")}, invalidError(errors.New("invalid")), errors.New("failed")}
	for i, a := range order {
		for j, b := range order {
			if (severity(a) > severity(b)) != (i > j) {
				t.Errorf("%v against %v", a, b)
			}
		}
	}
}

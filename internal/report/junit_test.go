package report

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
	"testing"

	"schload/internal/compare"
)

// verdicts is a run with one verdict of every kind.
func verdicts() compare.Summary {
	value := 0.5
	arm := func(name string, optedIn uint64) compare.Arm {
		return compare.Arm{Name: name, SCH: compare.SCH{Requested: name, Effective: name, Connections: 8, OptedIn: optedIn},
			Integrity: compare.Integrity{CheckedReads: 10}, Operations: compare.Operations{Due: 10, OK: 10}}
	}
	promise := func(level, verdict string) compare.Expectation {
		return compare.Expectation{Arm: "on", Against: "off", Upgrade: "any", Level: level, Documented: "much <& more>", Verdict: verdict, Reasons: []string{"first \x00<reason>", "second"}}
	}
	return compare.Summary{RunID: "r1", Valid: true, Complete: true, Upgrade: compare.Upgrade{Name: "any"}, Stage: "sim", Rounds: 1,
		Arms: []compare.Arm{arm("on", 8), arm("off", 0)},
		Expectations: []compare.Expectation{
			promise("full", compare.AsDocumented), promise("partial", compare.BetterThan), promise("relaxed", compare.WorseThan), promise("none", compare.NoEvidence), promise("", compare.NoPromise),
		},
		SLO: []compare.SLOResult{
			{Text: "failed_ratio < 0.6", Arm: "on", Value: &value, Limit: 0.6, Unit: "1", Met: true},
			{Text: "failed_ratio < 0.5", Arm: "on", Value: &value, Limit: 0.5, Unit: "1"},
			{Text: "maintenance.p99 < 1s", Arm: "on", Limit: 1, Unit: "s"}, {Text: "failed < 1", Unit: "count"},
		}}
}

// junitText writes runs and reads them back by nothing but the names of the
// format: a reader that knows only these must understand the file.
func junitText(t *testing.T, runs ...compare.Summary) (text string, suites []junitSuite) {
	t.Helper()
	var b bytes.Buffer
	if err := JUnit(&b, runs); err != nil {
		t.Fatal(err)
	}
	var all junitSuites
	if err := xml.Unmarshal(b.Bytes(), &all); err != nil {
		t.Fatalf("%v in %s", err, b.String())
	}
	checkJUnit(t, b.Bytes())
	return b.String(), all.Suites
}

// checkJUnit holds a file against the common schema: which elements may stand
// where, which attributes they must have, and that the counts are right.
func checkJUnit(t *testing.T, text []byte) {
	t.Helper()
	children := map[string]string{
		"": "testsuites", "testsuites": "testsuite", "testsuite": "properties testcase", "properties": "property", "property": "",
		"testcase": "failure error skipped system-out", "failure": "", "error": "", "skipped": "", "system-out": "",
	}
	required := map[string]string{
		"testsuites": "name tests failures errors skipped", "testsuite": "name tests failures errors skipped time", "property": "name value",
		"testcase": "name classname time", "failure": "message type", "error": "message type", "skipped": "message",
	}
	path, counts, said := []string{""}, map[string]int{}, map[string]int{}
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if token == nil {
			if err.Error() != "EOF" {
				t.Error(err)
			}
			break
		}
		switch e := token.(type) {
		case xml.StartElement:
			name, parent := e.Name.Local, path[len(path)-1]
			if !strings.Contains(" "+children[parent]+" ", " "+name+" ") {
				t.Errorf("<%s> in <%s>", name, parent)
			}
			attrs := map[string]string{}
			for _, a := range e.Attr {
				attrs[a.Name.Local] = a.Value
			}
			for _, key := range strings.Fields(required[name]) {
				if attrs[key] == "" {
					t.Errorf("<%s> without %s", name, key)
				}
			}
			if name == "testsuites" {
				for _, key := range []string{"tests", "failures", "errors", "skipped"} {
					said[key], _ = strconv.Atoi(attrs[key])
				}
			}
			counts[name]++
			path = append(path, name)
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
	for key, element := range map[string]string{"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"} {
		if said[key] != counts[element] {
			t.Errorf("%s=%d, but there are %d", key, said[key], counts[element])
		}
	}
}

func TestJUnit(t *testing.T) {
	text, suites := junitText(t, verdicts())
	suite := suites[0]
	if len(suites) != 1 || suite.Tests != 14 || suite.Failures != 4 || suite.Errors != 0 || suite.Skipped != 2 {
		t.Errorf("%d tests, %d failures, %d errors, %d skipped in\n%s", suite.Tests, suite.Failures, suite.Errors, suite.Skipped, text)
	}
	for name, want := range map[string]string{
		"on against the documentation (support relaxed)": "worse than documented: first \uFFFD<reason>.",
		"on slo failed_ratio < 0.5":                      "on 0.5, NOT MET",
		"on slo maintenance.p99 < 1s":                    "on NOT MET: the value is unknown",
		"slo failed < 1":                                 "no arm's handoffs are on",
	} {
		found := false
		for _, c := range suite.Cases {
			found = found || c.Name == name && c.Failure != nil && strings.Contains(c.Failure.Message, want)
		}
		if !found {
			t.Errorf("no failure %q with %q in\n%s", name, want, text)
		}
	}
	if !strings.Contains(text, "Documented: much &lt;&amp; more&gt;") {
		t.Errorf("the evidence lacks the promise:\n%s", text)
	}
}

// What carries no verdict is an error; what was found against the database or
// the client a failure, whatever else holds.
func TestJUnitErrors(t *testing.T) {
	for kind, change := range map[string]func(*compare.Summary){
		"invalid": func(s *compare.Summary) { s.Valid, s.InvalidReasons = false, []string{"arm on is off"} },
		"saturated": func(s *compare.Summary) {
			s.Harness.Saturated, s.Harness.SaturatedReasons = true, []string{"no processor"}
		},
		"injected":   func(s *compare.Summary) { s.Injections = []string{"stale_read=1"} },
		"incomplete": func(s *compare.Summary) { s.Complete = false },
	} {
		s := verdicts()
		change(&s)
		_, suites := junitText(t, verdicts(), s)
		if e := suites[1].Cases[0].Error; e == nil || e.Type != kind || suites[1].Errors != 1 || suites[0].Errors != 0 {
			t.Errorf("%s: %+v", kind, suites[1].Cases[0])
		}
	}
	s := verdicts()
	s.Arms[0].Integrity.StaleReads, s.Arms[1].WrongReplies = 2, 1
	s.Arms[1].SCH.OptedIn, s.Arms[0].SCH.OptedIn = 3, 0
	_, suites := junitText(t, s)
	if n := suites[0].Failures; n != 8 {
		t.Errorf("%d failures, want four more: %+v", n, suites[0].Cases)
	}
	if _, suites := junitText(t); len(suites) != 0 {
		t.Errorf("%d suites of no run", len(suites))
	}
}

func TestJudgement(t *testing.T) {
	got := strings.Join(judgement(verdicts()), "\n")
	for _, want := range []string{
		"on against the documentation (support full): as documented; first \x00<reason>.",
		"SLO failed_ratio < 0.6: on 0.5, met",
		"SLO failed_ratio < 0.5: on 0.5, NOT MET",
		"SLO failed < 1: NOT MET: no arm's handoffs are on",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	var text bytes.Buffer
	if err := Text(&text, verdicts()); err != nil || strings.Index(text.String(), "as documented") > strings.Index(text.String(), "operations") {
		t.Errorf("%v: want the verdict above the table in\n%s", err, text.String())
	}
}

package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"

	"schload/internal/compare"
)

// The parts of a JUnit file that CI systems agree on.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"` // seconds; cases have none of their own
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string       `xml:"name,attr"`
		Class   string       `xml:"classname,attr"`
		Time    string       `xml:"time,attr"`
		Failure *junitResult `xml:"failure"`
		Error   *junitResult `xml:"error"`
		Skipped *junitResult `xml:"skipped"`
		Output  string       `xml:"system-out,omitempty"`
	}
	junitResult struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes runs as test suites, one for each run: a case for whether the
// run is valid, one for each arm's proof and integrity, one for each promise
// and one for each objective. What failed is a failure with its evidence, a run
// that is invalid or whose harness was the bottleneck an error, and what has no
// evidence is skipped.
func JUnit(w io.Writer, runs []compare.Summary) error {
	all := junitSuites{Name: "schload", Suites: []junitSuite{}}
	for _, s := range runs {
		suite := junitSuiteOf(s)
		all.Tests, all.Failures, all.Errors, all.Skipped = all.Tests+suite.Tests, all.Failures+suite.Failures, all.Errors+suite.Errors, all.Skipped+suite.Skipped
		all.Suites = append(all.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func junitSuiteOf(s compare.Summary) junitSuite {
	suite := junitSuite{Name: s.Upgrade.Name + " " + s.RunID, Time: "0", Properties: []junitProperty{
		{"run_id", s.RunID}, {"upgrade", s.Upgrade.Name}, {"stage", s.Stage}, {"rounds", strconv.Itoa(s.Rounds)},
	}}
	cases := []junitCase{validCase(s)}
	for _, a := range s.Arms {
		cases = append(cases, proofCase(a), integrityCase(a))
	}
	for _, x := range s.Expectations {
		cases = append(cases, promiseCase(x))
	}
	for _, r := range s.SLO {
		cases = append(cases, objectiveCase(r))
	}
	for _, c := range cases {
		c.Class, c.Time = "schload."+s.Upgrade.Name, "0"
		suite.Tests++
		switch {
		case c.Failure != nil:
			suite.Failures++
		case c.Error != nil:
			suite.Errors++
		case c.Skipped != nil:
			suite.Skipped++
		}
		suite.Cases = append(suite.Cases, c)
	}
	return suite
}

// validCase is an error if the numbers carry no verdict.
func validCase(s compare.Summary) junitCase {
	c := junitCase{Name: "the run is valid and its harness measured", Output: strings.Join(s.Warnings, "\n")}
	problem := func(kind, message string, reasons []string) {
		c.Error = &junitResult{Message: message, Type: kind, Text: strings.Join(reasons, "\n")}
	}
	switch {
	case !s.Valid:
		problem("invalid", "the run is invalid: its numbers prove nothing", s.InvalidReasons)
	case s.Harness.Saturated && !s.Saturating():
		problem("saturated", "the harness was the bottleneck: no verdict follows", s.Harness.SaturatedReasons)
	case len(s.Injections) > 0:
		problem("injected", "the simulator was told to do wrong: no measurement of Redis", s.Injections)
	case !s.Complete:
		problem("incomplete", "the run, or a worker of it, was cut off, interrupted or lost", s.Warnings)
	}
	return c
}

// proofCase fails if an arm is not what it claims to be.
func proofCase(a compare.Arm) junitCase {
	c := junitCase{Name: a.Name + ": is what it claims", Output: sch(a.SCH) + ", opted in " + proved(a.SCH)}
	x := a.SCH
	switch {
	case x.Connections == 0:
		c.Skipped = &junitResult{Message: "no connection was looked at"}
	case x.Requested == "on" && x.OptedIn == 0, (x.Requested == "off" || a.Raw()) && x.OptedIn > 0:
		c.Failure = &junitResult{Message: fmt.Sprintf("requested %s, opted in %s", x.Requested, proved(x)), Type: "proof"}
	}
	return c
}

func proved(x compare.SCH) string {
	return fmt.Sprintf("%d of %d connections", x.OptedIn, x.Connections)
}

// integrityCase fails if what was acknowledged was not kept, or the client gave
// replies to the wrong commands.
func integrityCase(a compare.Arm) junitCase {
	c := junitCase{Name: a.Name + ": integrity"}
	var found []string
	if text := violations(a); text != "" {
		found = append(found, text)
	}
	if a.WrongReplies > 0 {
		found = append(found, "wrong replies: "+count(a.WrongReplies))
	}
	if a.CrossedReplies > 0 {
		found = append(found, "crossed replies: "+crossed(a))
	}
	switch {
	case len(found) > 0:
		c.Failure = &junitResult{Message: strings.Join(found, "; "), Type: "integrity"}
	case a.Integrity.Checked() == 0:
		c.Skipped = &junitResult{Message: "nothing was held against a ledger"}
	default:
		c.Output = count(a.Integrity.Checked()) + " replies checked, nothing found"
	}
	return c
}

func promiseCase(x compare.Expectation) junitCase {
	c := junitCase{Name: promised(x)}
	evidence := strings.Join(x.Reasons, "\n")
	switch x.Verdict {
	case compare.WorseThan:
		c.Failure = &junitResult{Message: x.Verdict + ": " + sentence(x.Reasons), Type: "worse", Text: "Documented: " + x.Documented + "\n" + evidence}
	case compare.NoEvidence, compare.NoPromise:
		c.Skipped = &junitResult{Message: x.Verdict + needs(x) + ": " + sentence(x.Reasons)}
	default:
		c.Output = x.Verdict + "\n" + evidence
	}
	return c
}

func objectiveCase(r compare.SLOResult) junitCase {
	c := junitCase{Name: strings.TrimSpace(r.Arm + " slo " + r.Text)}
	if r.Met {
		c.Output = achieved(r)
	} else {
		c.Failure = &junitResult{Message: achieved(r), Type: "slo"}
	}
	return c
}

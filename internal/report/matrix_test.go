package report

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/matrix"
)

// stagedMatrix has a cell of six rounds, one of a single round at twice its
// pace, one that could not be played and one that has not been.
func stagedMatrix(t testing.TB, hostile string) *matrix.Matrix {
	t.Helper()
	settings := json.RawMessage(`{"name":"rolling","rate":"1000"}`)
	cell := func(profile string) matrix.Cell {
		return matrix.Cell{Profile: profile, Upgrade: "rolling", Title: "Rolling upgrade" + hostile, SCHSupport: "full", Speed: 1, Settings: settings, Expected: bundle.Seconds(time.Minute)}
	}
	m := &matrix.Matrix{
		Schema: matrix.Schema, Started: time.Date(2026, 11, 22, 13, 24, 0, 0, time.UTC), Dir: t.TempDir(),
		Plan: matrix.Plan{
			Versions: bundle.Versions{Schload: "v0.1.0", GoRedis: "v9.23.0"}, Parallel: 2, Rounds: 6, Arms: []string{"on", "off"},
			Cells: []matrix.Cell{cell("six"), cell("cut"), cell("broken"), cell("later")},
		},
		Rows: make([]matrix.Row, 4),
	}
	m.Plan.Cells[1].Speed = 2
	m.Plan.Cells[1].Bends = []string{"a stall lasts 50ms instead of 100ms: no longer more than late-after (60ms)"}
	staged{rounds: 6, length: 6, rate: 100, arms: []string{"on", "off"}, ledger: true}.write(t, m.BundleDir(m.Plan.Cells[0]))
	for i, c := range m.Plan.Cells {
		m.Rows[i] = matrix.Row{Profile: c.Profile, Upgrade: c.Upgrade, Title: c.Title, SCHSupport: c.SCHSupport, Speed: c.Speed, State: matrix.Pending}
	}
	m.Rows[1].State, m.Rows[1].Reasons = matrix.Incomplete, []string{"it was cut off or interrupted"}
	m.Rows[2].State, m.Rows[2].Reasons = matrix.Failed, []string{"no port left" + hostile}
	m.Read()
	if m.Rows[0].State != matrix.Done {
		t.Fatalf("the first cell is %s: %q", m.Rows[0].State, m.Rows[0].Reasons)
	}
	return m
}

func written(t testing.TB, write func(io.Writer, *matrix.Matrix) error, m *matrix.Matrix) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, m); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(b.String(), m.Dir, "runs/m")
}

func TestMatrixText(t *testing.T) {
	m := stagedMatrix(t, "")
	golden(t, "matrix", written(t, MatrixText, m))
	goldenFile(t, "matrix.md", written(t, MatrixMarkdown, m))
}

// The page needs nothing but itself, each link leads somewhere, and what a
// bundle says is text.
func TestMatrixPage(t *testing.T) {
	text := written(t, MatrixHTML, stagedMatrix(t, hostile))
	root, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	ids, links, scripts := map[string]int{}, []string{}, 0
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" && len(n.Attr) == 0 { // those of figures are data
			scripts++
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "id":
				ids[a.Val]++
			case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
				links = append(links, a.Val[1:])
			case a.Key == "href" && a.Val != "data:,", a.Key == "src":
				t.Errorf("<%s %s=%q> leads out of the page", n.Data, a.Key, a.Val)
			}
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("id %q is used %d times", id, n)
		}
	}
	if len(links) < 8 {
		t.Errorf("%d links, want a menu and one for each cell", len(links))
	}
	for _, id := range links {
		if ids[id] == 0 {
			t.Errorf("the link #%s leads nowhere", id)
		}
	}
	if scripts != 1 {
		t.Errorf("%d scripts, want the page's own", scripts)
	}
	for _, want := range []string{"six__rolling", "INCOMPLETE", "no port left", "cell-1-timeline-"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// A cell's section has what its own report has, folded: who is sent the matrix
// has nothing else.
func TestMatrixPageHasTheGrounds(t *testing.T) {
	root, err := html.Parse(strings.NewReader(written(t, MatrixHTML, stagedMatrix(t, ""))))
	if err != nil {
		t.Fatal(err)
	}
	folded := map[string]string{} // summary: text
	open := 0
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "details" {
			continue
		}
		for _, a := range n.Attr {
			if a.Key == "open" && attrOf(n, "class") != "steps" { // within the charts
				open++
			}
		}
		folded[strings.TrimSpace(textOf(n.FirstChild))] += textOf(n)
	}
	if open != 1 {
		t.Errorf("%d parts are open, want the charts of one cell", open)
	}
	for summary, want := range map[string]string{
		"All reasons, and what is documented": "Connections are handed over ahead of the close",
		"All numbers":                         "maintenance p99",
		"Objectives":                          "maintenance.failed_ratio < 0.001",
		"What explains it":                    "Cause:",
		"Integrity":                           "integrity: nothing found in replies checked",
		"The harness":                         "start lag p50 41.0 µs",
		"Assumptions":                         "settle = 1s is an assumption",
		"Configuration":                       `"pool_size": 32`,
		"Numbers of the arms":                 "successes in maintenance",
	} {
		if !strings.Contains(folded[summary], want) {
			t.Errorf("under %q there is no %q:\n%.400s", summary, want, folded[summary])
		}
	}
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

func TestTypicalRound(t *testing.T) {
	arm := func(shares ...float64) (a compare.Arm) {
		for i, x := range shares {
			a.Rounds = append(a.Rounds, compare.Round{Round: i + 1, HarmedRatio: x})
		}
		return a
	}
	for _, c := range []struct {
		on, off compare.Arm
		want    int
	}{
		{arm(0, 0, 0), arm(0.9, 0.1, 0.2), 3},
		{arm(0.5), arm(0.5), 1},
		{arm(), arm(), 1},
		{arm(0, 0.3, 0, 0), arm(0.1, 0.1, 0.1, 0.8), 1},
	} {
		if got := typical(compare.Summary{Arms: []compare.Arm{c.on, c.off}}); got != c.want {
			t.Errorf("%v against %v: round %d, want %d", c.on.Rounds, c.off.Rounds, got, c.want)
		}
	}
}

func TestMatrixBoard(t *testing.T) {
	golden(t, "matrix-board", MatrixBoard(matrix.Board{Cells: 22, Done: 5, Kept: 2, Elapsed: 125 * time.Second, Left: 400 * time.Second, Running: []matrix.Progress{
		{Cell: "failover", Phase: "maintenance", Round: 2, Rounds: 6, Elapsed: 20 * time.Second, Total: 63 * time.Second},
	}}))
}

// What only its own cell takes for evidence is named.
func TestMatrixFamily(t *testing.T) {
	m := stagedMatrix(t, "")
	for i, verdict := range []string{compare.VerdictBetter, compare.VerdictWorse, compare.NoEvidence} {
		m.Rows[i].Verdicts = []compare.Difference{{Arm: "on", Against: "off", Metric: compare.Primary, Verdict: verdict}}
		m.Rows[i].QValues = map[string]float64{"on": []float64{0.01, 0.06, 0.9}[i]}
	}
	want := "Corrected for all 3 comparisons of the matrix (false discovery rate 5 %), 1 of the 2 with evidence remain; more rounds would tell: on in " + m.Plan.Spelled(m.Plan.Cells[1]) + "."
	if got := strings.Join(matrixFamily(m), ""); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	m.Rows[1].Verdicts, m.Rows[2].Verdicts = nil, nil
	if got := matrixFamily(m); got != nil {
		t.Errorf("one comparison: %q", got)
	}
}

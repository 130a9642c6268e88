package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/explain"
	"schload/internal/report/chart"
	"schload/internal/series"
)

// The page: one file, with its style and its script inside.
var (
	//go:embed page.tmpl
	pageText string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string
)

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"indent":  func(r row) int { return (len(r.label) - len(strings.TrimLeft(r.label, " "))) / 2 },
	"heading": func(r row) bool { return r.cells == nil },
	"label":   func(r row) string { return strings.TrimSpace(r.label) },
	"cells":   func(r row) []string { return r.cells },
	"named":   func(name string, t *table) namedTable { return namedTable{name, t} },
	"head":    func(t *table) []string { return t.head },
	"rows":    func(t *table) []row { return t.rows },
	"span":    func(t *table) int { return len(t.head) + 1 },
}).Parse(pageText))

// page is what the template shows.
type page struct {
	Title, Subtitle string
	Policy          string // what the browser may load: nothing, but for the page's own script
	Style           template.CSS
	Script          template.JS
	Story           story
	Rounds          []roundPage
	Attribution     *table
	Pools           *table
	RunID           string
	numbers
	grounds
}

// numbers are what was measured of a run, on its own page and in a matrix.
type numbers struct {
	Banners     []banner
	Cards       []card
	Key, All    *table
	Differences *table
	Promises    []promisePage
	Objectives  *table
}

// grounds are what the numbers of a run rest on, on its own page and in a
// matrix.
type grounds struct {
	Findings    []explain.Finding
	Integrity   *table
	Harness     []string
	Health      []fact
	Assumptions []string
	Parameters  []bundle.Parameter
	Facts       []fact
	Settings    []fact
}

type banner struct {
	Name, Text string
	Reasons    []string
}

// namedTable is a table and what a screen reader calls it.
type namedTable struct {
	Name  string
	Table *table
}

type fact struct{ Name, Text string }

// card is an arm at a glance.
type card struct {
	Class, Name, SCH string
	Verdict          string // harmed, unharmed, or none where the numbers carry no verdict
	Facts            []fact
}

type roundPage struct {
	Number   int
	Open     bool
	Timeline template.HTML
	Steps    []step
	Beyond   int
	Figures  []template.HTML
	Quiet    bool // nothing failed
}

type step struct{ At, Name, Detail, Origin string }

// HTML writes the report of a run as one page that needs nothing else: no
// network, no other file. The same bundle gives the same bytes.
func HTML(w io.Writer, b *bundle.Bundle, s compare.Summary) error {
	p, err := newPage(b, s)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, p); err != nil {
		return fmt.Errorf("report of run %s: %w", s.RunID, err)
	}
	_, err = w.Write(text.Bytes())
	return err
}

func newPage(b *bundle.Bundle, s compare.Summary) (page, error) {
	p := page{
		Title: "schload: " + s.Upgrade.Name, Subtitle: title(s), Style: template.CSS(pageStyle), Script: template.JS(pageScript),
		Policy: policy(), Story: tell(b.Run, s), RunID: s.RunID, numbers: numbersOf(s),
		Attribution: full(part(s, attribution)), Pools: full(part(s, poolTables)),
	}
	if s.Upgrade.Title != "" {
		p.Title = "schload: " + s.Upgrade.Title
	}
	var err error
	if p.grounds, err = groundsOf(b, s); err != nil {
		return p, err
	}
	run, err := series.Read(b, s)
	if err != nil {
		return p, err
	}
	scales := scalesOf(run)
	for i, r := range run.Rounds {
		one, err := newRound(newScene(run, r, scales))
		if err != nil {
			return p, err
		}
		one.Open = i == 0
		p.Rounds = append(p.Rounds, one)
	}
	return p, nil
}

func numbersOf(s compare.Summary) numbers {
	return numbers{
		Banners: bannersOf(s), Cards: cards(s), Key: keyNumbers(s), All: metrics([]compare.Summary{s}),
		Differences: full(differenceTable(s.Differences)), Promises: promisePages(s), Objectives: objectiveTable(s),
	}
}

func groundsOf(b *bundle.Bundle, s compare.Summary) (g grounds, err error) {
	g = grounds{
		Integrity: integrityTable(s), Harness: harnessLines(s), Health: health(s.Harness),
		Assumptions: s.Upgrade.Assumptions, Parameters: b.Run.Upgrade.Parameters, Facts: facts(b.Run),
	}
	if g.Findings, err = explain.Explain(b, s); err != nil {
		return g, err
	}
	g.Settings, err = settings(b.Run)
	return g, err
}

// full returns nil for a table without rows.
func full(t *table) *table {
	if len(t.rows) == 0 {
		return nil
	}
	return t
}

func poolTables(columns []column, t *table, each func(string, func(column) string)) {
	pools(columns, t, each)
	deliveries(columns, t, each)
}

func integrityTable(s compare.Summary) *table {
	return full(part(s, func(columns []column, t *table, each func(string, func(column) string)) {
		integrity(columns, t, each, func(label string, n func(compare.Arm) uint64) {
			for _, c := range columns {
				if n(c.arm) > 0 {
					each(label, func(c column) string { return count(n(c.arm)) })
					return
				}
			}
		})
	}))
}

// bannersOf are what has to be known before any number is read.
func bannersOf(s compare.Summary) (list []banner) {
	if s.Saturating() {
		list = append(list, banner{SaturationWord, "The ceiling of the target from this machine, no verdict on handoffs; times are those of pipelines.", nil})
	}
	if !s.Valid {
		list = append(list, banner{"INVALID", "These numbers prove nothing.", s.InvalidReasons})
	}
	if !s.Complete {
		list = append(list, banner{"INCOMPLETE", "The run was cut off or interrupted; its numbers end where it did.", nil})
	}
	if s.Harness.Saturated && !s.Saturating() {
		list = append(list, banner{"SATURATED", "The harness was the bottleneck; these numbers are no verdict.", s.Harness.SaturatedReasons})
	}
	if len(s.Injections) > 0 {
		list = append(list, banner{"INJECTED", "The simulator was told to do wrong; these numbers are no measurement of Redis.",
			[]string{"ordered: " + strings.Join(s.Injections, ", "), "done: " + injected(s.Injected)}})
	}
	return list
}

func cards(s compare.Summary) (list []card) {
	for i, a := range s.Arms {
		c := card{Class: armClass(i), Name: a.Name, SCH: sch(a.SCH), Verdict: verdictOf(s, a)}
		c.Facts = append(c.Facts,
			fact{"requests failed", count(a.Operations.Failed)},
			fact{"longest outage", span(a.Outage.Longest.Duration())},
			fact{"late", count(a.Operations.Late)})
		if q := a.Phases.Maintenance.ResponseTime; q.Count >= 100 {
			c.Facts = append(c.Facts, fact{"p99 of " + count(q.Count) + " in maintenance", span(q.P99.Duration())})
		}
		if len(a.Events) > 0 {
			c.Facts = append(c.Facts, fact{"availability", available(a.Events) + " %"})
		}
		list = append(list, c)
	}
	return list
}

func verdictOf(s compare.Summary, a compare.Arm) string {
	switch {
	case !s.Valid || s.Harness.Saturated || s.Saturating() || a.Raw():
		return "none"
	case hurt(a):
		return "harmed"
	}
	return "unharmed"
}

func harnessLines(s compare.Summary) []string {
	return strings.Split(strings.TrimSpace(harness(s)), "\n")
}

func newRound(s scene) (roundPage, error) {
	p := roundPage{Number: s.round.Number, Beyond: s.round.StepsBeyond}
	for _, m := range s.round.Steps {
		name := m.Name
		if m.Arm != "" {
			name += " (turn of " + m.Arm + ")"
		}
		p.Steps = append(p.Steps, step{At: fmt.Sprintf("%.2f s", m.At.Seconds()), Name: name, Detail: m.Detail, Origin: m.Origin})
	}
	var err error
	if p.Timeline, err = s.timelineFigure().HTML(); err != nil {
		return p, err
	}
	figures := []chart.Figure{s.heatFigure(), s.percentileFigure()}
	if f, ok := s.failureFigure(); ok {
		figures = append(figures, f)
	} else {
		p.Quiet = true
	}
	if f, ok := s.connectionFigure(); ok {
		figures = append(figures, f)
	}
	for _, f := range figures {
		text, err := f.HTML()
		if err != nil {
			return p, err
		}
		p.Figures = append(p.Figures, text)
	}
	return p, nil
}

// facts are where and how it was run.
func facts(run bundle.Run) []fact {
	return []fact{
		{"command", strings.Join(run.Command, " ")},
		{"started", run.Started.UTC().Format("2006-01-02 15:04:05 UTC")},
		{"versions", "schload " + run.Versions.Schload + ", go-redis " + run.Versions.GoRedis + ", " + run.Environment.Go},
		{"machine", fmt.Sprintf("%s/%s, %s", run.Environment.OS, run.Environment.Arch, plural(uint64(max(0, run.Environment.CPUs)), "processor"))},
		{"seed", strconv.FormatUint(run.Seed, 10)},
	}
}

// settings are what it takes to run it again, as JSON.
func settings(run bundle.Run) (list []fact, err error) {
	add := func(name string, raw json.RawMessage) {
		var b bytes.Buffer
		if len(raw) == 0 {
			return
		}
		if e := json.Indent(&b, raw, "", "  "); e != nil {
			err = errors.Join(err, fmt.Errorf("%s of run %s: %w", name, run.ID, e))
			return
		}
		list = append(list, fact{name, b.String()})
	}
	add("profile", run.Profile)
	for _, a := range run.Arms {
		add("arm "+a.Name, a.Settings)
	}
	for _, p := range run.Pools {
		add("pool "+p.Name, p.Settings)
	}
	add("plan of the upgrade", run.Upgrade.Plan)
	return list, err
}

// health is what the system told of the harness.
func health(h compare.Harness) (list []fact) {
	if h.Health == nil {
		return nil
	}
	spread := func(name string, s bundle.Spread) {
		list = append(list, fact{name, "p50 " + span(s.P50.Duration()) + ", p99 " + span(s.P99.Duration()) + ", max " + span(s.Max.Duration()) + " of " + count(s.Count)})
	}
	stock := func(name string, s *bundle.Stock) {
		if s != nil {
			list = append(list, fact{name, count(uint64(max(0, s.Used))) + " of " + count(uint64(max(0, s.Limit)))})
		}
	}
	spread("waits for a processor", h.Health.SchedLatency)
	spread("pauses of the garbage collector", h.Health.GCPause)
	stock("file descriptors, at most", h.Health.Files)
	stock("ports, at most", h.Health.Ports)
	if h.Health.Steal != nil {
		list = append(list, fact{"processor time given to others", span(h.Health.Steal.Duration())})
	}
	for _, w := range h.Workers {
		list = append(list, fact{"workers of " + w.Arm + ", " + w.Pool, fmt.Sprintf("none free for %s %% of the baseline; at most %s waited", three(100*w.Full), count(uint64(max(0, w.Queue))))})
	}
	return list
}

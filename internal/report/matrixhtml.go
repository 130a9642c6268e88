package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/matrix"
	"schload/internal/series"
)

//go:embed matrix.tmpl
var matrixText string

var matrixTemplate = template.Must(template.Must(pageTemplate.Clone()).New("matrix").Parse(matrixText))

// matrixPage is what the template shows.
type matrixPage struct {
	Title, Subtitle string
	Policy          string
	Style           template.CSS
	Script          template.JS
	Banners         []banner
	Played          []string
	Says            []string
	Weakens         []string
	Head            []string
	Span            int
	Cells           []matrixCell
}

// matrixCell is a cell in the table and in its own section.
type matrixCell struct {
	ID, Name, Note string
	Subtitle       string
	Verdicts       []armVerdicts
	Arms           []matrixArm
	Played         bool // there is a bundle: the numbers and what they rest on are its
	Felt           []string
	Round          *roundPage
	Weakens        []string
	numbers
	grounds
}

type matrixArm struct {
	Name  string
	Cells []string
}

// MatrixHTML writes a matrix as one page that needs nothing else. Of each cell
// it has what the cell's own report has, but for the charts: those of one round.
func MatrixHTML(w io.Writer, m *matrix.Matrix) error {
	p := matrixPage{
		Title: "schload: upgrade matrix", Policy: policy(), Style: template.CSS(pageStyle), Script: template.JS(pageScript),
		Subtitle: "begun " + m.Started.UTC().Format("2006-01-02 15:04:05 UTC") + ", schload " + m.Plan.Versions.Schload + ", go-redis " + m.Plan.Versions.GoRedis,
		Banners:  matrixBanners(m), Played: matrixPlayed(m), Says: matrixSays(m), Weakens: matrixWeakens(m), Head: matrixHead[:verdictsAt], Span: verdictsAt + 1,
	}
	opened := false
	for i, r := range m.Rows {
		c, err := newMatrixCell(m, i, r)
		if err != nil {
			return err
		}
		if c.Round != nil && !opened {
			c.Round.Open, opened = true, true
		}
		p.Cells = append(p.Cells, c)
	}
	var text bytes.Buffer
	if err := matrixTemplate.Execute(&text, p); err != nil {
		return fmt.Errorf("report of matrix %s: %w", m.Dir, err)
	}
	_, err := w.Write(text.Bytes())
	return err
}

// verdictsAt is the first of the columns with verdicts. The page has them in a
// cell's heading, where no screen is too narrow for them.
var verdictsAt = len(matrixHead) - 2

// armVerdicts is what was concluded of an arm.
type armVerdicts struct {
	Arm string
	All []classed
}

// classed is a text and the class of its colour.
type classed struct{ Text, Class string }

// matrixJudged is both verdicts on an arm: as documented or not, and against
// the arm off.
func matrixJudged(r matrix.Row, a matrix.Arm) armVerdicts {
	list := armVerdicts{Arm: a.Name}
	add := func(text, class string) {
		if text != "" {
			list.All = append(list.All, classed{text, class})
		}
	}
	for _, x := range r.Expectations {
		if x.Arm == a.Name {
			add(documented(x), verdictClasses[x.Verdict])
		}
	}
	d, _ := r.Verdict(a.Name)
	add(matrixVerdict(r, a), verdictClasses[d.Verdict])
	return list
}

// policy is what the browser may load: nothing, but for the page's own script.
func policy() string {
	hash := sha256.Sum256([]byte(pageScript))
	return "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
}

func matrixBanners(m *matrix.Matrix) (list []banner) {
	var bad, missing []string
	for i, r := range m.Rows {
		name := m.Plan.Spelled(m.Plan.Cells[i])
		switch r.State {
		case matrix.Done:
		case matrix.Invalid, matrix.Failed:
			bad = append(bad, name+": "+strings.Join(r.Reasons, "; "))
		default:
			missing = append(missing, name)
		}
	}
	if len(bad) > 0 {
		list = append(list, banner{"INVALID", "These cells prove nothing.", bad})
	}
	if len(missing) > 0 {
		list = append(list, banner{"INCOMPLETE", "These cells are not finished.", missing})
	}
	return list
}

func newMatrixCell(m *matrix.Matrix, i int, r matrix.Row) (matrixCell, error) {
	plan := m.Plan.Cells[i]
	c := matrixCell{ID: plan.Name(), Name: m.Plan.Spelled(plan), Note: cellNote(r), Subtitle: strings.TrimSpace(plan.Title + cellNote(r)), Weakens: plan.Bends}
	for _, a := range r.Arms {
		if v := matrixJudged(r, a); len(v.All) > 0 {
			c.Verdicts = append(c.Verdicts, v)
		}
		c.Arms = append(c.Arms, matrixArm{a.Name, matrixCells(r, a)[:verdictsAt]})
	}
	if r.Summary == nil {
		return c, nil
	}
	b, err := bundle.Open(m.BundleDir(plan))
	if err != nil {
		return c, err
	}
	s := *r.Summary
	told := tell(b.Run, s)
	c.Played, c.Felt, c.Weakens = true, append(told.Felt, told.Means...), append(c.Weakens, told.Weakens...)
	c.numbers = numbersOf(s)
	if c.grounds, err = groundsOf(b, s); err != nil {
		return c, err
	}
	c.Round, err = typicalRound(b, s, i)
	return c, err
}

// typicalRound has the charts of the round whose difference in the primary
// metric is nearest to the median; nil if there is no round.
func typicalRound(b *bundle.Bundle, s compare.Summary, cell int) (*roundPage, error) {
	run, err := series.Read(b, s)
	if err != nil || len(run.Rounds) == 0 {
		return nil, err
	}
	number := typical(s)
	i := max(0, slices.IndexFunc(run.Rounds, func(r series.Round) bool { return r.Number == number }))
	scene := newScene(run, run.Rounds[i], scalesOf(run))
	scene.cell = fmt.Sprintf("cell-%d-", cell+1)
	page, err := newRound(scene)
	return &page, err
}

// typical is the number of that round, by the first arm against the last.
func typical(s compare.Summary) int {
	if len(s.Arms) == 0 || len(s.Arms[0].Rounds) == 0 {
		return 1
	}
	first, last := s.Arms[0].Rounds, s.Arms[len(s.Arms)-1].Rounds
	var differences []float64
	for i := range min(len(first), len(last)) {
		differences = append(differences, first[i].HarmedRatio-last[i].HarmedRatio)
	}
	sorted := slices.Sorted(slices.Values(differences))
	median := sorted[len(sorted)/2]
	best := 0
	for i, d := range differences {
		if math.Abs(d-median) < math.Abs(differences[best]-median) {
			best = i
		}
	}
	return first[best].Round
}

package report

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// table is labels and cells; labels stand left, cells right, those of the
// last columns left if they are text.
type table struct {
	head []string
	rows []row
	text int // how many of the last columns are text
}

type row struct {
	label string
	cells []string // none: a heading
}

func (t *table) add(label string, cells ...string) { t.rows = append(t.rows, row{label, cells}) }

// dropEmpty takes out the last heading if nothing followed it.
func (t *table) dropEmpty() {
	if n := len(t.rows); n > 0 && t.rows[n-1].cells == nil {
		t.rows = t.rows[:n-1]
	}
}

// contains says whether some cell is text.
func (t *table) contains(text string) bool {
	return slices.ContainsFunc(t.rows, func(r row) bool { return slices.Contains(r.cells, text) })
}

func (t *table) String() string {
	label := 0
	widths := make([]int, len(t.head))
	fit := func(cells []string) {
		for i, c := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	fit(t.head)
	for _, r := range t.rows {
		if r.cells != nil {
			label = max(label, utf8.RuneCountInString(r.label))
		}
		fit(r.cells)
	}
	var b strings.Builder
	line := func(r row) {
		text := pad(r.label, label, false)
		for i, c := range r.cells {
			text += "   " + pad(c, widths[i], i < len(widths)-t.text)
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	line(row{"", t.head})
	for _, r := range t.rows {
		line(r)
	}
	return b.String()
}

func pad(text string, width int, left bool) string {
	spaces := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
	if left {
		return spaces + text
	}
	return text + spaces
}

package chart

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
)

// Width is that of a panel in its own units, which the page stretches; heights
// are pixels.
const Width = 1000

// Figure is one or several panels that share what is said about them.
type Figure struct {
	ID     string // unique in the page, [a-z0-9-]
	Group  string // figures of a group have one cursor; "" is none
	Title  string
	Note   string // how to read it
	Legend []Key
	Beside bool // panels stand side by side where there is room
	Panels []Panel
	Data   Data
	Table  Table
}

// Key is one entry of the legend: Class styles the sample as it does the shape.
type Key struct {
	Class, Text string
	Line        bool // the sample is a line
}

// Panel is a drawing with its axes. Label says in words what is to be seen.
type Panel struct {
	Title  string
	Label  string
	Height int
	X, Y   []Tick
	Shades []Shade
	Shapes []Shape
	Lanes  bool // Y are names of lanes rather than values
}

// Tick is a label at a place of an axis, 0 to 1 from the left or the top. Minor
// ones give way on narrow screens.
type Tick struct {
	At    float64
	Text  string
	Minor bool
}

// Shade is a part of the panel with another background, 0 to 1 from the left.
type Shade struct {
	From, To float64
	Class    string
	Text     string
}

// Shape is an SVG path in a class of the style sheet.
type Shape struct {
	Class     string
	Path      string
	Transform string // of SVG, "" for none
}

// Data is what the readout says at each of the places At (0 to 1, ascending).
type Data struct {
	At     []Place  `json:"at"`
	Names  []string `json:"names"` // of the places: when, or which percentile
	Series []Series `json:"series"`
}

// Place is 0 to 1 from the left, to a tenth of a pixel.
type Place float64

// MarshalJSON spells it with four decimals.
func (p Place) MarshalJSON() ([]byte, error) { return []byte(number(float64(p), 4)), nil }

// Series are values as they are read out, "" for none, one for each place.
type Series struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// Table is the figure in numbers.
type Table struct {
	Head []string
	Rows [][]string
}

//go:embed figure.tmpl
var figureText string

var figureTemplate = template.Must(template.New("figure").Funcs(template.FuncMap{
	"percent": func(x float64) string { return number(100*x, 2) + "%" },
	"span":    func(s Shade) string { return number(100*(s.To-s.From), 2) + "%" },
	"cell":    func(i int) bool { return i == 0 },
}).Parse(figureText))

// HTML renders the figure.
func (f Figure) HTML() (template.HTML, error) {
	var b strings.Builder
	if err := figureTemplate.Execute(&b, f); err != nil {
		return "", fmt.Errorf("figure %s: %w", f.ID, err)
	}
	return template.HTML(b.String()), nil
}

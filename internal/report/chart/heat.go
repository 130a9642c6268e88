package chart

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Heats is how many classes of intensity there are: heat0 (least) and so on.
const Heats = 7

// Heat is one cell of a heat map: a stretch from From to To (0 to 1 from the
// left) of a row.
type Heat struct {
	From, To float64
	Row      int
	Value    float64
}

// Rows places the rows of a heat map: row 0 begins at Floor (0 to 1 from the
// bottom, or below), each is Tall.
type Rows struct{ Floor, Tall float64 }

// HeatMap draws cells in classes of their value, each class one path of
// horizontal strokes that are as wide as a row is tall. The classes divide the
// values from 1 to most evenly on a logarithmic scale. Cells come column by
// column; those of one class that are neighbours in a row become one stroke.
func HeatMap(cells []Heat, most float64, rows Rows, height int) []Shape {
	var paths [Heats]strings.Builder
	type stroke struct{ from, to, class int }
	last := map[int]stroke{} // by row
	flush := func(row int, s stroke) {
		paths[s.class].WriteString("M" + strconv.Itoa(s.from) + " " + strconv.Itoa(row) + "h" + strconv.Itoa(s.to-s.from))
	}
	for _, c := range cells {
		if c.Value <= 0 {
			continue
		}
		next := stroke{int(math.Round(c.From * Width)), int(math.Round(c.To * Width)), heat(c.Value, most)}
		s, ok := last[c.Row]
		if ok && s.class == next.class && s.to == next.from {
			next.from = s.from
		} else if ok {
			flush(c.Row, s)
		}
		last[c.Row] = next
	}
	for _, row := range slices.Sorted(maps.Keys(last)) {
		flush(row, last[row])
	}
	var shapes []Shape
	for i := range paths {
		if paths[i].Len() > 0 {
			shapes = append(shapes, Shape{Class: HeatClass(i), Path: paths[i].String(), Transform: rows.transform(height)})
		}
	}
	return shapes
}

// transform maps the middle of row y to where it stands in the panel.
func (r Rows) transform(height int) string {
	h := float64(height)
	return "translate(0 " + number((1-r.Floor-r.Tall/2)*h, 3) + ") scale(1 " + number(-r.Tall*h, 4) + ")"
}

// HeatClass is the class of an intensity.
func HeatClass(i int) string { return "heat" + strconv.Itoa(i) }

func heat(value, most float64) int {
	if most <= 1 {
		return Heats - 1
	}
	i := int(math.Log(max(value, 1)) / math.Log(most) * Heats)
	return min(max(i, 0), Heats-1)
}

// HeatFrom is the smallest value of a class.
func HeatFrom(i int, most float64) float64 { return math.Pow(max(most, 1), float64(i)/Heats) }

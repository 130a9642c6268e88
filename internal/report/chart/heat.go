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

// Heat is one cell of a heat map.
type Heat struct {
	Bar
	Value float64
}

// HeatMap draws cells in classes of their value, each class one path. The
// classes divide the values from 1 to most evenly on a logarithmic scale. Cells
// come column by column; those of one class that are neighbours in a row become
// one.
func HeatMap(cells []Heat, most float64, height int) []Shape {
	var paths [Heats]strings.Builder
	type open struct {
		Bar
		class int
	}
	rows := map[float64]open{} // by Low
	flush := func(o open) {
		h := float64(height)
		paths[o.class].WriteString("M" + number(o.From*Width, 1) + " " + number((1-o.High)*h, 1) +
			"h" + number((o.To-o.From)*Width, 1) + "v" + number((o.High-o.Low)*h, 1) + "h" + number((o.From-o.To)*Width, 1))
	}
	for _, c := range cells {
		if c.Value <= 0 {
			continue
		}
		class := heat(c.Value, most)
		o, ok := rows[c.Low]
		if ok && o.class == class && o.To == c.From {
			o.To = c.To
		} else {
			if ok {
				flush(o)
			}
			o = open{c.Bar, class}
		}
		rows[c.Low] = o
	}
	for _, low := range slices.Sorted(maps.Keys(rows)) {
		flush(rows[low])
	}
	var shapes []Shape
	for i := range paths {
		if paths[i].Len() > 0 {
			shapes = append(shapes, Shape{HeatClass(i), paths[i].String()})
		}
	}
	return shapes
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

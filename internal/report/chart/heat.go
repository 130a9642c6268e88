package chart

import (
	"math"
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
// classes divide the values from 1 to most evenly on a logarithmic scale.
func HeatMap(cells []Heat, most float64, height int) []Shape {
	var paths [Heats]strings.Builder
	h := float64(height)
	for _, c := range cells {
		if c.Value <= 0 {
			continue
		}
		b := &paths[heat(c.Value, most)]
		b.WriteString("M" + number(c.From*Width, 1) + " " + number((1-c.High)*h, 1) +
			"h" + number((c.To-c.From)*Width, 1) + "v" + number((c.High-c.Low)*h, 1) + "h" + number((c.From-c.To)*Width, 1))
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

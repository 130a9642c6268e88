package chart

import (
	"math"
	"strconv"
	"strings"
)

// number spells a coordinate with at most so many decimals.
func number(x float64, decimals int) string {
	scale := math.Pow10(decimals)
	x = math.Round(x*scale) / scale
	if x == 0 {
		return "0" // never -0
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// Point is a place in a panel: X from 0 to 1 from the left, Y from 0 to 1 from
// the bottom.
type Point struct{ X, Y float64 }

// place spells a point of a panel of that height.
func place(p Point, height float64) string {
	return number(p.X*Width, 1) + " " + number((1-p.Y)*height, 1)
}

// Line connects points.
func Line(points []Point, height int) string {
	var b strings.Builder
	for i, p := range points {
		if i == 0 {
			b.WriteByte('M')
		} else {
			b.WriteByte('L')
		}
		b.WriteString(place(p, float64(height)))
	}
	return b.String()
}

// Bar is a rectangle from From to To (0 to 1 from the left) and from Low to
// High (0 to 1 from the bottom).
type Bar struct{ From, To, Low, High float64 }

// Bars draws them as one path. Those that follow each other without a gap, from
// the same floor, are one outline.
func Bars(bars []Bar, height int) string {
	var b strings.Builder
	h := float64(height)
	x := func(at float64) string { return number(at*Width, 1) }
	y := func(at float64) string { return number((1-at)*h, 1) }
	for i, r := range bars {
		if i == 0 || !bars[i-1].meets(r) {
			b.WriteString("M" + x(r.From) + " " + y(r.Low))
		}
		b.WriteString("V" + y(r.High) + "H" + x(r.To))
		if i == len(bars)-1 || !r.meets(bars[i+1]) {
			b.WriteString("V" + y(r.Low) + "z")
		}
	}
	return b.String()
}

// meets says whether the next bar stands beside this one on the same floor.
func (r Bar) meets(next Bar) bool { return r.To == next.From && r.Low == next.Low }

// Stripes draws vertical strokes from low to high at places (0 to 1 from the
// left).
func Stripes(at []float64, low, high float64, height int) string {
	var b strings.Builder
	h := float64(height)
	for _, x := range at {
		b.WriteString("M" + number(x*Width, 1) + " " + number((1-high)*h, 1) + "V" + number((1-low)*h, 1))
	}
	return b.String()
}

// Grid draws horizontal lines at the places of ticks.
func Grid(ticks []Tick, height int) Shape {
	var b strings.Builder
	for _, t := range ticks {
		b.WriteString("M0 " + number(t.At*float64(height), 1) + "H1000")
	}
	return Shape{Class: "grid", Path: b.String()}
}

package upgrade

import (
	"slices"
	"time"
)

// pace maps instants of a choreography as written to instants of the plan:
//
//	plan |            ____/
//	     |       ____/      outside announced windows the slope is 1/speed,
//	     |      /           within one it is what makes the window last the
//	     |  ___/            whole seconds that are announced
//	     +------[----]----- as written
//
// It never descends, so steps keep their order. Where windows overlap, the
// steepest slope holds: no window becomes shorter than it was announced.
type pace struct {
	speed   float64
	windows []window
}

type window struct {
	from, to time.Duration // as written
	slope    float64
}

// add states that what is written as from..to lasts announced.
func (p *pace) add(from, to, announced time.Duration) {
	p.windows = append(p.windows, window{from, to, float64(announced) / float64(to-from)})
}

// at maps one instant, rounded to a microsecond. It sums the pieces between
// the corners of the line.
func (p *pace) at(written time.Duration) time.Duration {
	corners := []time.Duration{0, written}
	for _, w := range p.windows {
		corners = append(corners, min(w.from, written), min(w.to, written))
	}
	slices.Sort(corners)
	sum := 0.0
	for i, from := range corners[:len(corners)-1] {
		to := corners[i+1]
		sum += float64(to-from) * p.slope(from, to)
	}
	return time.Duration(sum + 0.5).Round(time.Microsecond)
}

// slope of a piece between two neighbouring corners.
func (p *pace) slope(from, to time.Duration) float64 {
	slope := 0.0
	for _, w := range p.windows {
		if w.from <= from && to <= w.to {
			slope = max(slope, w.slope)
		}
	}
	if slope == 0 {
		return 1 / p.speed
	}
	return slope
}

package chart

import (
	"math"
	"slices"
	"strconv"
	"time"
)

// Log maps durations to 0 to 1 on a logarithmic axis.
type Log struct{ From, To time.Duration }

// NewLog returns the axis from the step (1, 2 or 5 of a power of ten) below the
// shortest duration to the one above the longest.
func NewLog(shortest, longest time.Duration) Log {
	all := steps()
	l := Log{all[0], all[len(all)-1]}
	for _, step := range all[:len(all)-1] {
		if step <= shortest {
			l.From = step
		}
	}
	for _, step := range slices.Backward(all) {
		if step >= longest && step > l.From {
			l.To = step
		}
	}
	return l
}

// steps are 1 µs, 2 µs, 5 µs, ... 500 000 s.
func steps() (all []time.Duration) {
	for d := time.Microsecond; d <= 100_000*time.Second; d *= 10 {
		all = append(all, d, 2*d, 5*d)
	}
	return all
}

// At is the place of a duration, 0 to 1; what lies outside is at the edge.
func (l Log) At(d time.Duration) float64 { return min(max(l.Place(d), 0), 1) }

// Place is the place of a duration, below 0 or above 1 if it lies outside.
func (l Log) Place(d time.Duration) float64 {
	return math.Log(float64(max(d, 1))/float64(l.From)) / math.Log(float64(l.To)/float64(l.From))
}

// Ticks are the powers of ten, or all steps where there are few of them, from
// the bottom.
func (l Log) Ticks() (ticks []Tick) {
	few := l.To < 50*l.From
	for i, step := range steps() {
		if l.From <= step && step <= l.To && (few || i%3 == 0) {
			ticks = append(ticks, Tick{At: 1 - l.At(step), Text: plain(step)})
		}
	}
	return ticks
}

// plain spells a round duration.
func plain(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + " µs"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + " s"
}

// Linear is an axis from 0 to a round number.
type Linear struct{ To, Step float64 }

// NewLinear returns an axis that holds a value and has two to five steps.
func NewLinear(largest float64) Linear {
	if largest <= 0 {
		return Linear{1, 1}
	}
	step := math.Pow(10, math.Floor(math.Log10(largest)))
	for _, part := range []float64{0.5, 1, 2} {
		if n := math.Ceil(largest / (part * step)); n <= 3 {
			return Linear{n * part * step, part * step}
		}
	}
	return Linear{math.Ceil(largest/(5*step)) * 5 * step, 5 * step}
}

// At is the place of a value, 0 to 1.
func (l Linear) At(x float64) float64 { return min(max(x/l.To, 0), 1) }

// Ticks are the steps, from 0.
func (l Linear) Ticks() (ticks []Tick) {
	for i := 0; float64(i)*l.Step <= l.To*1.001; i++ {
		x := float64(i) * l.Step
		ticks = append(ticks, Tick{At: 1 - l.At(x), Text: short(x)})
	}
	return ticks
}

// short spells 1500 as 1.5k.
func short(x float64) string {
	switch {
	case x >= 1e6:
		return number(x/1e6, 2) + "M"
	case x >= 1e4 || x >= 1e3 && math.Mod(x, 100) == 0:
		return number(x/1e3, 2) + "k"
	}
	return number(x, 3)
}

// Time is an axis of instants.
type Time struct{ From, To time.Duration }

// At is the place of an instant, 0 to 1.
func (t Time) At(at time.Duration) float64 {
	return min(max(float64(at-t.From)/float64(max(t.To-t.From, 1)), 0), 1)
}

// Ticks are round instants, every second of them minor.
func (t Time) Ticks() (ticks []Tick) {
	step := time.Second
	for _, wide := range []time.Duration{2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400} {
		if (t.To-t.From)/step <= 10 {
			break
		}
		step = wide * time.Second
	}
	for i := (t.From + step - 1) / step; i*step <= t.To && len(ticks) < 100; i++ {
		ticks = append(ticks, Tick{At: t.At(i * step), Text: clock(i * step), Minor: i%2 == 1})
	}
	return ticks
}

// clock spells an instant: 45 s, 3:20, 1:02:00.
func clock(at time.Duration) string {
	s := int64(at / time.Second)
	switch {
	case s < 120:
		return strconv.FormatInt(s, 10) + " s"
	case s < 3600:
		return strconv.FormatInt(s/60, 10) + ":" + two(s%60)
	}
	return strconv.FormatInt(s/3600, 10) + ":" + two(s/60%60) + ":" + two(s%60)
}

func two(n int64) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }

package report

import (
	"math"
	"strconv"
	"time"

	"schload/internal/bundle"
)

// count spells a whole number in groups of three: 20 000.
func count(n uint64) string { return bundle.Count(n) }

// three spells a number with three significant digits, zeros included, so that
// 2.50 says how well it is known.
func three(x float64) string {
	if x < 0 {
		return "-" + three(-x)
	}
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	// Rounded first: 9.999 has one decimal, not two.
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 2, 64), 64)
	exponent := int(math.Floor(math.Log10(rounded) + 1e-12))
	if exponent >= 3 {
		return bundle.Group(strconv.FormatFloat(rounded, 'f', 0, 64))
	}
	return strconv.FormatFloat(rounded, 'f', 2-exponent, 64)
}

func millis(d time.Duration) string  { return three(float64(d) / 1e6) }
func seconds(d time.Duration) string { return three(float64(d) / 1e9) }

// span spells a duration with the unit that fits: 40.0 µs, 1.76 s.
func span(d time.Duration) string {
	switch {
	case d == 0:
		return "0 s"
	case d < time.Microsecond:
		return strconv.FormatInt(int64(d), 10) + " ns"
	case d < 999_500*time.Nanosecond: // more would be rounded to 1 000 µs
		return three(float64(d)/1e3) + " µs"
	case d < 999_500*time.Microsecond:
		return millis(d) + " ms"
	}
	return seconds(d) + " s"
}

// brief spells a duration that somebody chose: 100 ms, 1.5 s.
func brief(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatFloat(float64(d)/1e6, 'f', -1, 64) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}

// plural returns "1 outage", "2 outages".
func plural(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

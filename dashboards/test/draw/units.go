package draw

import (
	"math"
	"regexp"
	"strconv"

	"schload/dashboards"
)

// palette is for series that say nothing of their colour.
var palette = []string{"#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#b877d9", "#37872d", "#fade2a", "#1f60c4", "#e0b400"}

// colors are Grafana's names of colours that the boards use.
var colors = map[string]string{"blue": "#5794f2", "orange": "#ff9830", "red": "#f2495c", "green": "#73bf69", "purple": "#b877d9", "transparent": "none"}

// colorOf is the colour of a series by its name, or one of the palette.
func colorOf(p dashboards.Panel, name string, index int) string {
	for _, o := range p.FieldConfig.Overrides {
		if o.Matcher.ID != "byRegexp" {
			continue
		}
		if matched, err := regexp.MatchString(o.Matcher.Options, name); err == nil && matched {
			for _, property := range o.Properties {
				if color, ok := property.Value.(dashboards.Color); ok {
					return colors[color.FixedColor]
				}
			}
		}
	}
	return palette[index%len(palette)]
}

// format writes a value in a unit of Grafana's.
func format(v float64, unit string) string {
	if math.IsNaN(v) {
		return "NaN"
	}
	digits := func(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }
	switch unit {
	case "s":
		switch size := math.Abs(v); {
		case size == 0:
			return "0 s"
		case size < 1e-3:
			return digits(v*1e6) + " µs"
		case size < 1:
			return digits(v*1e3) + " ms"
		}
		return digits(v) + " s"
	case "percentunit":
		return strconv.FormatFloat(math.Round(v*1e5)/1e3, 'f', -1, 64) + " %"
	case "bytes":
		return digits(v/(1<<20)) + " MiB"
	case "ops", "cps":
		return plainNumber(v) + "/s"
	}
	return plainNumber(v)
}

func plainNumber(v float64) string {
	if math.Abs(v) >= 1000 {
		return strconv.FormatFloat(math.Round(v), 'f', -1, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// roundUp is the least of 1, 2 and 5 times a power of ten that is not below v.
func roundUp(v float64) float64 {
	if v <= 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 1.5, 2, 3, 4, 5, 6, 8, 10} {
		if v <= m*power*(1+1e-9) {
			return m * power
		}
	}
	return 10 * power
}

package dashboards

import "strings"

// section is a row of the board and what it holds.
type section struct {
	title  string
	panels []Panel
}

const (
	gridWidth = 24
	height    = 8
)

// arrange gives panels their ids and places them: each section below the one
// before, its panels side by side, four, two or three in a line.
func arrange(sections ...section) []Panel {
	var out []Panel
	y := 0
	add := func(p Panel, at GridPos) {
		p.ID, p.GridPos = len(out)+1, at
		out = append(out, p)
	}
	for _, s := range sections {
		open, none := false, []Panel{}
		add(Panel{Type: "row", Title: s.title, Collapsed: &open, Panels: &none}, GridPos{H: 1, W: gridWidth, Y: y})
		y++
		x, w := 0, widthOf(s.panels)
		for _, p := range s.panels {
			width := w
			if p.Repeat != "" { // its copies share a line
				width = gridWidth
			}
			if x > 0 && x+width > gridWidth {
				x, y = 0, y+height
			}
			add(p, GridPos{H: height, W: width, X: x, Y: y})
			x += width
		}
		y += height
	}
	return out
}

func widthOf(panels []Panel) int {
	if n := len(panels); n == 4 && panels[0].Type == "bargauge" {
		return gridWidth / 4
	} else if n == 3 && panels[2].Repeat == "" {
		return gridWidth / 3
	}
	return gridWidth / 2
}

// one is a query for one value: that at the end of the time range.
func one(expr, legend string) []Target {
	return []Target{{RefID: "A", Datasource: source, Expr: expr, LegendFormat: legend, Instant: true}}
}

// ranges are queries over the time range: expression, legend, expression,
// legend.
func ranges(pairs ...string) []Target {
	var out []Target
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, Target{RefID: string(rune('A' + i/2)), Datasource: source, Expr: pairs[i], LegendFormat: pairs[i+1], Range: true})
	}
	return out
}

func panel(kind, title, description, unit string, targets []Target, options any) Panel {
	return Panel{Type: kind, Title: title, Description: description, Datasource: &source, Targets: targets, Options: options,
		FieldConfig: &FieldConfig{Overrides: []Override{},
			Defaults: Field{Unit: unit, Color: Color{Mode: "palette-classic"}, Mappings: []any{}}}}
}

// armColors paints what begins with or is said of an arm the same everywhere.
// Blue and orange are told apart by nearly everybody.
func armColors(p Panel, patterns ...string) Panel {
	colors := []string{"blue", "orange"}
	for i, pattern := range patterns {
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, Override{
			Matcher:    Matcher{ID: "byRegexp", Options: pattern},
			Properties: []Property{{ID: "color", Value: Color{Mode: "fixed", FixedColor: colors[i]}}}})
	}
	return p
}

var lastValue = reduceOptions{Calcs: []string{"lastNotNull"}}

// bars compares one value an upgrade and arm.
func bars(title, description, unit string, targets []Target) Panel {
	p := panel("bargauge", title, description, unit, targets, barOptions{
		DisplayMode: "basic", Orientation: "horizontal", ReduceOptions: lastValue, ShowUnfilled: true,
		ValueMode: "text", NamePlacement: "auto", Sizing: "auto", MinVizHeight: 16, MinVizWidth: 8, MaxVizHeight: 40})
	zero := 0.0
	p.FieldConfig.Defaults.Min = &zero
	p.FieldConfig.Defaults.NoValue = "no run"
	return armColors(p, `.*: on$`, `.*: off$`)
}

// names lists what its series are called.
func names(title, description, unit string, targets []Target) Panel {
	return panel("stat", title, description, unit, targets, statOptions{
		ColorMode: "none", GraphMode: "none", JustifyMode: "auto", Orientation: "horizontal", TextMode: "name",
		WideLayout: true, ReduceOptions: lastValue})
}

// graph draws lines over time.
func graph(title, description, unit string, targets []Target) Panel {
	p := panel("timeseries", title, description, unit, targets, graphOptions{
		Legend:  legend{ShowLegend: true, DisplayMode: "table", Placement: "right", Calcs: []string{"max", "lastNotNull"}},
		Tooltip: tooltip{Mode: "multi", Sort: "desc"}})
	zero := 0.0
	p.FieldConfig.Defaults.Min = &zero
	p.FieldConfig.Defaults.Custom = graphStyle{DrawStyle: "line", LineInterpolation: "linear", LineWidth: 1, ShowPoints: "never"}
	return armColors(p, `^on( |$)`, `^off( |$)`)
}

// quantiles draws the first of two lines an arm dashed, as both have the
// arm's colour.
func (p Panel) quantiles() Panel {
	config := *p.FieldConfig
	config.Overrides = append(config.Overrides[:len(config.Overrides):len(config.Overrides)], Override{
		Matcher:    Matcher{ID: "byFrameRefID", Options: "A"},
		Properties: []Property{{ID: "custom.lineStyle", Value: lineStyle{Fill: "dash", Dash: []int{8, 8}}}}})
	p.FieldConfig = &config
	return p
}

// steps draws a gauge that keeps its value until the next sample.
func (p Panel) steps() Panel {
	return p.style(graphStyle{DrawStyle: "line", LineInterpolation: "stepAfter", LineWidth: 1, ShowPoints: "never"})
}

// points draws what happens now and then: as bars, which also show a single
// sample.
func (p Panel) points() Panel {
	return p.style(graphStyle{DrawStyle: "bars", LineInterpolation: "linear", LineWidth: 1, FillOpacity: 60, ShowPoints: "never"})
}

// style leaves colours to the palette when classes, kinds or nodes are to be
// told apart rather than arms.
func (p Panel) style(s graphStyle) Panel {
	config := *p.FieldConfig
	config.Defaults.Custom = s
	if strings.Contains(p.Targets[0].LegendFormat, " ") {
		config.Overrides = []Override{}
	}
	p.FieldConfig = &config
	return p
}

// timeline shows when a 0/1 gauge was 1.
func timeline(title, description, word, color string, targets []Target) Panel {
	p := panel("state-timeline", title, description, "short", targets, timelineOptions{
		AlignValue: "left", MergeValues: true, RowHeight: 0.8, ShowValue: "never",
		Legend:  legend{DisplayMode: "list", Placement: "bottom", Calcs: []string{}},
		Tooltip: tooltip{Mode: "single", Sort: "none"}})
	p.FieldConfig.Defaults.Mappings = []any{valueMapping{Type: "value", Options: map[string]mapped{
		"0": {Text: "no", Color: "transparent", Index: 0},
		"1": {Text: word, Color: color, Index: 1},
	}}}
	p.FieldConfig.Defaults.Custom = timelineStyle{FillOpacity: 80}
	return p
}

// heatmap shows a native histogram over time, once for each value of a
// variable.
func heatmap(title, description, expr, repeat string) Panel {
	targets := ranges(expr, "")
	targets[0].Format = "heatmap"
	p := panel("heatmap", title, description, "s", targets, heatmapOptions{
		Color:        heatmapColor{Mode: "scheme", Scheme: "Oranges", Scale: "exponential", Exponent: 0.5, Steps: 64},
		FilterValues: filterValues{LE: 1e-9},
		YAxis:        heatmapAxis{AxisPlacement: "left", Unit: "s"},
		Tooltip:      heatmapTip{Mode: "single", YHistogram: true},
		Legend:       showing{Show: true}})
	p.Repeat, p.Direction, p.MaxPerRow = repeat, "h", 2
	return p
}

package dashboards

import (
	"strconv"
	"strings"
)

// section is a row of the board and what it holds, so many panels a line where
// they do not say how wide they are.
type section struct {
	title   string
	perLine int
	tall    int // rows of the grid, where panels do not say how tall they are
	panels  []Panel
}

const (
	gridWidth = 24
	height    = 8 // usual for a panel
	low       = 5 // for a few bars
)

// arrange gives panels their ids and places them: each section below the one
// before, its panels side by side.
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
		x, line := 0, 0
		for _, p := range s.panels {
			width := gridWidth / s.perLine
			if p.GridPos.W > 0 {
				width = p.GridPos.W
			}
			if p.Repeat != "" { // its copies share a line
				width = gridWidth
			}
			if x > 0 && x+width > gridWidth {
				x, y, line = 0, y+line, 0
			}
			tall := s.tall
			if p.GridPos.H > 0 {
				tall = p.GridPos.H
			}
			add(p, GridPos{H: tall, W: width, X: x, Y: y})
			x, line = x+width, max(line, tall)
		}
		y += line
	}
	return out
}

// wide says how much of the 24 columns the panel takes.
func (p Panel) wide(columns int) Panel {
	p.GridPos.W = columns
	return p
}

// tall says how many rows of the grid the panel takes.
func (p Panel) tall(rows int) Panel {
	p.GridPos.H = rows
	return p
}

// one is a query for one value: that at the end of the time range.
func one(expr, legend string) []Target {
	return []Target{{RefID: "A", Datasource: source, Expr: expr, LegendFormat: legend, Instant: true}}
}

// ranges are queries over the time range: expression, legend, expression,
// legend. Those of the latency of operations also ask for exemplars: a run with
// --traces gives some to these two metrics.
func ranges(pairs ...string) []Target {
	var out []Target
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, Target{RefID: string(rune('A' + i/2)), Datasource: source, Expr: pairs[i], LegendFormat: pairs[i+1], Range: true,
			Exemplar: strings.Contains(pairs[i], responseTime) || strings.Contains(pairs[i], serviceTime)})
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

// unlisted is the legend of panels that name their series themselves.
var unlisted = legend{DisplayMode: "list", Placement: "bottom", Calcs: []string{}}

var lastValue = reduceOptions{Calcs: []string{"lastNotNull"}}

// bars compares one value an upgrade and arm.
func bars(title, description, unit string, targets []Target) Panel {
	p := panel("bargauge", title, description, unit, targets, barOptions{
		DisplayMode: "basic", Orientation: "horizontal", ReduceOptions: lastValue, ShowUnfilled: true,
		Legend: unlisted, ValueMode: "text", NamePlacement: "auto", Sizing: "auto", MinVizHeight: 16, MinVizWidth: 8, MaxVizHeight: 40})
	zero := 0.0
	p.FieldConfig.Defaults.Min = &zero
	p.FieldConfig.Defaults.NoValue = "no run"
	return armColors(p, `.*: on$`, `.*: off$`)
}

// names lists what its series are called.
func names(title, description, unit string, targets []Target) Panel {
	return panel("stat", title, description, unit, targets, statOptions{
		ColorMode: "none", GraphMode: "none", JustifyMode: "auto", Orientation: "horizontal", TextMode: "name",
		WideLayout: true, PercentColor: "standard", ReduceOptions: lastValue})
}

// graph draws lines over time.
func graph(title, description, unit string, targets []Target) Panel {
	p := panel("timeseries", title, description, unit, targets, graphOptions{
		Legend:  legend{ShowLegend: true, DisplayMode: "table", Placement: "right", Calcs: []string{"max", "lastNotNull"}},
		Tooltip: tooltip{Mode: "multi", Sort: "desc"}})
	zero := 0.0
	p.FieldConfig.Defaults.Min = &zero
	p.FieldConfig.Defaults.Custom = lines
	return armColors(p, `^on( |$)`, `^off( |$)`)
}

// dashed draws the first of two lines an arm dashed, as both have the arm's
// colour.
func (p Panel) dashed() Panel {
	config := *p.FieldConfig
	config.Overrides = append(config.Overrides[:len(config.Overrides):len(config.Overrides)], Override{
		Matcher:    Matcher{ID: "byFrameRefID", Options: "A"},
		Properties: []Property{{ID: "custom.lineStyle", Value: lineStyle{Fill: "dash", Dash: []int{8, 8}}}}})
	p.FieldConfig = &config
	return p
}

// upTo is where the scale of values ends.
func (p Panel) upTo(most float64) Panel {
	config := *p.FieldConfig
	config.Defaults.Max = &most
	p.FieldConfig = &config
	return p
}

// unbounded lets values be below 0.
func (p Panel) unbounded() Panel {
	config := *p.FieldConfig
	config.Defaults.Min = nil
	p.FieldConfig = &config
	return p
}

// emptyText is what stands where nothing was recorded.
func (p Panel) emptyText(text string) Panel {
	config := *p.FieldConfig
	config.Defaults.NoValue = text
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

// lines are what time series are drawn with when nothing else is said.
var lines = graphStyle{DrawStyle: "line", LineInterpolation: "linear", LineWidth: 1, ShowPoints: "never"}

// dots draws samples that may stand alone, with nothing before and after.
func (p Panel) dots() Panel {
	return p.style(graphStyle{DrawStyle: "line", LineInterpolation: "linear", LineWidth: 1, ShowPoints: "always"})
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

// state is a value of a state timeline that is a word and a colour.
type state struct {
	value int
	word  string
	color string
}

// timeline shows when values that stand for states were other than 0.
func timeline(title, description string, targets []Target, states ...state) Panel {
	p := panel("state-timeline", title, description, "short", targets, timelineOptions{
		AlignValue: "left", MergeValues: true, RowHeight: 0.8, ShowValue: "never",
		Legend:  unlisted,
		Tooltip: tooltip{Mode: "single", Sort: "none"}})
	words := map[string]mapped{"0": {Text: "no", Color: "transparent"}}
	for i, s := range states {
		words[strconv.Itoa(s.value)] = mapped{Text: s.word, Color: s.color, Index: i + 1}
	}
	p.FieldConfig.Defaults.Mappings = []any{valueMapping{Type: "value", Options: words}}
	p.FieldConfig.Defaults.Custom = timelineStyle{FillOpacity: 80}
	return p
}

// The scales of heat maps, the same for all so that they can be compared: of
// time from 61 µs to 32 s, and of colour up to a share of 5 % in one bucket,
// which is 1.09 % wide.
const (
	fastest      = 1.0 / (1 << 14)
	slowest      = 1 << 5
	densestShare = 0.05
)

// heatmap shows a native histogram over time, once for each value of a
// variable.
func heatmap(title, description, expr, repeat string) Panel {
	targets := ranges(expr, "")
	targets[0].Format = "heatmap"
	p := panel("heatmap", title, description, "s", targets, heatmapOptions{
		Color:        heatmapColor{Mode: "scheme", Scheme: "Oranges", Fill: "dark-orange", Scale: "exponential", Exponent: 0.5, Steps: 64, Max: densestShare},
		FilterValues: filterValues{LE: 1e-9},
		YAxis:        heatmapAxis{AxisPlacement: "left", Unit: "s", Min: fastest, Max: slowest},
		Tooltip:      heatmapTip{Mode: "single", YHistogram: true},
		Legend:       showing{Show: true}, Exemplars: exemplars{Color: "rgba(255,0,255,0.7)"}, ShowValue: "never"})
	p.Repeat, p.Direction, p.MaxPerRow = repeat, "h", 2
	return p
}

package dashboards

// The types below are the options of the kinds of panels that our boards use,
// again with Grafana's names. dashboards/test holds them against Grafana's own
// types.

// graphStyle is the custom field configuration of time series.
type graphStyle struct {
	DrawStyle         string `json:"drawStyle"`
	LineInterpolation string `json:"lineInterpolation"`
	LineWidth         int    `json:"lineWidth"`
	FillOpacity       int    `json:"fillOpacity"`
	ShowPoints        string `json:"showPoints"`
	SpanNulls         bool   `json:"spanNulls"`
}

// lineStyle makes a line dashed.
type lineStyle struct {
	Fill string `json:"fill"`
	Dash []int  `json:"dash"`
}

// graphOptions are the options of time series.
type graphOptions struct {
	Legend  legend  `json:"legend"`
	Tooltip tooltip `json:"tooltip"`
}

type legend struct {
	ShowLegend  bool     `json:"showLegend"`
	DisplayMode string   `json:"displayMode"`
	Placement   string   `json:"placement"`
	Calcs       []string `json:"calcs"`
}

type tooltip struct {
	Mode string `json:"mode"`
	Sort string `json:"sort"`
}

// statOptions are the options of single values.
type statOptions struct {
	ColorMode     string        `json:"colorMode"`
	GraphMode     string        `json:"graphMode"`
	JustifyMode   string        `json:"justifyMode"`
	Orientation   string        `json:"orientation"`
	TextMode      string        `json:"textMode"`
	WideLayout    bool          `json:"wideLayout"`
	PercentColor  string        `json:"percentChangeColorMode"`
	ShowPercent   bool          `json:"showPercentChange"`
	ReduceOptions reduceOptions `json:"reduceOptions"`
}

type reduceOptions struct {
	Calcs  []string `json:"calcs"`
	Fields string   `json:"fields"`
	Values bool     `json:"values"`
}

// heatmapOptions are the options of heat maps of native histograms.
type heatmapOptions struct {
	Calculate    bool         `json:"calculate"`
	CellGap      int          `json:"cellGap"`
	Color        heatmapColor `json:"color"`
	FilterValues filterValues `json:"filterValues"`
	YAxis        heatmapAxis  `json:"yAxis"`
	Tooltip      heatmapTip   `json:"tooltip"`
	Legend       showing      `json:"legend"`
	Exemplars    exemplars    `json:"exemplars"`
	ShowValue    string       `json:"showValue"`
}

type exemplars struct {
	Color string `json:"color"`
}

type heatmapColor struct {
	Mode     string  `json:"mode"`
	Scheme   string  `json:"scheme"`
	Fill     string  `json:"fill"` // of the mode opacity, which we do not use
	Scale    string  `json:"scale"`
	Exponent float64 `json:"exponent"`
	Steps    int     `json:"steps"`
	Reverse  bool    `json:"reverse"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
}

type filterValues struct {
	LE float64 `json:"le"`
}

type heatmapAxis struct {
	AxisPlacement string  `json:"axisPlacement"`
	Unit          string  `json:"unit"`
	Reverse       bool    `json:"reverse"`
	Min           float64 `json:"min"`
	Max           float64 `json:"max"`
}

type heatmapTip struct {
	Mode       string `json:"mode"`
	YHistogram bool   `json:"yHistogram"`
}

type showing struct {
	Show bool `json:"show"`
}

// barOptions are the options of bar gauges.
type barOptions struct {
	DisplayMode   string        `json:"displayMode"`
	Orientation   string        `json:"orientation"`
	ReduceOptions reduceOptions `json:"reduceOptions"`
	ShowUnfilled  bool          `json:"showUnfilled"`
	ValueMode     string        `json:"valueMode"`
	NamePlacement string        `json:"namePlacement"`
	Sizing        string        `json:"sizing"`
	MinVizHeight  int           `json:"minVizHeight"`
	MinVizWidth   int           `json:"minVizWidth"`
	MaxVizHeight  int           `json:"maxVizHeight"`
	Legend        legend        `json:"legend"`
}

// timelineOptions are the options of state timelines.
type timelineOptions struct {
	AlignValue  string  `json:"alignValue"`
	MergeValues bool    `json:"mergeValues"`
	RowHeight   float64 `json:"rowHeight"`
	ShowValue   string  `json:"showValue"`
	Legend      legend  `json:"legend"`
	Tooltip     tooltip `json:"tooltip"`
}

type timelineStyle struct {
	FillOpacity int `json:"fillOpacity"`
	LineWidth   int `json:"lineWidth"`
}

// valueMapping writes values as words.
type valueMapping struct {
	Type    string            `json:"type"`
	Options map[string]mapped `json:"options"`
}

type mapped struct {
	Text  string `json:"text"`
	Color string `json:"color"`
	Index int    `json:"index"`
}

// tableOptions are the options of tables.
type tableOptions struct {
	FrameIndex int    `json:"frameIndex"`
	ShowHeader bool   `json:"showHeader"`
	CellHeight string `json:"cellHeight"`
}

// tableStyle is the custom field configuration of tables.
type tableStyle struct {
	Align       string    `json:"align"`
	CellOptions cellStyle `json:"cellOptions"`
	Inspect     bool      `json:"inspect"`
}

type cellStyle struct {
	Type string `json:"type"`
}

// organized are the options of the transformation that names columns.
type organized struct {
	ExcludeByName map[string]bool   `json:"excludeByName"`
	IndexByName   map[string]int    `json:"indexByName"`
	RenameByName  map[string]string `json:"renameByName"`
}

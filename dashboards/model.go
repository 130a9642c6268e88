package dashboards

// The types below are the part of Grafana's classic dashboard JSON (schema
// version 41) that our boards use. Fields keep Grafana's names; those that are
// always the same have no field in the builders.

// Board is a dashboard as Grafana provisions it.
type Board struct {
	UID           string      `json:"uid"`
	Title         string      `json:"title"`
	Description   string      `json:"description"`
	Tags          []string    `json:"tags"`
	SchemaVersion int         `json:"schemaVersion"`
	Version       int         `json:"version"`
	Editable      bool        `json:"editable"`
	GraphTooltip  int         `json:"graphTooltip"` // 1: a crosshair shared by all panels
	Refresh       string      `json:"refresh"`
	Time          TimeRange   `json:"time"`
	Timezone      string      `json:"timezone"`
	Links         []Link      `json:"links"`
	Annotations   Annotations `json:"annotations"`
	Templating    Templating  `json:"templating"`
	Panels        []Panel     `json:"panels"`
}

// Link leads to the other boards that have its tags.
type Link struct {
	Type        string   `json:"type"`
	Title       string   `json:"title"`
	Icon        string   `json:"icon"`
	Tags        []string `json:"tags"`
	KeepTime    bool     `json:"keepTime"`
	IncludeVars bool     `json:"includeVars"`
	AsDropdown  bool     `json:"asDropdown"`
	TargetBlank bool     `json:"targetBlank"`
	Tooltip     string   `json:"tooltip"`
	URL         string   `json:"url"`
}

// TimeRange is what the board shows when it is opened.
type TimeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Annotations and Templating are lists with a wrapper, as Grafana wants them.
type Annotations struct {
	List []Annotation `json:"list"`
}

// Templating lists the board's variables.
type Templating struct {
	List []Variable `json:"list"`
}

// Datasource refers to a data source.
type Datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// Annotation shades the times at which its query is above zero: Grafana joins
// samples that are at most Step apart.
type Annotation struct {
	Name        string     `json:"name"`
	Datasource  Datasource `json:"datasource"`
	Enable      bool       `json:"enable"`
	IconColor   string     `json:"iconColor"`
	Expr        string     `json:"expr"`
	Step        string     `json:"step"`
	TitleFormat string     `json:"titleFormat"`
	TextFormat  string     `json:"textFormat"`
	TagKeys     string     `json:"tagKeys"`
}

// Variable is a choice at the top of the board.
type Variable struct {
	Name       string      `json:"name"`
	Label      string      `json:"label"`
	Type       string      `json:"type"` // datasource, query or custom
	Datasource *Datasource `json:"datasource,omitempty"`
	Query      any         `json:"query"`
	Definition string      `json:"definition,omitempty"`
	Refresh    int         `json:"refresh,omitempty"` // 2: when the time range changes
	Sort       int         `json:"sort,omitempty"`    // 2: Z to A, so that the newest run id comes first
	Multi      bool        `json:"multi"`
	IncludeAll bool        `json:"includeAll"`
	AllValue   string      `json:"allValue,omitempty"`
	Current    Choice      `json:"current"`
	Options    []Choice    `json:"options"`
}

// VariableQuery is the query of a variable of type query.
type VariableQuery struct {
	Query string `json:"query"`
	RefID string `json:"refId"`
}

// Choice is a value of a variable.
type Choice struct {
	Text     string `json:"text"`
	Value    string `json:"value"`
	Selected bool   `json:"selected"`
}

// Panel is one panel, or a row when Type is row.
type Panel struct {
	ID          int          `json:"id"`
	Type        string       `json:"type"`
	Title       string       `json:"title"`
	Description string       `json:"description,omitempty"`
	GridPos     GridPos      `json:"gridPos"`
	Datasource  *Datasource  `json:"datasource,omitempty"`
	Targets     []Target     `json:"targets,omitempty"`
	FieldConfig *FieldConfig `json:"fieldConfig,omitempty"`
	Options     any          `json:"options,omitempty"`
	Repeat      string       `json:"repeat,omitempty"`
	Direction   string       `json:"repeatDirection,omitempty"`
	MaxPerRow   int          `json:"maxPerRow,omitempty"`
	Collapsed   *bool        `json:"collapsed,omitempty"`
	Panels      *[]Panel     `json:"panels,omitempty"` // rows only: what is folded away
}

// GridPos places a panel on a grid 24 wide.
type GridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// Target is a query. Instant asks for one value at the end of the time range.
type Target struct {
	RefID        string     `json:"refId"`
	Datasource   Datasource `json:"datasource"`
	Expr         string     `json:"expr"`
	LegendFormat string     `json:"legendFormat"`
	Format       string     `json:"format,omitempty"` // heatmap, for native histograms
	Instant      bool       `json:"instant"`
	Range        bool       `json:"range"`
}

// FieldConfig says how values are written and drawn.
type FieldConfig struct {
	Defaults  Field      `json:"defaults"`
	Overrides []Override `json:"overrides"`
}

// Field is the default for every field of a panel.
type Field struct {
	Unit     string   `json:"unit"`
	Decimals *int     `json:"decimals,omitempty"`
	Min      *float64 `json:"min,omitempty"`
	Max      *float64 `json:"max,omitempty"`
	Color    Color    `json:"color"`
	Custom   any      `json:"custom,omitempty"`
	Mappings []any    `json:"mappings"`
	NoValue  string   `json:"noValue,omitempty"`
}

// Color says where a field's colour comes from.
type Color struct {
	Mode       string `json:"mode"`
	FixedColor string `json:"fixedColor,omitempty"`
}

// Override changes the fields a matcher finds.
type Override struct {
	Matcher    Matcher    `json:"matcher"`
	Properties []Property `json:"properties"`
}

// Matcher finds fields, for instance by a regular expression on their name.
type Matcher struct {
	ID      string `json:"id"`
	Options string `json:"options"`
}

// Property is one changed property of a field.
type Property struct {
	ID    string `json:"id"`
	Value any    `json:"value"`
}

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
}

type heatmapColor struct {
	Mode     string  `json:"mode"`
	Scheme   string  `json:"scheme"`
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

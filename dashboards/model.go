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
	Regex      string      `json:"regex,omitempty"` // what of the answer is the value
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
	Transform   []Transform  `json:"transformations,omitempty"`
	Panels      *[]Panel     `json:"panels,omitempty"` // rows only: what is folded away
}

// GridPos places a panel on a grid 24 wide.
type GridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// Target is a query. Instant asks for one value at the end of the time range,
// Exemplar also for the operations that were traced.
type Target struct {
	RefID        string     `json:"refId"`
	Datasource   Datasource `json:"datasource"`
	Expr         string     `json:"expr"`
	LegendFormat string     `json:"legendFormat"`
	Format       string     `json:"format,omitempty"` // heatmap, for native histograms; table
	Instant      bool       `json:"instant"`
	Range        bool       `json:"range"`
	Exemplar     bool       `json:"exemplar,omitempty"`
}

// Transform is one of Grafana's transformations. Tables alone have some: merge
// puts rows with equal labels together, organize names the columns.
type Transform struct {
	ID      string `json:"id"`
	Options any    `json:"options"`
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

// Thresholds colour values: each step from its value on, the first from below.
type Thresholds struct {
	Mode  string `json:"mode"`
	Steps []Step `json:"steps"`
}

// Step is where a colour begins.
type Step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
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

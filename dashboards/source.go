package dashboards

import "strings"

// What the queries of the boards select. The filter of maintenance windows,
// exports and the harness names no arm: they belong to the run.
const (
	inRun = `schload_run_id=~"$run",schload_upgrade=~"$upgrade"`
	inArm = inRun + `,schload_arm=~"$arm"`
	// measured leaves out the warm-up, which no verdict counts.
	measured = inArm + `,schload_phase!="warmup"`
	// event is the part of a round that availability is told of.
	event = inArm + `,schload_phase=~"maintenance|recovery"`
	// ofOperation is for the metrics that know the operation; what is due,
	// missed or late is known of pools only.
	ofOperation = `,db_operation_name=~"$operation"`

	rates = "[$__rate_interval]"
	whole = "[$__range]"

	// timeouts are the outcomes that are timeouts.
	timeouts = `outcome=~"read_timeout|write_timeout|dial_timeout|pool_timeout"`
)

// The names of metrics as Prometheus has them that several boards ask for.
const (
	responseTime = "schload_operation_response_time_seconds"
	serviceTime  = "db_client_operation_duration_seconds"
	operations   = "schload_operations_total"
	due          = "schload_operations_due_total"
	late         = "schload_operations_late_total"
	missed       = "schload_operations_missed_total"
	dials        = "schload_connection_dials_total"
)

// source is the data source the board's variable chose.
var source = Datasource{Type: "prometheus", UID: "${datasource}"}

// selected is a metric with what its labels must be.
func selected(metric, labels string) string { return metric + "{" + labels + "}" }

// total is what a counter came to by the end of each run in the time range:
// the value as it stands, because rates lose the ends of a short run.
func total(by, metric, labels string) string {
	return "sum by (" + by + ") (last_over_time(" + selected(metric, labels) + whole + "))"
}

// orZero gives 0 to runs that counted nothing, in which a metric that is
// stated only when something was found does not exist.
func orZero(expr, by, labels string) string { return expr + " or 0 * " + total(by, due, labels) }

// perSecond is the rate of a counter, or of a histogram; an offset may follow.
func perSecond(by, metric, labels string, offset ...string) string {
	return "sum by (" + by + ") (rate(" + selected(metric, labels) + rates + strings.Join(offset, "") + "))"
}

func ratePerSecond(by, metric, labels string) string { return perSecond(by, metric, labels) }

// during is how much a counter rose within the rate interval.
func during(by, metric, labels string) string {
	return "sum by (" + by + ") (increase(" + selected(metric, labels) + rates + "))"
}

// level is the greatest value of a gauge; an offset may follow.
func level(by, metric, labels string, offset ...string) string {
	return "max by (" + by + ") (" + selected(metric, labels) + strings.Join(offset, "") + ")"
}

// standing is the sum of a gauge over the workers of a run; an offset may follow.
// A run that has ended stands for as long as a query looks back, so that where
// another follows the sum would count both: the greater of the two is told.
func standing(by, metric, labels string, offset ...string) string {
	return "max by (" + by + ") (sum by (schload_run_id, " + by + ") (" + selected(metric, labels) + strings.Join(offset, "") + "))"
}

// highest is the greatest value that a gauge had in the time range.
func highest(by, metric, labels string) string {
	return "max by (" + by + ") (max_over_time(" + selected(metric, labels) + whole + "))"
}

func quantileOf(q, histogram string) string {
	return "histogram_quantile(" + q + ", " + histogram + ")"
}

// share divides, and is absent where there is nothing to divide by.
func share(part, all string) string { return part + " / (" + all + " > 0)" }

// availability is (ok - late) / due, as in docs/METHODOLOGY.md; the function
// is total or perSecond.
func availability(of func(by, metric, labels string) string, by, labels string) string {
	return share("("+of(by, operations, labels+`,outcome="ok"`)+" - "+of(by, late, labels)+")", of(by, due, labels))
}

// board is what all boards have in common.
func board(uid, title, description string) Board {
	return Board{
		UID: uid, Title: "schload: " + title, Description: description, Tags: []string{"schload", "redis"},
		SchemaVersion: 41, Version: 1, GraphTooltip: 1, Refresh: "5s",
		Time: TimeRange{From: "now-15m", To: "now"}, Timezone: "browser",
		Links:       []Link{{Type: "dashboards", Title: "schload", Icon: "external link", Tags: []string{"schload"}, KeepTime: true}},
		Annotations: Annotations{List: []Annotation{}},
	}
}

// maintenance shades the times at which a maintenance window is open.
func maintenance(labels string) Annotation {
	return Annotation{
		Name: "Maintenance", Datasource: source, Enable: true, IconColor: "orange",
		Expr:        level("type", "schload_maintenance_active", labels),
		Step:        "1s",
		TitleFormat: "{{type}}", TextFormat: "maintenance window", TagKeys: "type",
	}
}

// The variables, in the order in which they depend on each other.
func chooseSource() Variable {
	return Variable{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus",
		Current: Choice{Text: "Prometheus", Value: "prometheus", Selected: true}, Options: []Choice{}}
}

// chooseLabel offers the values that a label has among the series of a
// selector, several at once and all by default. Sort is 1 for A to Z and 2 for
// Z to A, which puts the newest run first.
func chooseLabel(name, label, selector, from string, sort int) Variable {
	text := "label_values(" + selector + ", " + from + ")"
	return Variable{Name: name, Label: label, Type: "query", Datasource: &source,
		Query: VariableQuery{Query: text, RefID: "variable"}, Definition: text,
		Refresh: 2, Sort: sort, Multi: true, IncludeAll: true,
		Current: Choice{Text: "All", Value: "$__all", Selected: true}, Options: []Choice{}}
}

// single lets only one value be chosen; the first is when the board is opened.
func (v Variable) single() Variable {
	v.Multi, v.IncludeAll, v.Current = false, false, Choice{}
	return v
}

func chooseUpgrade() Variable {
	return chooseLabel("upgrade", "Upgrade", selected(due, ""), "schload_upgrade", 1)
}

func chooseRun() Variable {
	return chooseLabel("run", "Run", selected(due, `schload_upgrade=~"$upgrade"`), "schload_run_id", 2)
}

func chooseArm() Variable {
	return chooseLabel("arm", "Arm", selected(due, inRun), "schload_arm", 1)
}

func chooseOperation() Variable {
	return chooseLabel("operation", "Operation", selected(operations, inArm), "db_operation_name", 1)
}

func chooseQuantile() Variable {
	values := []string{"0.5", "0.9", "0.95", "0.99", "0.999", "1"}
	v := Variable{Name: "quantile", Label: "Quantile", Type: "custom", Query: strings.Join(values, ",")}
	for _, value := range values {
		choice := Choice{Text: value, Value: value, Selected: value == "0.99"}
		if choice.Selected {
			v.Current = choice
		}
		v.Options = append(v.Options, choice)
	}
	return v
}

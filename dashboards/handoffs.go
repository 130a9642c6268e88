package dashboards

import "strings"

// What the queries of the board select. The filter of maintenance windows and
// exports names no arm: they belong to the run.
const (
	inRun = `schload_run_id=~"$run",schload_upgrade=~"$upgrade"`
	inArm = inRun + `,schload_arm=~"$arm"`
	// measured leaves out the warm-up, which no verdict counts.
	measured = inArm + `,schload_phase!="warmup"`
)

// Handoffs is the board "handoffs on vs off": the same upgrade, felt by the
// arms side by side, with what the server announced and what the clients did.
func Handoffs() Board {
	return Board{
		UID:   "schload-handoffs",
		Title: "schload: handoffs on vs off",
		Description: "What an application feels during an upgrade of Redis, with Smart Client Handoffs on and off. " +
			"All arms run at once against the same event, so one time axis fits all.",
		Tags:          []string{"schload", "redis"},
		SchemaVersion: 41,
		Version:       1,
		GraphTooltip:  1,
		Refresh:       "5s",
		Time:          TimeRange{From: "now-15m", To: "now"},
		Timezone:      "browser",
		Links:         []struct{}{},
		Annotations:   Annotations{List: []Annotation{maintenance()}},
		Templating:    Templating{List: variables()},
		Panels: arrange(
			section{"Verdict: what the upgrade cost", verdict()},
			section{"Latency", latency()},
			section{"Operations", operations()},
			section{"Maintenance and what the clients made of it", reactions()},
			section{"Connections", connections()},
			section{"Can the run be trusted?", trust()},
		),
	}
}

// Boards lists all boards by the name of their file.
func Boards() map[string]Board { return map[string]Board{"handoffs.json": Handoffs()} }

// source is the data source the board's variable chose.
var source = Datasource{Type: "prometheus", UID: "${datasource}"}

func maintenance() Annotation {
	return Annotation{
		Name: "Maintenance", Datasource: source, Enable: true, IconColor: "orange",
		Expr:        `max by (type) (schload_maintenance_active{` + inRun + `})`,
		Step:        "1s",
		TitleFormat: "{{type}}", TextFormat: "maintenance window", TagKeys: "type",
	}
}

func variables() []Variable {
	all := Choice{Text: "All", Value: "$__all", Selected: true}
	query := func(name, label, selector, from string, sort int) Variable {
		text := "label_values(schload_operations_due_total" + selector + ", " + from + ")"
		return Variable{Name: name, Label: label, Type: "query", Datasource: &source,
			Query: VariableQuery{Query: text, RefID: "variable"}, Definition: text,
			Refresh: 2, Sort: sort, Multi: true, IncludeAll: true, Current: all, Options: []Choice{}}
	}
	return []Variable{
		{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus",
			Current: Choice{Text: "Prometheus", Value: "prometheus", Selected: true}, Options: []Choice{}},
		query("upgrade", "Upgrade", "", "schload_upgrade", 1),
		query("run", "Run", `{schload_upgrade=~"$upgrade"}`, "schload_run_id", 2),
		query("arm", "Arm", "{"+inRun+"}", "schload_arm", 1),
		quantile(),
	}
}

func quantile() Variable {
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

// verdict compares whole runs: cumulative values as they stand, not rates,
// which lose the ends of a short run.
func verdict() []Panel {
	const by = "sum by (schload_upgrade, schload_arm) "
	const legend = "{{schload_upgrade}}: {{schload_arm}}"
	return []Panel{
		bars("Failed operations", "Operations that ended with an error, warm-up left out.", "short",
			one(by+`(last_over_time(schload_operations_total{`+measured+`,outcome!="ok"}[$__range]))`, legend)),
		bars("Late operations", "Successes later than the run's limit of response time, warm-up left out.", "short",
			one(by+`(last_over_time(schload_operations_late_total{`+measured+`}[$__range]))`, legend)),
		bars("Longest outage", "The longest span in which an arm had no success although operations were due.", "s",
			one(`max by (schload_upgrade, schload_arm) (max_over_time(schload_outage_longest_seconds{`+inArm+`}[$__range]))`, legend)),
		bars("Response time in maintenance, quantile $quantile", "From the intended instant to the end, failed operations included, over all rounds.", "s",
			one(`histogram_quantile($quantile, `+by+`(last_over_time(schload_operation_response_time_seconds{`+inArm+`,schload_phase="maintenance"}[$__range])))`, legend)),
	}
}

func latency() []Panel {
	quantiles := func(metric string) []Target {
		inner := `, sum by (schload_arm) (rate(` + metric + `{` + inArm + `}[$__rate_interval])))`
		return ranges("histogram_quantile(0.5"+inner, "{{schload_arm}} 0.5", "histogram_quantile($quantile"+inner, "{{schload_arm}} $quantile")
	}
	return []Panel{
		graph("Response time", "What the application feels: from the instant an operation was due to its end. Median and the chosen quantile.", "s",
			quantiles("schload_operation_response_time_seconds")).quantiles(),
		graph("Service time", "What client and server take: from the send to the end. A stall that delays sending does not show here.", "s",
			quantiles("db_client_operation_duration_seconds")).quantiles(),
		heatmap("Response times of arm $arm", "All response times of the arm. A stall is a column that reaches up.",
			`sum(rate(schload_operation_response_time_seconds{`+inArm+`}[$__rate_interval]))`, "arm"),
	}
}

func operations() []Panel {
	const rate = "[$__rate_interval]))"
	return []Panel{
		graph("Operations due", "Operations that fell due per second: the same for all arms, by design.", "ops",
			ranges(`sum by (schload_arm) (rate(schload_operations_due_total{`+inArm+`}`+rate, "{{schload_arm}} due",
				`sum by (schload_arm) (rate(schload_operations_total{`+inArm+`,outcome="ok"}`+rate, "{{schload_arm}} ok")),
		graph("Operations missed", "Operations per second that fell due and were never started, by reason.", "ops",
			ranges(`sum by (schload_arm, reason) (rate(schload_operations_missed_total{`+inArm+`}`+rate+` > 0`, "{{schload_arm}} {{reason}}")).points(),
		graph("Failures by class", "Operations per second that failed, by class.", "ops",
			ranges(`sum by (schload_arm, outcome) (rate(schload_operations_total{`+inArm+`,outcome!="ok"}`+rate+` > 0`, "{{schload_arm}} {{outcome}}")).points(),
		timeline("Outages", "When an arm had no success although operations were due.", "outage", "red",
			ranges(`max by (schload_arm) (schload_outage_active{`+inArm+`})`, "{{schload_arm}}")),
	}
}

func reactions() []Panel {
	return []Panel{
		timeline("Maintenance windows", "What was announced and not yet ended, by kind.", "open", "orange",
			ranges(`max by (type) (schload_maintenance_active{`+inRun+`})`, "{{type}}")),
		graph("Notices by kind", "Maintenance notifications received. Each connection gets its own, so 50 connections count one MOVING as 50.", "short",
			ranges(`sum by (schload_arm, redis_client_connection_notification) (increase(redis_client_maintenance_notifications_total{`+inArm+`}[$__rate_interval])) > 0`,
				"{{schload_arm}} {{redis_client_connection_notification}}")).points(),
		graph("Handoffs", "Connections handed off to another endpoint: started, succeeded, failed.", "short",
			ranges(`sum by (schload_arm, result) (increase(schload_handoffs_total{`+inArm+`}[$__rate_interval])) > 0`, "{{schload_arm}} {{result}}")).points(),
		graph("Relaxed connections", "Open connections under relaxed timeouts.", "short",
			ranges(`sum by (schload_arm) (schload_connections_relaxed{`+inArm+`})`, "{{schload_arm}}")).steps(),
	}
}

func connections() []Panel {
	return []Panel{
		graph("Connections per node", "Where the open connections of each arm lead: a handoff moves them before the node goes.", "short",
			ranges(`sum by (schload_arm, node) (schload_connections{`+inArm+`})`, "{{schload_arm}} {{node}}")).steps(),
		graph("Dials", "Connections dialled per second, by result.", "cps",
			ranges(`sum by (schload_arm, result) (rate(schload_connection_dials_total{`+inArm+`}[$__rate_interval])) > 0`, "{{schload_arm}} {{result}}")).points(),
		graph("Closes", "Connections that ended per second, by the side that closed them.", "cps",
			ranges(`sum by (schload_arm, by) (rate(schload_connection_closes_total{`+inArm+`}[$__rate_interval])) > 0`, "{{schload_arm}} by {{by}}")).points(),
	}
}

func trust() []Panel {
	return []Panel{
		graph("Start lag of the harness", "How late the load engine itself starts operations. When this is large, the machine was measured and not the upgrade.", "s",
			ranges(`max by (quantile) (schload_harness_start_lag_seconds{`+inRun+`})`, "{{quantile}}")),
		graph("Exports", "Exports of telemetry per second, by result. Gaps elsewhere on this board come from failures here.", "cps",
			ranges(`sum by (result) (rate(schload_telemetry_exports_total{`+inRun+`}[$__rate_interval]))`, "{{result}}")),
		names("Runs", "The runs shown: seed and version of the client library.", "short",
			one(`max by (schload_run_id, schload_upgrade, seed, client_version) (last_over_time(schload_run_info{`+inRun+`}[$__range]))`,
				"{{schload_run_id}} {{schload_upgrade}}, seed {{seed}}, client {{client_version}}")),
	}
}

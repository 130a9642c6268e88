package dashboards

// What the explorer selects of the run that the first is compared with.
const (
	ofCompared = `schload_run_id=~"$compare"`
	inCompared = ofCompared + `,schload_arm=~"$arm"`
	bothRuns   = `schload_run_id=~"$run|$compare",schload_arm=~"$arm"`
	shifted    = " offset ${shift}s"
)

// Explorer is the board "run explorer": one run by percentile and phase, and
// beside a second one that is shifted in time so that both lie on each other.
func Explorer() Board {
	b := board("schload-explorer", "run explorer",
		"One run by percentile and by phase; and a second one on the same time axis, shifted so that their first maintenance windows begin together.")
	compared := maintenance(ofCompared)
	compared.Name, compared.IconColor, compared.TextFormat = "Maintenance of the compared run", "purple", "maintenance window of $compare, shifted"
	compared.Expr = level("type", "schload_maintenance_active", ofCompared, shifted)
	b.Annotations.List = []Annotation{maintenance(inRun), compared}
	run, other := chooseRun().single(), chooseLabel("compare", "Compare with", selected(due, ""), "schload_run_id", 1).single()
	b.Templating.List = []Variable{chooseSource(), chooseUpgrade(), run, other, chooseArm(), chooseOperation(), chooseQuantile(), chooseShift()}
	b.Panels = arrange(
		section{"Run $run: latency by percentile", 2, height, percentiles()},
		section{"Run $run: phases", 3, height, byPhase()},
		section{"Run $run and run $compare, the latter shifted by $shift s (dashed)", 2, height, comparison()},
		section{"Both runs as a whole", 1, height, []Panel{
			table("Totals", "One row a run and arm, warm-up left out. Quantiles are of the response time in maintenance, failed operations included.",
				[]labelled{{"schload_run_id", "run"}, {"schload_arm", "arm"}}, bothColumns())}},
	)
	return b
}

// chooseShift is by how many seconds the compared run is later: from the
// beginning of its first maintenance window to that of the other, or from start
// to start when there were none. It looks back six hours from the end of the
// time range; a number may be typed in instead.
func chooseShift() Variable {
	began := func(run string) string {
		return "min(min_over_time(timestamp(max by (schload_run_id) (" + selected("schload_maintenance_active", run) + ") == 1)[6h:1s]))"
	}
	started := func(run string) string {
		return "min(min_over_time(timestamp(max by (schload_run_id) (" + selected("schload_run_info", run) + "))[6h:1s]))"
	}
	const run = `schload_run_id=~"$run"`
	text := "query_result(round(" + began(run) + " - " + began(ofCompared) + ") or round(" + started(run) + " - " + started(ofCompared) + ") or vector(0))"
	return Variable{Name: "shift", Label: "Shift, s", Type: "query", Datasource: &source,
		Query: VariableQuery{Query: text, RefID: "variable"}, Definition: text, Regex: `/^\{\} (-?\d+) /`,
		Refresh: 2, Options: []Choice{}}
}

func percentiles() []Panel {
	by := "schload_arm, schload_phase"
	of := total(by, responseTime, inArm+ofOperation)
	columns := []column{{"operations", "short", "histogram_count(" + of + ") > 0", plain}}
	var pairs []string
	for _, q := range []struct{ value, name string }{
		{"0.5", "p50"}, {"0.9", "p90"}, {"0.95", "p95"}, {"0.99", "p99"}, {"0.999", "p99.9"}, {"1", "max"}} {
		columns = append(columns, column{q.name, "s", quantileOf(q.value, of), plain})
		pairs = append(pairs, quantileOf(q.value, perSecond(byArm, responseTime, inArm+ofOperation)), "{{schload_arm}} "+q.name)
	}
	p := graph("Response time by percentile", "From the instant an operation was due to its end, failed operations included.", "s", ranges(pairs...))
	return []Panel{
		table("Response time by phase", "One row an arm and phase, all rounds together, failed operations included. The greatest is the upper edge of its bucket, 1.09 % wide.",
			[]labelled{{"schload_arm", "arm"}, {"schload_phase", "phase"}}, columns).tall(10),
		p.style(lines).tall(10),
	}
}

func byPhase() []Panel {
	const by = "schload_arm, schload_phase"
	return []Panel{
		graph("Response time by phase, quantile $quantile", "From the instant an operation was due to its end, by the phase in which it was due.", "s",
			ranges(quantileOf("$quantile", perSecond(by, responseTime, inArm+ofOperation)), "{{schload_arm}} {{schload_phase}}")).style(lines),
		graph("Operations ok by phase", "Operations per second that succeeded, by the phase in which they were due.", "ops",
			ranges(perSecond(by, operations, inArm+ofOperation+`,outcome="ok"`)+" > 0", "{{schload_arm}} {{schload_phase}}")).style(lines),
		bars("Failed operations by phase", "Operations that ended with an error, by the phase in which they were due.", "short",
			one(total(by, operations, inArm+ofOperation+`,outcome!="ok"`), "{{schload_phase}}: {{schload_arm}}")),
	}
}

// comparison draws both runs in the colours of their arms, the second dashed.
func comparison() []Panel {
	pair := func(title, description, unit string, of func(labels, offset string) string) Panel {
		return graph(title, description, unit, ranges(of(inCompared, shifted), "{{schload_arm}} of $compare", of(inArm, ""), "{{schload_arm}} of $run")).dashed()
	}
	return []Panel{
		pair("Response time, quantile $quantile", "From the instant an operation was due to its end.", "s", func(labels, offset string) string {
			return quantileOf("$quantile", perSecond(byArm, responseTime, labels+ofOperation, offset))
		}),
		pair("Failures", "Operations per second that failed.", "ops", func(labels, offset string) string {
			return perSecond(byArm, operations, labels+ofOperation+`,outcome!="ok"`, offset)
		}),
		pair("Operations ok", "Operations per second that succeeded.", "ops", func(labels, offset string) string {
			return perSecond(byArm, operations, labels+ofOperation+`,outcome="ok"`, offset)
		}),
		pair("Dials", "Connections dialled per second.", "cps", func(labels, offset string) string {
			return perSecond(byArm, dials, labels, offset)
		}),
		pair("Relaxed connections", "Open connections under relaxed timeouts.", "short", func(labels, offset string) string {
			return standing(byArm, "schload_connections_relaxed", labels, offset)
		}),
		timeline("Outages", "When no operation of an arm succeeded although some were due.",
			ranges(level(byArm, "schload_outage_active", inArm), "{{schload_arm}} of $run",
				level(byArm, "schload_outage_active", inCompared, shifted), "{{schload_arm}} of $compare"), state{1, "outage", "red"}),
	}
}

func bothColumns() []column {
	const by = "schload_run_id, schload_arm"
	measured, event := bothRuns+`,schload_phase!="warmup"`, bothRuns+`,schload_phase=~"maintenance|recovery"`
	maintenance := total(by, responseTime, bothRuns+ofOperation+`,schload_phase="maintenance"`)
	return []column{
		{"due", "short", total(by, due, measured), plain},
		{"failed", "short", total(by, operations, measured+ofOperation+`,outcome!="ok"`), zeroGood},
		{"late", "short", total(by, late, measured), zeroGood},
		{"availability", "percentunit", availability(total, by, event), fullGood},
		{"longest outage", "s", highest(by, "schload_outage_longest_seconds", bothRuns), zeroGood},
		{"p50", "s", quantileOf("0.5", maintenance), plain},
		{"p99", "s", quantileOf("0.99", maintenance), plain},
		{"p99.9", "s", quantileOf("0.999", maintenance), plain},
		{"dials", "short", total(by, dials, bothRuns), plain},
		{"handoffs", "short", total(by, "schload_handoffs_total", bothRuns+`,result="succeeded"`), plain},
	}
}

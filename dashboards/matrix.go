package dashboards

// Matrix is the board "upgrade matrix": what each kind of upgrade cost each arm,
// over all runs in the time range.
func Matrix() Board {
	b := board("schload-matrix", "upgrade matrix",
		"What each upgrade cost each arm, over all runs in the time range: where handoffs help, and where they cannot. Choose a range that holds the runs.")
	b.Time = TimeRange{From: "now-6h", To: "now"}
	b.Refresh = "30s"
	b.Annotations.List = []Annotation{maintenance(inRun)}
	b.Templating.List = []Variable{chooseSource(), chooseUpgrade(), chooseRun(), chooseArm(), chooseOperation(), chooseQuantile()}
	b.Panels = arrange(
		section{"Upgrades by arms", 1, height, []Panel{
			table("What it cost", "One row an upgrade and arm, all runs together, warm-up left out (dials, notices and handoffs are of whole runs). Quantiles are of the response time in maintenance, failed operations included.",
				[]labelled{{"schload_upgrade", "upgrade"}, {"schload_arm", "arm"}}, matrixColumns()).tall(10)}},
		section{"Off against on", 3, height, gains()},
		section{"Side by side", 3, height, sides()},
		section{"Over time", 2, height, overTime()},
	)
	return b
}

func matrixColumns() []column {
	maintenance := total(byUpgrade, responseTime, inArm+ofOperation+`,schload_phase="maintenance"`)
	return []column{
		{"runs", "short", "count by (" + byUpgrade + ") (group by (schload_run_id, " + byUpgrade + ") (last_over_time(" + selected(due, inArm) + whole + ")))", plain},
		{"due", "short", total(byUpgrade, due, measured), plain},
		{"failed", "short", total(byUpgrade, operations, measured+ofOperation+`,outcome!="ok"`), zeroGood},
		{"missed", "short", total(byUpgrade, missed, measured), zeroGood},
		{"late", "short", total(byUpgrade, late, measured), zeroGood},
		{"availability", "percentunit", availability(total, byUpgrade, event), fullGood},
		{"longest outage", "s", highest(byUpgrade, "schload_outage_longest_seconds", inArm), zeroGood},
		{"p50", "s", quantileOf("0.5", maintenance), plain},
		{"p95", "s", quantileOf("0.95", maintenance), plain},
		{"p99", "s", quantileOf("0.99", maintenance), plain},
		{"dials", "short", total(byUpgrade, dials, inArm), plain},
		{"dials ok", "percentunit", share(total(byUpgrade, dials, inArm+`,result="ok"`), total(byUpgrade, dials, inArm)), fullGood},
		{"timeouts", "short", total(byUpgrade, operations, measured+ofOperation+","+timeouts), zeroGood},
		{"notices", "short", orZero(total(byUpgrade, "redis_client_maintenance_notifications_total", inArm), byUpgrade, inArm), plain},
		{"handoffs", "short", total(byUpgrade, "schload_handoffs_total", inArm+`,result="succeeded"`), plain},
		{"saved by relaxing", "short", total(byUpgrade, "schload_operations_saved_total", inArm+`,by="relaxed_timeouts"`), plain},
		{"violations", "short", orZero(total(byUpgrade, "schload_integrity_violations_total", inArm), byUpgrade, inArm), zeroGood},
	}
}

// gains compare the arms called off and on, whatever arms are chosen.
func gains() []Panel {
	const by = "schload_upgrade"
	off, on := inRun+`,schload_arm="off"`, inRun+`,schload_arm="on"`
	inMaintenance := func(arm string) string {
		return quantileOf("$quantile", total(by, responseTime, arm+ofOperation+`,schload_phase="maintenance"`))
	}
	failed := func(arm string) string {
		return total(by, operations, arm+ofOperation+`,schload_phase!="warmup",outcome!="ok"`)
	}
	return []Panel{
		bars("Response time in maintenance, quantile $quantile: off / on", "How many times as long operations took with handoffs off. 1 is no difference.", "short",
			one(inMaintenance(off)+" / "+inMaintenance(on), "{{schload_upgrade}}")),
		bars("Failures spared: off - on", "Operations that failed with handoffs off beyond those that failed with handoffs on. Below 0 on was worse.", "short",
			one(failed(off)+" - "+failed(on), "{{schload_upgrade}}")).unbounded(),
		bars("Outage spared: off - on", "How much longer the longest outage was with handoffs off. Below 0 on was worse.", "s",
			one(highest(by, "schload_outage_longest_seconds", off)+" - "+highest(by, "schload_outage_longest_seconds", on), "{{schload_upgrade}}")).unbounded(),
	}
}

func sides() []Panel {
	return []Panel{
		bars("Failed operations", "Operations that ended with an error, warm-up left out.", "short",
			one(total(byUpgrade, operations, measured+ofOperation+`,outcome!="ok"`), wholeLegend)).tall(9),
		bars("Availability", "Share of the operations due from the upgrade's beginning to the end of recovery that succeeded in time: (ok - late) / due.", "percentunit",
			one(availability(total, byUpgrade, event), wholeLegend)).upTo(1).tall(9),
		bars("Response time in maintenance, quantile $quantile", "From the intended instant to the end, failed operations included.", "s",
			one(quantileOf("$quantile", total(byUpgrade, responseTime, inArm+ofOperation+`,schload_phase="maintenance"`)), wholeLegend)).tall(9),
	}
}

func overTime() []Panel {
	return []Panel{
		timeline("Windows by upgrade", "When maintenance windows of each upgrade were open.",
			ranges(level("schload_upgrade, type", "schload_maintenance_active", inRun), "{{schload_upgrade}} {{type}}"), state{1, "open", "orange"}),
		timeline("Outages by upgrade", "When no operation of an arm succeeded although some were due.",
			ranges(level(byUpgrade, "schload_outage_active", inArm), wholeLegend), state{1, "outage", "red"}),
		graph("Failures", "Operations per second that failed.", "ops",
			ranges(perSecond(byUpgrade, operations, inArm+ofOperation+`,outcome!="ok"`), wholeLegend)),
		graph("Response time, quantile $quantile", "From the instant an operation was due to its end.", "s",
			ranges(quantileOf("$quantile", perSecond(byUpgrade, responseTime, inArm+ofOperation)), wholeLegend)),
	}
}

package dashboards

// Handoffs is the board "handoffs on vs off": the same upgrade, felt by the
// arms side by side, with what the server announced and what the clients did.
func Handoffs() Board {
	b := board("schload-handoffs", "handoffs on vs off",
		"What an application feels during an upgrade of Redis, with Smart Client Handoffs on and off. "+
			"All arms run at once against the same event, so one time axis fits all.")
	b.Annotations.List = []Annotation{maintenance(inRun)}
	b.Templating.List = []Variable{chooseSource(), chooseUpgrade(), chooseRun(), chooseArm(), chooseOperation(), chooseQuantile()}
	b.Panels = arrange(
		section{"Verdict: what the upgrade cost", 3, low, verdict()},
		section{"Latency", 3, height, latency()},
		section{"What the operational checklist says to observe around maintenance", 2, height, checklist()},
		section{"Operations", 2, height, outcomes()},
		section{"Maintenance and what the clients made of it", 2, height, reactions()},
		section{"What handoffs, relaxed timeouts and retries did", 4, low, attribution()},
		section{"Connections", 2, height, connections()},
		section{"Pools: outages, messages, integrity", 3, height, pools()},
		section{"Can the run be trusted?", 3, height, trust()},
	)
	return b
}

// The labels that series of arms are told apart by, and how legends name them.
const (
	byArm       = "schload_arm"
	byUpgrade   = "schload_upgrade, schload_arm"
	armLegend   = "{{schload_arm}}"
	wholeLegend = "{{schload_upgrade}}: {{schload_arm}}"
)

// verdict compares whole runs.
func verdict() []Panel {
	return []Panel{
		bars("Failed operations", "Operations that ended with an error, warm-up left out.", "short",
			one(total(byUpgrade, operations, measured+ofOperation+`,outcome!="ok"`), wholeLegend)),
		bars("Late operations", "Successes later than the run's limit of response time, warm-up left out.", "short",
			one(total(byUpgrade, late, measured), wholeLegend)),
		bars("Availability", "Share of the operations due from the upgrade's beginning to the end of recovery that succeeded in time: (ok - late) / due.", "percentunit",
			one(availability(total, byUpgrade, event), wholeLegend)).upTo(1),
		bars("Longest outage", "The longest span in which an arm had no success although operations were due. Time in which the harness itself stood still is in it; the report takes it off.", "s",
			one(highest(byUpgrade, "schload_outage_longest_seconds", inArm), wholeLegend)),
		bars("Response time in maintenance, quantile $quantile", "From the intended instant to the end, failed operations included, over all rounds.", "s",
			one(quantileOf("$quantile", total(byUpgrade, responseTime, inArm+ofOperation+`,schload_phase="maintenance"`)), wholeLegend)),
		bars("Broken promises about data", "Acknowledged writes lost, stale reads, operations applied twice, values out of order. Anything but 0 is a finding.", "short",
			one(orZero(total(byUpgrade, "schload_integrity_violations_total", inArm), byUpgrade, inArm), wholeLegend)),
	}
}

func latency() []Panel {
	quantile := func(q, metric string) []Target {
		return ranges(quantileOf(q, perSecond(byArm, metric, inArm+ofOperation)), armLegend)
	}
	const felt = " of the response time: what the application feels, from the instant an operation was due to its end, failed operations included."
	return []Panel{
		graph("Response time p50", "The median"+felt, "s", quantile("0.5", responseTime)),
		graph("Response time p95", "The 95th percentile"+felt, "s", quantile("0.95", responseTime)),
		graph("Response time p99", "The 99th percentile"+felt, "s", quantile("0.99", responseTime)),
		graph("Response time, quantile $quantile", "The chosen quantile"+felt, "s", quantile("$quantile", responseTime)).wide(12),
		graph("Service time, quantile $quantile", "What client and server take: from the send to the end. A stall that delays sending does not show here.", "s",
			quantile("$quantile", serviceTime)).wide(12),
		heatmap("Response times of arm $arm", "Where the response times of the arm lie, as shares of the operations due. "+
			"All arms have the same scales of time and of colour. A stall is a column that reaches up; failures that end at once lie low.",
			share("sum(rate("+selected(responseTime, inArm+ofOperation)+rates+"))", "sum(rate("+selected(due, inArm)+rates+"))"), "arm"),
	}
}

// checklist is what the vendor's checklist for operators names, in its order.
func checklist() []Panel {
	return []Panel{
		graph("Reconnection attempts", "Connections dialled within the rate interval, the first ones and those of handoffs included.", "short",
			ranges(during(byArm, dials, inArm), armLegend)).points(),
		graph("Connection success rate", "Share of the dials that got a connection. Nothing is drawn while nobody dials.", "percentunit",
			ranges(share(perSecond(byArm, dials, inArm+`,result="ok"`), perSecond(byArm, dials, inArm)), armLegend)).dots().upTo(1),
		graph("Response time p95 and p99", "From the instant an operation was due to its end; p95 is dashed.", "s",
			ranges(quantileOf("0.95", perSecond(byArm, responseTime, inArm+ofOperation)), armLegend+" p95",
				quantileOf("0.99", perSecond(byArm, responseTime, inArm+ofOperation)), armLegend+" p99")).dashed(),
		graph("Timeout frequency", "Operations per second that ended with a timeout: of reading, writing, dialling or waiting for a connection of the client's pool.", "ops",
			ranges(perSecond(byArm, operations, inArm+ofOperation+","+timeouts), armLegend)),
	}
}

func outcomes() []Panel {
	return []Panel{
		graph("Operations due and ok", "Operations that fell due per second, the same for all arms by design (dashed), and those that succeeded.", "ops",
			ranges(perSecond(byArm, due, inArm), armLegend+" due",
				perSecond(byArm, operations, inArm+`,outcome="ok"`), armLegend+" ok")).dashed(),
		graph("Failures by class", "Operations per second that failed, by class.", "ops",
			ranges(perSecond("schload_arm, outcome", operations, inArm+ofOperation+`,outcome!="ok"`)+" > 0", "{{schload_arm}} {{outcome}}")).points(),
		graph("Availability over time", "Share of the operations due that succeeded in time: (ok - late) / due within the rate interval. "+
			"After a stall it may pass 100 %: what fell due before ends now.", "percentunit",
			ranges(availability(ratePerSecond, byArm, inArm), armLegend)),
		timeline("Outages and brown-outs", "Outage: no operation succeeded although some were due. Brown-out: some did, all of them late.",
			ranges(level(byArm, "schload_outage_active", inArm), armLegend+" outage",
				level(byArm, "schload_brown_out_active", inArm)+" * 2", armLegend+" brown-out"),
			state{1, "outage", "red"}, state{2, "brown-out", "orange"}),
		graph("Operations missed", "Operations per second that fell due and were never started, by reason.", "ops",
			ranges(perSecond("schload_arm, reason", missed, inArm)+" > 0", "{{schload_arm}} {{reason}}")).points(),
		graph("Hidden attempts", "Tries per second beyond an operation's first that the client made unasked: the application saw only time.", "ops",
			ranges(perSecond(byArm, "schload_attempts_hidden_total", inArm), armLegend)),
	}
}

func reactions() []Panel {
	const notices = "redis_client_maintenance_notifications_total"
	happened := func(expr, times string) string { return "(" + expr + " > bool 0) * " + times }
	return []Panel{
		timeline("What happened when", "Maintenance windows; and for each arm whether clients read notices, handed connections off, "+
			"or held connections under relaxed timeouts. Notices and handoffs show for as long as the rate interval looks back.",
			ranges(level("type", "schload_maintenance_active", inRun), "window {{type}}",
				happened(during(byArm, notices, inArm), "2"), armLegend+" notices",
				happened(during(byArm, "schload_handoffs_total", inArm+`,result="started"`), "3"), armLegend+" handoffs",
				happened(standing(byArm, "schload_connections_relaxed", inArm), "4"), armLegend+" relaxed"),
			state{1, "open", "orange"}, state{2, "notices read", "purple"}, state{3, "handed off", "green"}, state{4, "relaxed", "blue"}).wide(24),
		graph("Notices by kind", "Maintenance notifications received within the rate interval. Each connection gets its own, so 50 connections count one MOVING as 50.", "short",
			ranges(during("schload_arm, redis_client_connection_notification", notices, inArm)+" > 0",
				"{{schload_arm}} {{redis_client_connection_notification}}")).points().wide(8),
		graph("Handoffs", "Connections handed off to another endpoint within the rate interval: started, succeeded, failed, abandoned.", "short",
			ranges(during("schload_arm, result", "schload_handoffs_total", inArm)+" > 0", "{{schload_arm}} {{result}}")).points().wide(8),
		graph("Relaxed connections", "Open connections under relaxed timeouts. It must come back to 0.", "short",
			ranges(standing(byArm, "schload_connections_relaxed", inArm), armLegend)).steps().wide(8),
	}
}

// attribution tells by which means operations and connections were saved.
func attribution() []Panel {
	counted := func(title, description, by, metric, labels, legend string) Panel {
		return bars(title, description, "short", one(total(by, metric, labels), legend))
	}
	const leaving = "schload_connections_leaving_total"
	return []Panel{
		counted("Saved by relaxed timeouts", "Operations that succeeded at their first try, slower than the read timeout that would have ended them.",
			byUpgrade, "schload_operations_saved_total", inArm+`,by="relaxed_timeouts"`, wholeLegend),
		counted("Saved by retries alone", "Operations that succeeded only because the client tried again.",
			byUpgrade, "schload_operations_saved_total", inArm+`,by="retries"`, wholeLegend),
		counted("Connections saved by handoff", "Connections to a node about to leave that were handed over before it left.",
			byUpgrade, leaving, inArm+`,result="handed_over"`, wholeLegend),
		counted("Connections closed anyway", "Connections to a node about to leave that the server closed all the same: though they had been told to move, or before they were.",
			"schload_arm, result", leaving, inArm+`,result=~"closed_told|closed_untold"`, "{{result}}: {{schload_arm}}"),
		bars("Handoff, quantile $quantile", "How long handoffs that succeeded took until the takeover: from the dial, and from reading MOVING.", "s",
			one(quantileOf("$quantile", total("schload_arm, from", "schload_handoff_duration_seconds", inArm))+" >= 0", "from {{from}}: {{schload_arm}}")),
		counted("Windows of relaxed timeouts", "One each connection. A window that never closed leaves a connection with long timeouts.",
			"schload_arm, result", "schload_relaxed_windows_total", inArm, "{{result}}: {{schload_arm}}"),
		counted("Dials that gave nothing", "Dials that gave the client no connection to keep: they failed, served one command, or carried no operation.",
			"schload_arm, reason", "schload_connection_dials_surplus_total", inArm, "{{reason}}: {{schload_arm}}"),
		counted("Dials to a node about to leave", "Dials to a node that MOVING had announced to leave.",
			"schload_arm, result", "schload_connection_dials_leaving_total", inArm, "{{result}}: {{schload_arm}}"),
	}
}

func connections() []Panel {
	return []Panel{
		graph("Connections per node", "Where the open connections of each arm lead: a handoff moves them before the node goes.", "short",
			ranges(standing("schload_arm, node", "schload_connections", inArm), "{{schload_arm}} {{node}}")).steps().wide(24),
		graph("Dials by result", "Connections dialled per second, by result.", "cps",
			ranges(perSecond("schload_arm, result", dials, inArm)+" > 0", "{{schload_arm}} {{result}}")).points(),
		graph("Closes by side", "Connections that ended per second, by the side that closed them.", "cps",
			ranges(perSecond("schload_arm, by", "schload_connection_closes_total", inArm)+" > 0", "{{schload_arm}} by {{by}}")).points(),
	}
}

// pools is what only some profiles come to: several pools, messages, audited
// keys. Without them its panels are empty.
func pools() []Panel {
	const messages = "schload_messages_total"
	return []Panel{
		bars("Longest outage of each pool", "The longest span in which a pool had no success although its operations were due.", "s",
			one(highest("schload_arm, pool", "schload_pool_outage_longest_seconds", inArm), "{{pool}}: {{schload_arm}}")).emptyText("one pool"),
		timeline("Outages of pools", "When a pool had no success although its operations were due.",
			ranges(level("schload_arm, pool", "schload_pool_outage_active", inArm), "{{schload_arm}} {{pool}}"), state{1, "outage", "red"}),
		bars("Messages lost", "Messages that were acknowledged and never reached a receiver, by pool, warm-up left out.", "short",
			one(total("schload_arm, pool", messages, measured+`,result="lost"`), "{{pool}}: {{schload_arm}}")).emptyText("no messages"),
		graph("Messages by fate", "Messages per second, by what became of them at each receiver; duplicates and the like are counted too.", "cps",
			ranges(perSecond("schload_arm, pool, result", messages, inArm)+" > 0", "{{schload_arm}} {{pool}} {{result}}")),
		graph("Delivery time, quantile $quantile", "From when a message was due to its receipt.", "s",
			ranges(quantileOf("$quantile", perSecond("schload_arm, pool", "schload_message_delivery_time_seconds", inArm)), "{{schload_arm}} {{pool}}")),
		bars("Longest span without messages", "Longest span in which one receiver lost messages, from the last receipt before it to the first after it.", "s",
			one(highest("schload_arm, pool", "schload_message_gap_longest_time_seconds", inArm), "{{pool}}: {{schload_arm}}")).emptyText("no messages"),
		bars("Integrity findings", "Acknowledged writes lost, stale reads, operations applied twice, values out of order, by kind.", "short",
			one(total("schload_arm, type", "schload_integrity_violations_total", inArm), "{{type}}: {{schload_arm}}")).emptyText("nothing found"),
		bars("Replies checked", "Replies that were held against what may be there. Where this is 0, no finding means nothing.", "short",
			one(total(byArm, "schload_integrity_checks_total", inArm), "all: {{schload_arm}}")).emptyText("nothing checked"),
		bars("Writes whose end nobody saw", "Writes that broke off, by what is known to have become of them.", "short",
			one(total("schload_arm, result", "schload_integrity_indeterminate_total", inArm), "{{result}}: {{schload_arm}}")).emptyText("none"),
	}
}

// trust is the health of the harness: whether the machine was measured rather
// than the upgrade.
func trust() []Panel {
	gauge := func(title, description, unit, by, metric, legend string) Panel {
		return graph(title, description, unit, ranges(level(by, metric, inRun), legend))
	}
	return []Panel{
		timeline("Harness saturated", "By which limit the harness was the bottleneck, by the run up to then: the numbers are no verdict on handoffs. "+
			"Start lag, Little's law and standing still take the whole run to judge: the bundle's report has them.",
			ranges(level("schload_run_id, reason", "schload_harness_saturated", inRun), "{{reason}}: {{schload_run_id}}"), state{1, "saturated", "red"}).wide(24),
		gauge("Start lag", "How late the load engine itself starts operations. When this is large, the machine was measured and not the upgrade.", "s",
			"quantile", "schload_harness_start_lag_seconds", "quantile {{quantile}}"),
		gauge("Wait for a processor", "How long goroutines that could run waited for a processor.", "s",
			"quantile", "schload_harness_sched_latency_seconds", "quantile {{quantile}}"),
		gauge("Pauses for garbage collection", "Pauses of the harness's garbage collector.", "s",
			"quantile", "schload_harness_gc_pause_seconds", "quantile {{quantile}}"),
		graph("Processors", "Processors that the harness used, and those that the hypervisor gave to others.", "short",
			ranges(level("schload_run_id", "schload_harness_cpu", inRun), "used: {{schload_run_id}}", level("schload_run_id", "schload_harness_steal", inRun), "stolen: {{schload_run_id}}")),
		gauge("Memory", "Resident memory of the harness.", "bytes", "schload_run_id", "schload_harness_memory_bytes", "{{schload_run_id}}"),
		graph("No worker free", "Share of the time in which a pool had no worker left. At 100 % operations wait for workers and not for Redis.", "percentunit",
			ranges(level("schload_arm, pool", "schload_harness_workers_full", inRun), "{{schload_arm}} {{pool}}")).upTo(1),
		graph("In flight", "Operations with workers, by Little's law the rate times the time they take.", "short",
			ranges(level("schload_arm, pool", "schload_harness_in_flight", inRun), "{{schload_arm}} {{pool}}")),
		graph("Exports", "Exports of telemetry per second, by result. Gaps elsewhere on this board come from failures here.", "cps",
			ranges(perSecond("result", "schload_telemetry_exports_total", inRun), "{{result}}")),
		names("Runs", "The runs shown: seed and version of the client library.", "short",
			one("max by (schload_run_id, schload_upgrade, seed, client_version) (last_over_time("+selected("schload_run_info", inRun)+whole+"))",
				"{{schload_run_id}} {{schload_upgrade}}, seed {{seed}}, client {{client_version}}")),
	}
}

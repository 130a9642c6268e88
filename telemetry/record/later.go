package record

// Later lists the counters and histograms of which series may appear only when
// something happens, and why they are not exported at zero before. All others
// are there at zero from the beginning. A gauge is there once it is known: it
// has no zero to rise from.
var Later = map[string]string{
	ClientErrors:        "errors of operations that were tried again: the number of retries is an attribute, and most never occur",
	ClientNotifications: "nodes that are not known before: those that maintenance brings, and clusters of more than four; each sender is an attribute",
	ConnectionDials:     "failures of dials other than refused, timeout and other, which hardly occur",
	MaintenanceEvents:   "steps that commands, people or other injectors name, and what the simulator does besides its plan",
	MessageDeliveryTime: "with the first message: only pools of messages have it",
	ServiceTime:         "operations that were tried again: the number of retries is an attribute",
	Pipelines:           "with autopipelining only",
	PipelineCommands:    "with autopipelining only",
}

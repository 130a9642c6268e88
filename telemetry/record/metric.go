package record

// Metric describes one metric of schload: what Series, Counts and Levels may
// be named, and what telemetry exports and docs/METRICS.md lists.
type Metric struct {
	Name        string
	Unit        string // UCUM; an annotation such as {operation} counts things
	Kind        string // Counter, UpDownCounter, Gauge or Histogram
	Description string
	Attributes  []string // sorted; the arm is not among them, it is the resource's
}

// The kinds of metrics. Counts are Counters, Levels are Gauges and
// UpDownCounters, Series are Histograms.
const (
	Counter       = "counter"
	UpDownCounter = "updowncounter"
	Gauge         = "gauge"
	Histogram     = "histogram"
)

// The names of metrics. Those that begin with db.client are OpenTelemetry's
// (semantic conventions for database clients, 1.44), those that begin with
// redis.client are Redis' (client observability metrics, schema 0.2).
const (
	ResponseTime = "schload.operation.response_time"
	ServiceTime  = "db.client.operation.duration"
	Lateness     = "schload.operation.lateness"

	Operations       = "schload.operations"
	OperationsDue    = "schload.operations.due"
	OperationsMissed = "schload.operations.missed"
	OperationsLate   = "schload.operations.late"
	AttemptsHidden   = "schload.attempts.hidden"

	OutageActive  = "schload.outage.active"
	OutageLongest = "schload.outage.longest"

	MaintenanceEvents = "schload.maintenance.events"
	MaintenanceActive = "schload.maintenance.active"

	Connections        = "schload.connections"
	ConnectionsProved  = "schload.connections.proved"
	ConnectionsRelaxed = "schload.connections.relaxed"
	ConnectionDials    = "schload.connection.dials"
	ConnectionCloses   = "schload.connection.closes"
	Handoffs           = "schload.handoffs"
	Redirects          = "schload.redirects"
	Pipelines          = "schload.pipelines"
	PipelineCommands   = "schload.pipelines.commands"
	SlotMapReads       = "schload.slot_map.reads"

	ClientConnections   = "db.client.connection.count"
	ClientNotifications = "redis.client.maintenance.notifications"
	ClientHandoffs      = "redis.client.connection.handoff"
	ClientClosed        = "redis.client.connection.closed"
	ClientRelaxed       = "redis.client.connection.relaxed_timeout"

	IntegrityChecks        = "schload.integrity.checks"
	IntegrityIndeterminate = "schload.integrity.indeterminate"
	IntegrityLinearizable  = "schload.integrity.linearizable"
	IntegrityViolations    = "schload.integrity.violations"

	HarnessClockSteps   = "schload.harness.clock_steps"
	HarnessCPU          = "schload.harness.cpu"
	HarnessFiles        = "schload.harness.file_descriptors"
	HarnessGCPause      = "schload.harness.gc_pause"
	HarnessInFlight     = "schload.harness.in_flight"
	HarnessMemory       = "schload.harness.memory"
	HarnessPorts        = "schload.harness.ports"
	HarnessQueue        = "schload.harness.queue"
	HarnessSchedLatency = "schload.harness.sched_latency"
	HarnessStartLag     = "schload.harness.start_lag"
	HarnessSteal        = "schload.harness.steal"
	HarnessWorkersFull  = "schload.harness.workers_full"
	TelemetryExports    = "schload.telemetry.exports"
	RunInfo             = "schload.run.info"
)

// The keys of attributes.
const (
	AttrPool      = "pool"
	AttrOperation = "db.operation.name"
	AttrOutcome   = "outcome" // of a Series ok or failed, of a Count the class
	AttrReason    = "reason"
	AttrPhase     = "schload.phase"
	AttrRound     = "schload.round"
	AttrOptedIn   = "opted_in"
	AttrProtocol  = "protocol" // 2 or 3
	AttrNode      = "node"     // host:port
	AttrType      = "type"
	AttrSource    = "source"
	AttrResult    = "result"
	AttrBy        = "by" // server or client
	AttrQuantile  = "quantile"
	AttrSystem    = "db.system.name"
	AttrError     = "error.type"
	AttrState     = "db.client.connection.state"
	AttrNotice    = "redis.client.connection.notification"
	AttrClosed    = "redis.client.connection.close.reason"
)

// Metrics lists every metric, sorted by name.
var Metrics = []Metric{
	{ClientConnections, "{connection}", UpDownCounter, "connections of the client's pool, by state", []string{AttrState}},
	{ServiceTime, "s", Histogram, "service time: from the send to the end of an operation", []string{AttrOperation, AttrSystem, AttrOutcome, AttrPool, AttrPhase, AttrRound}},
	{ClientClosed, "{connection}", Counter, "connections that ended, by the client's reason", []string{AttrClosed}},
	{ClientHandoffs, "{handoff}", Counter, "connections the client handed off to another endpoint", nil},
	{ClientRelaxed, "{relaxation}", UpDownCounter, "connections whose timeouts are relaxed now; unlike the client's own, it goes down again", nil},
	{ClientNotifications, "{notification}", Counter, "maintenance notifications the client received", []string{AttrNotice}},
	{AttemptsHidden, "{attempt}", Counter, "tries beyond an operation's first that the client made unasked", []string{AttrPool}},
	{ConnectionCloses, "{connection}", Counter, "connections that ended, by the side that closed them", []string{AttrBy, AttrReason}},
	{ConnectionDials, "{dial}", Counter, "connections dialled: ok or the class of the failure", []string{AttrResult}},
	{Connections, "{connection}", Gauge, "open connections per node", []string{AttrNode}},
	{ConnectionsProved, "{connection}", Counter, "connections proved on the wire: the protocol they speak, and whether they opted in to notices", []string{AttrOptedIn, AttrProtocol}},
	{ConnectionsRelaxed, "{connection}", Gauge, "open connections under relaxed timeouts", nil},
	{Handoffs, "{handoff}", Counter, "handoffs of connections: started, succeeded or failed", []string{AttrResult}},
	{HarnessClockSteps, "{step}", Counter, "steps of the wall clock; durations are monotonic and not touched", nil},
	{HarnessCPU, "{cpu}", Gauge, "processors the harness used, mean of the last interval", nil},
	{HarnessFiles, "{file}", Gauge, "file descriptors of the harness", nil},
	{HarnessGCPause, "s", Gauge, "pauses of the harness's garbage collector: p99 and max of the last interval", []string{AttrQuantile}},
	{HarnessInFlight, "{operation}", Gauge, "operations with workers, mean of the last interval, as the engine counts them", []string{AttrPool}},
	{HarnessMemory, "By", Gauge, "resident memory of the harness", nil},
	{HarnessPorts, "{port}", Gauge, "TCP ports in use where the harness runs, TIME_WAIT included", nil},
	{HarnessQueue, "{operation}", Gauge, "most operations that waited for a worker at once in the last interval", []string{AttrPool}},
	{HarnessSchedLatency, "s", Gauge, "how long goroutines that could run waited for a processor: p50, p99 and max of the last interval", []string{AttrQuantile}},
	{HarnessStartLag, "s", Gauge, "how late the harness itself starts operations: p50, p99 and max of the last interval", []string{AttrQuantile}},
	{HarnessSteal, "{cpu}", Gauge, "processors that the hypervisor gave to others, mean of the last interval", nil},
	{HarnessWorkersFull, "{share}", Gauge, "share of the last interval in which no worker was free, 0 to 1", []string{AttrPool}},
	{IntegrityChecks, "{reply}", Counter, "replies about ledger keys that were held against what may be there: reads and writes", []string{AttrPool, AttrType}},
	{IntegrityIndeterminate, "{write}", Counter, "writes to ledger keys whose end nobody saw, once it is known what became of them: applied, not_applied or unknown", []string{AttrPool, AttrResult}},
	{IntegrityLinearizable, "{key}", Counter, "keys with several clients at once whose history was checked for linearizability: ok, violated or unknown", []string{AttrPool, AttrResult}},
	{IntegrityViolations, "{violation}", Counter, "acknowledged writes lost, stale reads, operations applied twice, values out of order", []string{AttrPool, AttrType}},
	{MaintenanceActive, "{window}", Gauge, "1 while a maintenance window of the type is open", []string{AttrType}},
	{MaintenanceEvents, "{event}", Counter, "maintenance events, pushed by the server or played by the stage", []string{AttrSource, AttrType}},
	{Lateness, "s", Histogram, "lateness: from the intended instant to the send of an operation", []string{AttrOperation, AttrOutcome, AttrPool, AttrPhase, AttrRound}},
	{ResponseTime, "s", Histogram, "response time: from the intended instant to the end of an operation", []string{AttrOperation, AttrOutcome, AttrPool, AttrPhase, AttrRound}},
	{Operations, "{operation}", Counter, "operations that ended, by outcome class", []string{AttrOperation, AttrOutcome, AttrPool, AttrPhase, AttrRound}},
	{OperationsDue, "{operation}", Counter, "operations that fell due", []string{AttrPool, AttrPhase, AttrRound}},
	{OperationsLate, "{operation}", Counter, "successes later than the limit of response time", []string{AttrPool, AttrPhase, AttrRound}},
	{OperationsMissed, "{operation}", Counter, "operations that fell due and were never started", []string{AttrPool, AttrReason, AttrPhase, AttrRound}},
	{OutageActive, "{outage}", Gauge, "1 while no operation succeeds although operations are due", nil},
	{OutageLongest, "s", Gauge, "longest outage so far, one still going on included", nil},
	{Pipelines, "{pipeline}", Counter, "pipelines that the client made of the commands of several workers (autopipeline)", nil},
	{PipelineCommands, "{command}", Counter, "commands in pipelines that the client made", nil},
	{Redirects, "{redirect}", Counter, "replies that sent a command to another node of a cluster: moved or ask", []string{AttrResult}},
	{RunInfo, "{run}", Gauge, "always 1; its attributes say what ran; mode is saturation, or absent", []string{"client.version", "config.hash", "mode", "seed"}},
	{SlotMapReads, "{read}", Counter, "times the client read the slot map of its cluster", nil},
	{TelemetryExports, "{export}", Counter, "exports of metrics: ok or failed", []string{AttrResult}},
}

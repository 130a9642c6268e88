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
	OperationsSaved  = "schload.operations.saved"
	AttemptsHidden   = "schload.attempts.hidden"

	OutageActive   = "schload.outage.active"
	OutageDuration = "schload.outage.duration"
	OutageLongest  = "schload.outage.longest"
	OutageGap      = "schload.outage.gap"

	BrownOutActive  = "schload.brown_out.active"
	BrownOutLongest = "schload.brown_out.longest"

	PoolBrownOutActive  = "schload.pool.brown_out.active"
	PoolBrownOutLongest = "schload.pool.brown_out.longest"
	PoolOutageActive    = "schload.pool.outage.active"
	PoolOutageLongest   = "schload.pool.outage.longest"
	SlotOutageActive    = "schload.slots.outage.active"
	SlotOutageLongest   = "schload.slots.outage.longest"

	MaintenanceEvents = "schload.maintenance.events"
	MaintenanceActive = "schload.maintenance.active"

	Connections        = "schload.connections"
	ConnectionsLeaving = "schload.connections.leaving"
	ConnectionsProved  = "schload.connections.proved"
	ConnectionsRelaxed = "schload.connections.relaxed"
	ConnectionDials    = "schload.connection.dials"
	ConnectionCloses   = "schload.connection.closes"
	DialsLeaving       = "schload.connection.dials.leaving"
	DialsPeak          = "schload.connection.dials.peak"
	DialsPeakAt        = "schload.connection.dials.peak_at"
	DialsSurplus       = "schload.connection.dials.surplus"
	ClientInitTime     = "schload.client.init_time"
	ReconnectionTime   = "schload.connection.reconnection_time"
	HandoffDuration    = "schload.handoff.duration"
	Handoffs           = "schload.handoffs"
	NoticeConnections  = "schload.notice.connections"
	NoticeDelay        = "schload.notice.delay"
	NoticeEvents       = "schload.notice.events"
	RelaxedDuration    = "schload.relaxed.duration"
	RelaxedWindows     = "schload.relaxed.windows"
	Redirects          = "schload.redirects"
	RepliesSilent      = "schload.replies.silent"
	Pipelines          = "schload.pipelines"
	PipelineCommands   = "schload.pipelines.commands"
	SlotMapReads       = "schload.slot_map.reads"

	ClientConnections   = "db.client.connection.count"
	ClientCreateTime    = "db.client.connection.create_time"
	ClientMostIdle      = "db.client.connection.idle.max"
	ClientLeastIdle     = "db.client.connection.idle.min"
	ClientMost          = "db.client.connection.max"
	ClientPending       = "db.client.connection.pending_requests"
	ClientWaitTime      = "db.client.connection.wait_time"
	ClientTimeouts      = "db.client.connection.timeouts"
	ClientErrors        = "redis.client.errors"
	ClientNotifications = "redis.client.maintenance.notifications"
	ClientHandoffs      = "redis.client.connection.handoff"
	ClientClosed        = "redis.client.connection.closed"
	ClientRelaxed       = "redis.client.connection.relaxed_timeout"

	IntegrityChecks        = "schload.integrity.checks"
	IntegrityIndeterminate = "schload.integrity.indeterminate"
	IntegrityLinearizable  = "schload.integrity.linearizable"
	IntegrityViolations    = "schload.integrity.violations"

	MessageDeliveryTime  = "schload.message.delivery_time"
	MessageGapLongest    = "schload.message.gap.longest"
	MessageGapTime       = "schload.message.gap.longest_time"
	MessageGaps          = "schload.message.gaps"
	MessageUnheardTime   = "schload.message.unheard_time"
	Messages             = "schload.messages"
	ReceiverErrors       = "schload.receiver.errors"
	ReceiverRetries      = "schload.receiver.retries"
	ReceiverSubscription = "schload.receiver.subscriptions"

	HarnessClockSteps   = "schload.harness.clock_steps"
	HarnessCPU          = "schload.harness.cpu"
	HarnessFiles        = "schload.harness.file_descriptors"
	HarnessGCPause      = "schload.harness.gc_pause"
	HarnessInFlight     = "schload.harness.in_flight"
	HarnessMemory       = "schload.harness.memory"
	HarnessPorts        = "schload.harness.ports"
	HarnessQueue        = "schload.harness.queue"
	HarnessSaturated    = "schload.harness.saturated"
	HarnessSchedLatency = "schload.harness.sched_latency"
	HarnessStartLag     = "schload.harness.start_lag"
	HarnessSteal        = "schload.harness.steal"
	HarnessWorkersFull  = "schload.harness.workers_full"
	TelemetryExports    = "schload.telemetry.exports"
	TelemetrySpans      = "schload.telemetry.spans"
	TracedOperations    = "schload.trace.operations"
	RunInfo             = "schload.run.info"
	TargetRate          = "schload.target.rate"
)

// The keys of attributes.
const (
	AttrPool        = "pool"
	AttrOperation   = "db.operation.name"
	AttrOutcome     = "outcome" // of a Series ok or failed, of a Count the class
	AttrReason      = "reason"
	AttrPhase       = "schload.phase"
	AttrRound       = "schload.round"
	AttrOptedIn     = "opted_in"
	AttrProtocol    = "protocol" // 2 or 3
	AttrNode        = "node"     // host:port
	AttrType        = "type"
	AttrSource      = "source"
	AttrResult      = "result"
	AttrSlots       = "slots" // a range, 0-1023
	AttrBy          = "by"    // server or client; of what was saved relaxed_timeouts or retries
	AttrFrom        = "from"  // dial or notice
	AttrQuantile    = "quantile"
	AttrSystem      = "db.system.name"
	AttrError       = "error.type"
	AttrCategory    = "redis.client.errors.category"
	AttrInternal    = "redis.client.errors.internal"
	AttrLibrary     = "redis.client.library"
	AttrPoolName    = "db.client.connection.pool.name"
	AttrState       = "db.client.connection.state"
	AttrRetries     = "redis.client.operation.retry_attempts" // a number
	AttrServer      = "server.address"
	AttrServerPort  = "server.port" // a number
	AttrPeerAddress = "network.peer.address"
	AttrPeerPort    = "network.peer.port" // a number
	AttrNotice      = "redis.client.connection.notification"
	AttrClosed      = "redis.client.connection.close.reason"
)

// Metrics lists every metric, sorted by name.
var Metrics = []Metric{
	{ClientConnections, "{connection}", UpDownCounter, "connections of the client's pool, by state", []string{AttrPoolName, AttrState, AttrSystem, AttrLibrary}},
	{ClientCreateTime, "s", Histogram, "how long connections took to be dialled, TLS included; the handshake of Redis comes after", []string{AttrPoolName, AttrSystem, AttrLibrary}},
	{ClientMostIdle, "{connection}", UpDownCounter, "most connections that the client's pool may keep free; on a cluster those of every node that the client has met", []string{AttrPoolName, AttrSystem, AttrLibrary}},
	{ClientLeastIdle, "{connection}", UpDownCounter, "connections that the client's pool keeps free and ready", []string{AttrPoolName, AttrSystem, AttrLibrary}},
	{ClientMost, "{connection}", UpDownCounter, "most connections that the client's pool may have, those of receivers not counted; on a cluster those of every node that the client has met", []string{AttrPoolName, AttrSystem, AttrLibrary}},
	{ClientPending, "{request}", UpDownCounter, "operations that wait for a connection of the client's pool", []string{AttrPoolName, AttrSystem, AttrLibrary}},
	{ClientTimeouts, "{timeout}", Counter, "waits for a connection of the client's pool that ended without one", []string{AttrPoolName, AttrSystem, AttrLibrary}},
	{ClientWaitTime, "s", Histogram, "how long operations waited for their turn at the client's pool, also those that did not have to (below 1 us); waits that ended without a connection are timeouts", []string{AttrPoolName, AttrSystem, AttrLibrary}},
	{ServiceTime, "s", Histogram, "service time: from the send to the end of an operation", []string{AttrOperation, AttrSystem, AttrError, AttrOutcome, AttrPool, AttrLibrary, AttrRetries, AttrPhase, AttrRound, AttrServer, AttrServerPort}},
	{ClientClosed, "{connection}", Counter, "connections that ended, by the client's reason", []string{AttrPoolName, AttrSystem, AttrClosed, AttrLibrary}},
	{ClientHandoffs, "{handoff}", Counter, "connections the client handed off to another endpoint", []string{AttrPoolName, AttrSystem, AttrLibrary}},
	{ClientRelaxed, "{relaxation}", UpDownCounter, "connections whose timeouts are relaxed now, each counted once, by what relaxed it first (a notice, or HANDOFF); unlike the client's own, it goes down again", []string{AttrPoolName, AttrSystem, AttrNotice, AttrLibrary}},
	{ClientErrors, "{error}", Counter, "errors of operations, and those that the client dealt with itself (internal: by trying again)", []string{AttrSystem, AttrError, AttrCategory, AttrInternal, AttrLibrary, AttrRetries, AttrServer, AttrServerPort}},
	{ClientNotifications, "{notification}", Counter, "maintenance notifications the client received", []string{AttrSystem, AttrPeerAddress, AttrPeerPort, AttrNotice, AttrLibrary, AttrPhase, AttrRound, AttrServer, AttrServerPort}},
	{AttemptsHidden, "{attempt}", Counter, "tries beyond an operation's first that the client made unasked", []string{AttrPhase, AttrRound}},
	{BrownOutActive, "{brownout}", Gauge, "1 while operations succeed, but all of them late", nil},
	{BrownOutLongest, "s", Gauge, "longest brown-out so far, one still going on included", nil},
	{ClientInitTime, "s", Histogram, "how long an arm's client took to open: until one connection was dialled, had shaken hands and had answered", nil},
	{ConnectionCloses, "{connection}", Counter, "connections that ended, by the side that closed them", []string{AttrBy, AttrReason, AttrPhase, AttrRound}},
	{ConnectionDials, "{dial}", Counter, "connections dialled: ok or the class of the failure", []string{AttrResult, AttrPhase, AttrRound}},
	{DialsLeaving, "{dial}", Counter, "dials to a node that MOVING had announced to leave, those of handoffs left out", []string{AttrResult, AttrPhase, AttrRound}},
	{DialsPeak, "{dial}", Gauge, "most dials begun within 100 ms, as of the last interval; node all: to all nodes together", []string{AttrNode}},
	{DialsPeakAt, "s", Gauge, "when those 100 ms began, since the run's base", []string{AttrNode}},
	{DialsSurplus, "{dial}", Counter, "dials that gave the client no connection to keep: failed, overflow (for one command) or unused (given up before it carried an operation)", []string{AttrReason, AttrPhase, AttrRound}},
	{ReconnectionTime, "s", Histogram, "from when the client met the end of a connection that the server had ended, to the end of the dial in its place; the first that broke is replaced first", []string{AttrPhase, AttrRound}},
	{Connections, "{connection}", Gauge, "open connections per node", []string{AttrNode}},
	{ConnectionsLeaving, "{connection}", Counter, "connections to a node that MOVING announced to leave, as they ended: handed_over, closed_told (by the server, MOVING read), closed_untold (by the server, MOVING not read) or given_up", []string{AttrResult, AttrPhase, AttrRound}},
	{ConnectionsProved, "{connection}", Counter, "connections proved on the wire: the protocol they speak, and whether they opted in to notices", []string{AttrOptedIn, AttrProtocol}},
	{ConnectionsRelaxed, "{connection}", Gauge, "open connections under relaxed timeouts", nil},
	{HandoffDuration, "s", Histogram, "length of handoffs that succeeded: to the takeover from the dial, and from reading MOVING", []string{AttrFrom, AttrPhase, AttrRound}},
	{Handoffs, "{handoff}", Counter, "handoffs of connections: started, succeeded, failed; abandoned are connections whose handoff was given up", []string{AttrResult, AttrPhase, AttrRound}},
	{HarnessClockSteps, "{step}", Counter, "steps of the wall clock; durations are monotonic and not touched", nil},
	{HarnessCPU, "{cpu}", Gauge, "processors the harness used, mean of the last interval", nil},
	{HarnessFiles, "{file}", Gauge, "file descriptors of the harness", nil},
	{HarnessGCPause, "s", Gauge, "pauses of the harness's garbage collector: p99 and max of the last interval", []string{AttrQuantile}},
	{HarnessInFlight, "{operation}", Gauge, "operations with workers, mean of the last interval, as the engine counts them", []string{AttrPool}},
	{HarnessMemory, "By", Gauge, "resident memory of the harness", nil},
	{HarnessPorts, "{port}", Gauge, "TCP ports in use where the harness runs, TIME_WAIT included", nil},
	{HarnessQueue, "{operation}", Gauge, "most operations that waited for a worker at once in the last interval", []string{AttrPool}},
	{HarnessSaturated, "{limit}", Gauge, "1 while the harness is, by the run so far, beyond a limit up to which it measures the target and not itself, by the limit; what takes the whole run to tell (start lag, Little's law, standing still) is in the bundle's summary alone", []string{AttrReason}},
	{HarnessSchedLatency, "s", Gauge, "how long goroutines that could run waited for a processor: p50, p99 and max of the last interval", []string{AttrQuantile}},
	{HarnessStartLag, "s", Gauge, "how late the harness itself starts operations: p50, p99 and max of the last interval", []string{AttrQuantile}},
	{HarnessSteal, "{cpu}", Gauge, "processors that the hypervisor gave to others, mean of the last interval", nil},
	{HarnessWorkersFull, "{share}", Gauge, "share of the last interval in which no worker was free, 0 to 1", []string{AttrPool}},
	{IntegrityChecks, "{reply}", Counter, "replies about ledger keys that were held against what may be there: reads and writes", []string{AttrPool, AttrRound, AttrType}},
	{IntegrityIndeterminate, "{write}", Counter, "writes to ledger keys whose end nobody saw, once it is known what became of them: applied, not_applied or unknown", []string{AttrPool, AttrResult, AttrRound}},
	{IntegrityLinearizable, "{key}", Counter, "keys with several clients at once whose history was checked for linearizability: ok, violated or unknown", []string{AttrPool, AttrResult}},
	{IntegrityViolations, "{violation}", Counter, "acknowledged writes lost, stale reads, operations applied twice, values out of order", []string{AttrPool, AttrRound, AttrType}},
	{MaintenanceActive, "{window}", Gauge, "1 while a maintenance window of the type is open", []string{AttrType}},
	{MaintenanceEvents, "{event}", Counter, "maintenance events, pushed by the server or played by the stage", []string{AttrSource, AttrType}},
	{MessageDeliveryTime, "s", Histogram, "delivery time: from when a message was due to its receipt", []string{AttrPool, AttrPhase, AttrRound}},
	{MessageGapLongest, "{message}", Gauge, "most messages that one receiver lost in one go so far, warm-up left out", []string{AttrPool}},
	{MessageGapTime, "s", Gauge, "longest span so far in which one receiver lost messages: from the last receipt before it to the first after it, warm-up left out", []string{AttrPool}},
	{MessageGaps, "{gap}", Counter, "runs of lost messages between two that came, once it is certain that they are lost", []string{AttrPool, AttrPhase, AttrRound}},
	{MessageUnheardTime, "s", Gauge, "time so far in which messages of a channel reached nobody by the server's own account: longest, and total over the channels; warm-up left out", []string{AttrPool, AttrType}},
	{Messages, "{message}", Counter, "messages published (unheard and indeterminate ones too), what became of each at each receiver (delivered, lost, left, unknown), and deliveries that should not have been (duplicate, redelivered, out_of_order, foreign, belated)", []string{AttrPool, AttrResult, AttrPhase, AttrRound}},
	{NoticeConnections, "{connection}", Counter, "connections that an event's notice was to reach (owed), that read it (told), and that the client ended before (ended); each event counts", []string{AttrNotice, AttrResult, AttrPhase, AttrRound}},
	{NoticeDelay, "s", Histogram, "how long after the first connection those that were open then read an event's notice", []string{AttrNotice, AttrPhase, AttrRound}},
	{NoticeEvents, "{event}", Counter, "events that notices told of, each once however many connections read it", []string{AttrNotice, AttrPhase, AttrRound}},
	{Lateness, "s", Histogram, "lateness: from the intended instant to the send of an operation", []string{AttrOperation, AttrOutcome, AttrPool, AttrPhase, AttrRound}},
	{ResponseTime, "s", Histogram, "response time: from the intended instant to the end of an operation", []string{AttrOperation, AttrOutcome, AttrPool, AttrPhase, AttrRound}},
	{Operations, "{operation}", Counter, "operations that ended, by outcome class", []string{AttrOperation, AttrOutcome, AttrPool, AttrPhase, AttrRound}},
	{OperationsDue, "{operation}", Counter, "operations that fell due", []string{AttrPool, AttrPhase, AttrRound}},
	{OperationsLate, "{operation}", Counter, "successes later than the limit of response time", []string{AttrPool, AttrPhase, AttrRound}},
	{OperationsMissed, "{operation}", Counter, "operations that fell due and were never started", []string{AttrPool, AttrReason, AttrPhase, AttrRound}},
	{OperationsSaved, "{operation}", Counter, "operations that succeeded only because of relaxed timeouts (first try, slower than the read timeout) or of retries", []string{AttrBy, AttrPhase, AttrRound}},
	{OutageActive, "{outage}", Gauge, "1 while no operation succeeds although operations are due", nil},
	{OutageDuration, "s", Histogram, "outages, about a second after their end and under the phase in which they began; one still going on at the end of the load up to then", []string{AttrPhase, AttrRound}},
	{OutageGap, "s", Gauge, "longest span so far in which no operation succeeded although one waited, also below an outage", nil},
	{OutageLongest, "s", Gauge, "longest outage so far, one still going on included", nil},
	{Pipelines, "{pipeline}", Counter, "pipelines that the client made of the commands of several workers (autopipeline)", []string{AttrPhase, AttrRound}},
	{PipelineCommands, "{command}", Counter, "commands in pipelines that the client made", []string{AttrPhase, AttrRound}},
	{PoolBrownOutActive, "{brownout}", Gauge, "1 while operations of the pool succeed, but all of them late", []string{AttrPool}},
	{PoolBrownOutLongest, "s", Gauge, "longest brown-out of the pool so far, one still going on included", []string{AttrPool}},
	{PoolOutageActive, "{outage}", Gauge, "1 while no operation of the pool succeeds although operations are due", []string{AttrPool}},
	{PoolOutageLongest, "s", Gauge, "longest outage of the pool so far, one still going on included", []string{AttrPool}},
	{ReceiverErrors, "{error}", Counter, "errors that receivers of messages got, by outcome class; panic for one of the client library", []string{AttrOutcome, AttrPool, AttrPhase, AttrRound}},
	{ReceiverRetries, "{attempt}", Counter, "tries that the client made unasked of commands in which receivers waited", []string{AttrPool, AttrPhase, AttrRound}},
	{ReceiverSubscription, "{subscription}", Counter, "subscriptions of receivers: first, again (confirmed once more) or ended (by the server, unasked)", []string{AttrPool, AttrResult, AttrPhase, AttrRound}},
	{Redirects, "{redirect}", Counter, "replies that sent a command to another node of a cluster: moved or ask", []string{AttrResult, AttrPhase, AttrRound}},
	{RelaxedDuration, "s", Histogram, "windows of relaxed timeouts, each of one connection; those still open at the end of the load up to then", []string{AttrPhase, AttrRound}},
	{RelaxedWindows, "{window}", Counter, "windows of relaxed timeouts: begun, open (still so at the end of the load), never_closed (of these, past all that could keep them open)", []string{AttrResult, AttrPhase, AttrRound}},
	{RepliesSilent, "{reply}", Counter, "replies that cannot belong to their command, and that the client gave all the same, without an error", []string{AttrPhase, AttrRound}},
	{RunInfo, "{run}", Gauge, "always 1; its attributes say what ran; mode is saturation, or absent", []string{"client.version", "config.hash", "mode", "seed"}},
	{SlotMapReads, "{read}", Counter, "times the client read the slot map of its cluster", []string{AttrPhase, AttrRound}},
	{SlotOutageActive, "{outage}", Gauge, "1 while no operation on the range of hash slots succeeds although some are sent", []string{AttrSlots}},
	{SlotOutageLongest, "s", Gauge, "longest outage of the range of hash slots so far, one still going on included", []string{AttrSlots}},
	{TargetRate, "{operation}/s", Gauge, "operations a second that the pool's schedule asks for at the end of the interval: 0 before the load and behind its end, none in a closed loop", []string{AttrPool}},
	{TelemetryExports, "{export}", Counter, "exports of metrics: ok or failed", []string{AttrResult}},
	{TelemetrySpans, "{span}", Counter, "spans that arrived (ok), and those that did not (lost); with --traces", []string{AttrResult}},
	{TracedOperations, "{operation}", Counter, "operations that failed, were wrong, late or slow, with --traces: traced, or beyond the bound a second (limited)", []string{AttrResult}},
}

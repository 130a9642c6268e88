package compare

import "schload/internal/bundle"

// Schema names the layout of summary.json.
const Schema = "schload.summary/1"

// Summary is summary.json: a run in numbers.
//
// Operations, errors, times and outages leave warm-up out. Of the counters
// that carry no phase (dials, closes, notices, handoffs, hidden attempts) the
// intervals are left out that lie, for the larger part, in warm-up. Connections are counted over
// the whole run, warm-up included.
type Summary struct {
	Schema         string         `json:"schema"`
	RunID          string         `json:"run_id"`
	Complete       bool           `json:"complete"` // the run ended as it was to, neither killed nor interrupted
	Valid          bool           `json:"valid"`    // nothing disqualifies its numbers
	InvalidReasons []string       `json:"invalid_reasons"`
	Mode           string         `json:"mode,omitempty"` // ModeSaturation, or absent
	Upgrade        Upgrade        `json:"upgrade"`
	Stage          string         `json:"stage"`
	Order          string         `json:"order,omitempty"`   // OrderPaired, or bundle.OrderSequential; absent where the run does not say
	Cluster        bool           `json:"cluster,omitempty"` // the arms were clients of an OSS cluster
	Rounds         int            `json:"rounds"`
	RoundsEnded    string         `json:"rounds_ended,omitempty"` // why there were no more, where the run decided
	PhaseSource    string         `json:"phase_source"`           // what decided on the phases: stage, notices, data or none
	Maintenance    []Span         `json:"maintenance"`            // when it was
	ClosedLoop     bool           `json:"closed_loop"`            // a pool waited for replies before it sent more: its response times hide waits
	LateAfter      bundle.Seconds `json:"late_after_s"`
	OutageAfter    bundle.Seconds `json:"outage_after_s"`
	Objective      float64        `json:"objective"` // the share of operations that is to succeed in time
	Arms           []Arm          `json:"arms"`
	Differences    []Difference   `json:"differences,omitempty"`  // over rounds; none of one round, or where the run is no evidence
	Expectations   []Expectation  `json:"expectations,omitempty"` // what became of the vendor's promise; none where the run is no evidence
	SLO            []SLOResult    `json:"slo,omitempty"`          // of the run's objectives, in each arm that they are for
	Saturation     *Saturation    `json:"saturation,omitempty"`   // of ModeSaturation
	Harness        Harness        `json:"harness"`
	Warnings       []string       `json:"warnings"`
	Injections     []string       `json:"injections,omitempty"` // faults that were ordered: the numbers are not of Redis
	Injected       map[string]int `json:"injected,omitempty"`   // faults that were done, by kind

	Unlike []Trait `json:"unlike,omitempty"` // in what the runs differ that are compared, of this one; never of a run alone

	Dir string `json:"-"` // the bundle it was computed from
}

// OrderPaired is the order of a run in which all arms met the same events.
const OrderPaired = "paired"

// Upgrade says what was played, and which of its numbers are assumptions.
type Upgrade struct {
	Name        string   `json:"name"`
	Title       string   `json:"title"`
	SCHSupport  string   `json:"sch_support"`
	Documented  string   `json:"documented,omitempty"` // what the vendor promises of handoffs for it
	Assumptions []string `json:"assumptions"`

	Simulated bool `json:"simulated,omitempty"` // with another stage than sim: whoever did it says that it is a simulator
}

// Arm is what one client configuration went through.
type Arm struct {
	Name           string            `json:"name"`
	SCH            SCH               `json:"sch"`
	Operations     Operations        `json:"operations"`
	Errors         map[string]uint64 `json:"errors"`         // failed operations by outcome class
	MissedReasons  map[string]uint64 `json:"missed_reasons"` // missed operations by reason
	AttemptsHidden uint64            `json:"attempts_hidden"`
	Phases         Phases            `json:"phases"`
	Connections    Connections       `json:"connections"`
	Notices        map[string]uint64 `json:"notices"` // received, by kind; each connection counts
	Handoffs       Handoffs          `json:"handoffs"`
	Redirects      Redirects         `json:"redirects,omitzero"`
	SlotMapReads   uint64            `json:"slot_map_reads,omitempty"`
	Outage         Outage            `json:"outage"`
	SlotRanges     []SlotRange       `json:"slot_ranges,omitempty"`
	Events         []Event           `json:"events,omitempty"`
	Rounds         []Round           `json:"rounds,omitempty"`
	Pools          []Pool            `json:"pools,omitempty"`
	WrongReplies   uint64            `json:"wrong_replies"`
	CrossedReplies uint64            `json:"crossed_replies"`
	SilentReplies  uint64            `json:"silent_replies,omitempty"` // of both, those that the client gave without an error: an application would have used them
	Integrity      Integrity         `json:"integrity,omitzero"`
	Attribution    Attribution       `json:"attribution,omitzero"`
	Little         Little            `json:"little,omitzero"`
}

// SCH is what the arm was asked to be and what the connections it used were
// found to be: on (all opted in), off (none), mixed, unknown, or NoneRaw.
type SCH struct {
	Requested   string `json:"requested"`
	Effective   string `json:"effective"`
	Connections uint64 `json:"connections"`
	OptedIn     uint64 `json:"opted_in"`
}

// Operations obeys due = ok + failed + missed. Late are those of OK that took
// longer than LateAfter.
type Operations struct {
	Due    uint64 `json:"due"`
	OK     uint64 `json:"ok"`
	Failed uint64 `json:"failed"`
	Missed uint64 `json:"missed"`
	Late   uint64 `json:"late"`
}

// Phases are the parts of the rounds, all rounds added up.
type Phases struct {
	Baseline    Phase `json:"baseline"`
	Maintenance Phase `json:"maintenance"`
	Recovery    Phase `json:"recovery"`
}

// Phase is one phase of one arm, by intended instant. ResponseTime and
// ServiceTime are those of successes, for the time of a failure says how
// timeouts are set; Lateness is that of all operations that were started.
type Phase struct {
	Operations   Operations `json:"operations"`
	ResponseTime Quantiles  `json:"response_time_s"`
	ServiceTime  Quantiles  `json:"service_time_s"`
	Lateness     Quantiles  `json:"lateness_s"`
}

// Quantiles of Count durations, wrong by at most 0.55 %; Max is exact. Zero
// when Count is.
type Quantiles struct {
	Count uint64         `json:"count"`
	P50   bundle.Seconds `json:"p50"`
	P95   bundle.Seconds `json:"p95"`
	P99   bundle.Seconds `json:"p99"`
	P999  bundle.Seconds `json:"p999"`
	Max   bundle.Seconds `json:"max"`
}

// Connections are those dialled (DialFailures of them in vain) and those that
// ended, by who closed them; ends because the run ended are not counted.
type Connections struct {
	Dials          uint64 `json:"dials"`
	DialFailures   uint64 `json:"dial_failures"`
	ClosedByServer uint64 `json:"closed_by_server"`
	ClosedByClient uint64 `json:"closed_by_client"`
}

// Handoffs of connections to another endpoint.
type Handoffs struct {
	Started   uint64 `json:"started"`
	Succeeded uint64 `json:"succeeded"`
	Failed    uint64 `json:"failed"`
}

// Redirects are the replies by which a node of a cluster sent a command to
// another one.
type Redirects struct {
	Moved uint64 `json:"moved"` // the slot has another owner
	Ask   uint64 `json:"ask"`   // the slot is on its way
}

// Harness is the tool about itself. Where it is saturated, it could not
// measure: the numbers are what it saw, and no verdict follows from them.
type Harness struct {
	Saturated        bool           `json:"saturated"`
	SaturatedReasons []string       `json:"saturated_reasons"`
	StartLag         bundle.Lag     `json:"start_lag_s"`
	CPU              CPU            `json:"cpu,omitzero"`
	Workers          []Workers      `json:"workers,omitempty"`
	Health           *bundle.Health `json:"health,omitempty"`    // nil: not measured, or the run was killed
	Processes        []Process      `json:"processes,omitempty"` // where every arm had one of its own; else all shared one
	MarksDropped     uint64         `json:"marks_dropped,omitempty"`
	Exports          bundle.Exports `json:"exports"`
}

// Process is how one of the processes of a run was whose arms had one each.
type Process struct {
	Arm      string         `json:"arm,omitempty"`         // absent: the process that hosted the stage
	StartLag *bundle.Lag    `json:"start_lag_s,omitempty"` // nil: not measured, as of the stage
	Health   *bundle.Health `json:"health,omitempty"`
}

// Raw is the mode of an arm without a client library, and NoneRaw what it was
// found to be. It calibrates the others and takes no part in verdicts.
const (
	Raw     = "raw"
	NoneRaw = "none (raw)"
)

// Raw says whether the arm has no client library.
func (a Arm) Raw() bool { return a.SCH.Requested == Raw }

// Arm returns the arm of that name.
func (s Summary) Arm(name string) (Arm, bool) {
	for _, a := range s.Arms {
		if a.Name == name {
			return a, true
		}
	}
	return Arm{}, false
}

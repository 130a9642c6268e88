package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Schema names the layout this package writes. The number rises when a reader
// of the old layout would misread the new one; added fields do not raise it.
const Schema = schemaName + "1"

const (
	schemaName    = "schload.bundle/"
	schemaVersion = 1
)

// Run is run.json: everything needed to know what was run and to run it
// again. Create redacts it; the caller need not.
type Run struct {
	Schema      string          `json:"schema"` // set by Create
	ID          string          `json:"run_id"`
	Started     time.Time       `json:"started"`           // the run's base instant: marks and intervals count from it
	Command     []string        `json:"command,omitempty"` // the command line
	Profile     json.RawMessage `json:"profile,omitempty"` // resolved: defaults and flags applied
	Arms        []Arm           `json:"arms"`
	Pools       []Pool          `json:"pools"`
	Upgrade     Upgrade         `json:"upgrade"`
	Stage       string          `json:"stage"`
	Order       string          `json:"order,omitempty"`      // OrderSequential: the arms took turns; absent: all were loaded at once
	Saturation  *Saturation     `json:"saturation,omitempty"` // the run looks for the ceiling of its target; nil: it loads at a rate
	Cluster     bool            `json:"cluster,omitempty"`    // the arms are clients of an OSS cluster
	Rounds      int             `json:"rounds"`               // 0: the run decides, see Played
	Seed        uint64          `json:"seed"`
	Speed       float64         `json:"speed"` // of the upgrade; 1 is its own pace
	LateAfter   Seconds         `json:"late_after_s"`
	OutageAfter Seconds         `json:"outage_after_s"`
	Injections  []string        `json:"injections,omitempty"`  // faults that the simulator was ordered to do: the run is no measurement of Redis
	Objective   float64         `json:"objective,omitempty"`   // the share of operations that is to succeed in time, below 1
	SLO         []string        `json:"slo,omitempty"`         // service level objectives, such as maintenance.failed_ratio < 0.001
	SlotRanges  []SlotRange     `json:"slot_ranges,omitempty"` // whose outages are told apart
	Worker      *Worker         `json:"worker,omitempty"`      // one of several that load together; nil: it loads alone
	Isolated    *Isolated       `json:"isolated,omitempty"`    // every arm had a process of its own; nil: they shared one
	Merge       *Merge          `json:"merge,omitempty"`       // what it was added up from; nil: it was recorded
	Environment Environment     `json:"environment"`
	Versions    Versions        `json:"versions"`
	Final       *Final          `json:"final,omitempty"` // set by Finish; its absence says the run is incomplete

	// Secrets are passwords known by value. They are not stored; wherever one
	// occurs in free text (command, profile, details, reasons), it is hidden.
	Secrets []string `json:"-"`
}

// OrderSequential is the order of a run whose arms took turns in every round,
// each with its own playing of the upgrade.
const OrderSequential = "sequential"

// Worker says which of several runs that load together this is, and when they
// agreed to start.
type Worker struct {
	Index   int       `json:"index"` // from 0
	Workers int       `json:"workers"`
	StartAt time.Time `json:"start_at"`
}

// Isolated says that every arm of the run had a process of its own.
type Isolated struct {
	Arms    []string `json:"arms"`              // of the run, in order
	Process string   `json:"process,omitempty"` // whose bundle it is, arm or stage; absent: all of them, merged
}

// The processes of a run whose arms have one each: StageProcess hosts the stage
// and leads, an ArmProcess loads one arm.
const (
	StageProcess = "stage"
	ArmProcess   = "arm"
)

// Arm is one client configuration. Requested is its mode: on, off,
// auto or raw.
type Arm struct {
	Name      string          `json:"name"`
	Requested string          `json:"requested"`
	Settings  json.RawMessage `json:"settings,omitempty"`
}

// Pool is one worker pool, Operations its commands by index of the mix.
type Pool struct {
	Name       string          `json:"name"`
	Kind       string          `json:"kind,omitempty"`      // commands (or absent), canary, pubsub, ...
	Receivers  int             `json:"receivers,omitempty"` // of each channel, of kinds that deliver messages
	Operations []string        `json:"operations"`
	Arrival    string          `json:"arrival,omitempty"` // constant, poisson or closed
	Settings   json.RawMessage `json:"settings,omitempty"`
}

// SlotRange is the hash slots From to To, both included.
type SlotRange struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Saturation is how a run keeps its target busy.
type Saturation struct {
	Pipelining string `json:"pipelining"` // pipelines or autopipeline
	Workers    int    `json:"workers"`
	Depth      int    `json:"depth,omitempty"` // of a worker's pipelines; 0: the client decides, or pools differ
}

// Upgrade is the choreography that was played.
type Upgrade struct {
	Name        string          `json:"name"`
	Title       string          `json:"title,omitempty"`
	SCHSupport  string          `json:"sch_support,omitempty"` // full, partial, relaxed or none
	Documented  string          `json:"documented,omitempty"`  // what the vendor promises of handoffs for it
	Simulated   bool            `json:"simulated,omitempty"`   // with another stage than sim: whoever did it says that it is a simulator
	Parameters  []Parameter     `json:"parameters,omitempty"`
	Assumptions []string        `json:"assumptions,omitempty"`
	Plan        json.RawMessage `json:"plan,omitempty"` // the actions with their instants, as resolved from seed and speed
}

// Parameter is one number of an upgrade and where it comes from: measured,
// documented, test or assumption.
type Parameter struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Origin string `json:"origin,omitempty"`
	Note   string `json:"note,omitempty"`
}

// Environment is the machine that made the load. Hostname stays empty unless
// the user asks for it: bundles are meant to be shown to others.
type Environment struct {
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	CPUs     int    `json:"cpus"`
	Go       string `json:"go"`
	Hostname string `json:"hostname,omitempty"`
}

// Versions are those of the tool and of the client under test.
type Versions struct {
	Schload string `json:"schload"`
	GoRedis string `json:"go_redis"`
}

// Final is how the run ended. Totals are not in it: they are computed from
// the intervals.
type Final struct {
	Ended          time.Time `json:"ended"`
	Valid          bool      `json:"valid"`
	InvalidReasons []string  `json:"invalid_reasons,omitempty"`
	Arms           []Proof   `json:"arms,omitempty"`
	StartLag       *Lag      `json:"start_lag_s,omitempty"` // of the pacer; nil: not measured
	Health         *Health   `json:"health,omitempty"`      // of the harness and its machine; nil: not measured
	Exports        Exports   `json:"exports"`
	Interrupted    bool      `json:"interrupted,omitempty"`   // ended before its time, by the user
	MarksDropped   uint64    `json:"marks_dropped,omitempty"` // by those who make marks; Finish adds the bundle's own
	Lines          *Lines    `json:"lines,omitempty"`         // set by Finish; nil: a bundle from before they were counted

	Injected map[string]int `json:"injected,omitempty"` // faults that the simulator did, by kind

	Rounds      int    `json:"rounds,omitempty"`       // that were played whole, where the run decided how many
	RoundsEnded string `json:"rounds_ended,omitempty"` // and why there were no more
}

// Lines is how many lines a run wrote. A file that was cut off between two of
// them shows it by nothing else.
type Lines struct {
	Intervals uint64 `json:"intervals"`
	Marks     uint64 `json:"marks"`
}

// Played is how many rounds the run was to play or, where it decided itself,
// did; 0 where that is not known.
func (r Run) Played() int {
	if r.Rounds == 0 && r.Final != nil {
		return r.Final.Rounds
	}
	return r.Rounds
}

// Proof is what the connections of one arm were found to be.
type Proof struct {
	Name        string `json:"name"`
	Requested   string `json:"requested"`
	Effective   string `json:"effective"` // on, off, mixed or unknown; none (raw) for bare connections
	Connections uint64 `json:"connections"`
	OptedIn     uint64 `json:"opted_in"`

	Refused       uint64            `json:"refused,omitempty"`        // opt-ins that the server answered with an error
	RefusedText   string            `json:"refused_text,omitempty"`   // the first of these errors
	Protocols     map[string]uint64 `json:"protocols,omitempty"`      // connections used, by RESP version
	EndpointTypes map[string]uint64 `json:"endpoint_types,omitempty"` // opt-ins sent, by what MOVING was asked to name
	Server        string            `json:"server,omitempty"`         // name and version, as HELLO told them

	Notes []string `json:"notes,omitempty"` // what one should know of an arm that is valid
}

// Lag is how late operations were started, in quantiles.
type Lag struct {
	Count uint64  `json:"count,omitempty"` // of operations; 0: a bundle from before it was written
	P50   Seconds `json:"p50"`
	P99   Seconds `json:"p99"`
	Max   Seconds `json:"max"`
}

// Exports counts the intervals sent to a collector, and what it lacks of the
// run: what is lost there is in the bundle all the same.
type Exports struct {
	Sent       uint64 `json:"sent"`
	Failed     uint64 `json:"failed"`
	Held       uint64 `json:"held,omitempty"`        // left out to spare a receiver that failed; a later one carried the totals
	Overflowed uint64 `json:"overflowed,omitempty"`  // how often a series beyond the bound of its metric was merged with others
	SpansLost  uint64 `json:"spans_lost,omitempty"`  // of operations that were traced
	EventsLost uint64 `json:"events_lost,omitempty"` // log events of marks, each way out for itself
}

// Add takes the exports of another process of the same run into the sum.
func (e *Exports) Add(o Exports) {
	e.Sent += o.Sent
	e.Failed += o.Failed
	e.Held += o.Held
	e.Overflowed += o.Overflowed
	e.SpansLost += o.SpansLost
	e.EventsLost += o.EventsLost
}

// validate says what a reader could not do without.
func (r Run) validate() error {
	switch {
	case r.ID == "":
		return errors.New("run without an id: set Run.ID")
	case r.Started.IsZero():
		return fmt.Errorf("run %s without a start: set Run.Started to the base instant", r.ID)
	case len(r.Arms) == 0 && (r.Isolated == nil || r.Isolated.Process != StageProcess):
		return fmt.Errorf("run %s without arms: set Run.Arms", r.ID)
	}
	seen := map[string]bool{"": true} // the empty name is the run's own
	for _, a := range r.Arms {
		if seen[a.Name] {
			return fmt.Errorf("run %s: arm name %q is empty or used twice", r.ID, a.Name)
		}
		seen[a.Name] = true
	}
	return nil
}

// redacted returns r as it may be stored.
func (r Run) redacted() (Run, error) {
	h := redactor{r.Secrets}
	r.Command = h.args(r.Command)
	var err error
	if r.Profile, err = h.raw(r.Profile); err != nil {
		return r, fmt.Errorf("profile of run %s: %w", r.ID, err)
	}
	if r.Upgrade.Plan, err = h.raw(r.Upgrade.Plan); err != nil {
		return r, fmt.Errorf("plan of upgrade %s: %w", r.Upgrade.Name, err)
	}
	r.Upgrade.Parameters = append([]Parameter(nil), r.Upgrade.Parameters...)
	for i, p := range r.Upgrade.Parameters {
		r.Upgrade.Parameters[i].Value, r.Upgrade.Parameters[i].Note = h.text(p.Value), h.text(p.Note)
	}
	r.Arms = append([]Arm(nil), r.Arms...)
	for i, a := range r.Arms {
		if r.Arms[i].Settings, err = h.raw(a.Settings); err != nil {
			return r, fmt.Errorf("settings of arm %s: %w", a.Name, err)
		}
	}
	r.Pools = append([]Pool(nil), r.Pools...)
	for i, p := range r.Pools {
		if r.Pools[i].Settings, err = h.raw(p.Settings); err != nil {
			return r, fmt.Errorf("settings of pool %s: %w", p.Name, err)
		}
	}
	return r, nil
}

func (f Final) redacted(h redactor) Final {
	f.InvalidReasons = append([]string(nil), f.InvalidReasons...)
	for i, reason := range f.InvalidReasons {
		f.InvalidReasons[i] = h.text(reason)
	}
	f.Arms = append([]Proof(nil), f.Arms...)
	for i, p := range f.Arms {
		f.Arms[i].RefusedText = h.text(p.RefusedText)
	}
	return f
}

// readable says whether this package may read a bundle of the given schema.
func readable(schema string) error {
	number, ok := strings.CutPrefix(schema, schemaName)
	version, err := strconv.Atoi(number)
	switch {
	case !ok || err != nil || version < 1:
		return fmt.Errorf("schema %q is not one of schload's (want %s)", schema, Schema)
	case version > schemaVersion:
		return fmt.Errorf("schema %s is newer than %s, the newest this schload reads: read it with the schload that wrote it or a newer one", schema, Schema)
	}
	return nil
}

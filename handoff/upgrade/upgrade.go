package upgrade

import (
	"fmt"
	"slices"
	"strings"
)

// Upgrade is one choreography as written, every expression still text. It is
// plain data; only Parse and Load make one that is known to be sound.
type Upgrade struct {
	Name       string // endpoint-rebind
	Title      string
	Summary    string   // one sentence
	Prose      string   // paragraphs, an empty line between them
	Database   Database // what it is played on
	Replicas   string   // needed: one takes over; empty: they do not matter
	SCH        Support
	Documented string // what the vendor promises of handoffs for it
	Parameters []Parameter
	Steps      []Step
	TTL        string // expression: time to live of the endpoint's records; empty: not said
	Settle     string // expression: how long after its last step the upgrade is over
	File       string // for errors
}

// Needed says of replicas that an upgrade cannot be played without them.
const Needed = "needed"

// Parameter is one number of a choreography, or one text, with its origin.
type Parameter struct {
	Name   string
	Kind   Kind
	Value  string // 15s, 0.7s..4.1s (drawn uniformly), {4.4s, 9.7s} (one of them)
	Known  string // what else the same source vouches for, a range or a choice; may be empty
	Origin Origin
	Source string // who says so
	Help   string // what it means
	Line   int    // in the file

	Written *Parameter // as the file has it, when Set changed it
}

// Step is one act of a choreography. At, For, Delay and Every are expressions:
// names of parameters and literal durations joined by + and -. Seconds, Shards,
// Slots, Writes, Repeat and When are names of parameters.
type Step struct {
	At       string
	Act      Act
	Node, To Role
	Notice   string // MOVING
	Seconds  string
	Shards   string
	Writes   string // how many; 0: the step is not played
	Slots    string // all, a share (50%), a count (100) or ranges (8892-8991)
	For      string
	Delay    string
	Repeat   string // how often the step is played, each time Every later; empty: once
	Every    string
	When     string // parameter that says yes or no: whether the step is played; empty: it is
	Detail   string // {name} stands for the value of a parameter
	Origin   Origin // of the step's literals, and of a step that rests on no parameter
	Source   string
	Line     int // in the file
}

// Origin says where a number comes from. Reports repeat it: a result that
// rests on an assumption says so.
type Origin string

// The origins, from firm to weak.
const (
	Measured   Origin = "measured"   // on a real deployment, by the cited source
	Documented Origin = "documented" // official documentation
	Client     Origin = "client"     // read in client source
	Test       Origin = "test"       // a client's test expectation or mock: no proof of server behaviour
	Assumption Origin = "assumption" // ours; nothing public found
)

var origins = []Origin{Measured, Documented, Client, Test, Assumption}

// weaker returns the weaker of two origins; the empty one is firmer than all.
func weaker(a, b Origin) Origin {
	for i := len(origins) - 1; i >= 0; i-- {
		if a == origins[i] || b == origins[i] {
			return origins[i]
		}
	}
	return ""
}

// weak reports whether results that rest on the origin must say so.
func (o Origin) weak() bool { return o == Test || o == Assumption }

// Support is the level of help that the documentation promises of handoffs.
type Support string

// The levels.
const (
	Full    Support = "full"    // handoff before the close, and relaxed timeouts
	Partial Support = "partial" // for a part of the event
	Relaxed Support = "relaxed" // relaxed timeouts alone: no connection is handed off
	None    Support = "none"    // no notice is sent
)

var supports = []Support{Full, Partial, Relaxed, None}

// Assumptions returns one sentence for each parameter and step that rests on
// a test expectation or on an assumption, in the order of the file. Whoever
// shows a result of this upgrade shows them too.
func (u Upgrade) Assumptions() []string {
	var sentences []string
	say := func(subject string, origin Origin, source string) {
		if !origin.weak() {
			return
		}
		noun := "an assumption"
		if origin == Test {
			noun = "a test expectation"
		}
		sentences = append(sentences, fmt.Sprintf("%s is %s: %s", subject, noun, source))
	}
	for _, p := range u.Parameters {
		if !u.unused(p) {
			say(p.Name+" = "+p.Value, p.Origin, p.Source)
		}
	}
	for i, s := range u.Steps {
		say(fmt.Sprintf("step %d (%s)", i+1, s.title()), s.Origin, s.Source)
	}
	return sentences
}

// unused reports whether a parameter says that its step is not played.
func (u Upgrade) unused(p Parameter) bool {
	return p.Value == "0" && slices.ContainsFunc(u.Steps, func(s Step) bool { return s.Writes == p.Name })
}

// at says in which step an error is.
func (u Upgrade) at(step int, err error) error {
	s := u.Steps[step]
	return &Error{File: u.File, Line: s.Line, Err: fmt.Errorf("step %d (%s): %w", step+1, s.title(), err)}
}

// title names the step in few words: "notify MOVING", "close old".
func (s Step) title() string {
	words := []string{string(s.Act)}
	switch {
	case s.Notice != "":
		words = append(words, s.Notice)
	case s.Node != "":
		words = append(words, string(s.Node))
	}
	return strings.Join(words, " ")
}

// parameter finds a parameter by name.
func (u Upgrade) parameter(name string) (Parameter, bool) {
	for _, p := range u.Parameters {
		if p.Name == name {
			return p, true
		}
	}
	return Parameter{}, false
}

// names lists the parameters in the order of the file.
func (u Upgrade) names() []string {
	var names []string
	for _, p := range u.Parameters {
		names = append(names, p.Name)
	}
	return names
}

package sim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"schload/handoff/notice"
)

// Support says how the database answers opt-ins to maintenance notices, and
// what it tells connections that opt in late. The zero value is the behaviour
// captured from Redis Software 8.0.22; each switch imitates a server that
// differs.
type Support struct {
	// Unsupported answers as servers without the feature do: unknown
	// subcommand. UnsupportedNodes does so on the nodes numbered, from 1: a
	// fleet of mixed versions.
	Unsupported      bool
	UnsupportedNodes []int

	// Disabled answers as a cluster on which the feature is switched off.
	// DisabledError replaces the error's text; the real one is unpublished
	// (assumption: the text that client documentation quotes).
	Disabled      bool
	DisabledError string

	// RefuseRESP2 refuses the opt-in of a RESP2 connection. Servers accept it
	// and then never send anything (documented).
	RefuseRESP2 bool

	// RefuseTypes refuses these endpoint types: internal-ip, internal-fqdn,
	// external-ip, external-fqdn, none.
	RefuseTypes []string

	// ForgetCompletion does not repeat the newest MIGRATED or FAILED_OVER to
	// connections that opt in later. Servers repeat it for hours (measured).
	ForgetCompletion bool

	// ForgetMoving does not send an open MOVING to connections that opt in
	// during its window. Servers do, with the remaining time (measured).
	ForgetMoving bool

	// ForgetSMigrating does not send an open SMIGRATING to connections that opt
	// in during its window. Servers do (the tests of redis-py and node-redis).
	ForgetSMigrating bool

	// RetainSMigrated repeats the newest SMIGRATED to connections that opt in
	// later, as if it were a MIGRATED. Servers do not (measured); a test of
	// redis-py is named as if they did.
	RetainSMigrated bool

	// RepeatOpeners sends an open MIGRATING or FAILING_OVER, too, to connections
	// that opt in during its window. Real servers were seen not to retain them
	// (measured); the tests of redis-py expect them.
	RepeatOpeners bool

	// Shape changes the form of notices: drafts of the protocol, and what the
	// test doubles of clients send. Default: as captured.
	Shape notice.Shape

	// Endpoint, if set, is what MOVING names instead of the new address, to
	// connections that asked for one: a placeholder such as "?" or ":7002",
	// which clients must not dial.
	Endpoint string

	// FirstSeq is the sequence of the first notice; 0 on a fresh database
	// (measured). Lettuce's tests want 1.
	FirstSeq int64
}

// supportSwitch is one field of Support by the name flags and scripts use.
type supportSwitch struct {
	name string
	set  func(s *Support, value string) error
}

// supportSwitches are those that take no value, and then those that do.
var supportSwitches = []supportSwitch{
	{"unsupported", bare(func(s *Support) { s.Unsupported = true })},
	{"disabled", bare(func(s *Support) { s.Disabled = true })},
	{"refuse-resp2", bare(func(s *Support) { s.RefuseRESP2 = true })},
	{"forget-completion", bare(func(s *Support) { s.ForgetCompletion = true })},
	{"forget-moving", bare(func(s *Support) { s.ForgetMoving = true })},
	{"forget-smigrating", bare(func(s *Support) { s.ForgetSMigrating = true })},
	{"retain-smigrated", bare(func(s *Support) { s.RetainSMigrated = true })},
	{"repeat-openers", bare(func(s *Support) { s.RepeatOpeners = true })},
	{"unsupported-node=N", func(s *Support, value string) error {
		n, err := strconv.Atoi(value)
		s.UnsupportedNodes = append(s.UnsupportedNodes, n)
		return err
	}},
	{"refuse-type=TYPE", func(s *Support, value string) error {
		s.RefuseTypes = append(s.RefuseTypes, value)
		return nil
	}},
	{"disabled-error=TEXT", func(s *Support, value string) error {
		s.Disabled, s.DisabledError = true, value
		return nil
	}},
	{"first-seq=N", func(s *Support, value string) (err error) {
		s.FirstSeq, err = strconv.ParseInt(value, 10, 64)
		return err
	}},
	{"frames=SHAPE", func(s *Support, value string) error {
		shape, err := notice.ParseShape(value)
		s.Shape |= shape
		return err
	}},
	{"endpoint=TEXT", func(s *Support, value string) error {
		s.Endpoint = value
		return nil
	}},
}

func bare(set func(*Support)) func(*Support, string) error {
	return func(s *Support, _ string) error {
		set(s)
		return nil
	}
}

// SupportSwitches are the names Set knows, with what stands for their values:
// forget-moving, first-seq=N.
func SupportSwitches() []string {
	var names []string
	for _, known := range supportSwitches {
		names = append(names, known.name)
	}
	return names
}

// Set changes one switch by its name: forget-moving, first-seq=1. Those for
// nodes, types and frame shapes may be set more than once and add up.
func (s *Support) Set(assignment string) error {
	name, value, valued := strings.Cut(assignment, "=")
	for _, known := range supportSwitches {
		word, placeholder, wants := strings.Cut(known.name, "=")
		if word != name {
			continue
		}
		if wants != valued {
			return fmt.Errorf("switch %q: want %s", assignment, known.name)
		}
		if err := known.set(s, value); err != nil {
			return fmt.Errorf("switch %s: want a %s, got %.40q: %w", name, strings.ToLower(placeholder), value, err)
		}
		return nil
	}
	return fmt.Errorf("unknown switch %.40q: want one of %s", assignment, strings.Join(SupportSwitches(), ", "))
}

const defaultDisabledError = "ERR maintenance notifications are disabled on this server"

// validate returns every fault at once and changes nothing.
func (s Support) validate(nodes int) error {
	var errs []error
	for _, n := range s.UnsupportedNodes {
		if n < 1 || n > nodes {
			errs = append(errs, fmt.Errorf("support: unsupported node %d does not exist: want 1..%d", n, nodes))
		}
	}
	for _, name := range s.RefuseTypes {
		if _, ok := parseEndpointType(name); !ok {
			errs = append(errs, fmt.Errorf("support: unknown endpoint type %q: want one of %s", name, strings.Join(endpointTypes[:], ", ")))
		}
	}
	if s.FirstSeq < 0 {
		errs = append(errs, fmt.Errorf("support: first sequence %d is negative: want 0 or more", s.FirstSeq))
	}
	return errors.Join(errs...)
}

func (s Support) unsupportedOn(node int) bool {
	return s.Unsupported || slices.Contains(s.UnsupportedNodes, node+1)
}

// endpointType is how a connection wants to be told where an endpoint moves.
type endpointType uint8

const (
	noEndpoint endpointType = iota // none, or no type in the opt-in
	internalIP
	internalFQDN
	externalIP
	externalFQDN
)

var endpointTypes = [...]string{"none", "internal-ip", "internal-fqdn", "external-ip", "external-fqdn"}

func (t endpointType) String() string { return endpointTypes[t] }

// parseEndpointType reads a type in any letter case.
func parseEndpointType(name string) (endpointType, bool) {
	for i, known := range endpointTypes {
		if strings.EqualFold(known, name) {
			return endpointType(i), true
		}
	}
	return 0, false
}

// FrameShapes lists the values of the switch frames, for people.
func FrameShapes() string { return strings.Join(notice.ShapeNames(), ", ") }

package handoff

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"schload/internal/spelling"
)

// The modes of an arm. They are strings because they are written in flags,
// profiles and bundles.
const (
	On   = "on"   // opt in; a server that refuses fails the connection
	Off  = "off"  // never opt in
	Auto = "auto" // opt in; a server that refuses turns it off for the whole client
	Raw  = "raw"  // no client library: bare connections that calibrate the other arms, see package raw
)

// The endpoint types a client can ask MOVING to name. AutoEndpoint is derived
// by Open from the target: names for TLS, addresses otherwise; internal for a
// private or loopback target.
const (
	AutoEndpoint = "auto"
	InternalIP   = "internal-ip"
	InternalFQDN = "internal-fqdn"
	ExternalIP   = "external-ip"
	ExternalFQDN = "external-fqdn"
	NoEndpoint   = "none" // MOVING names nothing; reconnect to the configured address after half the time
)

// Arm is one client configuration under load. A zero field means its default;
// Resolve writes the defaults out. Timeouts and pool are the same for all arms
// unless an arm exists to differ in them: two arms that differ in two things
// explain nothing.
//
// The defaults are those of go-redis v9.23, except where a comment says so.
type Arm struct {
	Name         string `yaml:"name"`                    // label in every output; the preset's name by default
	Mode         string `yaml:"mode"`                    // on, off, auto or raw
	EndpointType string `yaml:"endpoint_type,omitempty"` // default auto
	Protocol     int    `yaml:"protocol,omitempty"`      // RESP 2 or 3; default 3

	MaxRetries  int `yaml:"max_retries,omitempty"`  // further tries of a command; default 3, -1 none. On a cluster redirects are among them: with -1 a MOVED is an error
	DialRetries int `yaml:"dial_retries,omitempty"` // tries of one dial, 100 ms apart; default 5

	DialTimeout  time.Duration `yaml:"dial_timeout,omitempty"`  // default 5s
	ReadTimeout  time.Duration `yaml:"read_timeout,omitempty"`  // default 5s
	WriteTimeout time.Duration `yaml:"write_timeout,omitempty"` // default 5s
	PoolTimeout  time.Duration `yaml:"pool_timeout,omitempty"`  // wait for a free connection; default 6s, also where the library would follow a longer read timeout

	RelaxedTimeout     time.Duration `yaml:"relaxed_timeout,omitempty"`      // replaces read and write timeout while relaxed; default 10s, -1ns as read timeout
	PostHandoffRelaxed time.Duration `yaml:"post_handoff_relaxed,omitempty"` // how long a moved connection stays relaxed; default twice the relaxed timeout
	HandoffTimeout     time.Duration `yaml:"handoff_timeout,omitempty"`      // of one try, and the pause before the next; default 15s, must exceed the dial timeout

	PoolSize         int `yaml:"pool_size,omitempty"`          // connections, on a cluster to each node; default twice the workers, at least 10: fewer turn handoffs into reconnects to the old address
	PipelinePoolSize int `yaml:"pipeline_pool_size,omitempty"` // default 0: pipelines share the pool (the library would give them 10 connections of their own), so that every connection under load was opened and proved by Warm

	// MaxActiveConns bounds the connections in use; default 0, no bound, which is
	// what an arm should have: a bound that leaves no room turns handoffs into
	// "pool exhausted" and crosses replies, see docs/FINDINGS.md.
	MaxActiveConns int `yaml:"max_active_conns,omitempty"`

	ConnMaxLifetime       time.Duration `yaml:"conn_max_lifetime,omitempty"`        // default 0, forever
	ConnMaxLifetimeJitter time.Duration `yaml:"conn_max_lifetime_jitter,omitempty"` // default 0
}

// relaxedAsRead as RelaxedTimeout says that relaxing changes nothing. It is a
// word rather than a figure because the read timeout may be set afterwards.
const relaxedAsRead = -1

// Preset is an arm known by name.
type Preset struct {
	Arm
	Isolates string // what comparing it shows
}

// Presets returns the arms known by name, in the order help texts list them.
func Presets() []Preset {
	return []Preset{
		{Arm{Name: "on", Mode: On}, "the product: handoffs and relaxed timeouts, retries as the library ships them"},
		{Arm{Name: "off", Mode: Off}, "what a client does that never opts in, retries as the library ships them"},
		{Arm{Name: "auto", Mode: Auto}, "what a client does that nobody configured: opt in, or silently go without"},
		{Arm{Name: "on-noretry", Mode: On, MaxRetries: -1}, "what handoffs alone prevent"},
		{Arm{Name: "off-noretry", Mode: Off, MaxRetries: -1}, "the raw damage"},
		{Arm{Name: "off-relaxed", Mode: Off, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}, "long timeouts without handoffs"},
		{Arm{Name: "on-tight", Mode: On, RelaxedTimeout: relaxedAsRead}, "handoffs without relaxed timeouts"},
		{Arm{Name: "off-dns", Mode: Off, ConnMaxLifetime: 20 * time.Second, ConnMaxLifetimeJitter: 5 * time.Second}, "reconnecting by DNS: a connection lives 15 to 25 s, each dial resolves anew"},
		{Arm{Name: "on-none", Mode: On, EndpointType: NoEndpoint}, "reconnecting to the same name after half the announced time"},
		{Arm{Name: "off-resp2", Mode: Off, Protocol: 2}, "the old protocol, which cannot carry notices"},
		{Arm{Name: "raw", Mode: Raw}, "calibration: bare sockets without a client library, no retries, no pool; not for judging handoffs"},
	}
}

// ParseArm reads "preset" or "preset+option=value+option=value": the preset's
// arm with options set, named by the whole text unless a name option is given.
// Options are the fields of Arm as profiles spell them:
//
//	on
//	off-noretry
//	on+read_timeout=300ms+max_retries=-1
func ParseArm(name string) (Arm, error) {
	base, options, varied := strings.Cut(name, "+")
	a, err := preset(base)
	if err != nil {
		return Arm{}, err
	}
	if !varied {
		return a, nil
	}
	a.Name = name
	for option := range strings.SplitSeq(options, "+") {
		if err := a.Set(option); err != nil {
			return Arm{}, fmt.Errorf("arm %q: %w", name, err)
		}
	}
	return a, a.Validate()
}

func preset(name string) (Arm, error) {
	known := make([]string, 0, 11)
	for _, p := range Presets() {
		if p.Name == name {
			return p.Arm, nil
		}
		known = append(known, p.Name)
	}
	return Arm{}, fmt.Errorf("unknown arm %q%s; known are %s", name, spelling.Hint(name, known), strings.Join(known, ", "))
}

// Resolve returns the arm with every default written out, for a load of so
// many workers.
func (a Arm) Resolve(workers int) Arm {
	a.Name = cmp.Or(a.Name, a.Mode)
	if a.Mode == Raw {
		return a.resolveRaw()
	}
	a.EndpointType = cmp.Or(a.EndpointType, AutoEndpoint)
	a.Protocol = cmp.Or(a.Protocol, 3)
	a.MaxRetries = cmp.Or(a.MaxRetries, 3)
	a.DialRetries = cmp.Or(a.DialRetries, 5)
	a.DialTimeout = cmp.Or(a.DialTimeout, 5*time.Second)
	a.ReadTimeout = cmp.Or(a.ReadTimeout, 5*time.Second)
	a.WriteTimeout = cmp.Or(a.WriteTimeout, 5*time.Second)
	a.PoolTimeout = cmp.Or(a.PoolTimeout, 6*time.Second)
	if a.RelaxedTimeout == relaxedAsRead {
		a.RelaxedTimeout = a.ReadTimeout
	}
	a.RelaxedTimeout = cmp.Or(a.RelaxedTimeout, 10*time.Second)
	a.PostHandoffRelaxed = cmp.Or(a.PostHandoffRelaxed, 2*a.RelaxedTimeout)
	a.HandoffTimeout = cmp.Or(a.HandoffTimeout, 15*time.Second)
	a.PoolSize = cmp.Or(a.PoolSize, max(10, 2*workers))
	return a
}

// Validate reports everything that is wrong with the arm, joined.
func (a Arm) Validate() error {
	if a.Mode == Raw {
		return a.validateRaw()
	}
	r := a.Resolve(0)
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf("arm %q: "+format, append([]any{r.Name}, args...)...))
		}
	}
	check(validName(r.Name), "name: want 1 to 100 letters, digits or one of -_.+=, got %q", r.Name)
	check(oneOf(r.Mode, On, Off, Auto), "mode %q: want on, off, auto or raw", r.Mode)
	check(oneOf(r.EndpointType, AutoEndpoint, InternalIP, InternalFQDN, ExternalIP, ExternalFQDN, NoEndpoint),
		"endpoint_type %q: want auto, none, internal-ip, internal-fqdn, external-ip or external-fqdn", r.EndpointType)
	check(r.Protocol == 2 || r.Protocol == 3, "protocol %d: want 2 or 3", r.Protocol)
	check(r.Protocol != 2 || r.Mode == Off, "protocol 2 with mode %s: notices need RESP3; use protocol 3 or mode off", r.Mode)
	check(r.MaxRetries >= -1, "max_retries %d: want 0 or more, or -1 for none", r.MaxRetries)
	check(r.DialRetries > 0, "dial_retries %d: want 1 or more", r.DialRetries)
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"dial_timeout", r.DialTimeout}, {"read_timeout", r.ReadTimeout}, {"write_timeout", r.WriteTimeout},
		{"pool_timeout", r.PoolTimeout}, {"relaxed_timeout", r.RelaxedTimeout},
		{"post_handoff_relaxed", r.PostHandoffRelaxed}, {"handoff_timeout", r.HandoffTimeout},
	} {
		check(d.value >= time.Millisecond, "%s %v: want at least 1ms", d.name, d.value)
	}
	check(r.HandoffTimeout > r.DialTimeout, "handoff_timeout %v: want more than dial_timeout %v", r.HandoffTimeout, r.DialTimeout)
	check(r.PoolSize > 0, "pool_size %d: want 1 or more", r.PoolSize)
	check(r.PipelinePoolSize >= 0, "pipeline_pool_size %d: want 0 or more", r.PipelinePoolSize)
	check(r.MaxActiveConns >= 0, "max_active_conns %d: want 0 (no bound) or more", r.MaxActiveConns)
	check(r.ConnMaxLifetime >= 0, "conn_max_lifetime %v: want 0 or more", r.ConnMaxLifetime)
	check(r.ConnMaxLifetimeJitter >= 0 && r.ConnMaxLifetimeJitter <= r.ConnMaxLifetime,
		"conn_max_lifetime_jitter %v: want 0 to conn_max_lifetime %v", r.ConnMaxLifetimeJitter, r.ConnMaxLifetime)
	return errors.Join(wrong...)
}

// validName keeps names usable as a file name, a flag and a metric label.
func validName(name string) bool {
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_.+=", r):
		default:
			return false
		}
	}
	return len(name) > 0 && len(name) <= 100
}

func oneOf(text string, allowed ...string) bool {
	for _, a := range allowed {
		if text == a {
			return true
		}
	}
	return false
}

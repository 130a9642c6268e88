package profiles

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"schload/handoff"
	"schload/handoff/stage"
	"schload/handoff/upgrade"
	"schload/internal/yamlfile"
	"schload/workload"
)

// Profile is what one run does. The zero value of a field means its default,
// which WithDefaults writes out.
type Profile struct {
	Name     string            `yaml:"name,omitempty"` // default: the file's
	Summary  string            `yaml:"summary,omitempty"`
	Upgrade  string            `yaml:"upgrade,omitempty"`  // name in the catalog
	Set      map[string]string `yaml:"set,omitempty"`      // the upgrade's parameters, by name
	Stage    string            `yaml:"stage,omitempty"`    // sim, manual, command, fault-injector or none
	Target   string            `yaml:"target,omitempty"`   // redis:// URL, with any stage but sim
	Resolver string            `yaml:"resolver,omitempty"` // host:port of the name server that is asked for the target's names; default: the system's
	Cluster  bool              `yaml:"cluster,omitempty"`  // the target is an OSS cluster; with stage sim the upgrade says so
	TLS      handoff.TLS       `yaml:"tls,omitempty"`      // for a rediss:// target
	Faults   []string          `yaml:"faults,omitempty"`   // of the simulator: ask, cluster-down, read-only
	Shards   []string          `yaml:"shards,omitempty"`   // redis:// URLs behind the simulator; none: in process
	Arms     []Arm             `yaml:"arms,omitempty"`
	Pools    []Pool            `yaml:"pools,omitempty"`

	Connections int `yaml:"connections,omitempty"` // that each arm opens before the load, on a cluster to each node; default one for each worker

	Attributes map[string]string `yaml:"attributes,omitempty"` // of the resource of exported metrics, such as site: lab

	Integrity string `yaml:"integrity,omitempty"` // what is checked against a ledger: sample, all or none; default sample

	Saturate string `yaml:"saturate,omitempty"` // pipelines (or true) or autopipeline: find out what the target carries, compare nothing

	UpgradeCommand string   `yaml:"upgrade_command,omitempty"` // for sh -c, with stage command
	FaultInjector  string   `yaml:"fault_injector,omitempty"`  // URL, with stage fault-injector
	BDB            int      `yaml:"bdb,omitempty"`             // the number of the database for the fault injector; default 1
	Action         string   `yaml:"action,omitempty"`          // what the fault injector is asked for, TYPE KEY=VALUE ...; default: what the upgrade is
	MaxMaintenance Duration `yaml:"max_maintenance,omitempty"` // a real upgrade that takes longer is taken for over, or its command ended; default: none

	Speed  float64 `yaml:"speed,omitempty"`  // compresses the upgrade's time; default 1, its own pace
	Seed   uint64  `yaml:"seed,omitempty"`   // of everything random; default 1
	Rounds Rounds  `yaml:"rounds,omitempty"` // default 1; auto: as many as it takes

	Width  float64  `yaml:"width,omitempty"`  // with rounds auto: half the interval of 95 % that is narrow enough, as a share of the difference; default 0.2
	Budget Duration `yaml:"budget,omitempty"` // with rounds auto: no round begins that would end later; default 30m

	Warmup      Duration `yaml:"warmup,omitempty"`       // not counted; default 2s
	Baseline    Duration `yaml:"baseline,omitempty"`     // before the upgrade, each round; default 5s
	Recovery    Duration `yaml:"recovery,omitempty"`     // after it; default 5s
	LateAfter   Duration `yaml:"late_after,omitempty"`   // a success slower than this is late; default 100ms
	OutageAfter Duration `yaml:"outage_after,omitempty"` // no success for longer than this is an outage; default 500ms
	SLO         []SLO    `yaml:"slo,omitempty"`          // bounds on numbers of the result, such as maintenance.failed_ratio < 0.001
	Objective   float64  `yaml:"objective,omitempty"`    // the share of operations that is to succeed in time; default 0.999
}

// Arm is an arm as a profile spells it: a preset's name, or a preset with
// options.
//
//	arms:
//	  - on
//	  - {name: tight, base: off-noretry, read_timeout: 300ms}
type Arm struct{ handoff.Arm }

// MarshalYAML writes the arm with the options that are set.
func (a Arm) MarshalYAML() (any, error) { return a.Arm, nil }

// UnmarshalYAML reads both spellings.
func (a *Arm) UnmarshalYAML(node ast.Node) error {
	at := func(n ast.Node, err error) error {
		if err == nil {
			return nil
		}
		return &yamlfile.Error{Line: n.GetToken().Position.Line, Err: err}
	}
	switch n := node.(type) {
	case *ast.StringNode:
		arm, err := handoff.ParseArm(n.Value)
		a.Arm = arm
		return at(n, err)
	case *ast.MappingNode:
		return a.options(n.Values, at)
	case *ast.MappingValueNode:
		return a.options([]*ast.MappingValueNode{n}, at)
	case *ast.BoolNode:
		return at(n, fmt.Errorf("arm %s is true or false to YAML: write it in quotes, \"on\" or \"off\"", n.GetToken().Value))
	}
	return at(node, errors.New("want an arm's name, or a mapping with base and options"))
}

func (a *Arm) options(pairs []*ast.MappingValueNode, at func(ast.Node, error) error) error {
	for _, p := range pairs {
		if p.Key.GetToken().Value == "base" {
			arm, err := handoff.ParseArm(p.Value.GetToken().Value)
			if err != nil {
				return at(p.Value, err)
			}
			a.Arm = arm
		}
	}
	for _, p := range pairs {
		key := p.Key.GetToken().Value
		if key == "base" {
			continue
		}
		if err := a.Set(key + "=" + p.Value.GetToken().Value); err != nil {
			return at(p.Key, err)
		}
	}
	if a.Mode == "" {
		return at(pairs[0].Key, errors.New("arm without mode: give base (on, off, ...) or mode"))
	}
	return nil
}

// Pool is one worker pool of every arm.
type Pool struct {
	Name     string   `yaml:"name,omitempty"`    // default main, of a canary canary
	Kind     string   `yaml:"kind,omitempty"`    // commands, canary, or one that delivers messages: pubsub, sharded-pubsub, queue, stream, consumer-group; default commands
	Workers  int      `yaml:"workers,omitempty"` // operations in flight at most; default 16, of a canary 1
	Rate     string   `yaml:"rate,omitempty"`    // operations a second per arm: 1000, 100..5000/30s, 1000/10s,5000/20s
	Arrival  string   `yaml:"arrival,omitempty"` // constant, poisson or closed; default constant
	Think    Duration `yaml:"think,omitempty"`   // pause of a worker between operations, closed arrival only
	Mix      string   `yaml:"mix,omitempty"`     // GET=0.8,SET=0.2
	Keys     Keys     `yaml:"keys,omitempty"`
	Values   Values   `yaml:"values,omitempty"`
	Pipeline int      `yaml:"pipeline,omitempty"` // commands sent together; default 1

	Receivers int      `yaml:"receivers,omitempty"` // of messages, of each channel, list or stream; default 2
	Block     Duration `yaml:"block,omitempty"`     // how long receivers of queues and streams wait in one command; default 5s

	Overload      string   `yaml:"overload,omitempty"`       // queue, drop or abort; default queue
	StartDeadline Duration `yaml:"start_deadline,omitempty"` // an operation that cannot start for so long is missed; default 5s
}

// Keys says which keys are used.
type Keys struct {
	Distribution string  `yaml:"distribution,omitempty"` // uniform, zipf or sequential
	Space        int     `yaml:"space,omitempty"`        // keys of each type
	Exponent     float64 `yaml:"exponent,omitempty"`     // of zipf
	Prefix       string  `yaml:"prefix,omitempty"`
	Batch        int     `yaml:"batch,omitempty"` // keys of one MGET or MSET; default 4
}

// Values says how large written values are, in bytes: size, or min and max.
type Values struct {
	Size int `yaml:"size,omitempty"`
	Min  int `yaml:"min,omitempty"`
	Max  int `yaml:"max,omitempty"`
}

// Duration is a time.Duration that YAML spells as 300ms or 5s.
type Duration time.Duration

// MarshalYAML writes the duration as text.
func (d Duration) MarshalYAML() (any, error) { return time.Duration(d).String(), nil }

// UnmarshalYAML reads the duration's text; a bare number has no unit and is an error.
func (d *Duration) UnmarshalYAML(node ast.Node) error {
	text := node.GetToken().Value
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return &yamlfile.Error{Line: node.GetToken().Position.Line,
			Err: fmt.Errorf("duration %q: write a number with a unit, such as 300ms, 5s or 2m", yamlfile.Clip(text))}
	}
	*d = Duration(parsed)
	return nil
}

// Parse reads a profile; name is its name and file names it in errors.
func Parse(name, file string, data []byte) (Profile, error) {
	var p Profile
	if err := yamlfile.Decode(file, data, &p, keys); err != nil {
		return Profile{}, err
	}
	if p.Name == "" {
		p.Name = name
	}
	if err := p.WithDefaults().Validate(); err != nil {
		return Profile{}, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

// YAML returns the profile as a file.
func (p Profile) YAML() ([]byte, error) { return yaml.Marshal(p) }

// WithDefaults returns the profile with its defaults written out.
func (p Profile) WithDefaults() Profile {
	def := func(d *Duration, v time.Duration) {
		if *d == 0 {
			*d = Duration(v)
		}
	}
	if p.Stage == "" {
		p.Stage = "sim"
		if p.Target != "" {
			p.Stage = "none"
		}
	}
	if p.Saturates() {
		p = p.saturated()
	}
	if p.Upgrade == "" {
		p.Upgrade = "endpoint-rebind"
		switch {
		case p.Stage == stage.NameNone:
			p.Upgrade = "none"
		case stage.IsReal(p.Stage):
			p.Upgrade = upgrade.UnnamedName
		}
	}
	if p.Stage == stage.NameFaultInjector && p.BDB == 0 {
		p.BDB = 1
	}
	if p.Integrity == "" {
		p.Integrity = "sample"
	}
	if p.Speed == 0 {
		p.Speed = 1
	}
	if p.Seed == 0 {
		p.Seed = 1
	}
	if p.Rounds == 0 {
		p.Rounds = 1
	}
	if p.Rounds == AutoRounds {
		def(&p.Budget, defaultBudget)
		if p.Width == 0 {
			p.Width = defaultWidth
		}
	}
	def(&p.Warmup, 2*time.Second)
	def(&p.Baseline, 5*time.Second)
	def(&p.Recovery, 5*time.Second)
	def(&p.LateAfter, 100*time.Millisecond)
	def(&p.OutageAfter, 500*time.Millisecond)
	if p.Objective == 0 {
		p.Objective = 0.999
	}
	if len(p.Pools) == 0 {
		p.Pools = []Pool{{}}
	}
	p.Pools = append([]Pool(nil), p.Pools...)
	for i := range p.Pools {
		p.Pools[i] = p.Pools[i].withDefaults()
	}
	return p
}

func (p Pool) withDefaults() Pool {
	if p.Kind == workload.KindCanary.String() {
		p = p.withCanaryDefaults()
	}
	if p.Name == "" {
		p.Name = "main"
	}
	if p.Workers == 0 {
		p.Workers = 16
	}
	if p.Arrival == "" {
		p.Arrival = workload.ConstantArrival.String()
	}
	if p.Rate == "" && p.Arrival != workload.ClosedLoop.String() {
		p.Rate = "1000"
	}
	if p.Mix == "" && !p.Messages() {
		p.Mix = workload.DefaultMix
	}
	if p.Overload == "" {
		p.Overload = workload.Queue.String()
	}
	return p
}

// keys are all words a profile may use as keys, for suggestions.
var keys = strings.Fields(`attributes name summary upgrade set stage integrity target cluster tls shards arms pools connections speed seed rounds width budget warmup
	baseline recovery late_after outage_after objective slo workers rate arrival think mix keys values pipeline overload kind receivers block
	upgrade_command resolver fault_injector bdb action max_maintenance saturate start_deadline distribution space exponent prefix batch size min max base ca_file cert_file key_file server_name insecure_skip_verify`)

// LoadUpgrade resolves the upgrade with the profile's settings. One that really
// takes place need not be in the catalog.
func (p Profile) LoadUpgrade() (upgrade.Upgrade, error) {
	if p.Upgrade == upgrade.UnnamedName && stage.IsReal(p.Stage) {
		return upgrade.Unnamed(), nil
	}
	u, err := upgrade.Load(p.Upgrade)
	if err != nil {
		return u, err
	}
	var set []string
	for k, v := range p.Set {
		set = append(set, k+"="+v)
	}
	return u.Set(set)
}

// JSON returns the profile as the bundle keeps it, keys spelled as in YAML.
func (p Profile) JSON() ([]byte, error) { return yaml.MarshalWithOptions(p, yaml.JSON()) }

// JSON returns the pool as the bundle keeps it.
func (p Pool) JSON() ([]byte, error) { return yaml.MarshalWithOptions(p, yaml.JSON()) }

// Hash is a short fingerprint of the profile, whatever it was pointed at: runs
// of equal hash did the same. No secret goes into it.
func (p Profile) Hash() string {
	p.Target, p.Shards, p.UpgradeCommand = "", nil, ""
	p.Resolver, p.FaultInjector, p.BDB = "", "", 0
	text, err := p.JSON()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// Secrets returns the passwords of the profile's URLs, so that they can be
// kept out of everything that is written.
func (p Profile) Secrets() []string {
	var secrets []string
	if target, err := handoff.ParseTarget(p.Target); err == nil {
		if _, password := target.Credentials(); password != "" {
			secrets = append(secrets, password)
		}
	}
	for _, text := range append([]string{p.FaultInjector}, p.Shards...) {
		u, err := url.Parse(text)
		if err != nil || u.User == nil {
			continue
		}
		if password, ok := u.User.Password(); ok && password != "" {
			secrets = append(secrets, password)
		}
	}
	return secrets
}

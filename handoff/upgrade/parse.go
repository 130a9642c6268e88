package upgrade

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"schload/internal/yamlfile"
)

// Error is what is wrong with a file, and where.
type Error = yamlfile.Error

// document is the file as YAML sees it. Every leaf keeps its line.
type document struct {
	Name       leaf            `yaml:"name"`
	Title      leaf            `yaml:"title"`
	Summary    leaf            `yaml:"summary"`
	Prose      leaf            `yaml:"prose"`
	Database   leaf            `yaml:"database"`
	Replicas   leaf            `yaml:"replicas"`
	SCH        leaf            `yaml:"sch_support"`
	Documented leaf            `yaml:"documented"`
	TTL        leaf            `yaml:"ttl"`
	Settle     leaf            `yaml:"settle"`
	Parameters []parameterNode `yaml:"parameters"`
	Steps      []stepNode      `yaml:"steps"`
}

type parameterNode struct {
	Name   leaf `yaml:"name"`
	Kind   leaf `yaml:"kind"`
	Value  leaf `yaml:"value"`
	Known  leaf `yaml:"known"`
	Origin leaf `yaml:"origin"`
	Source leaf `yaml:"source"`
	Help   leaf `yaml:"help"`
}

type stepNode struct {
	At      leaf `yaml:"at"`
	Act     leaf `yaml:"act"`
	Node    leaf `yaml:"node"`
	To      leaf `yaml:"to"`
	Notice  leaf `yaml:"notice"`
	Seconds leaf `yaml:"seconds"`
	Shards  leaf `yaml:"shards"`
	Writes  leaf `yaml:"writes"`
	Slots   leaf `yaml:"slots"`
	For     leaf `yaml:"for"`
	Delay   leaf `yaml:"delay"`
	Repeat  leaf `yaml:"repeat"`
	Every   leaf `yaml:"every"`
	When    leaf `yaml:"when"`
	Detail  leaf `yaml:"detail"`
	Origin  leaf `yaml:"origin"`
	Source  leaf `yaml:"source"`
}

// keys are all words a file may use as keys, for suggestions.
var keys = []string{
	"name", "title", "summary", "prose", "database", "replicas", "sch_support", "documented", "ttl", "settle", "parameters", "steps",
	"kind", "value", "known", "origin", "source", "help",
	"at", "act", "node", "to", "notice", "seconds", "shards", "writes", "slots", "for", "delay", "repeat", "every", "when", "detail",
}

// Parse parses and checks one choreography; file names it in errors, which
// are of type *Error, joined when there are several.
func Parse(file string, data []byte) (Upgrade, error) {
	var doc document
	if err := yamlfile.Decode(file, data, &doc, keys); err != nil {
		return Upgrade{}, err
	}
	u := doc.upgrade(file)
	if err := u.check(doc.lines()); err != nil {
		return Upgrade{}, err
	}
	return u, nil
}

func (d document) upgrade(file string) Upgrade {
	u := Upgrade{
		Name: d.Name.text, Title: d.Title.text, Summary: d.Summary.text, Prose: d.Prose.text,
		Database: Database(d.Database.text), Replicas: d.Replicas.text, SCH: Support(d.SCH.text), Documented: d.Documented.text, TTL: d.TTL.text, Settle: d.Settle.text,
		File: file,
	}
	if u.Database == "" {
		u.Database = Endpoint
	}
	for _, p := range d.Parameters {
		u.Parameters = append(u.Parameters, p.parameter())
	}
	for _, s := range d.Steps {
		u.Steps = append(u.Steps, s.step())
	}
	return u
}

// lines says where the keys of the head are.
func (d document) lines() map[string]int {
	return map[string]int{
		"name": d.Name.line, "title": d.Title.line, "summary": d.Summary.line, "prose": d.Prose.line,
		"database": d.Database.line, "replicas": d.Replicas.line, "sch_support": d.SCH.line, "documented": d.Documented.line, "ttl": d.TTL.line, "settle": d.Settle.line,
	}
}

func (p parameterNode) parameter() Parameter {
	kind := Kind(p.Kind.text)
	if kind == "" && p.Value.text != "" {
		kind = kindOf(p.Value.text)
	}
	return Parameter{
		Name: p.Name.text, Kind: kind, Value: p.Value.text, Known: p.Known.text,
		Origin: Origin(p.Origin.text), Source: p.Source.text, Help: p.Help.text,
		Line: first(p.Name, p.Value, p.Kind, p.Known, p.Origin, p.Source, p.Help),
	}
}

func (s stepNode) step() Step {
	return Step{
		At: s.At.text, Act: Act(s.Act.text), Node: Role(s.Node.text), To: Role(s.To.text),
		Notice: s.Notice.text, Seconds: s.Seconds.text, Shards: s.Shards.text, Writes: s.Writes.text, Slots: s.Slots.text,
		For: s.For.text, Delay: s.Delay.text, Repeat: s.Repeat.text, Every: s.Every.text, When: s.When.text, Detail: s.Detail.text,
		Origin: Origin(s.Origin.text), Source: s.Source.text,
		Line: first(s.At, s.Act, s.Node, s.To, s.Notice, s.Seconds, s.Shards, s.Writes, s.Slots, s.For, s.Delay, s.Repeat, s.Every, s.When, s.Detail, s.Origin, s.Source),
	}
}

// leaf is a scalar with its line.
type leaf struct {
	text string
	line int
}

// UnmarshalYAML takes the text of the node as written: the schema has text
// only, and 1.0 or 007 must not become another number on the way.
func (l *leaf) UnmarshalYAML(node ast.Node) error {
	l.line = node.GetToken().Position.Line
	switch n := node.(type) {
	case *ast.LiteralNode:
		l.text = n.Value.Value
	case *ast.StringNode:
		l.text = n.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		l.text = node.GetToken().Value
	case *ast.NullNode:
	case *ast.MappingNode:
		return l.choice(n)
	default:
		return &Error{Line: l.line, Err: fmt.Errorf("want plain text, got a YAML %s", strings.ToLower(node.Type().String()))}
	}
	l.text = strings.TrimSpace(l.text)
	return nil
}

// choice reads {4.4s, 9.7s}, which is a mapping without values to YAML.
func (l *leaf) choice(node *ast.MappingNode) error {
	var items []string
	for _, pair := range node.Values {
		if _, empty := pair.Value.(*ast.NullNode); !empty || !node.IsFlowStyle {
			return &Error{Line: l.line, Err: errors.New("want plain text or a choice such as {1s, 5s}, got a YAML mapping")}
		}
		items = append(items, pair.Key.GetToken().Value)
	}
	l.text = "{" + strings.Join(items, ", ") + "}"
	return nil
}

// first is the smallest line of those that have one.
func first(leaves ...leaf) int {
	line := 0
	for _, l := range leaves {
		if l.line != 0 && (line == 0 || l.line < line) {
			line = l.line
		}
	}
	return line
}

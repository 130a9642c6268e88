package upgrade

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"schload/handoff/notice"

	"schload/internal/spelling"
	"schload/internal/yamlfile"
)

// check finds everything that can be wrong before a plan is drawn. All
// findings are returned: authors mend a file in one go. lines says where the
// keys of the head are; it may be nil.
func (u Upgrade) check(lines map[string]int) error {
	c := checker{upgrade: u, lines: lines}
	if len(u.Parameters) > maxEntries || len(u.Steps) > maxEntries {
		c.fail(0, "want at most %d parameters and as many steps, got %d and %d", maxEntries, len(u.Parameters), len(u.Steps))
		return errors.Join(c.errs...)
	}
	c.head()
	for i := range u.Parameters {
		c.parameter(i)
	}
	if slices.Contains(databases, u.Database) || u.Database == "" { // what steps may do depends on it
		for i := range u.Steps {
			c.step(i)
		}
	}
	return errors.Join(c.errs...)
}

// maxEntries bounds parameters and steps: laying out a plan takes time that
// grows with the square of the announced windows.
const maxEntries = 256

type checker struct {
	upgrade Upgrade
	lines   map[string]int
	errs    []error
}

func (c *checker) fail(line int, format string, args ...any) {
	c.errs = append(c.errs, &Error{File: c.upgrade.File, Line: line, Err: fmt.Errorf(format, args...)})
}

func (c *checker) head() {
	u := c.upgrade
	for _, need := range [...]struct{ key, text string }{
		{"name", u.Name}, {"title", u.Title}, {"summary", u.Summary}, {"prose", u.Prose},
		{"sch_support", string(u.SCH)}, {"documented", u.Documented}, {"settle", u.Settle},
	} {
		if need.text == "" {
			c.fail(c.lines[need.key], "%s is missing", need.key)
		}
		if need.key != "settle" {
			c.braces(c.lines[need.key], need.text)
		}
	}
	if u.Name != "" && !isName(strings.ReplaceAll(u.Name, "-", "_")) {
		c.fail(c.lines["name"], "name %q: want lower-case words joined by hyphens", yamlfile.Clip(u.Name))
	}
	if u.Database != "" {
		if err := oneOf("database", u.Database, databases); err != nil {
			c.fail(c.lines["database"], "%w", err)
		}
	}
	if u.Replicas != "" && u.Replicas != Needed {
		c.fail(c.lines["replicas"], "replicas %q: want %s, or leave it out", yamlfile.Clip(u.Replicas), Needed)
	}
	if u.SCH != "" {
		if err := oneOf("sch_support", u.SCH, supports); err != nil {
			c.fail(c.lines["sch_support"], "%w", err)
		}
	}
	c.sum("ttl", u.TTL)
	c.sum("settle", u.Settle)
}

// sum checks an expression of the head, which has no origin of its own.
func (c *checker) sum(key, text string) {
	if text == "" {
		return
	}
	if e, ok := c.expression(c.lines[key], key, text); ok && e.literals() {
		c.fail(c.lines[key], "%s: %s has a number of no origin: make it a parameter", key, e)
	}
}

func (c *checker) parameter(i int) {
	p := c.upgrade.Parameters[i]
	if !isName(p.Name) {
		c.fail(p.Line, "parameter %d: want a name of lower-case letters, digits and underscores, got %q", i+1, yamlfile.Clip(p.Name))
	}
	for _, earlier := range c.upgrade.Parameters[:i] {
		if earlier.Name == p.Name {
			c.fail(p.Line, "parameter %s: already defined in line %d", p.Name, earlier.Line)
		}
	}
	c.cited(p.Line, "parameter "+p.Name, p.Origin, p.Source)
	if p.Help == "" {
		c.fail(p.Line, "parameter %s: help is missing: say what it means", p.Name)
	}
	if p.Value == "" {
		c.fail(p.Line, "parameter %s: value is missing", p.Name)
		return
	}
	if err := oneOf("kind", p.Kind, kinds); err != nil {
		c.fail(p.Line, "parameter %s: %w", p.Name, err)
		return
	}
	for _, v := range [...]struct{ key, text string }{{"value", p.Value}, {"known", p.Known}} {
		if v.key == "known" && v.text == "" {
			continue
		}
		if _, err := parseValue(p.Kind, v.text); err != nil {
			c.fail(p.Line, "parameter %s: %s %q: %w", p.Name, v.key, yamlfile.Clip(v.text), err)
		}
	}
}

// cited checks that a number says where it comes from.
func (c *checker) cited(line int, what string, origin Origin, source string) {
	if origin == "" {
		c.fail(line, "%s: origin is missing: want one of measured, documented, client, test, assumption", what)
	} else if err := oneOf("origin", origin, origins); err != nil {
		c.fail(line, "%s: %w", what, err)
	}
	if source == "" {
		c.fail(line, "%s: source is missing: say who measured, wrote or assumed it", what)
	}
}

// field is one field of a step as the checker sees it.
type field struct {
	key, text      string
	needed, wanted bool // wanted: the act has a use for it
}

func (c *checker) step(i int) {
	s := c.upgrade.Steps[i]
	what := fmt.Sprintf("step %d", i+1)
	if s.Act == "" {
		c.fail(s.Line, "%s: act is missing: want one of %s", what, acts())
		return
	}
	if err := oneOf("act", s.Act, actList); err != nil {
		c.fail(s.Line, "%s: %w", what, err)
		return
	}
	what = fmt.Sprintf("step %d (%s)", i+1, s.title())
	if !c.fields(s, what) {
		return
	}
	c.roles(s, what)
	literal, rests, sound := false, false, true
	for _, sum := range s.sums() {
		e, ok := c.expression(s.Line, what+": "+sum.key, sum.text)
		literal = literal || e.literals()
		rests = rests || len(e.names()) > 0
		sound = sound && ok
	}
	c.reference(s.Line, what+": seconds", s.Seconds, Duration)
	c.reference(s.Line, what+": shards", s.Shards, Text)
	c.reference(s.Line, what+": writes", s.Writes, Integer)
	c.reference(s.Line, what+": repeat", s.Repeat, Integer)
	c.slots(s, what)
	c.condition(s, what)
	c.braces(s.Line, s.Detail)
	switch {
	case s.Origin != "" || s.Source != "":
		c.cited(s.Line, what, s.Origin, s.Source)
	case literal:
		c.fail(s.Line, "%s: a number is written out but has no origin: make it a parameter, or add origin and source to the step", what)
	case sound && !rests:
		c.fail(s.Line, "%s: rests on no parameter: add origin and source to the step", what)
	}
}

var actList = []Act{Notify, Listen, Refuse, Close, Bind, DNS, Stall, Slow, Join, Leave, Reset, Isolate, Rejoin, Loading, Lose, Move}

func acts() string {
	words := make([]string, len(actList))
	for i, act := range actList {
		words[i] = string(act)
	}
	return strings.Join(words, ", ")
}

// fields checks that a step has the fields its act uses, and no others.
func (c *checker) fields(s Step, what string) bool {
	database := c.upgrade.Database
	if !database.knows(s.Act) {
		c.fail(s.Line, "%s: %s does not apply to a database of kind %s", what, s.Act, database)
		return false
	}
	notify := s.Act == Notify
	moving := notify && s.Notice == notice.Moving.String()
	opens, ofSlots := false, database == OSSCluster
	if s.Act == Notify && s.Notice != "" {
		kind, err := notice.ParseKind(s.Notice)
		if err != nil {
			c.fail(s.Line, "%s: %w", what, err)
			return false
		}
		if !database.sends(kind) {
			c.fail(s.Line, "%s: a database of kind %s never sends %v", what, database, kind)
			return false
		}
		opens = kind.Opens()
	}
	lasts := s.Act.Lasts()
	loses := s.Act == Lose
	place := !notify && !lasts && !loses
	goes := moving || ofSlots && (s.Act == Move || notify && !opens)
	before := len(c.errs)
	for _, f := range [...]field{
		{"at", s.At, true, true},
		{"node", string(s.Node), place || moving || notify && ofSlots, place || moving || ofSlots && !loses},
		{"to", string(s.To), goes, goes},
		{"notice", s.Notice, notify, notify},
		{"seconds", s.Seconds, opens && !ofSlots, opens && !ofSlots},
		{"shards", s.Shards, notify && !moving && !ofSlots, notify && !moving && !ofSlots || lasts},
		{"writes", s.Writes, loses, loses},
		{"slots", s.Slots, opens && ofSlots, opens && ofSlots},
		{"for", s.For, lasts, lasts},
		{"delay", s.Delay, s.Act == Slow, s.Act == Slow},
		{"repeat", s.Repeat, s.Every != "", true},
		{"every", s.Every, s.Repeat != "", true},
	} {
		switch {
		case f.needed && f.text == "":
			c.fail(s.Line, "%s: %s is missing", what, f.key)
		case !f.wanted && f.text != "":
			c.fail(s.Line, "%s: %s does not apply", what, f.key)
		}
	}
	return len(c.errs) == before
}

func (c *checker) roles(s Step, what string) {
	for _, role := range [...]Role{s.Node, s.To} {
		if role == "" {
			continue
		}
		if err := oneOf("node", role, c.upgrade.Database.roles()); err != nil {
			c.fail(s.Line, "%s: %w", what, err)
		}
	}
}

// slots checks what a window is about.
func (c *checker) slots(s Step, what string) {
	if s.Slots == "" || !c.reference(s.Line, what+": slots", s.Slots, Text) {
		return
	}
	p, _ := c.upgrade.parameter(s.Slots)
	v, err := parseValue(Text, p.Value)
	if err != nil {
		return // said of the parameter
	}
	for _, item := range v.items {
		if _, err := ParseSlots(item); err != nil {
			c.fail(s.Line, "%s: %s: %w", what, s.Slots, err)
		}
	}
}

// sum is one expression of a step.
type sum struct{ key, text string }

// sums are the expressions that a step has.
func (s Step) sums() []sum {
	all := []sum{{"at", s.At}, {"for", s.For}, {"delay", s.Delay}, {"every", s.Every}}
	return slices.DeleteFunc(all, func(sum sum) bool { return sum.text == "" })
}

// condition checks the parameter that decides whether a step is played.
func (c *checker) condition(s Step, what string) {
	if s.When == "" || !c.reference(s.Line, what+": when", s.When, Text) {
		return
	}
	p, _ := c.upgrade.parameter(s.When)
	v, err := parseValue(Text, p.Value)
	if err != nil {
		return // said of the parameter
	}
	for _, item := range v.items {
		if item != yes && item != no {
			c.fail(s.Line, "%s: when: %s is %q: want yes or no", what, s.When, yamlfile.Clip(item))
		}
	}
}

// What a parameter says that decides whether steps are played.
const (
	yes = "yes"
	no  = "no"
)

// expression parses a sum and checks the names in it.
func (c *checker) expression(line int, what, text string) (expression, bool) {
	e, err := parseExpression(text)
	if err != nil {
		c.fail(line, "%s: %w", what, err)
		return nil, false
	}
	ok := true
	for _, name := range e.names() {
		ok = c.reference(line, what, name, Duration) && ok
	}
	return e, ok
}

// reference checks that a name is that of a parameter of the kind wanted.
func (c *checker) reference(line int, what, name string, kind Kind) bool {
	if name == "" {
		return true
	}
	p, ok := c.upgrade.parameter(name)
	if !ok {
		c.fail(line, "%s: unknown parameter %q%s", what, yamlfile.Clip(name), spelling.Hint(name, c.upgrade.names()))
		return false
	}
	if p.Kind != kind && p.Kind != "" {
		c.fail(line, "%s: want a parameter of kind %s, %s is of kind %s", what, kind, name, p.Kind)
	}
	return p.Kind == kind
}

// braces checks the {name}s of a text for people.
func (c *checker) braces(line int, text string) {
	for _, name := range placeholders(text) {
		if _, ok := c.upgrade.parameter(name); !ok {
			c.fail(line, "{%s}: unknown parameter%s", yamlfile.Clip(name), spelling.Hint(name, c.upgrade.names()))
		}
	}
}

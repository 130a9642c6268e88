package upgrade

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"schload/handoff/notice"
)

// Plan draws every number from the seed and lays the steps out in time, speed
// times as fast as they are written (1 is as measured, 5 a fifth of the time).
//
// Announced times stay whole seconds of at least 1, as on the wire. Where
// that makes an announced window longer or shorter than speed asks for,
// everything within the window stretches alike, so the order of steps is the
// same at every speed, and no proxy closes before the time it announced.
// Delay is latency, not choreography, and keeps its size.
func (u Upgrade) Plan(seed uint64, speed float64) (Plan, error) {
	const slowest, fastest = 0.01, 1000
	if !(speed >= slowest && speed <= fastest) {
		return Plan{}, fmt.Errorf("speed %v of upgrade %s: want %v to %v, such as 1 (as measured) or 5 (five times as fast)", speed, u.Name, slowest, fastest)
	}
	if err := u.check(nil); err != nil {
		return Plan{}, err
	}
	p := Plan{Upgrade: u, Seed: seed, Speed: speed, Settings: u.settings(seed)}
	d := drawing{plan: &p, durations: durations(p.Settings, u.Parameters), pace: pace{speed: speed}}
	if err := d.measure(); err != nil {
		return Plan{}, err
	}
	d.layOut()
	if err := p.verify(); err != nil {
		return Plan{}, err
	}
	return p, nil
}

// settings draws each parameter.
func (u Upgrade) settings(seed uint64) []Setting {
	var settings []Setting
	for _, p := range u.Parameters {
		v, err := parseValue(p.Kind, p.Value)
		if err != nil {
			panic("upgrade: unchecked parameter: " + err.Error())
		}
		settings = append(settings, Setting{Name: p.Name, Value: v.draw(seed, p.Name), Origin: p.Origin})
	}
	return settings
}

func durations(settings []Setting, parameters []Parameter) map[string]time.Duration {
	values := make(map[string]time.Duration, len(settings))
	for i, s := range settings {
		if parameters[i].Kind == Duration {
			values[s.Name] = duration(s.Value)
		}
	}
	return values
}

// drawing is a Plan in the making.
type drawing struct {
	plan      *Plan
	durations map[string]time.Duration // as written, before speed
	pace      pace
}

// eval evaluates an expression that check has passed.
func (d *drawing) eval(text string) time.Duration {
	e, err := parseExpression(text)
	if err != nil {
		panic("upgrade: unchecked expression: " + err.Error())
	}
	return e.value(d.durations)
}

// measure refuses what the values make impossible and finds the announced
// windows, which bend the pace.
func (d *drawing) measure() error {
	u := d.plan.Upgrade
	total := 0
	for i, s := range u.Steps {
		if !d.played(s) {
			continue
		}
		fail := func(format string, args ...any) error {
			return u.at(i, fmt.Errorf(format, args...))
		}
		for _, sum := range s.sums() {
			if v := d.eval(sum.text); v < 0 {
				return fail("%s: %s is %v: want 0s or more", sum.key, sum.text, v)
			}
		}
		if n, err := strconv.Atoi(d.setting(s.Writes)); s.Writes != "" && (err != nil || n < 0 || n > maxWrites) {
			return fail("writes: %s is %s: want 0 to %d", s.Writes, d.setting(s.Writes), maxWrites)
		}
		turns := d.turns(s)
		if turns < 1 || turns > maxTurns {
			return fail("repeat: %s is %d: want 1 to %d", s.Repeat, turns, maxTurns)
		}
		if total += turns; total > maxActions {
			return fail("repeat: %s is %d: want at most %d actions in all", s.Repeat, turns, maxActions)
		}
		if s.Seconds == "" {
			continue
		}
		announced := d.durations[s.Seconds]
		if announced <= 0 {
			return fail("seconds: %s is %v: an announced time is longer than 0s", s.Seconds, announced)
		}
		for turn := range turns {
			at := d.instant(s, turn)
			d.pace.add(at, at+announced, d.announce(announced))
		}
	}
	if settle := d.eval(u.Settle); settle < 0 {
		return &Error{File: u.File, Err: fmt.Errorf("settle: %s is %v: want 0s or more", u.Settle, settle)}
	}
	return nil
}

// Bounds of what a plan may ask for: laying out takes time that grows with the
// square of the announced windows.
const (
	maxTurns   = 256
	maxActions = 512
	maxWrites  = 100_000 // that are remembered to be lost
)

// turns is how often a step is played.
func (d *drawing) turns(s Step) int {
	if s.Repeat == "" {
		return 1
	}
	n, err := strconv.Atoi(d.setting(s.Repeat))
	if err != nil {
		return 0
	}
	return n
}

// instant is when a step is played for the nth time, from 0, as written.
func (d *drawing) instant(s Step, turn int) time.Duration {
	at := d.eval(s.At)
	if turn > 0 {
		at += time.Duration(turn) * d.eval(s.Every)
	}
	return at
}

// played reports whether a step is among those that the settings want.
func (d *drawing) played(s Step) bool {
	return (s.When == "" || d.setting(s.When) == yes) && (s.Writes == "" || d.setting(s.Writes) != "0")
}

func (d *drawing) setting(name string) string {
	for _, s := range d.plan.Settings {
		if s.Name == name {
			return s.Value
		}
	}
	return ""
}

// announce is the whole number of seconds on the wire.
func (d *drawing) announce(window time.Duration) time.Duration {
	whole := math.Round(window.Seconds() / d.plan.Speed)
	return time.Duration(max(1, whole)) * time.Second
}

// layOut turns steps into actions, in order of time. They are sorted as
// written: at high speed instants may fall together, but none overtakes.
func (d *drawing) layOut() {
	p := d.plan
	steps := p.Upgrade.Steps
	var turns []turn
	end := time.Duration(0)
	for i, s := range steps {
		if !d.played(s) {
			continue
		}
		for n := range d.turns(s) {
			at := d.instant(s, n)
			turns = append(turns, turn{i, n, at})
			end = max(end, at+d.span(s))
		}
	}
	slices.SortStableFunc(turns, func(a, b turn) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.nth, b.nth)) })
	for _, t := range turns {
		p.Actions = append(p.Actions, d.action(t))
	}
	p.Length = d.pace.at(end + d.eval(p.Upgrade.Settle))
	if p.Upgrade.TTL != "" {
		if ttl := d.eval(p.Upgrade.TTL); ttl > 0 {
			p.TTL = d.announce(ttl)
		}
	}
}

// turn is one playing of a step.
type turn struct {
	step, nth int
	at        time.Duration // as written
}

func (d *drawing) span(s Step) time.Duration {
	if s.For == "" {
		return 0
	}
	return d.eval(s.For)
}

func (d *drawing) action(t turn) Action {
	s := d.plan.Upgrade.Steps[t.step]
	a := Action{
		At: d.pace.at(t.at), Act: s.Act, Node: s.Node, To: s.To, Step: t.step,
		Origin: d.origin(s), Detail: fill(s.Detail, d.plan.Settings),
	}
	if turns := d.turns(s); turns > 1 {
		a.Turn = t.nth + 1
		a.Detail = strings.TrimSpace(fmt.Sprintf("%s (%d of %d)", a.Detail, a.Turn, turns))
	}
	a.For = d.pace.at(t.at+d.span(s)) - a.At
	if s.Delay != "" {
		a.Delay = d.eval(s.Delay)
	}
	if s.Seconds != "" {
		a.Seconds = int64(d.announce(d.durations[s.Seconds]) / time.Second)
	}
	if s.Shards != "" {
		a.Shards = d.shards(s.Shards)
	}
	if s.Writes != "" {
		a.Writes, _ = strconv.Atoi(d.setting(s.Writes)) // measured
	}
	if s.Slots != "" {
		a.Slots = d.setting(s.Slots)
	}
	if s.Act == Notify {
		a.Notice, _ = notice.ParseKind(s.Notice)
	}
	return a
}

// shards splits the ids that a parameter lists.
func (d *drawing) shards(name string) []string {
	return strings.FieldsFunc(d.setting(name), func(r rune) bool { return r == ',' || r == ' ' })
}

// origin is the weakest among those behind the step's numbers.
func (d *drawing) origin(s Step) Origin {
	weakest := s.Origin
	names := []string{s.Seconds, s.Writes, s.When, s.Repeat, s.Slots}
	for _, sum := range s.sums() {
		e, _ := parseExpression(sum.text)
		names = append(names, e.names()...)
	}
	for _, name := range names {
		if p, ok := d.plan.Upgrade.parameter(name); ok {
			weakest = weaker(weakest, p.Origin)
		}
	}
	return weakest
}

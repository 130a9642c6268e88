package explain

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/mark"
)

// Evidence is what rules look at: a bundle, read once.
type Evidence struct {
	Run     bundle.Run
	Summary compare.Summary

	steps []mark.Mark // of the stage, in order of time
	moves []move      // announced to any arm
	gifts []gift      // the same, of slots
	sent  map[push]time.Duration
	cases []Case
}

// move is a node that MOVING announced to leave.
type move struct {
	node  string
	at    time.Duration // first reading, by any arm
	until time.Duration // the last it may have been about: the announced time and a margin
}

// moveMargin is how long after the announced time a close still belongs to the
// move. It is that of compare's attribution.
const moveMargin = 5 * time.Second

// usualMove is what MOVING announces at Redis Software (measured).
const usualMove = 15 * time.Second

// Case is one arm's evidence.
type Case struct {
	*Evidence
	Arm      compare.Arm
	Proof    bundle.Proof // zero in a bundle without one
	settings settings

	connections map[uint64]*connection
	order       []*connection // by number
	failedDials []mark.Mark   // in order of time
	handoffs    []mark.Mark
	outages     []mark.Mark // of the arm as a whole
	replies     []mark.Mark // wrong ones
	messages    []mark.Mark
	heard       []time.Duration // notices, when they were read
	assumed     bool            // the bundle says nothing of timeouts: settings holds the library's defaults
}

// settings are those of an arm that rules ask for, resolved; zero where the
// bundle does not say.
type settings struct {
	Mode               string   `json:"mode"`
	EndpointType       string   `json:"endpoint_type"`
	Protocol           int      `json:"protocol"`
	MaxRetries         int      `json:"max_retries"`
	ReadTimeout        duration `json:"read_timeout"`
	RelaxedTimeout     duration `json:"relaxed_timeout"`
	PostHandoffRelaxed duration `json:"post_handoff_relaxed"`
	PoolSize           int      `json:"pool_size"`
	MaxActiveConns     int      `json:"max_active_conns"`
	ConnMaxLifetime    duration `json:"conn_max_lifetime"`
}

// duration is spelled as Go does, 10s.
type duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = duration(parsed)
	return err
}

// Gather reads what rules need of a bundle and its summary.
func Gather(b *bundle.Bundle, s compare.Summary) (*Evidence, error) {
	marks, err := b.Timeline()
	if err != nil {
		return nil, err
	}
	return gather(b.Run, s, marks)
}

func gather(run bundle.Run, s compare.Summary, marks []mark.Mark) (*Evidence, error) {
	e := &Evidence{Run: run, Summary: s}
	for _, a := range s.Arms {
		c := Case{Evidence: e, Arm: a, connections: map[uint64]*connection{}}
		if err := c.configure(run); err != nil {
			return nil, err
		}
		e.cases = append(e.cases, c)
	}
	for _, m := range marks {
		e.take(m)
	}
	slices.SortStableFunc(e.steps, byTime)
	e.announced()
	e.pushed()
	for i := range e.cases {
		e.cases[i].sort()
	}
	return e, nil
}

// configure finds what run.json says of the arm.
func (c *Case) configure(run bundle.Run) error {
	for _, a := range run.Arms {
		if a.Name != c.Arm.Name || len(a.Settings) == 0 {
			continue
		}
		if err := json.Unmarshal(a.Settings, &c.settings); err != nil {
			return fmt.Errorf("run.json: settings of arm %s: %w", a.Name, err)
		}
	}
	if c.settings.ReadTimeout == 0 || c.settings.RelaxedTimeout == 0 {
		c.assumed = true
		c.settings.ReadTimeout, c.settings.RelaxedTimeout, c.settings.PostHandoffRelaxed = usualRead, usualRelaxed, 2*usualRelaxed
	}
	if run.Final != nil {
		for _, p := range run.Final.Arms {
			if p.Name == c.Arm.Name {
				c.Proof = p
			}
		}
	}
	return nil
}

// The timeouts of go-redis 9.23 where nobody sets any.
const (
	usualRead    = duration(5 * time.Second)
	usualRelaxed = duration(10 * time.Second)
)

// take files a mark.
func (e *Evidence) take(m mark.Mark) {
	if m.Kind == mark.Step {
		e.steps = append(e.steps, m)
		return
	}
	for i := range e.cases {
		if e.cases[i].Arm.Name == m.Arm {
			e.cases[i].take(m)
		}
	}
}

func (c *Case) take(m mark.Mark) {
	switch m.Kind {
	case mark.Dial:
		if m.Name == "ok" {
			one := c.conn(m)
			one.dialled, one.dialTook, one.handoff = m.At, m.Duration, m.Detail != "" // the detail says so
		} else {
			c.failedDials = append(c.failedDials, m)
		}
	case mark.Notice:
		c.conn(m).notices = append(c.conn(m).notices, m)
	case mark.Close:
		c.conn(m).ended, c.conn(m).by, c.conn(m).why, c.conn(m).round = m.At, m.Name, m.Detail, m.Round
	case mark.Relaxed:
		c.conn(m).relaxed = append(c.conn(m).relaxed, m)
	case mark.Handoff:
		c.handoffs = append(c.handoffs, m)
		if m.Name == "succeeded" {
			c.conn(m).joined = m.At + m.Duration
		}
	case mark.Outage:
		if m.Pool == "" && m.Slots == "" {
			c.outages = append(c.outages, m)
		}
	case mark.WrongReply:
		c.replies = append(c.replies, m)
	case mark.Message:
		c.messages = append(c.messages, m)
	}
}

// conn returns the connection a mark is about.
func (c *Case) conn(m mark.Mark) *connection {
	one := c.connections[m.Conn]
	if one == nil {
		one = &connection{number: m.Conn, dialled: -1, ended: -1, joined: -1}
		c.connections[m.Conn] = one
	}
	if m.Node != "" {
		one.node = m.Node
	}
	return one
}

// sort puts what came in the order it was written into the order of time.
func (c *Case) sort() {
	for _, list := range [][]mark.Mark{c.failedDials, c.handoffs, c.outages, c.replies, c.messages} {
		slices.SortStableFunc(list, byTime)
	}
	for _, one := range c.connections {
		slices.SortStableFunc(one.notices, byTime)
		slices.SortStableFunc(one.relaxed, byTime)
		c.order = append(c.order, one)
		for _, m := range one.notices {
			c.heard = append(c.heard, m.At)
		}
	}
	slices.Sort(c.heard)
	slices.SortFunc(c.order, func(a, b *connection) int { return cmp.Compare(a.number, b.number) })
}

func byTime(a, b mark.Mark) int { return cmp.Compare(a.At, b.At) }

// announced finds the nodes that were announced to leave: as connections of any
// arm read it, or as the simulator says that it was sent.
func (e *Evidence) announced() {
	type event struct {
		node  string
		round int
		seq   int64
	}
	seen := map[event]int{}
	add := func(m mark.Mark, lasts time.Duration) {
		key := event{m.Node, m.Round, -1}
		if m.Seq != nil {
			key.seq = *m.Seq
		}
		i, known := seen[key]
		if !known {
			i = len(e.moves)
			seen[key] = i
			e.moves = append(e.moves, move{node: m.Node, at: m.At})
		}
		e.moves[i].at = min(e.moves[i].at, m.At)
		e.moves[i].until = max(e.moves[i].until, m.At+lasts+moveMargin)
	}
	longest := time.Duration(0)
	for _, c := range e.cases {
		for _, one := range c.connections {
			for _, m := range one.notices {
				if moving(m) {
					add(m, m.Duration)
					longest = max(longest, m.Duration)
				}
			}
		}
	}
	if longest == 0 {
		longest = usualMove
	}
	for _, m := range e.steps {
		if moving(m) && m.Source == "sim" {
			add(m, longest) // a step does not say how long
		}
	}
	slices.SortFunc(e.moves, func(a, b move) int { return cmp.Compare(a.at, b.at) })
}

// leaving returns the last announcement that a connection's node was about to
// leave, if it was dialled before that lapsed. An idle connection's end is seen
// only when somebody wants to use it, long after.
func (e *Evidence) leaving(one *connection) (last move, ok bool) {
	for _, m := range e.moves {
		if m.node == one.node && m.at <= one.ended && one.dialled <= m.until {
			last, ok = m, true
		}
	}
	return last, ok
}

// on says whether the arm's connections asked for notices.
func (c Case) on() bool { return c.Arm.SCH.Effective == "on" || c.Arm.SCH.Effective == "mixed" }

// notices is how many were read, of all kinds or of those named.
func (c Case) notices(kinds ...string) (n uint64) {
	for kind, count := range c.Arm.Notices {
		if len(kinds) == 0 || slices.Contains(kinds, kind) {
			n += count
		}
	}
	return n
}

// errors is how many operations failed with one of the outcome classes.
func (c Case) errors(classes ...string) (n uint64) {
	for _, class := range classes {
		n += c.Arm.Errors[class]
	}
	return n
}

package upgrade

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"schload/handoff/notice"
)

// view is what the endpoint looks like from outside after an action.
type view struct {
	listening map[Role]bool
	isolated  map[Role]bool
	serving   []Role
	record    []Role
	nodes     []Role // those drawn
	open      []notice.Kind
	announced []Action // of slots that have not moved
}

// view is what the plan's nodes look like before it begins.
func (p Plan) view() view {
	v := view{listening: map[Role]bool{Old: true}, isolated: map[Role]bool{}, serving: []Role{Old}, record: []Role{Old}, nodes: p.nodes()}
	if slices.Contains(v.nodes, Peer) {
		v.listening[Peer], v.serving, v.record = true, []Role{Old, Peer}, []Role{Old, Peer}
	}
	return v
}

// see changes the view by one action.
func (v *view) see(a Action) {
	switch a.Act {
	case Listen, Refuse:
		v.listening[a.Node] = a.Act == Listen
	case Bind:
		v.serving = []Role{a.Node}
	case DNS:
		v.record = []Role{a.Node}
	case Join:
		v.serving, v.record = append(v.serving, a.Node), append(v.record, a.Node)
	case Leave:
		away := func(node Role) bool { return node == a.Node }
		v.serving, v.record = slices.DeleteFunc(v.serving, away), slices.DeleteFunc(v.record, away)
	case Isolate, Rejoin:
		v.isolated[a.Node] = a.Act == Isolate
	case Close, Reset:
		v.shut(notice.Moving)
	case Move:
		v.move(a)
	case Notify:
		if a.Notice == notice.SMigrating {
			v.announced = append(v.announced, a)
		}
		if a.Notice == notice.SMigrated {
			v.record = slices.Clone(v.serving)
		}
		if opener, ok := a.Notice.Opener(); ok {
			v.shut(opener)
		} else {
			v.open = append(v.open, a.Notice)
		}
	}
}

// move makes slots served by another node, and only by it when they are all.
func (v *view) move(a Action) {
	i := slices.IndexFunc(v.announced, func(w Action) bool { return w.Node == a.Node })
	if i < 0 {
		return
	}
	pick, err := ParseSlots(v.announced[i].Slots)
	v.announced = slices.Delete(v.announced, i, i+1)
	if err == nil && pick.All() {
		v.serving = slices.DeleteFunc(v.serving, func(node Role) bool { return node == a.Node })
	}
	if !slices.Contains(v.serving, a.To) {
		v.serving = append(v.serving, a.To)
	}
}

func (v *view) shut(kind notice.Kind) {
	if i := slices.Index(v.open, kind); i >= 0 {
		v.open = slices.Delete(v.open, i, i+1)
	}
}

// lifeline is the mark of a node in the drawing.
func (v *view) lifeline(node Role) string {
	switch {
	case v.isolated[node]:
		return "x"
	case !v.listening[node]:
		return "."
	case slices.Contains(v.serving, node):
		return "#"
	}
	return "|"
}

// row is one line of the drawing.
func (v *view) row(at time.Duration, origin Origin, what, detail string) []string {
	var record []string
	for _, node := range v.record {
		name := string(node)
		if v.dead(node) {
			name += "!"
		}
		record = append(record, name)
	}
	var open []string
	for _, kind := range v.open {
		open = append(open, kind.String())
	}
	cells := []string{at.String()}
	for _, node := range v.nodes {
		cells = append(cells, " "+v.lifeline(node)) // under the middle of the heading
	}
	return append(cells, strings.Join(record, " "), strings.Join(open, " "), what, string(origin), detail)
}

// dead reports whether dials of a node fail.
func (v *view) dead(node Role) bool { return !v.listening[node] || v.isolated[node] }

// nowhere reports whether dials of the name fail, whichever node they try.
func (v *view) nowhere() bool {
	return !slices.ContainsFunc(v.record, func(node Role) bool { return !v.dead(node) })
}

// Text draws the plan as a table with one lifeline per node, for people:
//
//	   at  old  new  record  open    step                   origin    what happens
//	   6s   #    |   old     MOVING  notify MOVING 15s old  measured  the old proxy announces that it leaves
//	21.7s   .    #   old!            close old              measured  the old proxy closes all its connections
//
// It ends with the spans in which the name leads nowhere.
func (p Plan) Text() string {
	v := p.view()
	head := []string{"at"}
	for _, node := range v.nodes {
		head = append(head, string(node))
	}
	rows := [][]string{append(head, "record", "open", "step", "origin", "what happens")}
	rows = append(rows, v.row(0, "", "begin", ""))
	last := p.turns()
	for i, a := range p.Actions {
		v.see(a)
		switch {
		case a.Turn <= drawnTurns || a.Turn == last:
			rows = append(rows, v.row(a.At, a.Origin, a.describe(), a.Detail))
		case p.Actions[i-1].Turn <= drawnTurns:
			rows = append(rows, []string{"..."})
		}
	}
	rows = append(rows, v.row(p.Length, "", "end", ""))
	var b strings.Builder
	b.WriteString(columns(rows, 0))
	isolated, fate := "", "refuses"
	if slices.ContainsFunc(p.Actions, func(a Action) bool { return a.Act == Isolate }) {
		isolated, fate = "  x isolated", "refuses or is cut off"
	}
	serves := "the endpoint"
	if p.Upgrade.Database == OSSCluster {
		serves = "slots"
	}
	fmt.Fprintf(&b, "\n  # serves %s  | listens  . refuses%s  ! the record names a port that %s\n", serves, isolated, fate)
	for _, s := range p.Refused() {
		fmt.Fprintf(&b, "  From %v to %v (%v) the name leads to a port that %s.\n", s.From, s.To, s.To-s.From, fate)
	}
	return b.String()
}

// drawnTurns is how many turns of a cascade are drawn, beside the last one.
const drawnTurns = 2

// turns is how often the step is played that is played most often.
func (p Plan) turns() int {
	most := 0
	for _, a := range p.Actions {
		most = max(most, a.Turn)
	}
	return most
}

// nodes are those that the drawing needs lifelines for.
func (p Plan) nodes() []Role {
	var nodes []Role
	for _, role := range []Role{Old, Peer, New, Next} {
		always := role == Old || role == New && p.Upgrade.Database != OSSCluster
		if always || slices.ContainsFunc(p.Actions, func(a Action) bool { return a.Node == role || a.To == role }) {
			nodes = append(nodes, role)
		}
	}
	return nodes
}

// describe names the action with its numbers: "notify MOVING 15s old".
func (a Action) describe() string {
	text := string(a.Act)
	if a.Act == Notify {
		text += " " + a.Notice.String()
	}
	if a.Seconds > 0 {
		text += fmt.Sprintf(" %ds", a.Seconds)
	}
	if a.Node != "" {
		text += " " + string(a.Node)
	}
	if a.To != "" && (a.Act == Move || a.Notice == notice.SMigrated) {
		text += " to " + string(a.To)
	}
	if a.Writes > 0 {
		text += fmt.Sprintf(" %d writes", a.Writes)
	}
	if a.Slots != "" {
		text += " " + a.Slots
	}
	if a.Delay > 0 {
		text += " +" + a.Delay.String()
	}
	if a.Act.Lasts() {
		text += " for " + a.For.String()
	}
	return text
}

// Span is a part of a plan.
type Span struct{ From, To time.Duration }

// Refused returns the spans in which the endpoint's record names a node that
// refuses connections or is cut off: whoever dials the name then fails, handoffs or not.
// One that lasts to the end of the plan ends with it.
func (p Plan) Refused() []Span {
	v := p.view()
	var spans []Span
	from, refused := time.Duration(0), false
	step := func(at time.Duration, now bool) {
		if refused && !now && at > from {
			spans = append(spans, Span{from, at})
		}
		if now && !refused {
			from = at
		}
		refused = now
	}
	for _, a := range p.Actions {
		v.see(a)
		step(a.At, v.nowhere())
	}
	step(p.Length, false)
	return spans
}

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
	serving   Role
	record    Role
	open      []notice.Kind
}

func newView() view {
	return view{listening: map[Role]bool{Old: true}, serving: Old, record: Old}
}

// see changes the view by one action.
func (v *view) see(a Action) {
	switch a.Act {
	case Listen, Refuse:
		v.listening[a.Node] = a.Act == Listen
	case Bind:
		v.serving = a.Node
	case DNS:
		v.record = a.Node
	case Close:
		v.shut(notice.Moving)
	case Notify:
		if opener, ok := a.Notice.Opener(); ok {
			v.shut(opener)
		} else {
			v.open = append(v.open, a.Notice)
		}
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
	case !v.listening[node]:
		return "."
	case v.serving == node:
		return "#"
	}
	return "|"
}

// row is one line of the drawing.
func (v *view) row(at time.Duration, origin Origin, what, detail string) []string {
	record := string(v.record)
	if !v.listening[v.record] {
		record += "!"
	}
	var open []string
	for _, kind := range v.open {
		open = append(open, kind.String())
	}
	return []string{at.String(), v.lifeline(Old), v.lifeline(New), record, strings.Join(open, " "), what, string(origin), detail}
}

// Text draws the plan as a table with one lifeline per node, for people:
//
//	   at  old  new  record  open    step                   origin    what happens
//	   6s   #    |   old     MOVING  notify MOVING 15s old  measured  the old proxy announces that it leaves
//	21.7s   .    #   old!            close old              measured  the old proxy closes all its connections
//
// It ends with the spans in which the name leads nowhere.
func (p Plan) Text() string {
	v := newView()
	rows := [][]string{{"at", "old", "new", "record", "open", "step", "origin", "what happens"}}
	rows = append(rows, v.row(0, "", "begin", ""))
	for _, a := range p.Actions {
		v.see(a)
		rows = append(rows, v.row(a.At, a.Origin, a.describe(), a.Detail))
	}
	rows = append(rows, v.row(p.Length, "", "end", ""))
	var b strings.Builder
	b.WriteString(columns(center(rows), 0))
	b.WriteString("\n  # serves the endpoint  | listens  . refuses  ! the record names a port that refuses\n")
	for _, s := range p.Refused() {
		fmt.Fprintf(&b, "  From %v to %v (%v) the name leads to a port that refuses.\n", s.From, s.To, s.To-s.From)
	}
	return b.String()
}

// center puts the lifelines under the middle of their headings.
func center(rows [][]string) [][]string {
	for _, row := range rows[1:] {
		row[1], row[2] = " "+row[1], " "+row[2]
	}
	return rows
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
	if a.Delay > 0 {
		text += " +" + a.Delay.String()
	}
	if a.Act == Stall || a.Act == Slow {
		text += " for " + a.For.String()
	}
	return text
}

// Span is a part of a plan.
type Span struct{ From, To time.Duration }

// Refused returns the spans in which the endpoint's record names a node that
// refuses connections: whoever dials the name then fails, handoffs or not.
// One that lasts to the end of the plan ends with it.
func (p Plan) Refused() []Span {
	v := newView()
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
		step(a.At, !v.listening[v.record])
	}
	step(p.Length, false)
	return spans
}

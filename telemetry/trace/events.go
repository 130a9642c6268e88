package trace

import (
	"time"

	"schload/telemetry/mark"
)

const (
	// EventsBefore is how long before it was sent an operation's connection is
	// looked back at: a notice announces what comes up to 10 s later.
	EventsBefore = 15 * time.Second
	// MostEvents bounds those of one operation, mostMarks those remembered.
	MostEvents = 16
	mostMarks  = 1024
)

// events are the latest marks about connections of an arm.
type events struct {
	ring []mark.Mark
	next int
}

func (e *events) put(m mark.Mark) {
	switch m.Kind {
	case mark.Notice, mark.Handoff, mark.Dial, mark.Close, mark.Relaxed:
	default:
		return
	}
	if len(e.ring) < mostMarks {
		e.ring = append(e.ring, m)
		return
	}
	e.ring[e.next] = m
	e.next = (e.next + 1) % mostMarks
}

// of returns what befell a connection from one instant to another, at most the
// last MostEvents, oldest first.
func (e *events) of(number uint64, from, to time.Duration) []mark.Mark {
	var list []mark.Mark
	for i := range e.ring {
		m := e.ring[(e.next+i)%len(e.ring)]
		if m.Conn == number && m.At >= from && m.At <= to {
			list = append(list, m)
		}
	}
	return list[max(0, len(list)-MostEvents):]
}

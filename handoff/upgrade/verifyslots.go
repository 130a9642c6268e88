package upgrade

import (
	"fmt"
	"slices"
	"time"

	"schload/handoff/notice"
)

// slotScene is the state of an OSS Cluster between two actions. The rules are
// those observed: slots flip within a window that was announced, a completion
// follows the flip, and every window is completed.
type slotScene struct {
	listening map[Role]bool
	isolated  map[Role]bool
	serving   map[Role]bool // it has slots, as far as the plan says
	windows   []slotWindow  // in the order of their announcement
	stalled   time.Duration // end of the last stall, or of the last refusal of commands
	refused   map[Role]Action
}

// slotWindow is one SMIGRATING and how far it got.
type slotWindow struct {
	opening Action
	moved   bool
	to      Role
}

func newSlotScene() *slotScene {
	return &slotScene{
		listening: map[Role]bool{Old: true, Peer: true}, isolated: map[Role]bool{},
		serving: map[Role]bool{Old: true, Peer: true}, refused: map[Role]Action{},
	}
}

func (s *slotScene) play(a Action, _ []Action) error {
	switch a.Act {
	case Notify:
		if a.Notice == notice.SMigrating {
			return s.open(a)
		}
		return s.complete(a)
	case Move:
		return s.move(a)
	case Listen:
		if s.listening[a.Node] {
			return fmt.Errorf("%s listens already", a.Node)
		}
		s.listening[a.Node] = true
		delete(s.refused, a.Node)
	case Refuse:
		if !s.listening[a.Node] {
			return fmt.Errorf("%s does not listen", a.Node)
		}
		s.listening[a.Node] = false
		s.refused[a.Node] = a
	case Close:
		if s.isolated[a.Node] {
			return fmt.Errorf("%s is isolated: nobody would see its connections close", a.Node)
		}
	case Isolate:
		if s.isolated[a.Node] {
			return fmt.Errorf("%s is isolated already", a.Node)
		}
		s.isolated[a.Node] = true
	case Rejoin:
		if !s.isolated[a.Node] {
			return fmt.Errorf("%s is not isolated: want an isolate before", a.Node)
		}
		s.isolated[a.Node] = false
	case Stall, Loading:
		s.stalled = max(s.stalled, a.End())
	}
	return nil
}

func (s *slotScene) open(a Action) error {
	switch {
	case !s.serving[a.Node]:
		return fmt.Errorf("%s serves no slots: only a node that does gives some away", a.Node)
	case s.isolated[a.Node]:
		return fmt.Errorf("%s is isolated: want a rejoin before", a.Node)
	}
	s.windows = append(s.windows, slotWindow{opening: a})
	return nil
}

// find returns the oldest window of a node that has, or has not, moved.
func (s *slotScene) find(node Role, moved bool) int {
	return slices.IndexFunc(s.windows, func(w slotWindow) bool { return w.opening.Node == node && w.moved == moved })
}

func (s *slotScene) move(a Action) error {
	i := s.find(a.Node, false)
	switch {
	case a.To == a.Node:
		return fmt.Errorf("the slots do not move: node and to are both %s", a.Node)
	case i < 0:
		return fmt.Errorf("%s announced no slots: want a SMIGRATING of %s before", a.Node, a.Node)
	case !s.listening[a.To]:
		return fmt.Errorf("%s does not listen: want a listen before", a.To)
	case s.isolated[a.To]:
		return fmt.Errorf("%s is isolated: want a rejoin before", a.To)
	}
	s.windows[i].moved, s.windows[i].to = true, a.To
	if pick, err := ParseSlots(s.windows[i].opening.Slots); err == nil && pick.All() {
		s.serving[a.Node] = false
	}
	s.serving[a.To] = true
	return nil
}

func (s *slotScene) complete(a Action) error {
	i := s.find(a.Node, true)
	if i < 0 {
		if s.find(a.Node, false) < 0 {
			return fmt.Errorf("%s announced no slots: want a SMIGRATING of %s before", a.Node, a.Node)
		}
		return fmt.Errorf("the slots of %s have not moved: want a move before", a.Node)
	}
	if to := s.windows[i].to; to != a.To {
		return fmt.Errorf("the slots went to %s, not to %s", to, a.To)
	}
	if a.At < s.stalled-grain {
		return fmt.Errorf("commands are stalled until %v: want it then or later", s.stalled)
	}
	s.windows = slices.Delete(s.windows, i, i+1)
	return nil
}

// pending refuses what is left undone when the plan ends.
func (s *slotScene) pending(a Action) error {
	for _, w := range s.windows {
		if w.opening.Step == a.Step && w.opening.At == a.At {
			return fmt.Errorf("slots of %s: never completed: want a move and a %v after it", a.Node, notice.SMigrated)
		}
	}
	if refuse, ok := s.refused[a.Node]; ok && refuse.Step == a.Step && refuse.At == a.At && s.serving[a.Node] {
		return fmt.Errorf("%s serves slots and never listens again: want all its slots moved before, or a listen after", a.Node)
	}
	return nil
}

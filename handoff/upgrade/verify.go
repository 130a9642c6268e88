package upgrade

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"schload/handoff/notice"
)

// verify plays the plan in the head and refuses what no server would do. The
// rules are those observed: MOVING is sent only by a proxy that leaves the
// endpoint while another joins it, windows of a shard do not nest, a
// completion follows its opening, and no proxy leaves before the time it
// announced.
func (p Plan) verify() error {
	stage := scene{
		listening: map[Role]bool{Old: true},
		serving:   Old,
		open:      map[string]notice.Kind{},
		leaving:   map[Role]time.Duration{},
	}
	for i, a := range p.Actions {
		if err := stage.play(a, p.Actions[i+1:]); err != nil {
			return fmt.Errorf("upgrade %s: %s at %v: %w", p.Upgrade.Name, a.title(), a.At, err)
		}
	}
	for shards, kind := range stage.open {
		return fmt.Errorf("upgrade %s: %v of shards %s is never closed: want a %v after it", p.Upgrade.Name, kind, shards, closer(kind))
	}
	for node := range stage.leaving {
		return fmt.Errorf("upgrade %s: MOVING says that %s leaves, but it never closes its connections", p.Upgrade.Name, node)
	}
	return nil
}

func (a Action) title() string {
	words := []string{string(a.Act)}
	if a.Act == Notify {
		words = append(words, a.Notice.String())
	}
	if a.Node != "" {
		words = append(words, string(a.Node))
	}
	return strings.Join(words, " ")
}

func closer(kind notice.Kind) notice.Kind {
	k, _ := kind.Closer()
	return k
}

// scene is the state of the endpoint between two actions.
type scene struct {
	listening map[Role]bool
	serving   Role
	open      map[string]notice.Kind // by shards
	leaving   map[Role]time.Duration // announced end, by proxy
}

func (s *scene) play(a Action, later []Action) error {
	switch a.Act {
	case Notify:
		return s.notify(a, later)
	case Listen:
		if s.listening[a.Node] {
			return fmt.Errorf("%s listens already", a.Node)
		}
		s.listening[a.Node] = true
	case Refuse:
		if !s.listening[a.Node] {
			return fmt.Errorf("%s does not listen", a.Node)
		}
		s.listening[a.Node] = false
		return s.leave(a)
	case Close:
		if err := s.leave(a); err != nil {
			return err
		}
		delete(s.leaving, a.Node)
	case Bind:
		if !s.listening[a.Node] {
			return fmt.Errorf("%s does not listen: want a listen before", a.Node)
		}
		s.serving = a.Node
	}
	return nil
}

// leave refuses a proxy that goes before the time it announced.
func (s *scene) leave(a Action) error {
	if until, ok := s.leaving[a.Node]; ok && a.At < until {
		return fmt.Errorf("MOVING announced that %s serves until %v", a.Node, until)
	}
	return nil
}

func (s *scene) notify(a Action, later []Action) error {
	if a.Notice == notice.Moving {
		return s.moving(a, later)
	}
	shards := strings.Join(a.Shards, ",")
	if shards == "" {
		return fmt.Errorf("names no shard")
	}
	kind, open := s.open[shards]
	if opener, closes := a.Notice.Opener(); closes {
		if !open || kind != opener {
			return fmt.Errorf("shards %s: want a %v before it", shards, opener)
		}
		delete(s.open, shards)
		return nil
	}
	if open {
		return fmt.Errorf("shards %s: the window of %v is still open: want its %v first", shards, kind, closer(kind))
	}
	s.open[shards] = a.Notice
	return nil
}

// moving checks that the endpoint's address set loses the proxy that speaks
// and gains the one it names: a set that only shrinks or only grows is changed
// in silence.
func (s *scene) moving(a Action, later []Action) error {
	if a.To == a.Node {
		return fmt.Errorf("the endpoint does not move: node and to are both %s", a.Node)
	}
	if s.serving != a.Node {
		return fmt.Errorf("%s does not serve the endpoint, %s does: only a proxy that leaves says MOVING", a.Node, s.serving)
	}
	if _, twice := s.leaving[a.Node]; twice {
		return fmt.Errorf("%s said so already", a.Node)
	}
	if !slices.ContainsFunc(later, func(b Action) bool { return b.Act == Bind && b.Node == a.To }) {
		return fmt.Errorf("the endpoint never moves to %s: want a bind of %s after it", a.To, a.To)
	}
	s.leaving[a.Node] = a.At + time.Duration(a.Seconds)*time.Second
	return nil
}

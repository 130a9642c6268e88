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
// completion follows its opening, no proxy leaves before the time it
// announced, and nobody hears of a node that is isolated.
func (p Plan) verify() error {
	var stage interface {
		play(a Action, later []Action) error
		pending(Action) error
	} = newScene()
	if p.Upgrade.Database == OSSCluster {
		stage = newSlotScene()
	}
	for i, a := range p.Actions {
		if err := stage.play(a, p.Actions[i+1:]); err != nil {
			return p.Upgrade.at(a.Step, fmt.Errorf("at %v: %w", a.At, err))
		}
	}
	for _, a := range p.Actions {
		if err := stage.pending(a); err != nil {
			return p.Upgrade.at(a.Step, fmt.Errorf("at %v: %w", a.At, err))
		}
	}
	return nil
}

// grain is what rounding to a microsecond may take from one of two instants
// that are the same as written.
const grain = time.Microsecond

func closer(kind notice.Kind) notice.Kind {
	k, _ := kind.Closer()
	return k
}

// scene is the state of the endpoint between two actions.
type scene struct {
	listening map[Role]bool
	isolated  map[Role]bool
	serving   []Role
	open      map[string]Action // the notices whose completion is due, by shards
	stalled   time.Duration     // end of the last stall, or of the last refusal of commands
	leaving   map[Role]Action   // the MOVING each proxy said
}

func newScene() *scene {
	return &scene{
		listening: map[Role]bool{Old: true},
		isolated:  map[Role]bool{},
		serving:   []Role{Old},
		open:      map[string]Action{},
		leaving:   map[Role]Action{},
	}
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
	case Close, Reset:
		if a.Act == Close && s.isolated[a.Node] {
			return fmt.Errorf("%s is isolated: nobody would see its connections close", a.Node)
		}
		if err := s.leave(a); err != nil {
			return err
		}
		delete(s.leaving, a.Node)
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
	case Bind:
		if !s.listening[a.Node] {
			return fmt.Errorf("%s does not listen: want a listen before", a.Node)
		}
		if s.isolated[a.Node] {
			return fmt.Errorf("%s is isolated: want a rejoin before", a.Node)
		}
		if len(s.serving) > 1 {
			return fmt.Errorf("%v serve the endpoint: want a join of %s and a leave of others", s.serving, a.Node)
		}
		s.serving = []Role{a.Node}
	case DNS:
		if len(s.serving) > 1 {
			return fmt.Errorf("the record names %v: want a join of %s or a leave of others", s.serving, a.Node)
		}
	case Join:
		return s.join(a.Node)
	case Leave:
		i := slices.Index(s.serving, a.Node)
		if i < 0 || len(s.serving) == 1 {
			return fmt.Errorf("the endpoint is served by %v: want it served by %s and another before", s.serving, a.Node)
		}
		s.serving = slices.Delete(s.serving, i, i+1)
	}
	return nil
}

func (s *scene) join(node Role) error {
	switch {
	case !s.listening[node]:
		return fmt.Errorf("%s does not listen: want a listen before", node)
	case s.isolated[node]:
		return fmt.Errorf("%s is isolated: want a rejoin before", node)
	case slices.Contains(s.serving, node):
		return fmt.Errorf("%s serves the endpoint already", node)
	}
	s.serving = append(s.serving, node)
	return nil
}

// leave refuses a proxy that goes before the time it announced.
func (s *scene) leave(a Action) error {
	moving, ok := s.leaving[a.Node]
	if until := moving.At + time.Duration(moving.Seconds)*time.Second; ok && a.At < until-grain {
		return fmt.Errorf("MOVING announced that %s serves until %v: want it then or later", a.Node, until)
	}
	return nil
}

// pending refuses a notice that nothing has followed when the plan ends.
func (s *scene) pending(a Action) error {
	if a.Act != Notify {
		return nil
	}
	if open, ok := s.open[shardList(a)]; ok && open.Step == a.Step {
		return fmt.Errorf("shards %s: never completed: want a %v after it", shardList(a), closer(a.Notice))
	}
	if moving, ok := s.leaving[a.Node]; ok && moving.Step == a.Step {
		return fmt.Errorf("%s never leaves: want a close of %s after the announced time", a.Node, a.Node)
	}
	return nil
}

func shardList(a Action) string { return strings.Join(a.Shards, ",") }

func (s *scene) notify(a Action, later []Action) error {
	if a.Notice == notice.Moving {
		return s.moving(a, later)
	}
	shards := shardList(a)
	if shards == "" {
		return fmt.Errorf("names no shard")
	}
	opening, open := s.open[shards]
	if opener, closes := a.Notice.Opener(); closes {
		if !open || opening.Notice != opener {
			return fmt.Errorf("shards %s: want a %v before it", shards, opener)
		}
		if a.At < s.stalled-grain {
			return fmt.Errorf("shards %s: commands are stalled until %v: want it then or later", shards, s.stalled)
		}
		delete(s.open, shards)
		return nil
	}
	if open {
		return fmt.Errorf("shards %s: the window of %v is still open: want its %v first", shards, opening.Notice, closer(opening.Notice))
	}
	s.open[shards] = a
	return nil
}

// moving checks that the endpoint's address set loses the proxy that speaks
// and gains the one it names: a set that only shrinks or only grows is changed
// in silence.
func (s *scene) moving(a Action, later []Action) error {
	if a.To == a.Node {
		return fmt.Errorf("the endpoint does not move: node and to are both %s", a.Node)
	}
	if s.isolated[a.Node] {
		return fmt.Errorf("%s is isolated: nobody would hear its MOVING", a.Node)
	}
	if len(s.serving) > 1 {
		return fmt.Errorf("%v serve the endpoint: none of them says MOVING when another leaves or joins", s.serving)
	}
	if s.serving[0] != a.Node {
		return fmt.Errorf("%s does not serve the endpoint, %s does: only a proxy that leaves says MOVING", a.Node, s.serving[0])
	}
	if _, twice := s.leaving[a.Node]; twice {
		return fmt.Errorf("%s said so already", a.Node)
	}
	if !slices.ContainsFunc(later, func(b Action) bool { return b.Act == Bind && b.Node == a.To }) {
		return fmt.Errorf("the endpoint never moves to %s: want a bind of %s after it", a.To, a.To)
	}
	s.leaving[a.Node] = a
	return nil
}

package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"schload/handoff/upgrade"
)

// slotNeeds are what a plan needs of an OSS Cluster before it begins.
type slotNeeds struct {
	any    bool          // it speaks of slots at all
	fresh  bool          // a node without slots
	peer   bool          // two nodes with slots
	ranges upgrade.Slots // the slots that it names by number, if it does
	goals  []goal        // its moves in order
}

func slotNeedsOf(plan upgrade.Plan) slotNeeds {
	var n slotNeeds
	for _, a := range plan.Actions {
		n.fresh = n.fresh || a.Node == upgrade.New || a.To == upgrade.New
		n.peer = n.peer || a.Node == upgrade.Peer || a.To == upgrade.Peer
		if a.Act == upgrade.Move {
			n.goals = append(n.goals, goal{a.Node, a.To})
		}
		if pick, err := upgrade.ParseSlots(a.Slots); err == nil && a.Slots != "" && n.ranges == nil {
			n.ranges = pick.Ranges
		}
	}
	n.any = len(n.goals) > 0 || plan.Upgrade.Database == upgrade.OSSCluster
	return n
}

// reload is how long clients have to read the slot map again before the nodes
// that it does not name any more are closed.
const reload = 2 * time.Second

// Prepare puts the database into the shape that a plan needs, for a round to
// begin with: of a database with the OSS Cluster API, equal shards that are each
// on one node, a node without slots if the plan has one join, two nodes with
// slots if it needs a peer. Slots go back with SMIGRATING and SMIGRATED, and two
// seconds later nodes that have none left refuse and close. It does nothing if
// all is as it should be, and nothing to a database behind an endpoint. What it
// does is marked "made ready".
//
// A plan that the database cannot play is refused. Play prepares too, without
// the two seconds.
func (s *Simulator) Prepare(ctx context.Context, plan upgrade.Plan) error {
	if err := s.suits(plan); err != nil {
		return err
	}
	needs := slotNeedsOf(plan)
	if !s.config.OSSCluster || !needs.any {
		return nil
	}
	select {
	case s.plays <- struct{}{}:
		defer func() { <-s.plays }()
	default:
		return ErrPlaying
	}
	before := s.slots.Load()
	if !s.director.await(letter{event: arranged{needs}}) {
		return ErrClosed
	}
	if s.slots.Load() != before {
		if err := s.until(ctx, time.Now().Add(reload)); err != nil {
			return err
		}
	}
	if !s.director.await(letter{event: vacated{}}) {
		return ErrClosed
	}
	return nil
}

// suitsSlots refuses a plan for another kind of database, or for more nodes
// than there are.
func (s *Simulator) suitsSlots(plan upgrade.Plan) error {
	if len(plan.Actions) == 0 {
		return nil
	}
	name, c := plan.Upgrade.Name, s.config
	have, kind := upgrade.Endpoint, "databases behind an endpoint"
	if c.OSSCluster {
		have = upgrade.OSSCluster
	}
	want := plan.Upgrade.Database
	if want == upgrade.OSSCluster {
		kind = "databases with the OSS Cluster API"
	}
	if want != "" && want != have {
		return fmt.Errorf("upgrade %s is for %s, this one is %s: want one of %s", name, kind, have, strings.Join(have.Upgrades(), ", "))
	}
	needs := slotNeedsOf(plan)
	if !c.OSSCluster {
		if slices.ContainsFunc(plan.Actions, ofSlots) {
			return fmt.Errorf("upgrade %s moves hash slots, which clients of this database do not see: want a database with the OSS Cluster API", name)
		}
		return nil
	}
	serving := min(c.ShardCount, c.Nodes)
	if needs.fresh {
		serving = servingNodes(c.Nodes, c.ShardCount)
	}
	switch {
	case needs.fresh && c.Nodes < 2:
		return fmt.Errorf("upgrade %s needs a node without slots, this database has 1 node: want 2 nodes or more", name)
	case needs.peer && serving < 2:
		return fmt.Errorf("upgrade %s needs two nodes that serve slots, this database has 1: want 2 shards and %d nodes or more", name, c.nodesFor(needs))
	}
	return nil
}

// nodesFor is how many nodes a plan with a peer needs.
func (c Config) nodesFor(needs slotNeeds) int {
	if needs.fresh {
		return 3
	}
	return 2
}

func ofSlots(a upgrade.Action) bool { return a.Act == upgrade.Move || a.Slots != "" }

// Shard is a primary of a database with the OSS Cluster API.
type Shard struct {
	ID      int
	Node    int           // the node that serves it, from 0
	Replica int           // the node that has its copy; -1: there is none
	Slots   upgrade.Slots // that it serves
}

// ShardList is where the shards are. It is nil for a database behind an
// endpoint, and once the simulator is closed.
func (s *Simulator) ShardList() []Shard {
	var list []Shard
	s.director.do(func(c *core) {
		if c.layout == nil {
			return
		}
		for _, sh := range c.layout.shards {
			list = append(list, Shard{sh.id, sh.node, sh.replica, sh.slots})
		}
	})
	return list
}

package sim

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"schload/handoff/upgrade"
)

// Rounds begin alike: Prepare gives the slots back, with notices, and lets
// clients read the map before it closes nodes.
func TestPrepare(t *testing.T) {
	remove := catalogPlan(t, "oss-slot-remove")
	inWorld(t, ossCluster, func(w *world) {
		for round := range 3 {
			c := w.optedIn(w.sim.Addr(), "none")
			before := w.sim.slots.Load().epoch
			start := time.Now()
			if err := w.sim.Prepare(w.Context(), remove); err != nil {
				t.Fatal(err)
			}
			want := time.Duration(0)
			if round > 0 {
				want = reload
			}
			if took := time.Since(start); took != want {
				t.Errorf("round %d: prepared within %v, want %v", round, took, want)
			}
			m := w.sim.slots.Load()
			if len(m.served) != 3 || (m.epoch == before) != (round == 0) {
				t.Errorf("round %d: after Prepare %v, epoch %d, before %d", round, m, m.epoch, before)
			}
			for _, s := range w.sim.ShardList() {
				if n := s.Slots.Count(); n < 5461 || n > 5462 || s.Replica == s.Node || s.Replica < 0 {
					t.Errorf("round %d: shard %+v", round, s)
				}
			}
			w.marks = nil
			if err := w.sim.Play(w.Context(), remove); err != nil {
				t.Fatal(err)
			}
			if m := w.marks[0]; m.Name != "SMIGRATING" || strings.HasPrefix(m.Detail, "made ready") {
				t.Errorf("round %d: Play began with %+v", round, m)
			}
			if m := w.sim.slots.Load(); len(m.served) != 2 {
				t.Errorf("round %d: after Play %v", round, m)
			}
			c.Close()
		}
	})
}

// Every shape of database is brought to rest by whatever a plan needs.
func TestRest(t *testing.T) {
	for nodes := 1; nodes <= 6; nodes++ {
		for shards := 1; shards <= 8; shards++ {
			l := newLayout(nodes, shards, true)
			for step := range 20 {
				l.move(upgrade.Slots{{From: step * 700, To: step*700 + 900}}, step%nodes, (step+1)%nodes)
			}
			for _, serving := range []int{min(shards, nodes), servingNodes(nodes, shards)} {
				for _, t := range l.rest(serving) {
					l.move(t.slots, t.from, t.to)
				}
				if got := len(l.serving()); got != serving {
					t.Errorf("%d nodes, %d shards: %d serve, want %d: %v", nodes, shards, got, serving, l)
				}
				if again := l.rest(serving); len(again) > 0 {
					t.Errorf("%d nodes, %d shards: not at rest: %v", nodes, shards, again)
				}
				var all upgrade.Slots
				for node := range nodes {
					all = all.Join(l.served(node))
				}
				if all.String() != "0-16383" {
					t.Errorf("%d nodes, %d shards: slots %v are served", nodes, shards, all)
				}
			}
		}
	}
}

// What a database cannot play is refused before it begins.
func TestPlayRefusesSlots(t *testing.T) {
	for name, test := range map[string]struct {
		config  Config
		upgrade string
		want    string
	}{
		"endpoint":  {ossCluster, "endpoint-rebind", "upgrade endpoint-rebind is for databases behind an endpoint, this one is oss-cluster: want one of oss-reshard, oss-slot-add, oss-slot-remove, oss-slot-remove-add, oss-slot-shuffle"},
		"one node":  {Config{OSSCluster: true, Nodes: 1}, "oss-slot-add", "upgrade oss-slot-add needs a node without slots, this database has 1 node: want 2 nodes or more"},
		"one shard": {Config{OSSCluster: true, ShardCount: 1}, "oss-slot-remove", "upgrade oss-slot-remove needs two nodes that serve slots, this database has 1: want 2 shards and 2 nodes or more"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, test.config, func(w *world) {
				plan := catalogPlan(t, test.upgrade)
				for _, err := range []error{w.sim.Prepare(w.Context(), plan), w.sim.Play(w.Context(), plan)} {
					if err == nil || err.Error() != test.want {
						t.Errorf("got  %v\nwant %s", err, test.want)
					}
				}
				w.wantMarks()
			})
		})
	}
	inWorld(t, Config{}, func(w *world) {
		if err := w.sim.Play(w.Context(), upgrade.Plan{Actions: []upgrade.Action{moveAt(0, upgrade.New)}}); err == nil {
			t.Error("slots moved behind an endpoint")
		}
		if err := w.sim.Prepare(w.Context(), catalogPlan(t, "endpoint-rebind")); err != nil {
			t.Error(err)
		}
		w.wantMarks()
	})
}

// An aborted preparation ends with its context.
func TestPrepareEnds(t *testing.T) {
	inWorld(t, ossCluster, func(w *world) {
		if err := w.sim.Play(w.Context(), catalogPlan(t, "oss-slot-remove")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(w.Context())
		stop := errors.New("stopped by hand")
		time.AfterFunc(time.Second, func() { cancel(stop) })
		if err := w.sim.Prepare(ctx, catalogPlan(t, "oss-slot-add")); !errors.Is(err, stop) {
			t.Errorf("got %v, want %v", err, stop)
		}
	})
}

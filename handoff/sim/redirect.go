package sim

import (
	"fmt"
	"hash/crc32"
	"strings"
	"sync/atomic"
	"time"

	"schload/handoff/sim/resp"
	"schload/telemetry/mark"
)

// guard holds the commands of one connection against the slot map before they
// run: is the slot served here, and is its shard held back? Its methods are
// called by the connection's goroutine.
type guard struct {
	conn    *conn
	cluster bool // the database has the OSS Cluster API: nodes refuse what is not theirs
	asking  bool // the client said ASKING, which is for the next command
	spoiled bool // a command of the transaction was refused: EXEC must be too
	slot    int  // of the transaction's keys; nowhere before the first
	crossed bool // they are of several slots

	topics atomic.Int32 // sharded channels that it is subscribed to
}

// redirects count what a node refused.
type redirects struct{ moved, ask, again, cross, down, readOnly atomic.Int64 }

const (
	replyTryAgain    = "-TRYAGAIN Multiple keys request during rehashing of slot\r\n"
	replyClusterDown = "-CLUSTERDOWN Hash slot not served\r\n"
	replyReadOnly    = "-READONLY You can't write against a read only replica.\r\n"
	replyNoSelect    = "-ERR SELECT is not allowed in cluster mode\r\n"
)

func newGuard(c *conn) *guard {
	return &guard{conn: c, cluster: c.sim.config.OSSCluster, slot: nowhere}
}

// reset makes the guard as new.
func (g *guard) reset() {
	g.conn.sim.channels.leave(g.conn)
	g.asking = false
	g.end()
}

// end forgets the transaction.
func (g *guard) end() { g.spoiled, g.slot, g.crossed = false, nowhere, false }

// admit decides on one command. It returns once the command may run, or has
// been answered.
func (g *guard) admit(args [][]byte, cmd command) (answered bool, err error) {
	asking := g.asking
	g.asking = false
	if g.cluster {
		if answered, err := g.answer(args, cmd); answered {
			return true, err
		}
	}
	switch cmd.kind {
	case cmdMulti:
		if !g.conn.inMulti {
			g.end()
		}
		return false, nil
	case cmdExec:
		return g.exec()
	case cmdDiscard:
		g.end()
		return false, nil
	}
	refusal, err := g.pass(args, cmd, asking)
	if refusal == "" || err != nil {
		return false, err
	}
	return true, g.refuse(refusal)
}

// refuse answers a command, and spoils the transaction that it is part of.
func (g *guard) refuse(reply string) error {
	g.spoiled = g.spoiled || g.conn.inMulti
	return g.conn.say([]byte(reply))
}

// pass waits until the shard of a command's keys lets it run. What has no keys
// runs at once. It looks again after it waited: the slot may have gone.
func (g *guard) pass(args [][]byte, cmd command, asking bool) (refusal string, err error) {
	keys := keysOf(args, cmd, g.conn.sim.config.Faults.Ask)
	if keys.slot == nowhere {
		return "", nil
	}
	for {
		m := g.conn.sim.slots.Load()
		if g.cluster {
			if refusal := g.judge(m, keys, asking); refusal != "" {
				return refusal, nil
			}
		}
		shard := int(m.shard[keys.slot])
		if refusal := g.stalled(m, keys.slot, shard, args[0]); refusal != "" {
			return refusal, nil
		}
		if err := g.conn.wait(shard, m); err != nil {
			return "", err
		}
		if g.conn.loading(shard, cmd) {
			return string(replyLoading), nil
		}
		if g.conn.sim.slots.Load() == m {
			break
		}
	}
	if g.conn.inMulti {
		g.crossed = g.crossed || g.slot != nowhere && g.slot != keys.slot
		g.slot = keys.slot
	}
	return "", nil
}

// stalled is what a fault says in place of waiting.
func (g *guard) stalled(m *slotMap, slot, shard int, name []byte) string {
	faults := g.conn.sim.config.Faults
	if !faults.ClusterDown && !faults.ReadOnly {
		return ""
	}
	gate := g.conn.sim.gates[shard].Load()
	if gate == nil || !time.Now().Before(gate.stalled) {
		return ""
	}
	counts := &g.conn.sim.redirects[g.conn.node]
	switch {
	case faults.ClusterDown && m.leaving != nil && m.leaving[slot] != 0:
		counts.down.Add(1)
		return replyClusterDown
	case faults.ReadOnly && writes(name):
		counts.readOnly.Add(1)
		return replyReadOnly
	}
	return ""
}

// judge says what a node of an OSS Cluster says to keys; empty: it serves them.
func (g *guard) judge(m *slotMap, keys keysAt, asking bool) string {
	counts := &g.conn.sim.redirects[g.conn.node]
	if keys.cross {
		counts.cross.Add(1)
		return replyCrossSlot
	}
	owner, leaves := int(m.node[keys.slot]), m.leavesFor(keys.slot)
	ask := g.conn.sim.config.Faults.Ask && leaves != nowhere && leaves != somewhere
	switch {
	case owner == g.conn.node && (!ask || keys.gone == 0):
		return ""
	case owner == g.conn.node && keys.gone == keys.count:
		counts.ask.Add(1)
		return fmt.Sprintf("-ASK %d %s\r\n", keys.slot, g.conn.sim.network.addrs[leaves])
	case owner == g.conn.node, ask && asking && leaves == g.conn.node && keys.gone > 0 && keys.gone < keys.count:
		counts.again.Add(1)
		return replyTryAgain
	case ask && asking && leaves == g.conn.node:
		return ""
	}
	return g.moved(m, keys.slot)
}

// leavesFor is the node to which a slot is announced to go: nowhere when none
// is, somewhere when nobody knows.
func (m *slotMap) leavesFor(slot int) int {
	if m.leaving == nil {
		return nowhere
	}
	return int(m.leaving[slot]) - 1
}

func (g *guard) moved(m *slotMap, slot int) string {
	g.conn.sim.redirects[g.conn.node].moved.Add(1)
	return fmt.Sprintf("-MOVED %d %s\r\n", slot, g.conn.sim.network.addrs[m.node[slot]])
}

// exec lets a transaction run if all its keys are of one slot that is still
// served here. Otherwise it ends without running, as in Redis.
func (g *guard) exec() (answered bool, err error) {
	defer g.end()
	if !g.conn.inMulti {
		return false, nil
	}
	refusal := ""
	m := g.conn.sim.slots.Load()
	for g.slot != nowhere {
		if err := g.conn.wait(int(m.shard[g.slot]), m); err != nil {
			return false, err
		}
		now := g.conn.sim.slots.Load()
		if now == m {
			break
		}
		m = now
	}
	switch {
	case g.spoiled:
		refusal = replyAborted
	case g.cluster && g.crossed:
		refusal = replyCrossSlot
	case g.cluster && g.slot != nowhere && int(m.node[g.slot]) != g.conn.node:
		refusal = g.moved(m, g.slot)
	default:
		return false, nil
	}
	g.conn.inMulti = false
	if err := g.conn.store.discard(); err != nil {
		return false, err
	}
	return true, g.conn.say([]byte(refusal))
}

// keysAt says where the keys of a command are.
type keysAt struct {
	slot  int  // of the first; nowhere: it has none
	cross bool // others are of other slots
	count int
	gone  int // how many of them are the half that a slot gives away first
}

// keysOf finds them; halves says whether to tell the halves apart.
func keysOf(args [][]byte, cmd command, halves bool) keysAt {
	at := keysAt{slot: nowhere}
	cmd.keys.each(args, func(key []byte) bool {
		slot := slotOf(key)
		at.cross = at.cross || at.slot != nowhere && at.slot != slot
		if at.slot == nowhere {
			at.slot = slot
		}
		at.count++
		if halves && leavesFirst(key) {
			at.gone++
		}
		return !at.cross
	})
	return at
}

// leavesFirst divides keys into two halves, by another hash than that of slots.
func leavesFirst(key []byte) bool { return crc32.ChecksumIEEE(key)&1 == 1 }

// tally marks what each node refused since the last plan, if anything.
func (d *director) tally(now time.Duration) {
	for node := range d.sim.redirects {
		r := &d.sim.redirects[node]
		var words []string
		for _, c := range [...]struct {
			name  string
			count *atomic.Int64
		}{
			{"MOVED", &r.moved}, {"ASK", &r.ask}, {"TRYAGAIN", &r.again}, {"CROSSSLOT", &r.cross}, {"CLUSTERDOWN", &r.down}, {"READONLY", &r.readOnly},
		} {
			if n := c.count.Swap(0); n > 0 {
				words = append(words, fmt.Sprintf("%d %s", n, c.name))
			}
		}
		if len(words) > 0 {
			d.sim.config.Marks(mark.Mark{
				At: now, Kind: mark.Step, Source: "sim", Name: "redirects", Node: d.sim.network.addrs[node],
				Detail: "since the last upgrade: " + strings.Join(words, ", "),
			})
		}
	}
}

// spoil refuses a command that a proxy answers itself, in a transaction.
func (g *guard) spoil() error { return g.refuse(string(resp.AppendError(nil, notInMulti))) }

package handoff

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const slotCount = 16384

// nodes are scripted servers that make up a cluster: one slot map, which they
// all tell, and MOVED for keys that live elsewhere.
type nodes struct {
	*world
	servers []*server

	mu     sync.Mutex
	owners [slotCount]string
	moving map[string]string // keys that are asked for at another node, by ASK
	asking map[*served]bool
	maps   int // times the map was told
}

var nodeAddrs = []string{"127.0.0.1:7000", "127.0.0.2:7000", "127.0.0.3:7000"}

// newNodes starts three nodes that share the slots evenly.
func newNodes(t *testing.T) *nodes {
	t.Helper()
	return newNodesOf(newWorld(t))
}

func newNodesOf(w *world) *nodes {
	w.Helper()
	n := &nodes{world: w, moving: make(map[string]string), asking: make(map[*served]bool)}
	for slot := range n.owners {
		n.owners[slot] = nodeAddrs[slot*len(nodeAddrs)/slotCount]
	}
	for _, addr := range nodeAddrs {
		n.join(addr)
	}
	return n
}

func (n *nodes) join(addr string) {
	s := n.listen(addr)
	s.mu.Lock()
	s.hook = n.answer
	s.mu.Unlock()
	n.servers = append(n.servers, s)
}

// config is a client of the cluster that was given one node.
func (n *nodes) config(arm string) Config {
	c := n.world.config(arm)
	c.Target, c.Cluster = mustTarget(n.T, "redis://"+nodeAddrs[0]), true
	return c
}

func (n *nodes) answer(s *served, args []string) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch name := strings.ToLower(args[0]); {
	case name == "cluster":
		n.maps++
		return n.slots(), true
	case name == "command":
		return "*0\r\n", true
	case name == "asking":
		n.asking[s] = true
		return "+OK\r\n", true
	case len(args) < 2, slices.Contains([]string{"hello", "client", "auth", "ping", "echo"}, name):
		return "", false
	}
	asked, key := n.asking[s], args[1]
	delete(n.asking, s)
	slot := keySlot(key)
	switch owner := n.owners[slot]; {
	case asked:
	case owner != s.srv.addr:
		return fmt.Sprintf("-MOVED %d %s\r\n", slot, owner), true
	case n.moving[key] != "":
		return fmt.Sprintf("-ASK %d %s\r\n", slot, n.moving[key]), true
	}
	return "", false
}

// slots is the reply to CLUSTER SLOTS.
func (n *nodes) slots() string {
	var b strings.Builder
	ranges := 0
	for first := 0; first < slotCount; {
		last := first
		for last+1 < slotCount && n.owners[last+1] == n.owners[first] {
			last++
		}
		host, port, _ := strings.Cut(n.owners[first], ":")
		fmt.Fprintf(&b, "*3\r\n:%d\r\n:%d\r\n*3\r\n%s:%s\r\n%s", first, last, bulkReply(host), port, bulkReply("id-"+host))
		ranges++
		first = last + 1
	}
	return fmt.Sprintf("*%d\r\n%s", ranges, b.String())
}

// give makes a node the owner of everything another one has.
func (n *nodes) give(from, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for slot, owner := range n.owners {
		if owner == from {
			n.owners[slot] = to
		}
	}
}

// keys returns so many keys of a node.
func (n *nodes) keys(addr string, count int) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var keys []string
	for i := 0; len(keys) < count; i++ {
		if key := fmt.Sprintf("key-%d", i); n.owners[keySlot(key)] == addr {
			keys = append(keys, key)
		}
	}
	return keys
}

// hand gives the slot of one key to another node.
func (n *nodes) hand(key, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.owners[keySlot(key)] = to
}

func (n *nodes) read() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.maps
}

// keySlot is the hash slot of a key without a hash tag: CRC-16/XMODEM.
func keySlot(key string) int {
	crc := uint16(0)
	for _, b := range []byte(key) {
		crc ^= uint16(b) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
	}
	return int(crc % slotCount)
}

// settle lets what the client does on its own come to an end, its 200 ms pause
// between two readings of the slot map included.
func settle() { time.Sleep(time.Second) }

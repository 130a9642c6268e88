package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"schload/handoff/sim/resp"
)

// mostChannels is how many sharded channels one connection may be subscribed to.
const mostChannels = 10000

// subscribedOther is what a RESP2 subscriber hears to other commands.
const subscribedOther = "ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"

// channels are the sharded subscriptions of an OSS Cluster's connections. They
// live here and not in the store, which knows nothing of nodes: a channel
// belongs to the node that serves its slot, and is lost to its subscribers when
// the slot goes. The zero value has none.
type channels struct {
	mu          sync.Mutex
	subscribers map[string]map[*conn]int // by channel: the protocol of each
	channels    map[*conn]map[string]bool
}

// subscriberFrame is what is said to a subscriber but for its last element.
// RESP2 knows no pushes.
func subscriberFrame(protocol int, kind string, channel []byte) []byte {
	b := append([]byte(nil), ">3\r\n"...)
	if protocol == 2 {
		b[0] = '*'
	}
	b = resp.AppendBulk(b, kind)
	if channel == nil {
		return resp.AppendNull(b, protocol)
	}
	return resp.AppendBulk(b, channel)
}

// subscribe adds channels, if the map still says that the connection's node has
// them. It reports false when it does not.
func (s *channels) subscribe(c *conn, slot int, names [][]byte) (served, room bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(c.sim.slots.Load().node[slot]) != c.node {
		return false, true
	}
	if len(s.channels[c])+len(names) > mostChannels {
		return true, false
	}
	if s.channels == nil {
		s.subscribers, s.channels = map[string]map[*conn]int{}, map[*conn]map[string]bool{}
	}
	if s.channels[c] == nil {
		s.channels[c] = map[string]bool{}
	}
	for _, name := range names {
		if s.subscribers[string(name)] == nil {
			s.subscribers[string(name)] = map[*conn]int{}
		}
		s.subscribers[string(name)][c] = c.protocol
		s.channels[c][string(name)] = true
		c.guard.topics.Store(int32(len(s.channels[c])))
		c.out.add(resp.AppendInt(subscriberFrame(c.protocol, "ssubscribe", name), int64(len(s.channels[c]))))
	}
	return true, true
}

// unsubscribe removes channels, all of them when none is named.
func (s *channels) unsubscribe(c *conn, names [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(names) == 0 {
		for _, name := range slices.Sorted(maps.Keys(s.channels[c])) {
			names = append(names, []byte(name))
		}
	}
	if len(names) == 0 {
		names = [][]byte{nil}
	}
	for _, name := range names {
		s.remove(c, string(name))
		c.out.add(resp.AppendInt(subscriberFrame(c.protocol, "sunsubscribe", name), int64(len(s.channels[c]))))
	}
}

// remove is called with the lock held.
func (s *channels) remove(c *conn, name string) {
	delete(s.subscribers[name], c)
	if len(s.subscribers[name]) == 0 {
		delete(s.subscribers, name)
	}
	delete(s.channels[c], name)
	c.guard.topics.Store(int32(len(s.channels[c])))
	if len(s.channels[c]) == 0 {
		delete(s.channels, c)
	}
}

// leave removes a connection that ends or starts anew.
func (s *channels) leave(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.channels[c] {
		s.remove(c, name)
	}
}

// speak makes later messages RESP2 or RESP3. It reports false for a RESP2
// subscriber, which must not change.
func (s *channels) speak(c *conn, protocol int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.channels[c]) > 0 && c.protocol == 2 {
		return false
	}
	for name := range s.channels[c] {
		s.subscribers[name][c] = protocol
	}
	return true
}

// publish gives a message to the subscribers of a channel and counts them.
func (s *channels) publish(name, message []byte) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, protocol := range s.subscribers[string(name)] {
		c.deliver(resp.AppendBulk(subscriberFrame(protocol, "smessage", name), message))
	}
	return len(s.subscribers[string(name)])
}

// sweep unsubscribes everyone from the channels that their node has no longer,
// opted in to notices or not.
func (s *channels) sweep(m *slotMap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.subscribers)) {
		slot := slotOf([]byte(name))
		for c, protocol := range s.subscribers[name] {
			if int(m.node[slot]) == c.node {
				continue
			}
			s.remove(c, name)
			c.out.push(resp.AppendInt(subscriberFrame(protocol, "sunsubscribe", []byte(name)), int64(len(s.channels[c]))))
		}
	}
}

// answer replies to what a node of an OSS Cluster answers itself.
func (g *guard) answer(args [][]byte, cmd command) (answered bool, err error) {
	c := g.conn
	if c.protocol == 2 && g.topics.Load() > 0 && !subscriberMay(args[0]) {
		if is(args[0], "ping") {
			return true, c.say(pong(args))
		}
		return true, g.refuse(string(resp.AppendError(nil, fmt.Sprintf(subscribedOther, strings.ToLower(string(clipped(args[0])))))))
	}
	if text := g.serverInfo(args, cmd); text != "" {
		return true, c.say(g.view().text(text))
	}
	handler := ownCommand(cmd.name)
	if handler == nil {
		return false, nil
	}
	if c.inMulti {
		return true, g.spoil()
	}
	return true, handler(g, args)
}

func subscriberMay(name []byte) bool {
	upper := strings.ToUpper(string(clipped(name)))
	return strings.HasSuffix(upper, "SUBSCRIBE") || upper == "QUIT" || upper == "RESET"
}

func pong(args [][]byte) []byte {
	text := []byte{}
	if len(args) > 1 {
		text = args[1]
	}
	return resp.AppendBulk(resp.AppendBulk(resp.AppendArray(nil, 2), "pong"), text)
}

func clipped(word []byte) []byte { return word[:min(len(word), 128)] }

// ownCommand finds what the proxies of an OSS Cluster answer: commands that the store
// behind them takes for another database's.
func ownCommand(name string) func(*guard, [][]byte) error {
	switch name {
	case "CLUSTER":
		return func(g *guard, args [][]byte) error { return g.conn.say(g.aboutCluster(args)) }
	case "READONLY", "READWRITE":
		return (*guard).accept
	case "ASKING":
		return (*guard).ask
	case "SELECT":
		return (*guard).selectDatabase
	case "SSUBSCRIBE":
		return (*guard).subscribe
	case "SUNSUBSCRIBE":
		return (*guard).unsubscribe
	case "SPUBLISH":
		return (*guard).publish
	}
	return nil
}

func (g *guard) ask(args [][]byte) error {
	g.asking = len(args) == 1
	return g.accept(args)
}

// accept says OK to what makes no difference: there are no replicas to read.
func (g *guard) accept(args [][]byte) error {
	if len(args) != 1 {
		return g.conn.say(wrongNumber(strings.ToLower(string(args[0]))))
	}
	return g.conn.say(ok)
}

func (g *guard) selectDatabase(args [][]byte) error {
	switch {
	case len(args) != 2:
		return g.conn.say(wrongNumber("select"))
	case string(args[1]) != "0":
		return g.conn.say([]byte(replyNoSelect))
	}
	return g.conn.say(ok)
}

// channelSlot is the slot of channels that this node has; otherwise refusal
// says why not.
func (g *guard) channelSlot(names [][]byte) (slot int, refusal string) {
	slot = slotOf(names[0])
	for _, name := range names[1:] {
		if slotOf(name) != slot {
			return slot, replyCrossSlot
		}
	}
	if m := g.conn.sim.slots.Load(); int(m.node[slot]) != g.conn.node {
		return slot, g.moved(m, slot)
	}
	return slot, ""
}

func (g *guard) subscribe(args [][]byte) error {
	c := g.conn
	if len(args) < 2 {
		return c.say(wrongNumber("ssubscribe"))
	}
	if err := c.store.settle(); err != nil {
		return err
	}
	slot, refusal := g.channelSlot(args[1:])
	if refusal != "" {
		return c.say([]byte(refusal))
	}
	switch served, room := c.sim.channels.subscribe(c, slot, args[1:]); {
	case !served:
		return c.say([]byte(g.moved(c.sim.slots.Load(), slot)))
	case !room:
		return c.say(resp.AppendError(nil, "ERR too many sharded channels for one connection"))
	}
	return nil
}

func (g *guard) unsubscribe(args [][]byte) error {
	if err := g.conn.store.settle(); err != nil {
		return err
	}
	g.conn.sim.channels.unsubscribe(g.conn, args[1:])
	return nil
}

func (g *guard) publish(args [][]byte) error {
	if len(args) != 3 {
		return g.conn.say(wrongNumber("spublish"))
	}
	if _, refusal := g.channelSlot(args[1:2]); refusal != "" {
		return g.conn.say([]byte(refusal))
	}
	if err := g.conn.store.settle(); err != nil {
		return err
	}
	n := g.conn.sim.channels.publish(args[1], args[2])
	return g.conn.say(resp.AppendInt(nil, int64(n)))
}

// speak makes later messages RESP2 or RESP3.
func (g *guard) speak(protocol int) error {
	if !g.conn.sim.channels.speak(g.conn, protocol) {
		return errSubscribed
	}
	return nil
}

package sim

import (
	"crypto/sha1"
	"fmt"
	"net"
	"strconv"
	"strings"

	"schload/handoff/sim/resp"
	"schload/handoff/upgrade"
)

// clusterCommand is a subcommand of CLUSTER: how many arguments it takes, and
// what is said.
type clusterCommand struct {
	name  string
	args  int
	reply func(v *clusterView, args [][]byte) []byte
}

var clusterCommands = []clusterCommand{
	{"slots", 0, func(v *clusterView, _ [][]byte) []byte { return v.slots() }},
	{"shards", 0, func(v *clusterView, _ [][]byte) []byte { return v.shards() }},
	{"nodes", 0, func(v *clusterView, _ [][]byte) []byte { return v.text(v.nodes()) }},
	{"info", 0, func(v *clusterView, _ [][]byte) []byte { return v.text(v.info()) }},
	{"myid", 0, func(v *clusterView, _ [][]byte) []byte { return resp.AppendBulk(nil, v.id(v.node)) }},
	{"keyslot", 1, func(_ *clusterView, args [][]byte) []byte { return resp.AppendInt(nil, int64(slotOf(args[0]))) }},
}

// clusterView is what one node says about the cluster to one connection. Only
// nodes that serve slots are listed, and the node itself: no replica is, as in
// the OSS Cluster API of Redis Software, where clients speak to proxies of
// primaries.
type clusterView struct {
	*slotMap
	node     int
	protocol int
	name     string   // of the database
	addrs    []string // by node
	secure   bool     // the port takes TLS
}

// cluster answers CLUSTER.
func (g *guard) aboutCluster(args [][]byte) []byte {
	if len(args) < 2 {
		return wrongNumber("cluster")
	}
	for _, c := range clusterCommands {
		if !is(args[1], c.name) {
			continue
		}
		if len(args)-2 != c.args {
			return wrongNumber("cluster|" + c.name)
		}
		return c.reply(g.view(), args[2:])
	}
	return resp.AppendError(nil, fmt.Sprintf("ERR unknown subcommand '%.128s'. Try CLUSTER HELP.", args[1]))
}

func (g *guard) view() *clusterView {
	s := g.conn.sim
	return &clusterView{
		slotMap: s.slots.Load(), node: g.conn.node, protocol: g.conn.protocol, name: s.config.Name, addrs: s.network.addrs,
		secure: s.config.Security != Plain,
	}
}

// serverInfo is what INFO says of the cluster, by which tools tell that it is
// one. What else INFO says is the store's, if it is a server that knows more.
func (g *guard) serverInfo(args [][]byte, cmd command) string {
	const cluster = "# Cluster\r\ncluster_enabled:1\r\n"
	switch {
	case cmd.name != "INFO" || g.conn.inMulti:
		return ""
	case len(args) == 2 && is(args[1], "cluster"):
		return cluster
	case len(args) == 1 && len(g.conn.sim.config.Shards) == 0:
		return fmt.Sprintf("# Server\r\nredis_version:%s\r\nredis_mode:cluster\r\n\r\n%s", g.conn.sim.shards.version(), cluster)
	}
	return ""
}

// id is a node's name within the cluster: 40 hexadecimal digits that stay the
// same for as long as the database has its name.
func (v *clusterView) id(node int) string {
	return fmt.Sprintf("%x", sha1.Sum([]byte(v.name+"/"+nodeName(node))))
}

func (v *clusterView) place(node int) (host string, port int) {
	host, text, _ := net.SplitHostPort(v.addrs[node])
	port, _ = strconv.Atoi(text)
	return host, port
}

// text is a bulk string, which RESP3 marks as text.
func (v *clusterView) text(s string) []byte {
	if v.protocol == 3 {
		return fmt.Appendf(nil, "=%d\r\ntxt:%s\r\n", len(s)+len("txt:"), s)
	}
	return resp.AppendBulk(nil, s)
}

// slots is one entry per range: from, to, and the node that serves it.
func (v *clusterView) slots() []byte {
	n := 0
	for _, s := range v.served {
		n += len(s.slots)
	}
	b := resp.AppendArray(nil, n)
	for _, s := range v.served {
		host, port := v.place(s.node)
		for _, r := range s.slots {
			b = resp.AppendInt(resp.AppendInt(resp.AppendArray(b, 3), int64(r.From)), int64(r.To))
			b = resp.AppendInt(resp.AppendBulk(resp.AppendArray(b, 4), host), int64(port))
			b = resp.AppendMap(resp.AppendBulk(b, v.id(s.node)), v.protocol, 0)
		}
	}
	return b
}

// shards is one entry per node that serves slots.
func (v *clusterView) shards() []byte {
	b := resp.AppendArray(nil, len(v.served))
	for _, s := range v.served {
		b = resp.AppendMap(b, v.protocol, 2)
		b = resp.AppendArray(resp.AppendBulk(b, "slots"), 2*len(s.slots))
		for _, r := range s.slots {
			b = resp.AppendInt(resp.AppendInt(b, int64(r.From)), int64(r.To))
		}
		b = resp.AppendArray(resp.AppendBulk(b, "nodes"), 1)
		b = v.shardNode(b, s.node)
	}
	return b
}

func (v *clusterView) shardNode(b []byte, node int) []byte {
	host, port := v.place(node)
	portKey := "port"
	if v.secure {
		portKey = "tls-port"
	}
	b = resp.AppendMap(b, v.protocol, 7)
	b = resp.AppendBulk(resp.AppendBulk(b, "id"), v.id(node))
	b = resp.AppendInt(resp.AppendBulk(b, portKey), int64(port))
	b = resp.AppendBulk(resp.AppendBulk(b, "ip"), host)
	b = resp.AppendBulk(resp.AppendBulk(b, "endpoint"), host)
	b = resp.AppendBulk(resp.AppendBulk(b, "role"), "master")
	b = resp.AppendInt(resp.AppendBulk(b, "replication-offset"), 0)
	return resp.AppendBulk(resp.AppendBulk(b, "health"), "online")
}

// nodes is one line per node. The bus port is where Redis would have it;
// nothing listens there.
func (v *clusterView) nodes() string {
	var b strings.Builder
	line := func(node int, slots upgrade.Slots) {
		host, port := v.place(node)
		flags := "master"
		if node == v.node {
			flags = "myself,master"
		}
		fmt.Fprintf(&b, "%s %s:%d@%d %s - 0 0 %d connected", v.id(node), host, port, port+10000, flags, v.epoch)
		if len(slots) > 0 {
			b.WriteString(" " + strings.ReplaceAll(slots.String(), ",", " "))
		}
		b.WriteString("\n")
	}
	if v.of(v.node) == nil {
		line(v.node, nil)
	}
	for _, s := range v.served {
		line(s.node, s.slots)
	}
	return b.String()
}

func (v *clusterView) info() string {
	assigned := 0
	for _, s := range v.served {
		assigned += s.slots.Count()
	}
	known := len(v.served)
	if v.of(v.node) == nil {
		known++
	}
	lines := []string{
		"cluster_state:ok", fmt.Sprintf("cluster_slots_assigned:%d", assigned), fmt.Sprintf("cluster_slots_ok:%d", assigned),
		"cluster_slots_pfail:0", "cluster_slots_fail:0", fmt.Sprintf("cluster_known_nodes:%d", known), fmt.Sprintf("cluster_size:%d", len(v.served)),
		fmt.Sprintf("cluster_current_epoch:%d", v.epoch), fmt.Sprintf("cluster_my_epoch:%d", v.epoch),
		"cluster_stats_messages_sent:0", "cluster_stats_messages_received:0", "total_cluster_links_buffer_limit_exceeded:0",
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}

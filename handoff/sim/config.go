package sim

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"schload/telemetry/mark"
)

// Config describes a simulated database. The zero value is a database of three
// nodes with an in-process store, on a free port. What concerns the whole
// cluster (Nodes, Hosts, Base, Marks, Listen, Log, Seed) Cluster.Create takes
// from the cluster.
type Config struct {
	// Nodes is the number of proxies, 1 to 32; default 3. Upgrades that move
	// the endpoint want 2, and rounds look more like a cluster's with 3.
	Nodes int

	// Hosts are the IPv4 addresses of the nodes, one each, where they are not
	// to be loopback addresses: a machine with several addresses can serve
	// clients on others. Default: 127.0.0.2, 127.0.0.3 and so on.
	Hosts []string

	// Port is the port of every node, as it is in real clusters, where clients
	// tell nodes apart by address. 0 takes a free one.
	Port int

	// Name is the endpoint's host name; default redis-<port>.schload.test.
	// Nodes have names beside it, in its domain: node1.schload.test.
	Name string

	// Shards are URLs of Redis servers that hold the data, up to 64:
	// redis://user:password@host:port. Keys are divided among them by hash
	// slot. Plans call them 1, 2 and so on; a plan for more shards than there
	// are shares them. Default: one in-process store.
	Shards []string

	// OSSCluster makes it a database with the OSS Cluster API: each node serves
	// the hash slots of its primaries and answers MOVED for all others, and
	// CLUSTER tells who serves what. Only primaries are listed, as Redis
	// Software lists them. One node has no slots, for some to move to, where
	// there are two or more; default: 4 nodes, or one more than primaries.
	OSSCluster bool

	// ShardCount is the number of primaries the database is said to have, 1 to
	// 64; default 1, as many as there are Shards, or 3 with OSSCluster. They
	// are spread over the nodes, the first on the first. What a plan does to one
	// of them concerns the keys of its slots alone.
	ShardCount int

	// Unreplicated says that shards have no replica: nothing can fail over.
	Unreplicated bool

	// Policy says which nodes' proxies serve the endpoint: SingleProxy, the
	// default, AllMasterShards (the nodes with primaries; with OSSCluster the
	// default, and the only one) or AllNodes.
	Policy string

	// Entrance gives the endpoint an address of its own, EntranceHost, at which
	// the node answers that the address record names: for clients that cannot
	// be led to the name server. Nodes keep theirs, and MOVING names those.
	Entrance bool

	// Security says whether clients must use TLS. Default: they must not.
	Security Security

	// Password, if set, is what clients must authenticate with, as Username,
	// by default "default". Shards have their own, in their URLs.
	Username, Password string

	// Base is the run's base instant, from which marks count; default: the
	// start.
	Base time.Time

	// Marks receives what the simulator did; nil discards it.
	Marks mark.Sink

	// Listen replaces net.Listen, for networks in memory. No name server is
	// started then: LookupHost stands in for it.
	Listen func(network, address string) (net.Listener, error)

	// Log receives what goes wrong; nil discards it.
	Log *slog.Logger

	// Support says how the database answers opt-ins.
	Support Support

	// Faults are opt-in.
	Faults Faults

	// Inject are faults to be done from the start on; Simulator.Inject orders
	// them at any time.
	Inject []Injection

	// Seed is behind every random draw: the delays of slow replies, and when
	// injected faults are done.
	Seed uint64

	// dial replaces net.Dialer for shards in tests.
	dial dialFunc
}

// The proxy policies, as Redis Software spells them.
const (
	SingleProxy     = "single"
	AllMasterShards = "all-master-shards"
	AllNodes        = "all-nodes"
)

// Security is how a database's connections are encrypted.
type Security uint8

// The levels of security.
const (
	Plain     Security = iota // in the clear
	TLS                       // the server shows a certificate of the cluster's authority
	MutualTLS                 // and wants one of the client
)

const (
	mostNodes  = 32
	mostShards = 64
	mostConns  = 10000 // client connections, as many as Redis takes by default

	mostDatabases = 256
	defaultNodes  = 3
)

func (c Config) withDefaults() Config {
	c = c.withLayout()
	if c.Username == "" {
		c.Username = "default"
	}
	if c.Base.IsZero() {
		c.Base = time.Now()
	}
	if c.Marks == nil {
		c.Marks = mark.Discard
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.dial == nil {
		c.dial = new(net.Dialer).DialContext
	}
	return c
}

// Validate returns every fault of the configuration and changes nothing.
func (c Config) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Nodes < 0 || c.Nodes > mostNodes {
		fault("nodes %d: want 1 to %d", c.Nodes, mostNodes)
	}
	if c.Port < 0 || c.Port > 65535 {
		fault("port %d: want 1 to 65535, or 0 for a free one", c.Port)
	}
	if len(c.Shards) > mostShards {
		fault("%d shards: want at most %d", len(c.Shards), mostShards)
	}
	if strings.ContainsAny(c.Name, " \t/:@") {
		fault("name %q: want a host name such as redis-12000.schload.test", c.Name)
	}
	if c.Username != "" && c.Password == "" {
		fault("username %q has no password: want both or neither", c.Username)
	}
	if c.ShardCount < 0 || c.ShardCount > mostShards {
		fault("shard count %d: want 1 to %d", c.ShardCount, mostShards)
	}
	switch c.Policy {
	case "", SingleProxy, AllMasterShards, AllNodes:
	default:
		fault("proxy policy %q: want %s, %s or %s", c.Policy, SingleProxy, AllMasterShards, AllNodes)
	}
	for _, i := range c.Inject {
		errs = append(errs, i.validate(c))
	}
	_, err := parseTargets(c.Shards)
	return errors.Join(append(errs, err, c.validateLayout(), c.Faults.validate(c), c.Support.validate(c.withDefaults().Nodes))...)
}

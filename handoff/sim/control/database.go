package control

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"

	"schload/handoff/sim"
)

// Spec is what a database is to be, in the words of Redis Software's REST API.
// Fields that the simulator has no use for (memory, eviction, modules) are
// accepted and mean nothing.
type Spec struct {
	Name            string          `json:"name"`
	Port            int             `json:"port"` // 0 takes a free one
	MemorySize      int64           `json:"memory_size"`
	Replication     bool            `json:"replication"`
	EvictionPolicy  string          `json:"eviction_policy"`
	Sharding        bool            `json:"sharding"`
	ShardsCount     int             `json:"shards_count"`
	ShardsPlacement string          `json:"shards_placement"` // dense or sparse
	ProxyPolicy     string          `json:"proxy_policy"`     // single, all-master-shards or all-nodes
	OSSCluster      bool            `json:"oss_cluster"`
	PreferredIPType string          `json:"oss_cluster_api_preferred_ip_type,omitempty"`
	ShardKeyRegex   []ShardKeyRegex `json:"shard_key_regex,omitempty"`
	Password        string          `json:"authentication_redis_pass,omitempty"`

	// TLSMode is enabled or disabled, and so is ClientAuthentication, which
	// makes clients show a certificate. Empty is disabled.
	TLSMode              string `json:"tls_mode,omitempty"`
	ClientAuthentication string `json:"enforce_client_authentication,omitempty"`
}

// ShardKeyRegex is a rule that finds the part of a key that is hashed.
type ShardKeyRegex struct {
	Regex string `json:"regex"`
}

// StandardRegex are the rules that give keys the slots of the OSS Cluster.
var StandardRegex = []ShardKeyRegex{{`.*\{(?<tag>.*)\}.*`}, {`(?<tag>.*)`}}

const mostShards = 64

func (s Spec) withDefaults() Spec {
	if s.OSSCluster {
		s.ProxyPolicy = cmp.Or(s.ProxyPolicy, sim.AllMasterShards)
	}
	s.Name = cmp.Or(s.Name, fmt.Sprintf("db-%d", s.Port))
	s.MemorySize = cmp.Or(s.MemorySize, 128<<20)
	s.EvictionPolicy = cmp.Or(s.EvictionPolicy, "noeviction")
	s.ShardsCount = cmp.Or(s.ShardsCount, 1)
	s.ShardsPlacement = cmp.Or(s.ShardsPlacement, "dense")
	s.ProxyPolicy = cmp.Or(s.ProxyPolicy, "single")
	return s
}

var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Validate returns every fault of the specification.
func (s Spec) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if s.Name != "" && !validName.MatchString(s.Name) {
		fault("name %.80q: want letters, digits, dots, dashes and underscores, at most 63", s.Name)
	}
	if s.Port != 0 && (s.Port < 1024 || s.Port > 65535) {
		fault("%w: Invalid port %d: want 1024 to 65535", ErrPort, s.Port)
	}
	if s.ShardsCount < 0 || s.ShardsCount > mostShards {
		fault("shards_count %d: want 1 to %d", s.ShardsCount, mostShards)
	}
	if s.Sharding && len(s.ShardKeyRegex) == 0 {
		fault("missing parameter shard_key_regex: want it when sharding is true")
	}
	if s.ShardsCount > 1 && !s.Sharding {
		fault("shards_count %d: want 1, or sharding true", s.ShardsCount)
	}
	if !slices.Contains([]string{"", "dense", "sparse"}, s.ShardsPlacement) {
		fault("shards_placement %.40q: want dense or sparse", s.ShardsPlacement)
	}
	if !slices.Contains([]string{"", "single", "all-master-shards", "all-nodes"}, s.ProxyPolicy) {
		fault("proxy_policy %.40q: want single, all-master-shards or all-nodes", s.ProxyPolicy)
	}
	if !slices.Contains([]string{"", "internal", "external"}, s.PreferredIPType) {
		fault("oss_cluster_api_preferred_ip_type %.40q: want internal or external", s.PreferredIPType)
	}
	if len(s.EvictionPolicy) > 64 || len(s.Password) > 512 || len(s.ShardKeyRegex) > 64 {
		fault("want an eviction_policy of at most 64 bytes, a password of at most 512, and at most 64 times shard_key_regex")
	}
	for _, s := range []string{s.TLSMode, s.ClientAuthentication} {
		if !slices.Contains([]string{"", "enabled", "disabled"}, s) {
			fault("tls_mode or enforce_client_authentication %.40q: want enabled or disabled", s)
		}
	}
	return errors.Join(errs...)
}

// security is what the specification asks of connections.
func (s Spec) security() sim.Security {
	switch {
	case s.TLSMode != "enabled":
		return sim.Plain
	case s.ClientAuthentication == "enabled":
		return sim.MutualTLS
	}
	return sim.TLS
}

// Role is what a shard is to its twin.
type Role string

// The roles of shards.
const (
	Primary Role = "master"
	Replica Role = "slave"
)

// Shard is one shard of a database.
type Shard struct {
	UID      int // unique in the cluster, from 1
	Database int
	Node     int // from 1
	Role     Role
	First    int // slots
	Last     int
	slots    string // if they are not one range
}

// Slots are the slots as lists spell them: 0-8191.
func (s Shard) Slots() string {
	if s.slots != "" {
		return s.slots
	}
	return fmt.Sprintf("%d-%d", s.First, s.Last)
}

// place puts the shards of a new database on nodes: dense on the first, sparse
// one after the other; replicas on the node behind their primary's.
func place(id int, spec Spec, nodes, last int) []Shard {
	var shards []Shard
	for i := range spec.ShardsCount {
		s := Shard{UID: last + len(shards) + 1, Database: id, Role: Primary, Node: 1, First: i * 16384 / spec.ShardsCount, Last: (i+1)*16384/spec.ShardsCount - 1}
		if spec.ShardsPlacement == "sparse" {
			s.Node = i%nodes + 1
		}
		shards = append(shards, s)
		if spec.Replication {
			s.UID, s.Role, s.Node = s.UID+1, Replica, s.Node%nodes+1
			shards = append(shards, s)
		}
	}
	return shards
}

// database is what the plane knows of one.
type database struct {
	id     int
	spec   Spec
	sim    *sim.Simulator
	shards []Shard // guarded by the plane; of one behind an endpoint

	firstShard int // the id of the first
}

// Database is one database as it is now.
type Database struct {
	Spec
	ID       int
	Endpoint Endpoint
	Shards   []Shard
	Username string // that clients must give; empty with an empty password
	TLS      bool   // connections must be encrypted
}

// Endpoint is where clients find a database.
type Endpoint struct {
	UID   string // 3:1
	Host  string // that clients dial: a name, or an address if the suite wants one
	Port  int
	TLS   bool
	Addrs []string // of the nodes that its name leads to now
	Nodes []int    // the same nodes, by number
}

// URL is the endpoint as clients write it.
func (e Endpoint) URL() string {
	if e.TLS {
		return "rediss://" + e.Addr()
	}
	return "redis://" + e.Addr()
}

// Addr is host:port.
func (e Endpoint) Addr() string { return net.JoinHostPort(e.Host, strconv.Itoa(e.Port)) }

// shards are where the shards of a database are. Those of one with the OSS
// Cluster API its clients see: the simulator knows them.
func (p *Plane) shards(d *database) []Shard {
	listed := d.sim.ShardList()
	p.mu.Lock()
	defer p.mu.Unlock()
	if listed == nil {
		return slices.Clone(d.shards)
	}
	var shards []Shard
	for _, l := range listed {
		s := Shard{UID: d.firstShard + 2*(l.ID-1), Database: d.id, Role: Primary, Node: l.Node + 1, slots: l.Slots.String()}
		shards = append(shards, s)
		if l.Replica >= 0 {
			s.UID, s.Role, s.Node = s.UID+1, Replica, l.Replica+1
			shards = append(shards, s)
		}
	}
	return shards
}

// view describes a database from the state of its simulator.
func (p *Plane) view(d *database) Database {
	host, port, _ := net.SplitHostPort(d.sim.Addr())
	v := Database{Spec: d.spec, ID: d.id, Endpoint: Endpoint{UID: fmt.Sprintf("%d:1", d.id), Host: host}}
	v.Endpoint.Port, _ = strconv.Atoi(port)
	v.Port = v.Endpoint.Port
	v.TLS = d.spec.security() != sim.Plain
	v.Endpoint.TLS = v.TLS
	for i, n := range d.sim.Nodes() {
		if n.Named {
			addr, _, _ := net.SplitHostPort(n.Addr)
			v.Endpoint.Addrs = append(v.Endpoint.Addrs, addr)
			v.Endpoint.Nodes = append(v.Endpoint.Nodes, i+1)
		}
	}
	switch addrs := v.Endpoint.Addrs; {
	case d.sim.Config().Entrance:
		v.Endpoint.Host = sim.EntranceHost
	case !p.config.ByName && len(addrs) > 0:
		v.Endpoint.Host = addrs[0]
	}
	if d.spec.Password != "" {
		v.Username = d.sim.Config().Username
	}
	v.Shards = p.shards(d)
	return v
}

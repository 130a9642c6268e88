package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"schload/telemetry/mark"
)

// ClusterConfig describes the nodes that databases share. The zero value is a
// cluster of three nodes.
type ClusterConfig struct {
	Nodes int // 1 to 32; default 3, or one for each of Hosts

	// Hosts are the IPv4 addresses of the nodes; default: loopback addresses.
	// All of them must be this machine's.
	Hosts []string

	// DNS is where the name server listens, host:port, for UDP and TCP; port 0
	// takes a free one. Default: 127.0.0.1:0.
	DNS string

	// Base is the instant from which marks count; default: the start.
	Base time.Time

	// Marks receives what the databases did; nil discards it.
	Marks mark.Sink

	// Listen replaces net.Listen, for networks in memory. No name server is
	// started then: LookupHost stands in for it.
	Listen func(network, address string) (net.Listener, error)

	// Log receives what goes wrong; nil discards it.
	Log *slog.Logger

	// Seed is behind every random draw.
	Seed uint64
}

// domain is that of databases without a name of their own.
const domain = "schload.test"

// Cluster is a set of nodes, each at a loopback address of its own, with a
// name server and any number of databases, each on a port of its own. Its
// methods are safe for concurrent use.
type Cluster struct {
	config    ClusterConfig
	names     *names
	authority authority

	mu        sync.Mutex
	databases []*Simulator // by id, ascending
	last      int
	closed    bool
	silent    bool // notices are switched off for databases behind an endpoint
}

// StartCluster starts the name server. A cluster begins without databases.
func StartCluster(config ClusterConfig) (*Cluster, error) {
	if config.Nodes < 0 || config.Nodes > mostNodes {
		return nil, fmt.Errorf("nodes %d: want 1 to %d", config.Nodes, mostNodes)
	}
	if config.Nodes == 0 {
		config.Nodes = cmp.Or(len(config.Hosts), defaultNodes)
	}
	if err := checkHosts(config.Hosts, config.Nodes); err != nil {
		return nil, err
	}
	if config.Base.IsZero() {
		config.Base = time.Now()
	}
	c := &Cluster{config: config, names: newNames()}
	if config.Listen == nil {
		if err := c.names.serve(cmp.Or(config.DNS, anyDNS)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Create starts a database; ctx bounds the start only. What concerns the whole
// cluster is the cluster's, whatever config says of it.
func (c *Cluster) Create(ctx context.Context, config Config) (*Simulator, error) {
	config.Nodes, config.Hosts, config.Base, config.Marks = c.config.Nodes, c.config.Hosts, c.config.Base, c.config.Marks
	config.Listen, config.Log, config.Seed = c.config.Listen, c.config.Log, c.config.Seed
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	s := &Simulator{cluster: c, config: config, log: config.Log, conns: make(map[connID]*conn), plays: make(chan struct{}, 1)}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// enrol gives a database that is built its id and makes its names known.
func (c *Cluster) enrol(s *Simulator) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return ErrClosed
	case len(c.databases) >= mostDatabases:
		return fmt.Errorf("the cluster has %d databases, which is the most: delete one", mostDatabases)
	}
	if !c.names.add(s.zone) {
		return fmt.Errorf("database name %q is taken: choose another, or none", s.config.Name)
	}
	c.last++
	s.id = c.last
	s.director.core.support.Disabled = s.config.Support.Disabled || c.silent
	c.databases = append(c.databases, s)
	return nil
}

// forget removes a database that is being closed.
func (c *Cluster) forget(s *Simulator) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.databases = slices.DeleteFunc(c.databases, func(other *Simulator) bool { return other == s })
}

// Delete closes a database, its connections included.
func (c *Cluster) Delete(id int) error {
	s, ok := c.Database(id)
	if !ok {
		return fmt.Errorf("database %d does not exist: want one of %s", id, c.ids())
	}
	return s.Close()
}

func (c *Cluster) ids() string {
	text := ""
	for _, s := range c.Databases() {
		text += fmt.Sprintf(" %d", s.id)
	}
	if text == "" {
		return "none: the cluster has no database"
	}
	return text[1:]
}

// Database finds a database by its id.
func (c *Cluster) Database(id int) (*Simulator, bool) {
	for _, s := range c.Databases() {
		if s.id == id {
			return s, true
		}
	}
	return nil, false
}

// Databases are those that serve, by ascending id.
func (c *Cluster) Databases() []*Simulator {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.databases)
}

// NodeCount is how many nodes there are.
func (c *Cluster) NodeCount() int { return c.config.Nodes }

// NodeHost is the address that a node is meant to have, counted from 0. (Where
// a machine has a single loopback address, nodes share that one instead.)
func (c *Cluster) NodeHost(node int) string { return hostOf(c.config.Hosts, node) }

// Notices reports whether maintenance notices are switched on.
func (c *Cluster) Notices() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.silent
}

// SetNotices switches maintenance notices on or off, for the databases there
// are and those to come. While they are off opt-ins are refused, and nobody is
// told anything.
func (c *Cluster) SetNotices(on bool) {
	c.mu.Lock()
	c.silent = !on
	c.mu.Unlock()
	for _, s := range c.Databases() {
		s.SetNotices(on)
	}
}

// SetNotices switches the database's maintenance notices on or off. While they
// are off opt-ins are refused, and nobody is told anything.
func (s *Simulator) SetNotices(on bool) {
	s.director.do(func(c *core) { c.support.Disabled = !on })
}

// DNS is the address of the built-in name server, for UDP and TCP; empty when
// there is none, on networks in memory.
func (c *Cluster) DNS() string { return c.names.addr }

// LookupHost resolves an endpoint's name, or a node's, as the name server
// would. It has the contract of net.Resolver.LookupHost.
func (c *Cluster) LookupHost(ctx context.Context, host string) ([]string, error) {
	return c.names.lookup(ctx, host)
}

// Resolver asks the built-in name server for every name. It is nil when there
// is none.
func (c *Cluster) Resolver() *net.Resolver { return c.names.resolver() }

// Close closes every database, and then the name server.
func (c *Cluster) Close() error {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.mu.Unlock()
	var errs []error
	for _, s := range c.Databases() {
		errs = append(errs, s.Close())
	}
	if first {
		c.names.close()
	}
	return errors.Join(errs...)
}

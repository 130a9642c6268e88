package sim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is returned once the simulator has been closed.
var ErrClosed = errors.New("the simulator is closed")

// Simulator is a database that serves until it is closed. Its methods are safe
// for concurrent use.
type Simulator struct {
	id        int
	cluster   *Cluster
	alone     bool // the cluster ends with it
	config    Config
	log       *slog.Logger
	network   *network
	shards    shards
	gates     gates
	slots     atomic.Pointer[slotMap] // nil: commands are not held against it
	channels  channels                // of sharded subscriptions
	redirects []redirects             // by node, since the last plan
	hushes    []hush                  // by node
	director  *director
	injector  atomic.Pointer[injector] // nil: no faults are injected
	account   account                  // of those that were
	calm      atomic.Bool              // those of data are held back
	zone      *zone
	tls       *tls.Config   // nil: in the clear
	plays     chan struct{} // holds one token while a plan is played

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // of accepting and serving
	once   sync.Once      // of Close

	mu     sync.Mutex
	conns  map[connID]*conn
	last   connID
	closed bool
}

// shards hold the data.
type shards interface {
	open(*conn) store // for one client connection
	count() int
	version() string
	keep(writes int)                       // remember so many, to be lost
	lose(writes int) (lost int, able bool) // a replica takes over that has not got the last ones
	close()
}

// Start starts a database on a cluster of its own; ctx bounds the start only.
// An error names what was in the way: a port in use, a shard that does not
// answer.
func Start(ctx context.Context, config Config) (*Simulator, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	c, err := StartCluster(ClusterConfig{
		Nodes: config.withLayout().Nodes, Base: config.Base, Marks: config.Marks, Listen: config.Listen, Log: config.Log, Seed: config.Seed,
	})
	if err != nil {
		return nil, err
	}
	s, err := c.Create(ctx, config)
	if err != nil {
		c.Close()
		return nil, err
	}
	s.alone = true
	return s, nil
}

// start makes the parts of a database and lets it serve.
func (s *Simulator) start(ctx context.Context) error {
	s.ctx, s.cancel = context.WithCancel(context.Background())
	err := s.build(ctx)
	if err == nil {
		err = s.cluster.enrol(s)
	}
	if err == nil {
		s.director.start()
		err = s.Inject(s.config.Inject...)
	}
	if err != nil {
		s.Close()
	}
	return err
}

// build makes the parts. What was made before an error is left for Close.
func (s *Simulator) build(ctx context.Context) (err error) {
	if s.network, err = openNetwork(s.config); err != nil {
		return err
	}
	s.config.Port = s.network.port
	if s.config.Name == "" {
		s.config.Name = fmt.Sprintf("redis-%d.%s", s.network.port, domain)
	}
	if s.shards, err = openShards(ctx, s.config); err != nil {
		return err
	}
	s.gates = make(gates, s.config.gateCount())
	if s.config.guarded() && !s.config.OSSCluster {
		s.slots.Store(equalShards(s.config.ShardCount))
	}
	s.redirects = make([]redirects, len(s.network.addrs))
	s.hushes = make([]hush, len(s.network.addrs))
	s.zone = newZone(s.config.Name, s.network.hosts())
	s.zone.point(s.config.home(), recordTTL)
	s.director = newDirector(s)
	s.tls, err = s.cluster.encryption(s.config)
	return err
}

func openShards(ctx context.Context, c Config) (shards, error) {
	if len(c.Shards) == 0 {
		return newMemory()
	}
	return newRedisShards(ctx, c.Shards, c.dial)
}

// ID numbers the databases of a cluster from 1.
func (s *Simulator) ID() int { return s.id }

// Cluster is where the database lives.
func (s *Simulator) Cluster() *Cluster { return s.cluster }

// Config returns how the database was made, defaults written out.
func (s *Simulator) Config() Config { return s.config }

// Addr is the endpoint: host:port, the host being its name, which leads to
// whichever node the address record names.
func (s *Simulator) Addr() string {
	return net.JoinHostPort(s.config.Name, strconv.Itoa(s.network.port))
}

// Seed is the host:port that a client is to be given now. It is Addr, but for an
// OSS cluster: of that it is, by address, the first node that lets clients in,
// because a node may have left since the cluster was made, and because a client
// may take nodes with loopback addresses for the one that its seed's name leads
// to.
func (s *Simulator) Seed() string {
	if !s.config.OSSCluster {
		return s.Addr()
	}
	nodes := s.Nodes()
	i := max(0, slices.IndexFunc(nodes, func(n Node) bool { return n.Accepting }))
	if i >= len(nodes) {
		return s.Addr() // it is closed
	}
	return nodes[i].Addr
}

// Fallback is a sentence for people when nodes have ports instead of addresses
// of their own, because the machine has only one loopback address; otherwise
// it is empty.
func (s *Simulator) Fallback() string { return s.network.fallback }

// Node is the state of one proxy.
type Node struct {
	Name        string // node1, node2, ...
	Addr        string // host:port, by address
	Serving     bool   // the endpoint is bound to it
	Named       bool   // the endpoint's address record names it
	Accepting   bool
	Connections int
	OptedIn     int // those of them that are told of maintenance
}

// Nodes is the state of every node. It is nil once the simulator is closed.
func (s *Simulator) Nodes() []Node {
	var nodes []Node
	s.director.do(func(c *core) {
		for i, n := range c.nodes {
			conns, optedIn := c.occupancy(i)
			nodes = append(nodes, Node{
				Name: nodeName(i), Addr: n.ip, Serving: c.bound == i || slices.Contains(c.also, i), Named: c.named == i || slices.Contains(c.also, i),
				Accepting: n.accepting, Connections: conns, OptedIn: optedIn,
			})
		}
	})
	return nodes
}

// Close ends all connections and returns when every goroutine of the simulator
// has ended. A cluster that Start made ends with it.
func (s *Simulator) Close() error {
	s.once.Do(func() {
		s.cluster.forget(s)
		s.cancel()
		if s.director != nil {
			s.director.wait()
		}
		if s.network != nil {
			s.network.close()
		}
		s.cutAll()
		s.wg.Wait()
		if s.zone != nil {
			s.cluster.names.remove(s.zone)
		}
		if s.shards != nil {
			s.shards.close()
		}
		if s.alone {
			s.cluster.Close()
		}
	})
	return nil
}

// cutAll ends every connection and admits no more.
func (s *Simulator) cutAll() {
	s.mu.Lock()
	s.closed = true
	conns := make([]*conn, 0, len(s.conns))
	for _, c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.cut()
	}
}

// admit serves a connection that a node accepted.
func (s *Simulator) admit(nc net.Conn, node int) {
	s.mu.Lock()
	full := len(s.conns) >= mostConns
	if s.closed || full {
		s.mu.Unlock()
		turnAway(nc, full)
		return
	}
	s.last++
	c := newConn(s, s.last, node, s.secure(nc))
	s.conns[c.id] = c
	s.wg.Go(c.live)
	s.mu.Unlock()
}

func turnAway(nc net.Conn, full bool) {
	if full {
		nc.SetWriteDeadline(time.Now().Add(time.Millisecond))
		nc.Write([]byte("-ERR max number of clients reached\r\n"))
	}
	nc.Close()
}

// forget removes a connection that has ended.
func (s *Simulator) forget(id connID) {
	s.mu.Lock()
	delete(s.conns, id)
	s.mu.Unlock()
}

// connections finds those of the ids that still live.
func (s *Simulator) connections(ids []connID) []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var conns []*conn
	for _, id := range ids {
		if c := s.conns[id]; c != nil {
			conns = append(conns, c)
		}
	}
	return conns
}

// shardsNamed are the shards that ids mean: numbers from 1. A plan written for
// more shards than there are shares those; what is no number means the first.
// No ids are all shards.
func (s *Simulator) shardsNamed(ids []string) []int { return indexes(ids, len(s.gates)) }

// indexes are the things, of so many, that ids mean.
func indexes(ids []string, count int) []int {
	var named []int
	seen := make([]bool, count)
	for _, id := range ids {
		n, err := strconv.Atoi(strings.TrimSpace(id))
		if err != nil || n < 1 {
			n = 1
		}
		if i := (n - 1) % count; !seen[i] {
			seen[i] = true
			named = append(named, i)
		}
	}
	if len(ids) == 0 {
		for i := range seen {
			named = append(named, i)
		}
	}
	return named
}

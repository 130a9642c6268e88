package handoff

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// database is what an arm connects to as the library has it: one client of an
// endpoint, or one client of every node of an OSS cluster.
type database interface {
	redis.UniversalClient

	// primaries returns the clients that operations go through. They may be
	// fewer or more the next time.
	primaries(ctx context.Context) ([]*redis.Client, error)

	// pool returns the state of all pools together. It does no I/O.
	pool() Pool
}

// openDatabase makes the library's client of an arm. It connects nowhere yet.
func openDatabase(c Config, o *observer, d *dialler) (database, error) {
	var db database
	if c.Cluster {
		db = newCluster(c, o, d)
	} else {
		e := endpoint{redis.NewClient(settings(c, d.connect))}
		if err := o.listen(e.Client); err != nil {
			_ = e.Close()
			return nil, fmt.Errorf("arm %q: %w", c.Arm.Name, err)
		}
		db = e
	}
	if c.AutoPipeline {
		return gather(db, o)
	}
	return db, nil
}

// endpoint is a database behind one address.
type endpoint struct{ *redis.Client }

func (e endpoint) primaries(context.Context) ([]*redis.Client, error) {
	return []*redis.Client{e.Client}, nil
}

func (e endpoint) pool() Pool { return poolOf(e.Client) }

// cluster is a database whose nodes the client knows. Everything that is
// watched on an endpoint's client is watched on the client of each node, which
// the library makes when it first hears of the node.
type cluster struct {
	*redis.ClusterClient
	o *observer
	d *dialler

	gathers bool // Config.AutoPipeline

	mu    sync.Mutex
	nodes map[string]*redis.Client // by address, the newest of each
	past  Pool                     // counts of those that were replaced
	deaf  error                    // why a node cannot be observed
}

func newCluster(c Config, o *observer, d *dialler) *cluster {
	cl := &cluster{o: o, d: d, gathers: c.AutoPipeline, nodes: make(map[string]*redis.Client)}
	cl.ClusterClient = redis.NewClusterClient(clusterSettings(c, d.connect))
	cl.OnNewNode(cl.found)
	return cl
}

// found prepares the client of a node before its first dial.
//
// Subtle: it is called under the lock of the library's list of nodes, and must
// ask the cluster client nothing.
func (c *cluster) found(node *redis.Client) {
	addr := node.Options().Addr
	c.d.learn(addr)
	node.AddHook(redirectHook{c.o})
	if c.gathers {
		node.AddHook(pipelineHook{c.o})
	}
	err := c.o.listen(node)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.deaf == nil {
		c.deaf = fmt.Errorf("node %s: %w", addr, err)
	}
	if old := c.nodes[addr]; old != nil {
		// The library closed it when the node had left the slot map, and the
		// node is back: one client an address is kept, so that nodes which come
		// and go for days cost no memory.
		was := poolOf(old)
		c.past.add(Pool{Waits: was.Waits, WaitTime: was.WaitTime, Timeouts: was.Timeouts})
	}
	c.nodes[addr] = node
}

// primaries asks for the slot map anew and returns the clients of those that
// own slots.
func (c *cluster) primaries(ctx context.Context) ([]*redis.Client, error) {
	// The library asks a server for its list of commands with the first command
	// that names no key. That must not happen under load.
	if err := c.Process(ctx, redis.NewStatusCmd(ctx, "ping")); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var clients []*redis.Client
	err := c.ForEachMaster(ctx, func(_ context.Context, client *redis.Client) error {
		mu.Lock()
		clients = append(clients, client)
		mu.Unlock()
		return nil
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		err = c.deaf
	}
	return clients, err
}

// pool adds up the nodes. The library's own sum leaves operations that wait
// out, forgets the counts of nodes that are gone, and may do I/O.
func (c *cluster) pool() Pool {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := c.past
	for _, node := range c.nodes {
		sum.add(poolOf(node))
	}
	return sum
}

func poolOf(client *redis.Client) Pool {
	stats := client.PoolStats()
	p := Pool{
		Waits:    uint64(stats.WaitCount),
		WaitTime: time.Duration(stats.WaitDurationNs),
		Timeouts: uint64(stats.Timeouts),
		Idle:     int(stats.IdleConns),
		Pending:  int(stats.PendingRequests),
	}
	if own := stats.PipelineStats; own != nil {
		p.Idle += int(own.IdleConns)
		p.Pending += int(own.PendingRequests)
	}
	p.bounds(client.Options())
	return p
}

// bounds takes the sizes of a client's pools from its options. Unless they say
// otherwise, all connections that it may have may be free at once.
func (p *Pool) bounds(o *redis.Options) {
	p.Max = o.PoolSize + max(0, o.PipelinePoolSize)
	if o.MaxActiveConns > 0 {
		p.Max = min(p.Max, o.MaxActiveConns)
	}
	p.MaxIdle, p.MinIdle = p.Max, o.MinIdleConns
	if o.MaxIdleConns > 0 {
		p.MaxIdle = min(p.MaxIdle, o.MaxIdleConns)
	}
}

func (p *Pool) add(q Pool) {
	p.Waits += q.Waits
	p.WaitTime += q.WaitTime
	p.Timeouts += q.Timeouts
	p.Idle += q.Idle
	p.Pending += q.Pending
	p.Max += q.Max
	p.MaxIdle += q.MaxIdle
	p.MinIdle += q.MinIdle
}

// clusterSettings are those of an endpoint's client, for every node.
//
// A node's client tries nothing again in go-redis; the cluster's does, and
// counts redirects and other tries together. So max_retries is MaxRedirects: 3
// by default in both kinds, and with -1 a MOVED is an error too, as the library
// has no setting that follows redirects and retries nothing else.
func clusterSettings(c Config, dial Dial) *redis.ClusterOptions {
	o := settings(c, dial)
	return &redis.ClusterOptions{
		Addrs:    c.Target.Addrs(),
		Username: o.Username,
		Password: o.Password,
		Dialer:   o.Dialer,

		Protocol:         o.Protocol,
		MaxRedirects:     o.MaxRetries,
		DialerRetries:    o.DialerRetries,
		DialTimeout:      o.DialTimeout,
		ReadTimeout:      o.ReadTimeout,
		WriteTimeout:     o.WriteTimeout,
		PoolTimeout:      o.PoolTimeout,
		PoolSize:         o.PoolSize, // of each node
		PipelinePoolSize: o.PipelinePoolSize,
		ConnMaxLifetime:  o.ConnMaxLifetime,

		ConnMaxLifetimeJitter: o.ConnMaxLifetimeJitter,

		MinIdleConns:    o.MinIdleConns,
		MaxActiveConns:  o.MaxActiveConns,
		DisableIdentity: o.DisableIdentity,

		// Never nil, also with handoffs off: without it the library would opt in,
		// and would not read the slot map anew after SMIGRATED.
		MaintNotificationsConfig: o.MaintNotificationsConfig,
	}
}

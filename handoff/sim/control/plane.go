package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"time"

	"schload/handoff/sim"
	"schload/handoff/sim/jobs"
)

// Config describes a control plane.
type Config struct {
	Cluster *sim.Cluster // required; its databases are the plane's alone
	Suite   Suite        // whose needs are met; the zero value meets nobody's in particular
	Speed   float64      // compresses the time of what is played; 0 is 1
	Seed    uint64       // of everything that is drawn

	// ByName gives clients the names of endpoints, which the cluster's name
	// server knows; otherwise endpoints have addresses of their own.
	ByName bool
}

// Plane is the control plane of one cluster. Its methods are safe for
// concurrent use; those that play something return when it is over.
type Plane struct {
	config Config
	nodes  int
	jobs   *jobs.Queue

	mu        sync.Mutex
	databases []*database // by id
	creating  map[int]bool
	lastShard int
	plays     uint64 // how many were begun
	suggested int    // configurations given by Suggest
	resting   map[int]bool
}

// waitingJobs is how many jobs may wait: more than any suite asks for at once.
const waitingJobs = 64

// New starts a control plane.
func New(c Config) *Plane {
	c.Speed = cmp.Or(c.Speed, 1)
	return &Plane{config: c, nodes: c.Cluster.NodeCount(), jobs: jobs.New(waitingJobs), creating: map[int]bool{}, resting: map[int]bool{}}
}

// Close ends what is played and the jobs that wait. Databases stay; their
// cluster ends them.
func (p *Plane) Close() { p.jobs.Close() }

// Jobs is the queue in which everything that is asked for waits its turn.
func (p *Plane) Jobs() *jobs.Queue { return p.jobs }

// Suite is whose needs are met.
func (p *Plane) Suite() Suite { return p.config.Suite }

// Notices reports whether databases announce their maintenance.
func (p *Plane) Notices() bool { return p.config.Cluster.Notices() }

// SetNotices switches announcements on or off, as the cluster's option
// client_maint_notifications does.
func (p *Plane) SetNotices(on bool) { p.config.Cluster.SetNotices(on) }

// ErrPort is why a database cannot have the port it wants. Clients' suites
// know it by these words and ask for the next port.
var ErrPort = errors.New("port_unavailable: Unavailable or invalid port")

// Create creates a database. The error wraps ErrPort when its port is taken.
func (p *Plane) Create(ctx context.Context, spec Spec) (Database, error) {
	spec = spec.withDefaults()
	if err := spec.Validate(); err != nil {
		return Database{}, err
	}
	if spec.Port == 0 {
		spec.Port = p.freePort()
	}
	if err := p.reserve(spec); err != nil {
		return Database{}, err
	}
	defer p.release(spec.Port)
	simulator, err := p.config.Cluster.Create(ctx, p.configure(spec))
	if errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("%w: Invalid port %d: another program has it", ErrPort, spec.Port)
	}
	if err != nil {
		return Database{}, err
	}
	return p.admit(spec, simulator), nil
}

// reserve takes name and port for a database that is being created.
func (p *Plane) reserve(spec Spec) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.databases {
		switch {
		case d.spec.Port == spec.Port:
			return fmt.Errorf("%w: Invalid port %d: database %d has it", ErrPort, spec.Port, d.id)
		case d.spec.Name == spec.Name:
			return fmt.Errorf("name %q: database %d has it: want another, or delete that one first", spec.Name, d.id)
		}
	}
	if p.creating[spec.Port] {
		return fmt.Errorf("%w: Invalid port %d: a database that is being created has it", ErrPort, spec.Port)
	}
	if len(p.databases)+len(p.creating) >= mostDatabases {
		return fmt.Errorf("there are %d databases: want fewer: delete one first", mostDatabases)
	}
	p.creating[spec.Port] = true
	return nil
}

func (p *Plane) release(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.creating, port)
}

// Adopt takes over a database that exists already, a replicated one behind an
// endpoint, under a name of its own.
func (p *Plane) Adopt(name string, simulator *sim.Simulator) Database {
	c := simulator.Config()
	spec := Spec{
		Name: name, Port: c.Port, Replication: !c.Unreplicated, Sharding: c.ShardCount > 1, ShardsCount: c.ShardCount,
		ProxyPolicy: c.Policy, OSSCluster: c.OSSCluster, Password: c.Password, ShardKeyRegex: StandardRegex,
	}
	switch c.Security {
	case sim.MutualTLS:
		spec.TLSMode, spec.ClientAuthentication = "enabled", "enabled"
	case sim.TLS:
		spec.TLSMode = "enabled"
	}
	return p.admit(spec.withDefaults(), simulator)
}

func (p *Plane) admit(spec Spec, simulator *sim.Simulator) Database {
	p.mu.Lock()
	d := &database{id: simulator.ID(), spec: spec, sim: simulator}
	d.firstShard = p.lastShard + 1
	if spec.OSSCluster {
		p.lastShard += 2 * (mostShards + p.nodes) // moves of slots make more of them
	} else {
		d.shards = place(d.id, spec, p.nodes, p.lastShard)
		p.lastShard += len(d.shards)
	}
	p.databases = append(p.databases, d)
	p.mu.Unlock()
	return p.view(d)
}

// mostDatabases bounds the memory that requests can ask for.
const mostDatabases = 64

// Suggest returns a specification with a name and a port that no database has
// and no earlier suggestion had.
func (p *Plane) Suggest(prefix string, spec Spec) Spec {
	spec.Port = p.freePort()
	p.mu.Lock()
	p.suggested++
	spec.Name = fmt.Sprintf("%s-%d-a", prefix, p.suggested)
	p.mu.Unlock()
	return spec.withDefaults()
}

// freePort picks a port among those that Redis Software gives to databases.
func (p *Plane) freePort() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	const first, ports = 13000, 7000
	for {
		p.suggested++
		port := first + p.suggested%ports
		taken := slices.ContainsFunc(p.databases, func(d *database) bool { return d.spec.Port == port })
		if !taken && !p.creating[port] {
			return port
		}
	}
}

// Delete deletes a database and ends its connections.
func (p *Plane) Delete(id int) error {
	p.mu.Lock()
	i := slices.IndexFunc(p.databases, func(d *database) bool { return d.id == id })
	if i < 0 {
		p.mu.Unlock()
		return p.unknown(id)
	}
	p.databases = slices.Delete(p.databases, i, i+1)
	p.mu.Unlock()
	return p.config.Cluster.Delete(id)
}

// Databases are all databases, in the order of their ids.
func (p *Plane) Databases() []Database {
	p.mu.Lock()
	all := slices.Clone(p.databases)
	p.mu.Unlock()
	slices.SortFunc(all, func(a, b *database) int { return cmp.Compare(a.id, b.id) })
	views := make([]Database, 0, len(all))
	for _, d := range all {
		views = append(views, p.view(d))
	}
	return views
}

// Database finds a database by its id.
func (p *Plane) Database(id int) (Database, error) {
	d, err := p.find(id)
	if err != nil {
		return Database{}, err
	}
	return p.view(d), nil
}

func (p *Plane) find(id int) (*database, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.databases {
		if d.id == id {
			return d, nil
		}
	}
	return nil, p.unknown(id)
}

// unknown says which databases there are.
func (p *Plane) unknown(id int) error {
	return fmt.Errorf("bdb %d: no such database: see GET /v1/bdbs or rladmin status for those there are", id)
}

// Node is one node of the cluster.
type Node struct {
	UID         int // from 1
	Host        string
	Shards      []Shard
	Master      bool // it leads the cluster
	Maintenance bool // it is in maintenance mode
}

// Nodes are the nodes of the cluster.
func (p *Plane) Nodes() []Node {
	nodes := make([]Node, p.nodes)
	p.mu.Lock()
	for i := range nodes {
		nodes[i] = Node{UID: i + 1, Host: p.config.Cluster.NodeHost(i), Master: i == 0, Maintenance: p.resting[i+1]}
	}
	p.mu.Unlock()
	for _, d := range p.Databases() {
		for _, s := range d.Shards {
			nodes[s.Node-1].Shards = append(nodes[s.Node-1].Shards, s)
		}
	}
	return nodes
}

// node checks the number of a node.
func (p *Plane) node(uid int) error {
	if uid < 1 || uid > p.nodes {
		return fmt.Errorf("node %d: no such node: want 1 to %d", uid, p.nodes)
	}
	return nil
}

// Scaled is a duration at the speed of the plane.
func (p *Plane) Scaled(d time.Duration) time.Duration {
	return time.Duration(float64(d) / p.config.Speed)
}

package handoff

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"schload/handoff/raw"
	"schload/telemetry/mark"
)

// Config says which client to open.
type Config struct {
	Arm     Arm
	Target  Target
	Cluster bool // the target is an OSS cluster: the client follows its slot map, with a pool for each node
	TLS     TLS  // for a rediss target

	// AutoPipeline has the library gather the commands of all workers into
	// pipelines. It is for finding out what a target carries: all load goes over
	// few connections, and little is known of a single operation.
	AutoPipeline bool

	Workers  int           // that will use the client at the same time; sizes the pool
	Base     time.Time     // the run's; default now
	Marks    mark.Sink     // default none
	Dial     Dial          // default TCP
	Resolver *net.Resolver // for the default Dial and to classify the target; default the system's
}

// Validate reports everything that is wrong, joined.
func (c Config) Validate() error {
	wrong := []error{c.Arm.Validate()}
	if c.Target.IsZero() {
		wrong = append(wrong, errors.New("no target; use ParseTarget"))
	}
	if !c.Cluster && len(c.Target.Addrs()) > 1 {
		wrong = append(wrong, fmt.Errorf("target %v: several addresses are seeds of a cluster; give one, or say that the target is a cluster", c.Target))
	}
	if c.Cluster && c.Arm.Mode == Raw {
		wrong = append(wrong, fmt.Errorf("arm %q: bare connections follow no slot map: leave the arm out on a cluster", c.Arm.Resolve(0).Name))
	}
	if c.Cluster && c.Target.DB() != 0 {
		wrong = append(wrong, fmt.Errorf("target %v: database %d: a cluster has database 0 only", c.Target, c.Target.DB()))
	}
	if c.AutoPipeline && c.Arm.Mode == Raw {
		wrong = append(wrong, fmt.Errorf("arm %q: bare connections gather nothing into pipelines: choose another arm, or pipelines of a fixed depth", c.Arm.Resolve(0).Name))
	}
	if c.Workers < 0 {
		wrong = append(wrong, fmt.Errorf("workers %d: want 0 or more", c.Workers))
	}
	if c.Arm.PoolSize > 0 && c.Arm.PoolSize < c.Workers {
		wrong = append(wrong, fmt.Errorf("arm %q: pool_size %d for %d workers: want one connection or more for each, twice as many to leave room for handoffs",
			c.Arm.Name, c.Arm.PoolSize, c.Workers))
	}
	if c.Arm.MaxActiveConns > 0 && c.Arm.MaxActiveConns < c.Workers {
		wrong = append(wrong, fmt.Errorf("arm %q: max_active_conns %d for %d workers: want one connection or more for each, or 0 for no bound",
			c.Arm.Name, c.Arm.MaxActiveConns, c.Workers))
	}
	if c.TLS != (TLS{}) && !c.Target.TLS() {
		wrong = append(wrong, fmt.Errorf("tls options for a target without TLS; use rediss://%s", c.Target.Addr()))
	}
	return errors.Join(wrong...)
}

// withDefaults writes the defaults out.
func (c Config) withDefaults() Config {
	if c.Base.IsZero() {
		c.Base = time.Now()
	}
	c.Arm = c.Arm.Resolve(c.Workers)
	return c
}

// Client is one arm at work. It is a workload.Target; its methods are safe for
// concurrent use.
type Client struct {
	config  Config // resolved
	redis   database
	bare    *raw.Client // instead of redis, with mode raw
	o       *observer
	batches sync.Pool // of *batch
	tells   bool      // outcomes name their connection
	before  uint32    // connections of clients that the arm had before

	receiving sync.Mutex
	receivers []*Receivers // that were started

	closeOnce sync.Once
	closeErr  error
}

// Open makes the client and proves that it can work: one connection is opened,
// checked and kept. What is wrong with the target is a *TargetError.
func Open(ctx context.Context, config Config) (*Client, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	encryption, err := config.encryption()
	if err != nil {
		return nil, err
	}
	if config.Arm.Mode != Raw {
		config.Arm.EndpointType = endpointType(ctx, config)
	}
	install()
	began := time.Now()
	o := newObserver(config.Arm.Name, config.Base, config.Marks)
	o.know(config.Arm)
	d := newDialler(o, config, encryption)
	c := &Client{config: config, o: o}
	if config.Arm.Mode == Raw {
		c.bare = openBare(c, d)
	} else if c.redis, err = openDatabase(config, o, d); err != nil {
		o.close()
		return nil, err
	}
	c.batches.New = func() any { return newBatch(c.redis, o.waits.lane()) }
	if err := d.reachable(ctx); err != nil {
		_ = c.Close()
		return nil, c.diagnose(ctx, err)
	}
	if err := c.warm(ctx, 1); err != nil {
		_ = c.Close()
		return nil, err
	}
	o.opening(time.Since(began))
	return c, nil
}

// settings are the library's options. Whatever could differ between arms and is
// not an arm's to choose is fixed here.
func settings(c Config, dial Dial) *redis.Options {
	username, password := c.Target.Credentials()
	a := c.Arm
	return &redis.Options{
		Addr:     c.Target.Addr(),
		Username: username,
		Password: password,
		DB:       c.Target.DB(),
		Dialer:   dial,

		Protocol:         a.Protocol,
		MaxRetries:       a.MaxRetries,
		DialerRetries:    a.DialRetries,
		DialTimeout:      a.DialTimeout,
		ReadTimeout:      a.ReadTimeout,
		WriteTimeout:     a.WriteTimeout,
		PoolTimeout:      a.PoolTimeout,
		PoolSize:         a.PoolSize,
		PipelinePoolSize: pipelinePool(a.PipelinePoolSize),
		ConnMaxLifetime:  a.ConnMaxLifetime,

		ConnMaxLifetimeJitter: a.ConnMaxLifetimeJitter,

		// Connections dialled ahead are not initialised, never opt in and so
		// would prove nothing.
		MinIdleConns:   0,
		MaxActiveConns: a.MaxActiveConns,
		// Each command of the handshake is one more moment in which a
		// connection in handoff can be taken for idle.
		DisableIdentity: true,

		MaintNotificationsConfig: &maintnotifications.Config{
			Mode:                       modes[a.Mode],
			EndpointType:               maintnotifications.EndpointType(a.EndpointType),
			RelaxedTimeout:             a.RelaxedTimeout,
			HandoffTimeout:             a.HandoffTimeout,
			PostHandoffRelaxedDuration: a.PostHandoffRelaxed,
		},
	}
}

var modes = map[string]maintnotifications.Mode{
	On:   maintnotifications.ModeEnabled,
	Off:  maintnotifications.ModeDisabled,
	Auto: maintnotifications.ModeAuto,
}

// pipelinePool translates 0, where the library would make a pool of ten.
func pipelinePool(size int) int {
	if size == 0 {
		return -1
	}
	return size
}

// Arm returns the arm with every default written out and the endpoint type it
// asks for.
func (c *Client) Arm() Arm { return c.config.Arm }

// Target returns where the client connects to.
func (c *Client) Target() Target { return c.config.Target }

// Cluster reports whether the client is one of an OSS cluster.
func (c *Client) Cluster() bool { return c.config.Cluster }

// Proof returns what the connections so far prove about the arm.
func (c *Client) Proof() Proof { return c.o.proof(c.config.Arm) }

// Connections returns the records of all open connections and of the last 1024
// that were closed.
func (c *Client) Connections() []Connection { return c.o.connections() }

// Observe returns what the arm has seen until now. It is meant to be called
// once a second; after Close it is final.
func (c *Client) Observe() Observation {
	s := c.o.observation()
	if c.bare != nil {
		s.Pool.Idle = c.bare.Idle()
		return s
	}
	s.Pool = c.redis.pool()
	return s
}

// Conclude accounts for what is certain only when the load has ended: which
// events did not reach everyone, and which connections were relaxed for good. It
// is meant to be called once the last operation has ended and before the last
// Observe and TakeLengths; Close does it too. It may be called again.
func (c *Client) Conclude() {
	c.o.relaxed.conclude()
	c.o.concludeAll()
}

// farewell is how long Close waits for receivers of messages.
const farewell = 10 * time.Second

// Close closes every connection, operations under way included, and waits for
// the client's goroutines. It may be called again. (One goroutine is out of
// reach: the library's probe of an address that refused it ends within a
// second.)
func (c *Client) Close() error {
	c.closeOnce.Do(func() {
		c.Conclude()
		c.o.closing.Store(true)
		receivers := c.started()
		for _, r := range receivers {
			r.hush()
		}
		c.closeErr = c.closer().Close()
		c.o.close()
		timer := time.NewTimer(farewell)
		defer timer.Stop()
		for _, r := range receivers {
			select {
			case <-r.ended:
			case <-timer.C: // one that panicked within the library may hold a lock there
				return
			}
		}
	})
	return c.closeErr
}

package handoff

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"schload/telemetry/mark"
	"schload/workload"
)

// Warm makes sure that at least n connections are open, handshake included, by
// taking n at once: all arms of a run begin with the same number, and none of
// them dials under load what it could have dialled before. On a cluster they
// are n to each node that owns slots, for all workers may want the same node at
// once. n may not exceed the pool's size.
func (c *Client) Warm(ctx context.Context, n int) error {
	if size := c.config.Arm.PoolSize; c.bare == nil && n > size {
		return fmt.Errorf("arm %q: warm %d connections: want at most pool_size %d", c.config.Arm.Name, n, size)
	}
	if c.config.AutoPipeline {
		n = min(n, runtime.GOMAXPROCS(0)) // pipelines in flight at once, to each node
	}
	return c.warm(ctx, n)
}

func (c *Client) warm(ctx context.Context, n int) error {
	if c.bare != nil {
		c.o.marks.expect(mark.Dial, n)
		if err := c.bare.Warm(ctx, n); err != nil {
			return c.diagnose(ctx, err)
		}
		return nil
	}
	clients, err := c.redis.primaries(ctx)
	if err != nil {
		return c.diagnose(ctx, err)
	}
	conns := make([]*redis.Conn, n*len(clients))
	c.o.marks.expect(mark.Dial, len(conns))
	var g errgroup.Group
	g.SetLimit(dialsAtOnce)
	for i := range conns {
		conns[i] = clients[i/n].Conn()
		g.Go(func() error { return conns[i].Ping(ctx).Err() })
	}
	err = g.Wait()
	for i := range conns {
		_ = conns[i].Close() // gives the connection back to the pool
	}
	if err != nil {
		return c.diagnose(ctx, err)
	}
	return nil
}

// dialsAtOnce keeps a thousand connections from being dialled into a server's
// backlog, which holds 511 with Redis, all at the same time.
const dialsAtOnce = 128

// diagnose says what an error means for the target. It goes by what the
// connections proved rather than by the error: the library tries to go on
// after a refusal and then reports something else.
func (c *Client) diagnose(ctx context.Context, err error) error {
	e := &TargetError{Target: c.config.Target, Arm: c.config.Arm.Name, Err: err}
	h := c.o.lastHandshake()
	class, _ := Classify(err, false)
	switch {
	case class == workload.Canceled && errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case isTLSError(err):
		e.Problem, e.Missing = BadTLS, err.Error()
		e.Fix = "check the certificate, tls server_name and ca_file, cert_file and key_file where the server asks for the client's, and that the port expects TLS"
	case oneOfClasses(class, workload.DialRefused, workload.DialTimeout, workload.DialOther):
		e.Problem = Unreachable
		e.Missing, e.Fix = reach(err, class)
	case h.AuthError != "" || class == workload.Noauth:
		e.Problem, e.Missing = BadAuth, "access denied: "+firstOf(h.AuthError, err.Error())
		e.Fix = "give user and password in the target (redis://user:password@host), and the user the right to run the commands"
	case refusedOptIn(h):
		e.Problem, e.Missing = NoOptIn, "the server refuses CLIENT MAINT_NOTIFICATIONS: "+h.OptInReply
		e.Fix = optInFix
	case c.config.Cluster && isNoCluster(err):
		e.Problem, e.Missing = NoCluster, "the target is no OSS cluster: "+err.Error()
		e.Fix = "name a node of a database with the OSS Cluster API, or load the target as an endpoint (without cluster)"
	case c.config.Arm.Mode == On && h.Protocol == 2:
		e.Problem, e.Missing = NoRESP3, "the server does not speak RESP3 ("+firstOf(h.HelloError, "HELLO was answered with RESP2")+"), which notices need"
		e.Fix = "use Redis 6 or later behind no RESP2-only proxy, or an arm with mode off"
	case oneOfClasses(class, workload.ReadTimeout, workload.WriteTimeout, workload.EOF, workload.Reset, workload.Canceled, workload.PoolTimeout):
		e.Problem = Unreachable
		e.Missing, e.Fix = reach(err, class)
	default:
		e.Problem, e.Missing = BadReply, "PING failed: "+err.Error()
		e.Fix = "check that a Redis server answers there and is ready"
	}
	return e
}

const optInFix = "use Redis Enterprise or Redis Cloud 8.0.2 or later with client_maint_notifications switched on (it is off by default; " +
	"open-source Redis and Valkey do not have it), or an arm with mode off or auto"

func refusedOptIn(h Handshake) bool { return h.OptInReply != "" && h.OptInReply != "OK" }

func oneOfClasses(class workload.Class, of ...workload.Class) bool { return slices.Contains(of, class) }

func reach(err error, class workload.Class) (missing, fix string) {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Sprintf("name %s: %s", dns.Name, dns.Err), "check the host name and the resolver"
	}
	switch class {
	case workload.DialRefused:
		return "connection refused: nobody listens there", "start the server, or correct host and port"
	case workload.DialTimeout, workload.Canceled, workload.PoolTimeout:
		return "no answer to the connection attempt: " + err.Error(), "check address, routing and firewalls, or raise dial_timeout"
	case workload.ReadTimeout, workload.WriteTimeout:
		return "connected, but no answer: " + err.Error(), "check that the port is Redis and whether it expects TLS (rediss)"
	case workload.EOF, workload.Reset:
		return "connected, and closed by the far end: " + err.Error(), "check whether the port expects TLS (rediss), and the server's client limit"
	}
	return err.Error(), "check host, port and network"
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if strings.TrimSpace(t) != "" {
			return t
		}
	}
	return ""
}

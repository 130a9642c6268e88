package raw

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"schload/workload"
)

// Config says what connections do. Dial and Classify must be set.
type Config struct {
	Dial     func(ctx context.Context) (net.Conn, error)
	Classify func(err error) (workload.Class, workload.Effect) // of a write that was tried once

	Protocol           int // RESP 2, or 3 where the server speaks it; 0 means 2
	Username, Password string
	DB                 int

	ReadTimeout, WriteTimeout time.Duration // of one operation or pipeline; 0 means none

	// Drop closes a connection that an error made useless. Nil means to close
	// it and say nothing.
	Drop func(conn net.Conn, err error)
	// Wrong is told of replies that cannot belong to their operation. Nil
	// means nobody is.
	Wrong func(conn net.Conn, op *workload.Operation, got string)
}

// ErrClosed is the error of operations after Close.
var ErrClosed = errors.New("raw: the client is closed")

// Client hands out connections. It is a workload.Target for use outside of
// workers; a worker takes its own with Fork. Its methods are safe for
// concurrent use.
type Client struct {
	config Config
	closed atomic.Bool

	mu   sync.Mutex
	free []*lane           // of no worker now
	open map[net.Conn]bool // what Close has to close
}

// New returns a client without connections.
func New(c Config) *Client {
	if c.Drop == nil {
		c.Drop = func(conn net.Conn, _ error) { _ = conn.Close() }
	}
	if c.Wrong == nil {
		c.Wrong = func(net.Conn, *workload.Operation, string) {}
	}
	return &Client{config: c, open: make(map[net.Conn]bool)}
}

// Warm opens n connections for workers to take, handshake and PING included,
// and returns the first error.
func (c *Client) Warm(ctx context.Context, n int) error {
	lanes, errs := make([]*lane, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range lanes {
		lanes[i] = c.take()
		wg.Go(func() { errs[i] = lanes[i].ping(ctx) })
	}
	wg.Wait()
	for _, l := range lanes {
		c.give(l)
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Fork implements workload.Forker: the target it returns has a connection of
// its own, and belongs to one goroutine at a time.
func (c *Client) Fork() workload.Target { return c.take() }

// Do executes operations on a connection of no worker, see lane.Do.
func (c *Client) Do(ctx context.Context, ops []workload.Operation, outcomes []workload.Outcome) {
	l := c.take()
	l.Do(ctx, ops, outcomes)
	c.give(l)
}

// Close closes every connection, operations under way included.
func (c *Client) Close() error {
	c.closed.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.Close()
	}
	clear(c.open)
	return nil
}

// Idle returns how many connections belong to no worker.
func (c *Client) Idle() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.free)
}

func (c *Client) take() *lane {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.free)
	if n == 0 {
		return newLane(c)
	}
	l := c.free[n-1]
	c.free = c.free[:n-1]
	return l
}

func (c *Client) give(l *lane) {
	c.mu.Lock()
	c.free = append(c.free, l)
	c.mu.Unlock()
}

// connected takes a connection into those that Close closes.
func (c *Client) connected(conn net.Conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		_ = conn.Close()
		return ErrClosed
	}
	c.open[conn] = true
	return nil
}

func (c *Client) drop(conn net.Conn, err error) {
	c.mu.Lock()
	delete(c.open, conn)
	c.mu.Unlock()
	c.config.Drop(conn, err)
}

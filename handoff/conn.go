package handoff

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// connection is the record of one dialled connection.
type connection struct {
	owner   *observer
	number  uint64 // within the arm, from 1
	address string // as dialled
	node    string // host:port of the far end
	handoff bool   // dialled to hand a connection over
	dialled time.Duration
	took    time.Duration

	proving atomic.Bool // the handshake is still read
	settled atomic.Bool // a handoff's outcome is known
	moving  atomic.Bool // it read MOVING
	conn    observed    // the wrapper; set before anyone else sees it
	raw     net.Conn    // what carries its bytes, below TLS

	unrelaxed atomic.Int64 // when a window of relaxed timeouts last ended, since base; 0 never

	// Guarded by the observer's mutex.
	read, owed uint64 // the events whose notice it has read, and those it is yet to read, see coverage
	told       bool   // it has read MOVING
	joined     bool   // it took another's place in the pool

	mu        sync.Mutex
	handshake handshake
	proved    Handshake // once proving is over
	byServer  string    // how the server ended it: eof or reset
	reason    string    // why the client closed it
	closed    bool
	closedAt  time.Duration
}

// sawWrite reads what is about to be written while the handshake lasts.
func (c *connection) sawWrite(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proving.Load() && c.handshake.sent(p) {
		c.conclude()
	}
}

// sawRead reads what was read while the handshake lasts.
func (c *connection) sawRead(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proving.Load() && c.handshake.received(p) {
		c.conclude()
	}
}

// conclude ends the reading; c.mu is held.
func (c *connection) conclude() {
	c.proving.Store(false)
	c.proved = c.judged()
	c.handshake = handshake{}
}

// proof returns what is known by now.
func (c *connection) proof() Handshake {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proving.Load() {
		return c.judged()
	}
	return c.proved
}

// judged is what the handshake says of the connection so far; c.mu is held.
func (c *connection) judged() Handshake {
	h := c.handshake.proved
	h.Crossed = (c.handoff || c.moving.Load()) && c.handshake.crossed()
	return h
}

// sawError notes an error that tells that the server ended the connection.
func (c *connection) sawError(err error) {
	how := ""
	switch {
	case errors.Is(err, io.EOF):
		how = "eof"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		how = "reset"
	default:
		return
	}
	c.mu.Lock()
	if c.byServer == "" && !c.closed {
		c.byServer = how
	}
	c.mu.Unlock()
}

// because notes why the client is about to close the connection; the first
// reason stays.
func (c *connection) because(reason string) {
	c.mu.Lock()
	if c.reason == "" {
		c.reason = reason
	}
	c.mu.Unlock()
}

// ending is called before the connection is closed, once.
func (c *connection) ending(raw net.Conn) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.closed = true
	c.closedAt = c.owner.now()
	if c.byServer == "" {
		c.byServer = farEnd(raw, peekEnd)
	}
	if c.proving.Load() {
		c.conclude()
	}
	c.mu.Unlock()
	c.owner.ended(c)
}

// over reports whether the far end has ended the connection already, as far
// as that can be told while it is in use. What is read then comes too late.
func (c *connection) over() bool { return farEnd(c.raw, glanceEnd) != "" }

// farEnd tells how the far end has ended a connection: "eof", "reset", or ""
// when it has not. A connection in memory knows by itself, others are looked
// into.
func farEnd(conn net.Conn, look func(net.Conn) string) string {
	told, ok := conn.(interface{ FarEnd() error })
	if !ok {
		return look(conn)
	}
	switch err := told.FarEnd(); err {
	case nil:
		return ""
	case io.EOF:
		return "eof"
	}
	return "reset"
}

// observed is one of our connections, whatever it wraps.
type observed interface {
	net.Conn
	record() *connection
}

// observe wraps a dialled connection. go-redis asks connections for further
// methods (SyscallConn for its health check, NetConn to look below TLS), so
// the wrapper has exactly those the connection itself has: a health check that
// is not asked hides what an idle connection of that kind has met.
func observe(raw net.Conn, c *connection) observed {
	c.proving.Store(true)
	c.raw = raw
	switch raw := raw.(type) {
	case *net.TCPConn:
		c.conn = &tcpConn{raw, c}
	case *tls.Conn:
		c.raw = raw.NetConn()
		c.conn = &tlsConn{raw, c}
	default:
		other := otherConn{raw, c}
		if socket, ok := raw.(syscall.Conn); ok {
			c.conn = &socketConn{other, socket}
		} else {
			c.conn = &other
		}
	}
	return c.conn
}

type tcpConn struct {
	*net.TCPConn
	c *connection
}

func (t *tcpConn) record() *connection { return t.c }

func (t *tcpConn) Read(p []byte) (int, error) {
	n, err := t.TCPConn.Read(p)
	t.c.afterRead(p, n, err)
	return n, err
}

func (t *tcpConn) Write(p []byte) (int, error) {
	t.c.beforeWrite(p)
	n, err := t.TCPConn.Write(p)
	t.c.afterWrite(err)
	return n, err
}

func (t *tcpConn) Close() error {
	t.c.ending(t.TCPConn)
	return t.TCPConn.Close()
}

type tlsConn struct {
	*tls.Conn
	c *connection
}

func (t *tlsConn) record() *connection { return t.c }

func (t *tlsConn) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.c.afterRead(p, n, err)
	return n, err
}

func (t *tlsConn) Write(p []byte) (int, error) {
	t.c.beforeWrite(p)
	n, err := t.Conn.Write(p)
	t.c.afterWrite(err)
	return n, err
}

func (t *tlsConn) Close() error {
	t.c.ending(t.NetConn())
	return t.Conn.Close()
}

type otherConn struct {
	net.Conn
	c *connection
}

func (o *otherConn) record() *connection { return o.c }

func (o *otherConn) Read(p []byte) (int, error) {
	n, err := o.Conn.Read(p)
	o.c.afterRead(p, n, err)
	return n, err
}

func (o *otherConn) Write(p []byte) (int, error) {
	o.c.beforeWrite(p)
	n, err := o.Conn.Write(p)
	o.c.afterWrite(err)
	return n, err
}

func (o *otherConn) Close() error {
	o.c.ending(o.Conn)
	return o.Conn.Close()
}

// socketConn is another connection that has a socket, or answers for one.
type socketConn struct {
	otherConn
	socket syscall.Conn
}

func (s *socketConn) SyscallConn() (syscall.RawConn, error) { return s.socket.SyscallConn() }

// The three below are what every read and write pays: one load and two
// predictable branches once the handshake is over.

func (c *connection) afterRead(p []byte, n int, err error) {
	if c.proving.Load() && n > 0 {
		c.sawRead(p[:n])
	}
	if err != nil {
		c.sawError(err)
	}
}

func (c *connection) beforeWrite(p []byte) {
	if c.proving.Load() {
		c.sawWrite(p)
	}
}

func (c *connection) afterWrite(err error) {
	if err != nil {
		c.sawError(err)
	}
}

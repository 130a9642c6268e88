package memnet

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// Conn is one end of a connection. It is safe for concurrent use as every
// net.Conn is. Its errors are those of a TCP connection: *net.OpError around
// os.ErrDeadlineExceeded, net.ErrClosed, ECONNRESET or EPIPE; io.EOF bare.
type Conn struct {
	in, out       *stream
	local, remote *net.TCPAddr
	abort         atomic.Bool // SetLinger(0) was called
}

// Pipe returns the two ends of a connection that no Network knows. Unlike
// net.Pipe it is buffered: a write returns once the bytes fit into the Window.
func Pipe() (net.Conn, net.Conn) {
	loopback := net.IPv4(127, 0, 0, 1)
	a, b := pair(&net.TCPAddr{IP: loopback, Port: 1}, &net.TCPAddr{IP: loopback, Port: 2})
	return a, b
}

func pair(a, b *net.TCPAddr) (*Conn, *Conn) {
	there, back := newStream(), newStream()
	return &Conn{in: back, out: there, local: a, remote: b}, &Conn{in: there, out: back, local: b, remote: a}
}

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	if err != nil && err != io.EOF {
		err = c.wrap("read", err)
	}
	return n, err
}

// Write implements net.Conn. After the peer's close it fails at once with
// EPIPE, after the peer's reset with ECONNRESET. (A kernel lets the first
// write after a close pass and fails the second; failing the first keeps tests
// deterministic and its error class is the same.)
func (c *Conn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	if err != nil {
		err = c.wrap("write", err)
	}
	return n, err
}

// Close closes both directions. The peer reads what was written before and
// then gets io.EOF; if this end leaves bytes unread, or SetLinger(0) was
// called, the peer gets ECONNRESET instead.
func (c *Conn) Close() error {
	abort := c.abort.Load()
	unread, again := c.in.closeRead(abort)
	if again {
		return c.wrap("close", net.ErrClosed)
	}
	c.out.closeWrite(abort || unread)
	return nil
}

// Abort closes the connection with a reset, as SetLinger(0) and Close do.
func (c *Conn) Abort() error {
	c.abort.Store(true)
	return c.Close()
}

// SetLinger has the contract of net.TCPConn.SetLinger for 0: the next Close
// resets the connection. Other values restore the orderly close.
func (c *Conn) SetLinger(seconds int) error {
	c.abort.Store(seconds == 0)
	return nil
}

// CloseWrite ends the sending direction only, as net.TCPConn.CloseWrite does.
func (c *Conn) CloseWrite() error {
	c.out.closeWrite(false)
	return nil
}

// FarEnd tells how the peer has ended the connection, whatever is unread, as
// a kernel knows it: io.EOF, ECONNRESET, or nil while it has not.
func (c *Conn) FarEnd() error { return c.in.end() }

// Unread says whether bytes have come that nobody has read. They are there
// before the far end's close, as in a kernel.
func (c *Conn) Unread() bool { return c.in.unread() }

// LocalAddr returns a *net.TCPAddr.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns a *net.TCPAddr.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if err := c.in.setReadDeadline(t); err != nil {
		return c.wrap("set", err)
	}
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if err := c.out.setWriteDeadline(t); err != nil {
		return c.wrap("set", err)
	}
	return nil
}

func (c *Conn) wrap(op string, err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}

package sim

import (
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"schload/handoff/sim/resp"
)

// lingerTime is how long a closed connection is still read, and what it says
// thrown away. A socket that is closed with bytes unread sends a reset instead
// of an orderly end.
const lingerTime = time.Second

// past is a deadline that wakes whoever waits.
var past = time.Unix(1, 0)

// conn is one client connection to one node's proxy. One goroutine serves it:
// it reads a command, answers it or has the store run it, and writes once no
// further command waits. Pushes come from other goroutines, through the outbox.
type conn struct {
	id       connID
	node     int
	sim      *Simulator
	net      net.Conn
	out      *outbox
	requests *resp.Requests
	store    store
	guard    *guard         // nil: commands are not held against the slot map
	hush     *hush          // of its node
	started  sync.WaitGroup // goroutines that belong to the connection

	hungUp atomic.Bool   // the proxy closed it: no further command runs
	gone   chan struct{} // closed when nobody will read a reply any more
	leave  sync.Once

	protocol int
	authed   bool
	name     string
	inMulti  bool
	batch    time.Time  // when the commands being served arrived, if anyone asked
	random   *rand.Rand // of added delays; nil before the first
}

// store runs the commands of one connection. Its methods are called by the
// connection's goroutine.
type store interface {
	// run has a command run. The reply goes to the outbox, now or later, in
	// the order of the commands.
	run(req resp.Request, cmd command) error
	// settle returns when all replies are in the outbox.
	settle() error
	// flush lets no command wait any longer.
	flush() error
	// speak makes later replies RESP2 or RESP3. It may return errSubscribed.
	speak(protocol int) error
	// discard ends the transaction that is open; nothing is replied.
	discard() error
	// reset makes the store as new for the connection.
	reset(protocol int) error
	// close ends what runs. Replies that are missing are lost.
	close()
}

var (
	// errEnd ends a connection in order: QUIT, and what comes to the same.
	errEnd = errors.New("the connection is to end")
	// errSubscribed refuses what a RESP2 subscriber must not do.
	errSubscribed = errors.New("the connection is subscribed")
)

func newConn(s *Simulator, id connID, node int, nc net.Conn) *conn {
	c := &conn{id: id, node: node, sim: s, net: nc, gone: make(chan struct{}), hush: &s.hushes[node], protocol: 2, authed: s.config.Password == ""}
	c.out = newOutbox(nc, c.started.Go, c.drop)
	c.out.held = c.hush.on
	c.requests = resp.NewRequests(nc)
	c.store = s.shards.open(c)
	if s.config.guarded() {
		c.guard = newGuard(c)
	}
	return c
}

// live is the connection's goroutine.
func (c *conn) live() {
	c.sim.director.tell(opened{c.id, c.node})
	if c.shake() {
		c.serve()
	}
	c.end()
	c.sim.director.tell(closed{c.id})
	c.sim.forget(c.id)
}

func (c *conn) serve() {
	for {
		if !c.requests.Ready() {
			if c.flush() != nil {
				return
			}
			c.batch = time.Time{}
		}
		req, err := c.requests.Next()
		if err != nil {
			c.refuse(err)
			return
		}
		if !c.hush.wait(c.gone) || c.hungUp.Load() {
			return
		}
		if in := c.sim.injector.Load(); in != nil && (!in.pause(c) || c.hungUp.Load()) {
			return
		}
		if c.handle(req) != nil {
			return
		}
	}
}

// refuse tells a client that its bytes make no sense.
func (c *conn) refuse(err error) {
	if errors.Is(err, resp.ErrProtocol) && c.store.settle() == nil {
		text := strings.TrimPrefix(err.Error(), resp.ErrProtocol.Error()+": ")
		c.out.add(resp.AppendError(nil, "ERR Protocol error: "+text))
		c.out.flush()
	}
}

// handle serves one command. An error ends the connection.
func (c *conn) handle(req resp.Request) error {
	if len(req.Args) == 0 {
		return nil
	}
	cmd := lookup(req.Args[0])
	if !c.authed && cmd.kind != cmdHello && cmd.kind != cmdAuth && cmd.kind != cmdQuit && cmd.kind != cmdReset {
		return c.say(resp.AppendError(nil, "NOAUTH Authentication required."))
	}
	if answered, err := c.answer(req.Args, cmd); answered {
		return err
	}
	return c.forward(req, cmd)
}

func (c *conn) forward(req resp.Request, cmd command) error {
	if c.guard != nil {
		if answered, err := c.guard.admit(req.Args, cmd); answered || err != nil {
			return err
		}
	}
	switch cmd.kind {
	case cmdMulti:
		c.inMulti = true
	case cmdExec, cmdDiscard:
		c.inMulti = false
	}
	return c.store.run(req, cmd)
}

// say replies to a command that the proxy answers itself, behind the replies
// to what came before it.
func (c *conn) say(reply []byte) error {
	if err := c.store.settle(); err != nil {
		return err
	}
	c.out.add(reply)
	return nil
}

// flush lets nothing wait: commands for the store, replies for the client.
func (c *conn) flush() error {
	if err := c.store.flush(); err != nil {
		return err
	}
	c.out.flush()
	return nil
}

// hangUp closes the connection as a proxy does that leaves: an orderly end at
// once, replies that are on their way are lost. It does not wait.
func (c *conn) hangUp() {
	if !c.hungUp.CompareAndSwap(false, true) {
		return
	}
	if t, encrypted := c.net.(*tls.Conn); encrypted {
		c.out.finish(func() { c.farewell(t) })
		return
	}
	c.out.close()
	c.net.SetWriteDeadline(past)
	c.shutWrite(c.net)
}

// shutWrite sends the FIN and ends the reading of whoever serves.
func (c *conn) shutWrite(wire net.Conn) {
	half, ok := wire.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		c.net.Close()
	}
	c.net.SetReadDeadline(past)
	c.leave.Do(func() { close(c.gone) })
}

// abort resets the connection. It does not wait.
func (c *conn) abort() {
	if !c.hungUp.CompareAndSwap(false, true) {
		return
	}
	if l, ok := c.wire().(interface{ SetLinger(int) error }); ok {
		l.SetLinger(0)
	}
	c.out.close()
	c.wire().Close()
	c.cut()
}

// drop closes the connection of a client that is the matter itself. A reason
// is told; there is none when the client left.
func (c *conn) drop(reason string) {
	c.cut()
	if reason != "" && !c.hungUp.Load() {
		c.sim.log.Warn("client dropped", "client", c.net.RemoteAddr().String(), "reason", reason)
		c.sim.director.tell(dropped{c.id, c.node, reason})
	}
}

// cut closes the connection without ceremony. It does not wait.
func (c *conn) cut() {
	c.out.close()
	c.net.Close()
	c.leave.Do(func() { close(c.gone) })
}

// end closes the connection, if nobody did, and waits for what it started.
func (c *conn) end() {
	if c.guard != nil {
		c.guard.reset()
	}
	c.store.close()
	if c.hungUp.Load() {
		c.linger()
	}
	c.cut()
	c.started.Wait()
}

// linger reads what a client sends that has not noticed the end yet.
func (c *conn) linger() {
	<-c.gone // hangUp sets a deadline of its own before
	c.net.SetReadDeadline(time.Now().Add(lingerTime))
	var waste [4 << 10]byte
	for {
		if _, err := c.net.Read(waste[:]); err != nil {
			return
		}
	}
}

// pause waits until an instant, or until wake. It reports whether the
// connection is still of use.
func (c *conn) pause(until time.Time, wake <-chan struct{}) bool {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-c.gone:
		return false
	}
	return true
}

// watch reads ahead while a command runs that may take long, to notice a
// client that leaves. It returns nil once the command is done, by which time
// someone must have called rouse.
func (c *conn) watch(done <-chan struct{}) error {
	for {
		select {
		case <-done:
			c.net.SetReadDeadline(time.Time{})
			if c.hungUp.Load() {
				return io.EOF
			}
			return nil
		default:
		}
		if c.requests.Buffered() > roomy {
			select { // a client that sends so much will not have left
			case <-done:
			case <-c.gone:
				return io.EOF
			}
			continue
		}
		if err := c.requests.Fill(); err != nil {
			if c.hungUp.Load() || !isTimeout(err) {
				return err
			}
		}
	}
}

// rouse ends the reading of watch.
func (c *conn) rouse() { c.net.SetReadDeadline(past) }

func isTimeout(err error) bool {
	netErr, ok := errors.AsType[net.Error](err)
	return ok && netErr.Timeout()
}

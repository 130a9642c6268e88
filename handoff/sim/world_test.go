package sim

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff/notice"
	"schload/handoff/sim/resp"
	"schload/handoff/upgrade"
	"schload/internal/memnet"
	"schload/telemetry/mark"
)

// A world is a database on a network in memory, inside a bubble of virtual
// time. Whatever leaks a goroutine fails the bubble.
type world struct {
	*testing.T
	net *memnet.Network
	sim *Simulator

	mu    sync.Mutex
	marks []mark.Mark
}

// inWorld runs a test in a world that is closed in the end.
func inWorld(t *testing.T, config Config, test func(w *world)) {
	t.Helper()
	inWorldOver(t, config, func(listen listenFunc) listenFunc { return listen }, test)
}

type listenFunc = func(network, address string) (net.Listener, error)

// inWorldOver runs a test over a network that is changed; change is called
// within the bubble.
func inWorldOver(t *testing.T, config Config, change func(listenFunc) listenFunc, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, net: memnet.New()}
		config.Listen = change(w.net.Listen)
		if config.Port == 0 {
			config.Port = 12000
		}
		config.Marks = w.mark
		sim, err := Start(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		w.sim = sim
		w.net.Lookup = sim.LookupHost
		defer sim.Close()
		test(w)
	})
}

func (w *world) mark(m mark.Mark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.marks = append(w.marks, m)
}

// wantMarks compares what the simulator says it did: "6s MOVING", ...
func (w *world) wantMarks(want ...string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var got []string
	for _, m := range w.marks {
		got = append(got, m.At.String()+" "+m.Name)
	}
	if !slices.Equal(got, want) {
		w.Errorf("marks:\ngot  %q\nwant %q", got, want)
	}
}

// play plays actions in the background; end waits for it.
func (w *world) play(length time.Duration, actions ...upgrade.Action) (end func()) {
	done := make(chan error, 1)
	plan := upgrade.Plan{Actions: actions, Length: length}
	go func() { done <- w.sim.Play(w.Context(), plan) }()
	synctest.Wait()
	return func() {
		w.Helper()
		if err := <-done; err != nil {
			w.Errorf("play: %v", err)
		}
		synctest.Wait()
	}
}

// at makes an action of the measured kind.
func at(offset time.Duration, act upgrade.Act, node upgrade.Role) upgrade.Action {
	return upgrade.Action{At: offset, Act: act, Node: node, Origin: upgrade.Measured}
}

func movingAt(offset time.Duration, seconds int64) upgrade.Action {
	a := at(offset, upgrade.Notify, upgrade.Old)
	a.Notice, a.To, a.Seconds = notice.Moving, upgrade.New, seconds
	return a
}

func notifyAt(offset time.Duration, kind notice.Kind, seconds int64, shards ...string) upgrade.Action {
	return upgrade.Action{At: offset, Act: upgrade.Notify, Notice: kind, Seconds: seconds, Shards: shards}
}

// rebind is the endpoint going from one node to the next.
func rebind() []upgrade.Action {
	return []upgrade.Action{
		at(6*time.Second, upgrade.Listen, upgrade.New),
		movingAt(6*time.Second, 15),
		at(14600*time.Millisecond, upgrade.Bind, upgrade.New),
		at(15700*time.Millisecond, upgrade.DNS, upgrade.New),
		at(21700*time.Millisecond, upgrade.Refuse, upgrade.Old),
		at(21700*time.Millisecond, upgrade.Close, upgrade.Old),
	}
}

// A peer is the far end of a connection, spoken to in bytes.
type peer struct {
	*world
	net.Conn
	replies *resp.Replies
}

const (
	node1 = "127.0.0.2:12000"
	node2 = "127.0.0.3:12000"
	node3 = "127.0.0.4:12000"
)

func (w *world) dial(address string) *peer {
	w.Helper()
	conn, err := w.net.Dial(w.Context(), "tcp", address)
	if err != nil {
		w.Fatalf("dial %s: %v", address, err)
	}
	c := &peer{world: w, Conn: conn, replies: resp.NewReplies(conn)}
	w.Cleanup(func() { conn.Close() })
	return c
}

// refused wants a dial to find nobody.
func (w *world) refused(address string) {
	w.Helper()
	if conn, err := w.net.Dial(w.Context(), "tcp", address); err == nil {
		conn.Close()
		w.Errorf("dial %s: got a connection, want it refused", address)
	}
}

// cmd encodes a command given as words.
func cmd(line string) string {
	return string(resp.AppendRequest(nil, strings.Fields(line)...))
}

// send writes raw bytes.
func (c *peer) send(raw string) {
	c.Helper()
	if _, err := c.Write([]byte(raw)); err != nil {
		c.Fatalf("send %.100q: %v", raw, err)
	}
}

// want reads exactly these bytes.
func (c *peer) want(raw string) {
	c.Helper()
	var got []byte
	for len(got) < len(raw) {
		c.SetReadDeadline(time.Now().Add(time.Minute))
		frame, err := c.replies.Next()
		got = append(got, frame...)
		if err != nil {
			c.Fatalf("got %.400q and %v, want %.400q", got, err, raw)
		}
	}
	if string(got) != raw {
		c.Fatalf("got  %.600q\nwant %.600q", got, raw)
	}
}

// do sends a command and wants a reply.
func (c *peer) do(line, reply string) {
	c.Helper()
	c.send(cmd(line))
	c.want(reply)
}

// silent wants nothing to have arrived.
func (c *peer) silent() {
	c.Helper()
	synctest.Wait()
	c.SetReadDeadline(time.Now().Add(-time.Second))
	frame, err := c.replies.Next()
	if err == nil || err == io.EOF || !isTimeout(err) {
		c.Fatalf("got %.200q, %v, want silence", frame, err)
	}
}

// ended wants the connection closed in order.
func (c *peer) ended() {
	c.Helper()
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if frame, err := c.replies.Next(); err != io.EOF {
		c.Fatalf("got %.200q, %v, want the end", frame, err)
	}
}

// optedIn is a client that made the handshake.
func (w *world) optedIn(address, endpoint string) *peer {
	w.Helper()
	c := w.dial(address)
	c.send(cmd("HELLO 3"))
	if frame, err := c.replies.Next(); err != nil || !bytes.HasPrefix(frame, []byte("%7\r\n")) {
		w.Fatalf("HELLO: got %q, %v", frame, err)
	}
	c.do("CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type "+endpoint, "+OK\r\n")
	return c
}

// after waits in virtual time.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) resolve(name string) string {
	w.Helper()
	hosts, err := w.sim.LookupHost(context.Background(), name)
	if err != nil || len(hosts) != 1 {
		w.Fatalf("lookup %s: %v, %v", name, hosts, err)
	}
	return hosts[0]
}

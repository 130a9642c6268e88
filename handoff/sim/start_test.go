package sim

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"schload/handoff/upgrade"
	"schload/internal/memnet"
)

// What is wrong is said at once, with the thing and the fix.
func TestStartRefuses(t *testing.T) {
	network := memnet.New()
	taken, err := network.Listen("tcp", "127.0.0.3:12000")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	nobody := func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }
	for name, test := range map[string]struct {
		config Config
		want   []string
	}{
		"nodes":      {Config{Nodes: 33}, []string{"nodes 33", "1 to 32"}},
		"port":       {Config{Port: 70000}, []string{"port 70000"}},
		"both":       {Config{Nodes: -1, Port: -1}, []string{"nodes -1", "port -1"}},
		"name":       {Config{Name: "redis://x"}, []string{`name "redis://x"`}},
		"username":   {Config{Username: "app"}, []string{"username", "no password"}},
		"type":       {Config{Support: Support{RefuseTypes: []string{"local"}}}, []string{`"local"`, "internal-ip"}},
		"node":       {Config{Support: Support{UnsupportedNodes: []int{4}}}, []string{"unsupported node 4", "1..3"}},
		"sequence":   {Config{Support: Support{FirstSeq: -1}}, []string{"sequence -1"}},
		"port taken": {Config{Port: 12000, Listen: network.Listen}, []string{"127.0.0.3:12000", "end it, or choose another port"}},
		"scheme":     {Config{Shards: []string{"http://x"}}, []string{"http://x", `scheme "http"`, "redis://"}},
		"host":       {Config{Shards: []string{"redis://"}}, []string{"no host"}},
		"database":   {Config{Shards: []string{"redis://x/3"}}, []string{`database "3"`}},
		"not a URL":  {Config{Shards: []string{"redis://a:b@[x"}}, []string{"want a URL"}},
		"shard login": {
			Config{Listen: memnet.New().Listen, Shards: []string{"redis://:secret@h1"}, dial: wrongPasswordServer(t)},
			[]string{"shard 1 of 1, redis://:xxxxx@h1", "WRONGPASS", "check the user and the password"},
		},
		"shard gone": {
			Config{Listen: memnet.New().Listen, Shards: []string{"redis://a:secret@h1", "redis://h2:7000"}, dial: nobody},
			[]string{"shard 1 of 2, redis://a:xxxxx@h1", "connection refused", "shard 2 of 2, redis://h2:7000", "running there?"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			sim, err := Start(t.Context(), test.config)
			if err == nil {
				sim.Close()
				t.Fatal("it started")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "a:b@") {
				t.Errorf("%q tells a password", err)
			}
		})
	}
	if l, err := network.Listen("tcp", "127.0.0.2:12000"); err != nil {
		t.Errorf("a start that failed kept its port: %v", err)
	} else {
		l.Close()
	}
}

// wrongPasswordServer dials a server with another password.
func wrongPasswordServer(t *testing.T) dialFunc {
	m := miniredis.NewMiniRedis()
	m.RequireAuth("other")
	t.Cleanup(m.Close)
	return func(context.Context, string, string) (net.Conn, error) { return m.Dial() }
}

// A free port must be free at every node's address.
func TestFreePort(t *testing.T) {
	network := memnet.New()
	inUse := 0
	sim, err := Start(t.Context(), Config{Listen: func(proto, address string) (net.Listener, error) {
		if strings.HasPrefix(address, "127.0.0.4:") && inUse < 3 {
			inUse++
			return nil, os.NewSyscallError("bind", syscall.EADDRINUSE)
		}
		return network.Listen(proto, address)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	_, port, _ := net.SplitHostPort(sim.Addr())
	for _, n := range sim.Nodes() {
		if !strings.HasSuffix(n.Addr, ":"+port) {
			t.Errorf("%s is at %s, want port %s", n.Name, n.Addr, port)
		}
	}
	if inUse != 3 {
		t.Errorf("tried %d ports that were taken, want 3", inUse)
	}
}

// A machine with one loopback address gives nodes ports of their own; the
// endpoint's port is the node's that the record names, while it accepts.
func TestFallback(t *testing.T) {
	oneAddress := func(listen listenFunc) listenFunc {
		return func(network, address string) (net.Listener, error) {
			if !strings.HasPrefix(address, "127.0.0.1:") {
				return nil, &net.OpError{Op: "listen", Net: network, Err: os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)}
			}
			return listen(network, address)
		}
	}
	inWorldOver(t, Config{}, oneAddress, func(w *world) {
		if !strings.Contains(w.sim.Fallback(), "one loopback address") {
			t.Errorf("fallback: got %q", w.sim.Fallback())
		}
		nodes := w.sim.Nodes()
		first, second := nodes[0].Addr, nodes[1].Addr
		if first == second || !strings.HasPrefix(second, "127.0.0.1:") {
			t.Errorf("nodes are at %s and %s", first, second)
		}
		byName := w.optedIn(w.sim.Addr(), "internal-ip")
		direct := w.optedIn(first, "internal-fqdn")
		_, port, _ := net.SplitHostPort(second)
		end := w.play(30*time.Second,
			at(time.Second, upgrade.Listen, upgrade.New), movingAt(time.Second, 2),
			at(2*time.Second, upgrade.Bind, upgrade.New),
			at(4*time.Second, upgrade.Refuse, upgrade.Old), at(4*time.Second, upgrade.Close, upgrade.Old),
			at(8*time.Second, upgrade.DNS, upgrade.New))
		after(time.Second)
		byName.want(moving("0", "2", "$15\r\n"+second+"\r\n"))
		direct.want(moving("0", "2", "$24\r\nnode2.schload.test:"+port+"\r\n"))
		w.optedIn(second, "internal-ip").do("PING", "+PONG\r\n")
		after(3 * time.Second)
		byName.ended()
		direct.ended()
		w.refused(first)
		w.refused(w.sim.Addr()) // the record still names the old node
		after(4 * time.Second)
		w.dial(w.sim.Addr()).do("PING", "+PONG\r\n")
		if got := w.sim.Nodes()[1].Connections; got != 2 {
			t.Errorf("node2 has %d connections, want 2", got)
		}
		end()
	})
}

// A port that somebody else took while the node refused disqualifies the run.
func TestListenFails(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		end := w.play(5*time.Second, at(time.Second, upgrade.Listen, upgrade.New))
		l, err := w.net.Listen("tcp", node2)
		if err != nil {
			t.Fatal(err)
		}
		end()
		l.Close()
		w.wantMarks("1s listen", "1s listen")
		if m := w.marks[0]; m.Kind != "invalid" || !strings.Contains(m.Detail, "address already in use") {
			t.Errorf("got %+v, want an invalid run", m)
		}
	})
}

// Accepting goes on after an error that passes.
func TestAcceptError(t *testing.T) {
	network := memnet.New()
	sim, err := Start(t.Context(), Config{Listen: func(proto, address string) (net.Listener, error) {
		l, err := network.Listen(proto, address)
		return &failing{Listener: l}, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	conn, err := network.Dial(t.Context(), "tcp", sim.Nodes()[0].Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write([]byte("PING\r\n"))
	var reply [7]byte
	if _, err := conn.Read(reply[:]); err != nil || string(reply[:]) != "+PONG\r\n" {
		t.Errorf("got %q, %v", reply, err)
	}
}

// failing is a listener whose first Accept fails.
type failing struct {
	net.Listener
	failed bool
}

func (f *failing) Accept() (net.Conn, error) {
	if !f.failed {
		f.failed = true
		return nil, errors.New("too many open files")
	}
	return f.Listener.Accept()
}

// An endpoint with an address of its own leads to the node of the record, for
// clients that know no name server.
func TestEntrance(t *testing.T) {
	inWorld(t, Config{Entrance: true}, func(w *world) {
		const entrance = EntranceHost + ":12000"
		before := w.optedIn(entrance, "internal-ip")
		w.play(10*time.Second,
			at(time.Second, upgrade.Listen, upgrade.New), movingAt(time.Second, 2), at(2*time.Second, upgrade.Bind, upgrade.New),
			at(4*time.Second, upgrade.Refuse, upgrade.Old), at(4*time.Second, upgrade.Close, upgrade.Old),
			at(8*time.Second, upgrade.DNS, upgrade.New))
		after(time.Second)
		before.want(moving("0", "2", "$15\r\n127.0.0.3:12000\r\n"))
		after(3 * time.Second)
		before.ended()
		w.refused(entrance)
		after(4 * time.Second)
		w.optedIn(entrance, "internal-ip").do("PING", "+PONG\r\n")
		for _, n := range w.sim.Nodes() {
			if want := n.Name == "node2"; (n.Connections == 1) != want {
				t.Errorf("%s has %d connections", n.Name, n.Connections)
			}
		}
	})
}

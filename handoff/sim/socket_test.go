package sim

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"schload/handoff/sim/resp"
	"schload/handoff/upgrade"
)

// The same over real sockets: loopback addresses, name lookups, ports that
// refuse, an orderly end. It takes as long as its plan, a fraction of a second.
func TestSockets(t *testing.T) {
	s := startReal(t, Config{})
	if s.Fallback() != "" {
		t.Skip("nodes have no addresses of their own here: " + s.Fallback())
	}
	resolve := func() string {
		hosts, err := s.Resolver().LookupHost(t.Context(), strings.Split(s.Addr(), ":")[0])
		if err != nil || len(hosts) != 1 {
			t.Fatalf("lookup: got %v, %v", hosts, err)
		}
		return hosts[0]
	}
	if got := resolve(); got != "127.0.0.2" {
		t.Errorf("name leads to %s", got)
	}
	c := dialReal(t, s.Nodes()[0].Addr)
	c.do("HELLO 3", "%7\r\n")
	c.do("CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type internal-ip", "+OK\r\n")
	idle := dialReal(t, s.Nodes()[0].Addr)
	idle.do("PING", "+PONG\r\n")
	if _, err := net.Dial("tcp", s.Nodes()[1].Addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("new proxy before its time: got %v, want it refused", err)
	}

	const unit = 50 * time.Millisecond
	err := s.Play(t.Context(), upgrade.Plan{Length: 5 * unit, TTL: time.Second, Actions: []upgrade.Action{
		at(unit, upgrade.Listen, upgrade.New), movingAt(unit, 1), at(2*unit, upgrade.Bind, upgrade.New),
		at(3*unit, upgrade.Refuse, upgrade.Old), at(3*unit, upgrade.Close, upgrade.Old), at(4*unit, upgrade.DNS, upgrade.New),
	}})
	if err != nil {
		t.Fatal(err)
	}
	c.want(moving("0", "1", "$"+size(s.Nodes()[1].Addr)+"\r\n"+s.Nodes()[1].Addr+"\r\n"))
	for _, ended := range []*realPeer{c, idle} {
		if frame, err := ended.replies.Next(); err != io.EOF {
			t.Errorf("got %q, %v, want the end", frame, err)
		}
	}
	if _, err := net.Dial("tcp", s.Nodes()[0].Addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("old proxy after its time: got %v, want it refused", err)
	}
	if got := resolve(); got != "127.0.0.3" {
		t.Errorf("name leads to %s", got)
	}
	dialReal(t, s.Nodes()[1].Addr).do("PING", "+PONG\r\n")
}

func size(text string) string {
	head, _, _ := strings.Cut(string(resp.AppendBulk(nil, text)), "\r\n")
	return head[1:]
}

// The name server speaks UDP and TCP, and its records live as long as the plan
// says.
func TestNameServer(t *testing.T) {
	s := startReal(t, Config{Nodes: 1, Name: "db.example.test"})
	if err := s.Play(t.Context(), upgrade.Plan{TTL: 2 * time.Second}); err != nil {
		t.Fatal(err)
	}
	for _, network := range []string{"udp", "tcp"} {
		query := new(dns.Msg).SetQuestion("db.example.test.", dns.TypeA)
		answer, _, err := (&dns.Client{Net: network}).Exchange(query, s.DNS())
		if err != nil || len(answer.Answer) != 1 || answer.Answer[0].Header().Ttl != 2 {
			t.Errorf("%s: got %v, %v, want one record for 2s", network, answer, err)
		}
	}
	_, err := s.Resolver().LookupHost(t.Context(), "nobody.example.test")
	if dnsErr, ok := errors.AsType[*net.DNSError](err); !ok || !dnsErr.IsNotFound {
		t.Errorf("got %v, want no such host", err)
	}
	s.Close()
	if _, err := s.Resolver().LookupHost(t.Context(), "db.example.test"); err == nil {
		t.Error("the name server answers after the close")
	}
}

// A port in use is said with the fix, and the name of who has it: the address.
func TestPortInUse(t *testing.T) {
	s := startReal(t, Config{Nodes: 1})
	var port int
	if addr, err := net.ResolveTCPAddr("tcp", s.Nodes()[0].Addr); err == nil {
		port = addr.Port
	}
	again, err := Start(context.Background(), Config{Nodes: 1, Port: port})
	if err == nil {
		again.Close()
		t.Fatal("two simulators share a port")
	}
	if !strings.Contains(err.Error(), s.Nodes()[0].Addr) || !strings.Contains(err.Error(), "choose another") {
		t.Errorf("got %q", err)
	}
}

// realPeer is a client over a socket.
type realPeer struct {
	testing.TB
	net.Conn
	replies *resp.Replies
}

func dialReal(t testing.TB, addr string) *realPeer {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	t.Cleanup(func() { conn.Close() })
	return &realPeer{TB: t, Conn: conn, replies: resp.NewReplies(conn)}
}

// reply sends a command and returns its reply.
func (c *realPeer) reply(args ...string) string {
	c.Helper()
	if _, err := c.Write(resp.AppendRequest(nil, args...)); err != nil {
		c.Fatal(err)
	}
	frame, err := c.replies.Next()
	if err != nil {
		c.Fatalf("%q: %v", args, err)
	}
	return string(frame)
}

func (c *realPeer) do(line, prefix string) {
	c.Helper()
	if got := c.reply(strings.Fields(line)...); !strings.HasPrefix(got, prefix) {
		c.Fatalf("%s: got %q, want %q", line, got, prefix)
	}
}

func (c *realPeer) want(raw string) {
	c.Helper()
	if frame, err := c.replies.Next(); err != nil || string(frame) != raw {
		c.Fatalf("got %q, %v, want %q", frame, err, raw)
	}
}

// Thousands of clients that come and go at once disturb nobody who is there.
func TestStormOfConnects(t *testing.T) {
	s := startReal(t, Config{Nodes: 1})
	regular := dialReal(t, s.Nodes()[0].Addr)
	regular.do("SET k v", "+OK\r\n")
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			for i := range 100 {
				conn, err := net.DialTimeout("tcp", s.Nodes()[0].Addr, 10*time.Second)
				if err != nil {
					t.Errorf("dial: %v", err)
					return
				}
				if i%2 == 0 { // half a command, and gone
					conn.Write([]byte("*2\r\n$3\r\nGE"))
				}
				conn.Close()
			}
		})
	}
	stormy := make(chan struct{})
	go func() { wg.Wait(); close(stormy) }()
	for calm := false; !calm; {
		regular.do("GET k", "$1\r\nv")
		select {
		case <-stormy:
			calm = true
		default:
		}
	}
	regular.do("GET k", "$1\r\nv")
}

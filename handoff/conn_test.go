//go:build linux

package handoff

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"schload/handoff/notice"
	"schload/workload"
)

// loopback is a server on a real socket with a client of its own, for what
// only a kernel knows.
func loopback(t *testing.T, arm string) (*server, *Client) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s := startServer(t, l, err)
	a, err := ParseArm(arm)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(t.Context(), Config{Arm: a, Target: mustTarget(t, "redis://"+s.addr), Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return s, c
}

// On a socket the kernel tells who ended a connection, also where the library
// did not look: behind a push that nobody has read.
func TestClosesOnSockets(t *testing.T) {
	for _, tt := range []struct {
		name string
		push bool
		end  func(*server)
		by   string
		how  string
	}{
		{name: "fin", end: func(s *server) { s.closeAll(false) }, by: ByServer, how: "eof"},
		{name: "reset", end: func(s *server) { s.closeAll(true) }, by: ByServer, how: "reset"},
		{name: "fin behind a push", push: true, end: func(s *server) { s.closeAll(false) }, by: ByServer, how: "eof"},
		{name: "none", end: func(*server) {}, by: ByClient},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, c := loopback(t, "on")
			s.each(func(served *served) {
				if tt.push {
					served.reply(string(shards(notice.Migrating, 1).Append(nil)))
				}
			})
			tt.end(s)
			if tt.by == ByServer {
				awaitEnd(t, c)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			r := c.Connections()
			if len(r) != 1 || r[0].By != tt.by || r[0].How != tt.how || r[0].Reason != "shutdown" {
				t.Errorf("connections %+v, want one ended by the %s (%s)", r, tt.by, tt.how)
			}
		})
	}
}

// Where the kernel does not tell the state, receiving tells.
func TestDrain(t *testing.T) {
	for _, reset := range []bool{false, true} {
		s, c := loopback(t, "on")
		if got := drainConn(t, c); got != "" {
			t.Errorf("open connection: %q", got)
		}
		s.each(func(served *served) { served.reply("+unread\r\n") })
		s.closeAll(reset)
		awaitEnd(t, c)
		if got, want := drainConn(t, c), map[bool]string{false: "eof", true: "reset"}[reset]; got != want {
			t.Errorf("reset %v: %q, want %q", reset, got, want)
		}
	}
}

func drainConn(t *testing.T, c *Client) (how string) {
	t.Helper()
	raw, err := c.conn(t).(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { how = drain(int(fd)) }); err != nil {
		t.Fatal(err)
	}
	return how
}

// awaitEnd waits until the end of the only connection has arrived at its
// socket. It asks the kernel without receiving: receiving takes a reset away.
func awaitEnd(t *testing.T, c *Client) {
	t.Helper()
	raw, err := c.conn(t).(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	ready := 0
	_ = raw.Control(func(fd uintptr) {
		ready, err = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}, 10_000)
	})
	if err != nil || ready != 1 {
		t.Fatalf("the end did not arrive: %d, %v", ready, err)
	}
}

// conn returns the only open connection.
func (c *Client) conn(t *testing.T) net.Conn {
	t.Helper()
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	for _, one := range c.o.live {
		return one.conn
	}
	t.Fatal("no connection is open")
	return nil
}

// A dead connection is found by the library's own check, which our wrapper
// must not take away: no operation fails, none is tried twice.
func TestHealthCheckKept(t *testing.T) {
	s, c := loopback(t, "off-noretry")
	s.closeAll(false)
	awaitEnd(t, c)
	if out := do(t, c, get("k"))[0]; out.Class != workload.OK || out.Attempts != 1 {
		t.Errorf("outcome %+v, want the dead connection replaced unnoticed", out)
	}
	if got := c.Observe().Closes[Close{ByServer, "stale"}]; got != 1 {
		t.Errorf("closes %v, want one by the server, found stale", c.Observe().Closes)
	}
}

// Close wakes whoever waits for a reply; it does not wait for them.
func TestCloseWakesReader(t *testing.T) {
	s, c := loopback(t, "off-noretry")
	asked := make(chan struct{})
	s.mu.Lock()
	s.hook = func(*served, []string) (string, bool) {
		close(asked)
		return "", true
	}
	s.mu.Unlock()
	done := make(chan workload.Outcome)
	begun := time.Now()
	go func() { done <- do(t, c, get("k"))[0] }()
	<-asked
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if out := <-done; out.Class != workload.Canceled || time.Since(begun) > 4*time.Second {
		t.Errorf("%+v after %v, want canceled before the read timeout of 5s", out, time.Since(begun))
	}
}

// A target that expects TLS, a certificate nobody signed, and how it works.
func TestTLS(t *testing.T) {
	config, file := certificate(t)
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, &tlsListener{raw, config}, nil)
	on, _ := ParseArm("on")
	base := Config{Arm: on, Target: mustTarget(t, "rediss://"+s.addr), Workers: 1}

	_, err = Open(t.Context(), base)
	if e, ok := err.(*TargetError); !ok || e.Problem != BadTLS || !strings.Contains(e.Missing, "unknown authority") {
		t.Errorf("unknown authority: %v", err)
	}
	base.TLS = TLS{CAFile: file}
	c, err := Open(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if out := do(t, c, set("k"))[0]; out.Class != workload.OK {
		t.Errorf("outcome %+v", out)
	}
	if p := c.Proof(); !p.Valid || p.EndpointType[InternalFQDN] != 1 {
		t.Errorf("proof %+v, want names of the inside asked for", p)
	}
	plain := base
	plain.Target = mustTarget(t, "redis://"+s.addr)
	plain.TLS = TLS{}
	if _, err := Open(t.Context(), plain); err == nil || !strings.Contains(err.Error(), "rediss") {
		t.Errorf("in the clear: %v, want the hint at rediss", err)
	}
}

// A server that asks for the client's certificate: with it the arm works, on a
// cluster too; without it, or with half of it, what is missing is said.
func TestClientCertificate(t *testing.T) {
	config, cert, key := identity(t)
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	pem, err := os.ReadFile(cert)
	if err != nil || !config.ClientCAs.AppendCertsFromPEM(pem) {
		t.Fatal(err)
	}
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, &tlsListener{raw, config}, nil)
	host, port, _ := net.SplitHostPort(s.addr)
	s.mu.Lock()
	s.hook = func(_ *served, args []string) (string, bool) {
		switch args[0] {
		case "cluster":
			return "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n" + bulkReply(host) + ":" + port + "\r\n" + bulkReply("id"), true
		case "command":
			return "*0\r\n", true
		}
		return "", false
	}
	s.mu.Unlock()
	on, _ := ParseArm("on")
	for _, tt := range []struct {
		tls     TLS
		cluster bool
		want    string
	}{
		{TLS{CAFile: cert, CertFile: cert, KeyFile: key}, false, ""},
		{TLS{CAFile: cert, CertFile: cert, KeyFile: key}, true, ""},
		{TLS{CAFile: cert}, false, "certificate required"},
		{TLS{CAFile: cert, CertFile: cert}, false, "without key_file"},
		{TLS{CAFile: cert, KeyFile: key}, false, "without cert_file"},
		{TLS{CAFile: cert, CertFile: cert, KeyFile: cert}, false, "key_file " + cert},
		{TLS{CAFile: cert, CertFile: cert + "x", KeyFile: key}, false, "no such file"},
	} {
		c, err := Open(t.Context(), Config{Arm: on, Target: mustTarget(t, "rediss://"+s.addr), Workers: 1, TLS: tt.tls, Cluster: tt.cluster})
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v: %v, want %q", tt.tls, err, tt.want)
			}
			if e, ok := err.(*TargetError); ok && e.Problem != BadTLS {
				t.Errorf("%+v: problem %s, want tls", tt.tls, e.Problem)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if out := do(t, c, set("k"))[0]; out.Class != workload.OK || !c.Proof().Valid {
			t.Errorf("cluster %v: %+v, %+v", tt.cluster, out, c.Proof())
		}
		_ = c.Close()
	}
}

// A name is looked up with the run's resolver, private or not decides the
// endpoint type, and a name nobody knows is external.
func TestEndpointType(t *testing.T) {
	for _, tt := range []struct{ target, want string }{
		{"redis://10.1.2.3", InternalIP}, {"redis://127.0.0.1", InternalIP}, {"redis://localhost", InternalIP},
		{"redis://100.64.0.1", InternalIP}, {"redis://[fd00::1]", InternalIP}, {"redis://[fe80::1]", InternalIP},
		{"redis://192.0.2.1", ExternalIP}, {"rediss://192.0.2.1", ExternalFQDN}, {"rediss://192.168.0.1", InternalFQDN},
		{"redis://nowhere.example", ExternalIP},
	} {
		c := Config{Arm: Arm{EndpointType: AutoEndpoint}, Target: mustTarget(t, tt.target), Resolver: &net.Resolver{
			PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }}}
		if got := endpointType(t.Context(), c); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.target, got, tt.want)
		}
	}
	if got := endpointType(t.Context(), Config{Arm: Arm{EndpointType: NoEndpoint}}); got != NoEndpoint {
		t.Errorf("asked for none, got %s", got)
	}
}

package sim

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"schload/handoff/sim/resp"
	"schload/handoff/upgrade"
)

// trust returns a client's configuration for a cluster.
func trust(t *testing.T, c *Cluster) *tls.Config {
	t.Helper()
	ca, err := c.CA()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("CA is no PEM")
	}
	return &tls.Config{RootCAs: pool}
}

// A client that checks names is served under each: the endpoint's, a node's,
// and the address; and meets an orderly end, TLS and TCP.
func TestTLS(t *testing.T) {
	s := startReal(t, Config{Security: TLS})
	if s.Fallback() != "" {
		t.Skip(s.Fallback())
	}
	var peers []*realPeer
	for _, name := range []string{s.Config().Name, "node1.schload.test", ""} {
		config := trust(t, s.Cluster())
		config.ServerName = name
		if name == "" {
			config.ServerName = "127.0.0.2"
		}
		peers = append(peers, dialTLS(t, s.Nodes()[0].Addr, config))
	}
	for _, c := range peers {
		c.do("HELLO 3", "%7\r\n")
		c.do("CLIENT MAINT_NOTIFICATIONS ON moving-endpoint-type internal-fqdn", "+OK\r\n")
		c.do("SET k v", "+OK\r\n")
	}
	if _, err := tls.Dial("tcp", s.Nodes()[0].Addr, &tls.Config{}); !errors.As(err, new(*tls.CertificateVerificationError)) {
		t.Errorf("a client that trusts nobody: got %v", err)
	}
	plain := dialReal(t, s.Nodes()[0].Addr) // must not disturb the others
	plain.Write([]byte("PING\r\n"))
	if _, err := plain.replies.Next(); err == nil {
		t.Error("answered in the clear")
	}

	const unit = 20 * time.Millisecond
	err := s.Play(t.Context(), upgrade.Plan{Length: 4 * unit, Actions: []upgrade.Action{
		at(0, upgrade.Listen, upgrade.New), movingAt(0, 1), at(unit, upgrade.Bind, upgrade.New),
		at(2*unit, upgrade.Refuse, upgrade.Old), at(2*unit, upgrade.Close, upgrade.Old), at(3*unit, upgrade.DNS, upgrade.New),
	}})
	if err != nil {
		t.Fatal(err)
	}
	target := fmt.Sprintf("node2.schload.test:%d", s.Config().Port)
	for _, c := range peers {
		c.want(moving("0", "1", "$"+size(target)+"\r\n"+target+"\r\n"))
		if frame, err := c.replies.Next(); err != io.EOF {
			t.Errorf("got %q, %v, want the end", frame, err)
		}
	}
	config := trust(t, s.Cluster())
	config.ServerName = "node2.schload.test"
	dialTLS(t, s.Nodes()[1].Addr, config).do("GET k", "$1\r\nv\r\n")
}

func dialTLS(t *testing.T, addr string, config *tls.Config) *realPeer {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	t.Cleanup(func() { conn.Close() })
	return &realPeer{TB: t, Conn: conn, replies: resp.NewReplies(conn)}
}

// With MutualTLS only clients with a certificate of the cluster are served.
func TestMutualTLS(t *testing.T) {
	s := startReal(t, Config{Nodes: 1, Security: MutualTLS})
	config := trust(t, s.Cluster())
	config.ServerName = s.Config().Name
	cert, key, err := s.Cluster().ClientCertificate("load")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	known := config.Clone()
	known.Certificates = []tls.Certificate{pair}
	dialTLS(t, s.Nodes()[0].Addr, known).do("PING", "+PONG\r\n")

	// In TLS 1.3 the client learns of the refusal when it reads.
	unknown := dialTLS(t, s.Nodes()[0].Addr, config)
	unknown.Write(resp.AppendRequest(nil, "PING"))
	if frame, err := unknown.replies.Next(); err == nil {
		t.Errorf("without a certificate: got %q, want to be refused", frame)
	}
}

// A client that connects and says nothing holds up nobody, and Close does not
// wait for it.
func TestSilentTLSClient(t *testing.T) {
	s := startReal(t, Config{Nodes: 1, Security: TLS})
	silent, err := net.Dial("tcp", s.Nodes()[0].Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	config := trust(t, s.Cluster())
	config.ServerName = s.Config().Name
	dialTLS(t, s.Nodes()[0].Addr, config).do("PING", "+PONG\r\n")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Commands that block read ahead with deadlines, which TLS must survive.
func TestBlockingOverTLS(t *testing.T) {
	s := startReal(t, Config{Nodes: 1, Security: TLS})
	config := trust(t, s.Cluster())
	config.ServerName = s.Config().Name
	c := dialTLS(t, s.Nodes()[0].Addr, config)
	for range 3 {
		c.do("BLPOP list 0.01", "*-1\r\n")
		c.do("PING", "+PONG\r\n")
	}
}

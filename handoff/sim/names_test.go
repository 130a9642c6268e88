package sim

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestRecords(t *testing.T) {
	n := newNames()
	z := newZone("Redis.Schload.Test", []string{"127.0.0.2", "127.0.0.3"})
	n.add(z)
	ask := func(name string, kind uint16) *dns.Msg {
		return n.respond(new(dns.Msg).SetQuestion(name, kind))
	}
	address := func(name string) (string, uint32) {
		m := ask(name, dns.TypeA)
		if len(m.Answer) != 1 || m.Rcode != dns.RcodeSuccess || !m.Authoritative {
			t.Fatalf("%s: got %v", name, m)
		}
		a := m.Answer[0].(*dns.A)
		return a.A.String(), a.Hdr.Ttl
	}
	if ip, ttl := address("redis.schload.test."); ip != "127.0.0.2" || ttl != 5 {
		t.Errorf("got %s for %ds, want 127.0.0.2 for 5s", ip, ttl)
	}
	z.point([]int{1}, time.Second)
	if ip, ttl := address("REDIS.schload.TEST."); ip != "127.0.0.3" || ttl != 1 {
		t.Errorf("got %s for %ds, want 127.0.0.3 for 1s", ip, ttl)
	}
	if ip, ttl := address("node1.schload.test."); ip != "127.0.0.2" || ttl != 5 {
		t.Errorf("got %s for %ds, want the node's own", ip, ttl)
	}
	// Several addresses take turns at being the first.
	z.point([]int{0, 1}, time.Second)
	first := map[string]int{}
	for range 10 {
		m := ask("redis.schload.test.", dns.TypeA)
		if len(m.Answer) != 2 {
			t.Fatalf("got %v, want two addresses", m)
		}
		first[m.Answer[0].(*dns.A).A.String()]++
	}
	if first["127.0.0.2"] != 5 || first["127.0.0.3"] != 5 {
		t.Errorf("came first: %v, want each in its turn", first)
	}
	for _, test := range []struct {
		name  string
		kind  uint16
		rcode int
	}{
		{"redis.schload.test.", dns.TypeAAAA, dns.RcodeSuccess},
		{"redis.schload.test.", dns.TypeHTTPS, dns.RcodeSuccess},
		{"node9.schload.test.", dns.TypeA, dns.RcodeNameError},
		{"example.com.", dns.TypeAAAA, dns.RcodeNameError},
	} {
		m := ask(test.name, test.kind)
		if m.Rcode != test.rcode || len(m.Answer) != 0 || len(m.Ns) != 1 {
			t.Errorf("%s %s: got %v", test.name, dns.TypeToString[test.kind], m)
			continue
		}
		if soa, ok := m.Ns[0].(*dns.SOA); !ok || soa.Minttl != 5 {
			t.Errorf("%s: a negative answer may be kept, got %v", test.name, m.Ns)
		}
	}
	chaos := new(dns.Msg).SetQuestion("redis.schload.test.", dns.TypeA)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	if m := n.respond(chaos); m.Rcode != dns.RcodeRefused {
		t.Errorf("got %v, want it refused", m)
	}
}

func TestLookupHost(t *testing.T) {
	inWorld(t, Config{Name: "db.example.test"}, func(w *world) {
		if got := w.sim.Addr(); got != "db.example.test:12000" {
			t.Errorf("got %s", got)
		}
		if w.sim.DNS() != "" || w.sim.Resolver() != nil || w.sim.Fallback() != "" {
			t.Error("a network in memory has no name server and needs no fallback")
		}
		for name, want := range map[string]string{
			"db.example.test": "127.0.0.2", "NODE2.example.test": "127.0.0.3", "127.0.0.9": "127.0.0.9",
		} {
			if got := w.resolve(name); got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
		_, err := w.sim.LookupHost(w.Context(), "example.com")
		if dnsErr, ok := errors.AsType[*net.DNSError](err); !ok || !dnsErr.IsNotFound {
			t.Errorf("got %v, want no such host", err)
		}
		gone, cancel := context.WithCancel(w.Context())
		cancel()
		if _, err := w.sim.LookupHost(gone, "db.example.test"); err != context.Canceled {
			t.Errorf("got %v, want it cancelled", err)
		}
	})
}

package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// names is the name server of a cluster. It knows the zones of its databases
// and nothing else.
type names struct {
	mu    sync.Mutex
	zones atomic.Pointer[[]*zone] // replaced whole: queries take no lock

	addr    string // empty when nothing is served
	servers []*dns.Server
	wg      sync.WaitGroup
}

// zone holds the names of one database: an address record for the endpoint,
// which moves, and one for each node, which does not.
type zone struct {
	endpoint string            // fully qualified, lower case
	nodes    map[string]net.IP // fully qualified, lower case
	hosts    []net.IP          // by node
	record   atomic.Pointer[record]
	asked    atomic.Uint32 // how often, for the order of several addresses
}

// record is the endpoint's address record, or several of them.
type record struct {
	ips []net.IP
	ttl time.Duration
}

func newNames() *names {
	n := &names{}
	n.zones.Store(&[]*zone{})
	return n
}

func newZone(endpoint string, hosts []string) *zone {
	z := &zone{endpoint: canonical(endpoint), nodes: make(map[string]net.IP)}
	for i, host := range hosts {
		ip := net.ParseIP(host)
		z.hosts = append(z.hosts, ip)
		z.nodes[canonical(nodeAddress(i, endpoint))] = ip
	}
	z.point([]int{0}, recordTTL)
	return z
}

// nodeAddress is the name of a node beside an endpoint's, in the domain that
// they share: node1.schload.test. (A client's test compares the two domains.)
func nodeAddress(node int, endpoint string) string { return nodeName(node) + "." + domainOf(endpoint) }

// domainOf is a name without its first label; of a name without dots, the name.
func domainOf(name string) string {
	if _, parent, found := strings.Cut(name, "."); found {
		return parent
	}
	return name
}

func canonical(name string) string { return strings.ToLower(dns.Fqdn(name)) }

// add makes the names of a database known, unless another has them.
func (n *names) add(z *zone) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	zones := *n.zones.Load()
	if slices.ContainsFunc(zones, func(other *zone) bool { return other.endpoint == z.endpoint }) {
		return false
	}
	zones = append(slices.Clone(zones), z)
	n.zones.Store(&zones)
	return true
}

// remove makes the names of a database unknown.
func (n *names) remove(z *zone) {
	n.mu.Lock()
	defer n.mu.Unlock()
	zones := slices.DeleteFunc(slices.Clone(*n.zones.Load()), func(other *zone) bool { return other == z })
	n.zones.Store(&zones)
}

// find returns the addresses of a name, for how long they hold, and the zone
// that knows it, nil for none.
func (n *names) find(name string) ([]net.IP, time.Duration, *zone) {
	name = canonical(name)
	for _, z := range *n.zones.Load() {
		if ips, ttl, known := z.find(name); known {
			return ips, ttl, z
		}
	}
	return nil, 0, nil
}

// point makes the endpoint's record name nodes.
func (z *zone) point(nodes []int, ttl time.Duration) {
	r := &record{ttl: ttl}
	for _, node := range nodes {
		r.ips = append(r.ips, z.hosts[node])
	}
	z.record.Store(r)
}

// find looks a canonical name up. Several addresses come in another order each
// time, as name servers do to spread their clients.
func (z *zone) find(name string) ([]net.IP, time.Duration, bool) {
	if name == z.endpoint {
		r := z.record.Load()
		first := 0
		if len(r.ips) > 1 {
			first = int(z.asked.Add(1)) % len(r.ips)
		}
		return slices.Concat(r.ips[first:], r.ips[:first]), r.ttl, true
	}
	ip, known := z.nodes[name]
	return []net.IP{ip}, recordTTL, known
}

// anyDNS is where the name server listens by default.
const anyDNS = "127.0.0.1:0"

// serve answers on one port, by UDP and TCP.
func (n *names) serve(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("name server: address %q: want HOST:PORT such as 127.0.0.1:5353", address)
	}
	for range portAttempts {
		err := n.listen(address)
		if err == nil {
			return nil
		}
		if port != "0" || !errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("name server: %w", explain(err))
		}
	}
	return fmt.Errorf("name server: found no port that is free for UDP and TCP alike at %s", host)
}

func (n *names) listen(address string) error {
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	udp, err := net.ListenPacket("udp", tcp.Addr().String())
	if err != nil {
		tcp.Close()
		return err
	}
	n.addr = tcp.Addr().String()
	n.start(&dns.Server{Listener: tcp, Handler: n})
	n.start(&dns.Server{PacketConn: udp, Handler: n})
	return nil
}

// start returns when the server serves: one that does not cannot be ended.
func (n *names) start(server *dns.Server) {
	started := make(chan struct{})
	server.NotifyStartedFunc = func() { close(started) }
	n.servers = append(n.servers, server)
	n.wg.Go(func() { server.ActivateAndServe() })
	<-started
}

func (n *names) close() {
	for _, server := range n.servers {
		server.Shutdown()
	}
	n.wg.Wait()
}

// ServeDNS implements dns.Handler.
func (n *names) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	w.WriteMsg(n.respond(query))
}

// respond answers one query: an address, no data for other types of a name
// that exists, or no such name. Negative answers hold no longer than records.
func (n *names) respond(query *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(query)
	m.Authoritative = true
	if len(query.Question) != 1 || query.Question[0].Qclass != dns.ClassINET {
		m.Rcode = dns.RcodeRefused
		return m
	}
	q := query.Question[0]
	ips, ttl, zone := n.find(q.Name)
	switch {
	case zone != nil && (q.Qtype == dns.TypeA || q.Qtype == dns.TypeANY):
		for _, ip := range ips {
			m.Answer = append(m.Answer, &dns.A{Hdr: header(q.Name, dns.TypeA, ttl), A: ip})
		}
		return m
	case zone == nil:
		m.Rcode = dns.RcodeNameError
	}
	apex := "."
	if zone != nil {
		apex = zone.endpoint
	}
	m.Ns = []dns.RR{&dns.SOA{
		Hdr: header(apex, dns.TypeSOA, recordTTL), Ns: apex, Mbox: "nobody.schload.test.",
		Serial: 1, Refresh: 60, Retry: 60, Expire: 60, Minttl: seconds(recordTTL),
	}}
	return m
}

func header(name string, kind uint16, ttl time.Duration) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: seconds(ttl)}
}

func seconds(d time.Duration) uint32 { return uint32(d / time.Second) }

// lookup has the contract of net.Resolver.LookupHost.
func (n *names) lookup(ctx context.Context, host string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip != nil {
		return []string{host}, nil
	}
	ips, _, zone := n.find(host)
	if zone == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, Server: n.addr, IsNotFound: true}
	}
	var addrs []string
	for _, ip := range ips {
		addrs = append(addrs, ip.String())
	}
	return addrs, nil
}

// resolver asks the name server for every name; nil when there is none.
func (n *names) resolver() *net.Resolver {
	if n.addr == "" {
		return nil
	}
	return ResolverAt(n.addr)
}

// ResolverAt asks the name server at an address, host:port, for every name:
// that of a simulator in another process, see DNS.
func ResolverAt(address string) *net.Resolver {
	var dialer net.Dialer
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
	}
}

// DNS is the address of the built-in name server, for UDP and TCP; empty when
// there is none, on networks in memory.
func (s *Simulator) DNS() string { return s.cluster.DNS() }

// LookupHost resolves the endpoint's name, or a node's, as the name server
// would. It has the contract of net.Resolver.LookupHost.
func (s *Simulator) LookupHost(ctx context.Context, host string) ([]string, error) {
	return s.cluster.LookupHost(ctx, host)
}

// Resolver asks the built-in name server for every name. It is nil when there
// is none.
func (s *Simulator) Resolver() *net.Resolver { return s.cluster.Resolver() }

package handoff

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Dial connects; its contract is that of net.Dialer.DialContext.
type Dial func(ctx context.Context, network, addr string) (net.Conn, error)

// TLS says how to encrypt connections to a rediss target.
type TLS struct {
	CAFile             string `yaml:"ca_file,omitempty" json:"ca_file,omitempty"`                           // PEM; default the system's authorities
	CertFile           string `yaml:"cert_file,omitempty" json:"cert_file,omitempty"`                       // PEM; the client's certificate, where the server asks for one
	KeyFile            string `yaml:"key_file,omitempty" json:"key_file,omitempty"`                         // PEM; its key
	ServerName         string `yaml:"server_name,omitempty" json:"server_name,omitempty"`                   // default the host that is dialled
	InsecureSkipVerify bool   `yaml:"insecure_skip_verify,omitempty" json:"insecure_skip_verify,omitempty"` // accept any certificate
}

// encryption returns how to encrypt, nil for a target in the clear.
func (c Config) encryption() (*tls.Config, error) {
	if !c.Target.TLS() {
		return nil, nil
	}
	return c.TLS.config()
}

func (t TLS) config() (*tls.Config, error) {
	c := &tls.Config{ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify}
	own, err := t.certificates()
	if err != nil {
		return nil, err
	}
	c.Certificates = own
	if t.CAFile == "" {
		return c, nil
	}
	pem, err := os.ReadFile(t.CAFile)
	if err != nil {
		return nil, fmt.Errorf("tls: ca_file: %w", err)
	}
	c.RootCAs = x509.NewCertPool()
	if !c.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls: ca_file %s: no certificate in PEM form", t.CAFile)
	}
	return c, nil
}

// certificates returns the client's own, none when no file is named.
func (t TLS) certificates() ([]tls.Certificate, error) {
	switch {
	case t.CertFile == "" && t.KeyFile == "":
		return nil, nil
	case t.CertFile == "":
		return nil, fmt.Errorf("tls: key_file %s without cert_file: a client certificate needs both", t.KeyFile)
	case t.KeyFile == "":
		return nil, fmt.Errorf("tls: cert_file %s without key_file: a client certificate needs both", t.CertFile)
	}
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls: cert_file %s, key_file %s: %w", t.CertFile, t.KeyFile, err)
	}
	return []tls.Certificate{pair}, nil
}

// dialler connects for the library and records every try.
type dialler struct {
	o       *observer
	seeds   []string // the target's addresses
	timeout time.Duration
	dial    Dial
	tls     *tls.Config // nil: in the clear

	mu    sync.Mutex
	known map[string]bool // what the library dials for its pools: seeds and nodes of the cluster
}

// keepAlive is the library's own policy (go-redis v9.23), kept because an arm
// is the client an application would have.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 5 * time.Second, Count: 3}

func newDialler(o *observer, c Config, encryption *tls.Config) *dialler {
	d := &dialler{o: o, seeds: c.Target.Addrs(), timeout: c.Arm.DialTimeout, dial: c.Dial, tls: encryption, known: make(map[string]bool)}
	for _, seed := range d.seeds {
		d.learn(seed)
	}
	if d.dial == nil {
		d.dial = (&net.Dialer{KeepAliveConfig: keepAlive, Resolver: c.Resolver}).DialContext
	}
	return d
}

// learn notes an address that the library has a pool for. It is never
// forgotten: a cluster has few.
func (d *dialler) learn(addr string) {
	d.mu.Lock()
	d.known[addr] = true
	d.mu.Unlock()
}

func (d *dialler) knows(addr string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known[addr]
}

// connect dials for the library. Names are resolved anew each time.
func (d *dialler) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	handoff := d.forHandoff(ctx, addr)
	begun := d.o.now()
	if handoff {
		d.o.handoffBegun(addr, begun)
	}
	raw, err := d.open(ctx, network, addr)
	took := d.o.now() - begun
	if err != nil {
		class := dialClass(err)
		d.o.dialFailed(addr, nodeOf(err, addr), class, handoff, begun, took)
		if handoff {
			d.o.handoffUndialled(addr, class, begun, took)
		}
		return nil, &dialError{class, err}
	}
	return d.o.opened(raw, addr, handoff, begun, took), nil
}

// nodeOf returns the far end of a dial that failed, or the address as dialled
// where the name already led nowhere.
func nodeOf(err error, addr string) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Addr != nil {
		return op.Addr.String()
	}
	return addr
}

// forHandoff tells a dial that hands a connection over from one that fills the
// pool. An address without a pool is one; a known address is one too when
// MOVING named none, or another node of a cluster, and only the deadline tells:
// the library gives a dial for the pool the dial timeout and a handoff the
// handoff timeout, which is longer (Validate). Subscribers, who dial where MOVING
// sends them by themselves, say who they are.
//
// Subtle: TestHandoffToSameAddress fails if the library changes this.
func (d *dialler) forHandoff(ctx context.Context, addr string) bool {
	if ctx.Value(subscribing{}) != nil {
		return false
	}
	if !d.knows(addr) {
		return true
	}
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) > d.timeout
}

// open connects within the dial timeout, TLS included.
func (d *dialler) open(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	raw, err := d.dial(ctx, network, addr)
	if err != nil {
		if _, ok := errors.AsType[*net.OpError](err); !ok {
			// The library tries dials again that it can tell by this type.
			err = &net.OpError{Op: "dial", Net: network, Err: err}
		}
		return nil, err
	}
	if d.tls == nil {
		return raw, nil
	}
	return encrypt(ctx, raw, addr, d.tls)
}

func encrypt(ctx context.Context, raw net.Conn, addr string, config *tls.Config) (net.Conn, error) {
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			host = addr
		}
		config = config.Clone()
		config.ServerName = host
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		if ctx.Err() != nil {
			err = errNoTLS{err}
		}
		return nil, err
	}
	return conn, nil
}

// errNoTLS says that a connection was made and the TLS handshake on it was
// never answered, as happens on a port that speaks in the clear.
type errNoTLS struct{ err error }

func (e errNoTLS) Error() string {
	return "connected, but no answer to the TLS handshake: " + e.err.Error()
}
func (e errNoTLS) Unwrap() error { return e.err }

// reachable makes one connection, to the first seed that takes it, and gives
// it up. The library tries a dial several times, each for the dial timeout; a
// target that cannot be reached at all is better told at once.
func (d *dialler) reachable(ctx context.Context) (err error) {
	for _, seed := range d.seeds {
		var conn net.Conn
		if conn, err = d.open(ctx, "tcp", seed); err == nil {
			return conn.Close()
		}
	}
	return &dialError{dialClass(err), err}
}

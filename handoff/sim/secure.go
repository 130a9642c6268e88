package sim

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"sync"
	"time"
)

const (
	// validity is how long certificates hold, from an hour before they are made.
	validity = 30 * 24 * time.Hour
	// helloTimeout is how long a client may take for the TLS handshake.
	helloTimeout = 10 * time.Second
)

// authority issues the certificates of a cluster. It is made when first needed
// and its key is never written anywhere.
type authority struct {
	once sync.Once
	err  error
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	mu   sync.Mutex
	last int64 // serial
}

func (a *authority) make() error {
	a.once.Do(func() { a.err = a.generate() })
	return a.err
}

func (a *authority) generate() (err error) {
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	template := a.template("schload simulator authority")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		return err
	}
	a.cert, err = x509.ParseCertificate(der)
	return err
}

func (a *authority) template(name string) *x509.Certificate {
	a.mu.Lock()
	a.last++
	serial := a.last
	a.mu.Unlock()
	from := time.Now().Add(-time.Hour)
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: from, NotAfter: from.Add(validity),
	}
}

// issue makes a certificate for one use and its key.
func (a *authority) issue(template *x509.Certificate, use x509.ExtKeyUsage) (der []byte, key *ecdsa.PrivateKey, err error) {
	if err := a.make(); err != nil {
		return nil, nil, err
	}
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, err
	}
	template.KeyUsage, template.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{use}
	der, err = x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	return der, key, err
}

// CA is the certificate of the authority behind every certificate of the
// cluster, as PEM.
func (c *Cluster) CA() ([]byte, error) {
	if err := c.authority.make(); err != nil {
		return nil, err
	}
	return encodePEM("CERTIFICATE", c.authority.cert.Raw), nil
}

// ClientCertificate issues a certificate with which a client can pass
// MutualTLS, and its key, both as PEM.
func (c *Cluster) ClientCertificate(name string) (cert, key []byte, err error) {
	der, private, err := c.authority.issue(c.authority.template(name), x509.ExtKeyUsageClientAuth)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	return encodePEM("CERTIFICATE", der), encodePEM("PRIVATE KEY", secret), err
}

func encodePEM(kind string, der []byte) []byte {
	var b bytes.Buffer
	pem.Encode(&b, &pem.Block{Type: kind, Bytes: der}) // a buffer takes everything
	return b.Bytes()
}

// encryption is what the proxies of a database say: one certificate for the
// endpoint's name, the nodes' names and their addresses; nil in the clear.
func (c *Cluster) encryption(config Config) (*tls.Config, error) {
	if config.Security == Plain {
		return nil, nil
	}
	template := c.authority.template(config.Name)
	template.DNSNames = []string{config.Name, "*." + domainOf(config.Name), "localhost"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	for node := range config.Nodes {
		template.IPAddresses = append(template.IPAddresses, net.IPv4(127, 0, 0, byte(node+2)))
	}
	der, key, err := c.authority.issue(template, x509.ExtKeyUsageServerAuth)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	if config.Security == MutualTLS {
		t.ClientAuth, t.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		t.ClientCAs.AddCert(c.authority.cert)
	}
	return t, nil
}

// secure wraps a connection that was accepted, where clients must use TLS.
func (s *Simulator) secure(nc net.Conn) net.Conn {
	if s.tls == nil {
		return nc
	}
	return tls.Server(nc, s.tls)
}

// shake does the TLS handshake, if there is one. It reports whether the
// connection is of use.
func (c *conn) shake() bool {
	t, ok := c.net.(*tls.Conn)
	if !ok {
		return true
	}
	ctx, cancel := context.WithTimeout(c.sim.ctx, helloTimeout)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil {
		c.sim.log.Info("TLS handshake failed", "client", c.net.RemoteAddr().String(), "err", err)
		return false
	}
	return true
}

// wire is the connection below TLS.
func (c *conn) wire() net.Conn {
	if t, ok := c.net.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c.net
}

// farewell says over TLS that the connection ends, and ends it. A write that
// is stuck is given a moment, so it runs on a goroutine of its own.
func (c *conn) farewell(t *tls.Conn) {
	const moment = 50 * time.Millisecond
	c.wire().SetWriteDeadline(time.Now().Add(moment))
	t.CloseWrite()
	c.shutWrite(c.wire())
}

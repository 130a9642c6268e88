package telemetry

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	operations "schload/telemetry/trace"
)

// authority signs certificates.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, _ = x509.ParseCertificate(der)
	a.file = a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	file := filepath.Join(a.dir, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return file
}

// sign makes a certificate for 127.0.0.1, good for servers and clients.
func (a *authority) sign(name string) (certFile, keyFile string) {
	a.t.Helper()
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".pem", "CERTIFICATE", der), a.write(name+"-key.pem", "PRIVATE KEY", private)
}

// server is the receiver's side of TLS; with clients it asks for a certificate.
func (a *authority) server(clients bool) *tls.Config {
	a.t.Helper()
	pair, err := tls.LoadX509KeyPair(a.sign("server"))
	if err != nil {
		a.t.Fatal(err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}}
	if clients {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		c.ClientCAs.AddCert(a.cert)
	}
	return c
}

// openTLS starts a receiver of metrics and one of spans behind TLS.
func openTLS(t *testing.T, protocol string, c *tls.Config) (metrics, spans *receiver, arrived *spanReceiver) {
	t.Helper()
	r, s := &receiver{arrivals: make(chan received)}, openSpans(t, HTTP, nil)
	r.discard(t)
	if protocol == HTTP {
		urls := [2]string{}
		for i, h := range []*httptest.Server{httptest.NewUnstartedServer(r), httptest.NewUnstartedServer(s)} {
			h.TLS, h.Config.ErrorLog = c, discarded
			h.StartTLS()
			t.Cleanup(h.Close)
			urls[i] = h.URL
		}
		r.url = urls[0]
		return r, &receiver{url: urls[1]}, s
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(c)))
	collector.RegisterMetricsServiceServer(server, r)
	collectortrace.RegisterTraceServiceServer(server, s)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-done })
	r.url = "grpcs://" + listener.Addr().String()
	return r, r, s
}

// Metrics and spans arrive at a receiver whose CA is named, and at one that
// wants to know who sends; a wrong CA or no certificate is told as what it is,
// and nothing arrives.
func TestTLS(t *testing.T) {
	both(t, func(t *testing.T, protocol string) {
		ours, others := newAuthority(t), newAuthority(t)
		cert, key := ours.sign("client")
		foreignCert, foreignKey := others.sign("foreigner")
		for _, c := range []struct {
			name    string
			clients bool
			files   TLSFiles
			env     map[string]string
			arrives bool
		}{
			{"CA", false, TLSFiles{CA: ours.file}, nil, true},
			{"CA of the environment", false, TLSFiles{}, map[string]string{"OTEL_EXPORTER_OTLP_CERTIFICATE": ours.file}, true},
			{"flag beats variable", false, TLSFiles{CA: ours.file}, map[string]string{"OTEL_EXPORTER_OTLP_CERTIFICATE": "/does/not/exist"}, true},
			{"wrong CA", false, TLSFiles{CA: others.file}, nil, false},
			{"the system's CAs", false, TLSFiles{}, nil, false},
			{"both sides", true, TLSFiles{CA: ours.file, Certificate: cert, Key: key}, nil, true},
			{"no certificate", true, TLSFiles{CA: ours.file}, nil, false},
			{"foreign certificate", true, TLSFiles{CA: ours.file, Certificate: foreignCert, Key: foreignKey}, nil, false},
		} {
			t.Run(c.name, func(t *testing.T) {
				metrics, spans, arrived := openTLS(t, protocol, ours.server(c.clients))
				var log bytes.Buffer
				e := started(t, Config{Endpoint: metrics.url, TracesEndpoint: spans.url, TLSFiles: c.files, Log: textLogger(&log),
					Getenv: func(name string) string { return c.env[name] }})
				e.Traced([]operations.Operation{failedGet()})
				err := e.Flush(t.Context())
				s := e.Stats()
				if c.arrives {
					if err != nil || s.Sent != 3 || s.SpansSent != 2 || len(arrived.spans()) != 2 {
						t.Errorf("%v, %+v", err, s)
					}
					return
				}
				// A receiver judges a client's certificate after the client's first
				// write, which may find the connection closed before it reads why.
				closed := s.Causes[Closed]
				if err == nil || s.Sent != 0 || s.SpansSent != 0 || len(arrived.spans()) != 0 || s.Causes[NoTLS]+closed != 4 || closed > 0 && !c.clients {
					t.Errorf("%v, %+v: want 4 exports failed for TLS", err, s)
				}
				if !strings.Contains(log.String(), "--otlp-ca-file") && !strings.Contains(log.String(), "--otlp-cert-file") {
					t.Errorf("the fix is not told: %s", log.String())
				}
			})
		}
	})
}

// What is wrong with files and flags is said before anything is sent, by the
// flag and the file.
func TestTLSFilesThatAreWrong(t *testing.T) {
	ours := newAuthority(t)
	cert, key := ours.sign("client")
	_, other := ours.sign("other")
	garbage := filepath.Join(t.TempDir(), "garbage.pem")
	if err := os.WriteFile(garbage, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config Config
		want   []string
	}{
		{"absent", Config{Endpoint: "https://c", TLSFiles: TLSFiles{CA: "/absent.pem"}}, []string{"--otlp-ca-file", "/absent.pem", "no such file"}},
		{"garbage", Config{Endpoint: "https://c", TLSFiles: TLSFiles{CA: garbage}}, []string{"--otlp-ca-file", garbage, "holds no PEM certificate"}},
		{"no key", Config{Endpoint: "https://c", TLSFiles: TLSFiles{Certificate: cert}}, []string{"--otlp-cert-file and --otlp-key-file", "give both"}},
		{"no certificate", Config{Endpoint: "grpcs://c", TLSFiles: TLSFiles{Key: key}}, []string{"--otlp-cert-file and --otlp-key-file", "give both"}},
		{"key of another", Config{Endpoint: "https://c", TLSFiles: TLSFiles{Certificate: cert, Key: other}}, []string{"--otlp-cert-file", cert, other, "does not match"}},
		{"garbled key", Config{Endpoint: "https://c", TLSFiles: TLSFiles{Certificate: cert, Key: garbage}}, []string{"--otlp-key-file", garbage}},
		{"in the clear", Config{Endpoint: "http://c:4318", TLSFiles: TLSFiles{CA: ours.file}}, []string{"--otlp-ca-file", "c:4318", "write https:// or grpcs://"}},
		{"no receiver", Config{File: "x", TLSFiles: TLSFiles{CA: ours.file}}, []string{"--otlp-ca-file without a receiver"}},
		{"insecure and secure", Config{Endpoint: "https://c", Insecure: true}, []string{"--otlp-insecure", "asks for TLS"}},
		{"insecure with a CA", Config{Endpoint: "c:4317", Insecure: true, TLSFiles: TLSFiles{CA: ours.file}}, []string{"--otlp-ca-file and --otlp-insecure"}},
		{"insecure and nothing", Config{Insecure: true}, []string{"--otlp-insecure without a receiver"}},
	} {
		c.config.Getenv = nothing
		_, _, err := c.config.resolve()
		text := fmt.Sprint(err)
		if err == nil || slices.ContainsFunc(c.want, func(part string) bool { return !strings.Contains(text, part) }) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for name, c := range map[string]Config{
		"insecure": {Endpoint: "c:4317", Insecure: true}, "only spans are encrypted": {Endpoint: "http://c:4318", TracesEndpoint: "https://d", TLSFiles: TLSFiles{CA: ours.file}},
	} {
		c.Getenv = nothing
		if _, _, err := c.resolve(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

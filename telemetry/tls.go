package telemetry

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// TLSFiles name the PEM files of encrypted exports. Each that is set beats its
// variable, OTEL_EXPORTER_OTLP_CERTIFICATE and its relatives.
type TLSFiles struct {
	CA               string // of the receiver's certificate, in place of the system's roots
	Certificate, Key string // of the client, where the receiver asks for one; both or neither
}

// The flags by which errors name what is wrong.
const (
	flagCA          = "--otlp-ca-file"
	flagCertificate = "--otlp-cert-file"
	flagKey         = "--otlp-key-file"
	flagInsecure    = "--otlp-insecure"
)

// first is the flag of the first file that is named.
func (f TLSFiles) first() string {
	for _, file := range []struct{ flag, name string }{{flagCA, f.CA}, {flagCertificate, f.Certificate}, {flagKey, f.Key}} {
		if file.name != "" {
			return file.flag
		}
	}
	return ""
}

// tls loads the files that flags or the environment name. Here a mistake is an
// error, not a warning: going on would send to a receiver that was not
// authenticated as the user asked.
func (e *environment) tls(f TLSFiles) (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	by, file := e.signal("CERTIFICATE")
	if f.CA != "" {
		by, file = flagCA, f.CA
	}
	if file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", by, err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: %s holds no PEM certificate", by, file)
		}
	}
	if err := e.clientCertificate(out, f); err != nil {
		return nil, err
	}
	return out, nil
}

// clientCertificate loads the certificate and key by which the receiver is to
// know us. The pair is named by flags or by variables, never by one of each.
func (e *environment) clientCertificate(to *tls.Config, f TLSFiles) error {
	by, certificate := e.signal("CLIENT_CERTIFICATE")
	keyBy, key := e.signal("CLIENT_KEY")
	if f.Certificate != "" || f.Key != "" {
		by, certificate, key = flagCertificate+" and "+flagKey, f.Certificate, f.Key
		if certificate == "" || key == "" {
			return fmt.Errorf("%s: one is given and the other is not; give both or neither", by)
		}
	}
	if certificate == "" && key == "" {
		return nil
	}
	if certificate == "" || key == "" {
		return fmt.Errorf("%s is set and its counterpart is not: set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY, or those of the signal, or neither", firstNonempty(by, keyBy))
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return fmt.Errorf("%s (%s, %s): %w", by, certificate, key, err)
	}
	to.Certificates = []tls.Certificate{pair}
	return nil
}

// checkTLS refuses what says two things: files for exports of which none is
// encrypted, and the wish for none beside an endpoint that asks for it.
func (c Config) checkTLS(all ...*route) error {
	encrypted, inTheClear := "", ""
	for _, s := range all {
		switch {
		case s == nil || s.endpoint == nil:
		case s.endpoint.Scheme == "https":
			encrypted = s.endpoint.Host
		default:
			inTheClear = s.endpoint.Host
		}
	}
	flag := c.TLSFiles.first()
	switch {
	case c.Insecure && flag != "":
		return fmt.Errorf("%s and %s: without TLS there is nothing to verify; leave one out", flag, flagInsecure)
	case c.Insecure && encrypted != "":
		return fmt.Errorf("%s with an endpoint that asks for TLS (%s): leave the flag out, or write http:// or grpc://", flagInsecure, encrypted)
	case c.Insecure && inTheClear == "":
		return fmt.Errorf("%s without a receiver of OTLP: give --otlp-endpoint", flagInsecure)
	case flag != "" && encrypted != "":
		return nil
	case flag != "" && inTheClear != "":
		return fmt.Errorf("%s with an endpoint without TLS (%s): write https:// or grpcs://", flag, inTheClear)
	case flag != "":
		return fmt.Errorf("%s without a receiver of OTLP: give --otlp-endpoint", flag)
	}
	return nil
}

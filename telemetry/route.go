package telemetry

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"
)

// route is where one signal goes, how, and how often.
type route struct {
	of          signal
	otlp        bool
	protocol    string
	endpoint    *url.URL // complete, path included; scheme http or https
	headers     map[string]string
	tls         *tls.Config
	compression string // gzip or empty

	file    string
	console io.Writer

	interval, timeout time.Duration
}

// route settles how a signal goes: as the configuration says, then as the
// signal's variables do, then as the general ones. All signals are settled here,
// so that a variable means the same for each.
func (c Config) route(env *environment, asked exporters) (route, error) {
	r := route{of: env.of, headers: c.Headers, tls: c.TLS, file: c.File, console: c.Console}
	if r.file == "" && asked.console {
		r.file = Stdout
	}
	r.interval = firstPositive(c.Interval, env.milliseconds(env.of.interval), defaultInterval)
	r.timeout = firstPositive(c.Timeout, env.milliseconds(append(env.of.variables("TIMEOUT"), env.of.timeout)...), defaultTimeout)
	return r, c.resolveOTLP(&r, env, asked.otlp)
}

func (c Config) resolveOTLP(r *route, env *environment, asked bool) (err error) {
	switch c.Protocol {
	case "", GRPC, HTTP:
	default:
		return fmt.Errorf("telemetry protocol %q is unknown: use %s or %s", c.Protocol, GRPC, HTTP)
	}
	r.otlp = c.Endpoint != "" || asked
	if !r.otlp {
		return nil
	}
	r.protocol = c.Protocol
	if c.Endpoint != "" {
		r.endpoint, err = c.parseEndpoint(r, env.protocol())
	} else {
		r.protocol = firstNonempty(r.protocol, env.protocol(), HTTP)
		r.endpoint, err = env.endpoint(r.protocol)
	}
	if err != nil {
		return err
	}
	if r.headers == nil {
		r.headers = env.headers()
	}
	if err := checkHeaders(r.headers); err != nil {
		return err
	}
	if r.tls == nil && r.endpoint.Scheme == "https" {
		r.tls, err = env.tls(c.TLSFiles)
	}
	r.compression = env.compression()
	return err
}

// parseEndpoint understands the endpoint of the configuration and settles the
// protocol with it.
func (c Config) parseEndpoint(r *route, inherited string) (*url.URL, error) {
	text := c.Endpoint
	if !strings.Contains(text, "://") {
		if !c.Insecure {
			return nil, fmt.Errorf("telemetry endpoint %q has no scheme: write http://%[1]s, https://%[1]s, grpc://%[1]s or grpcs://%[1]s", text)
		}
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("telemetry endpoint %q: %w", c.Endpoint, errors.Unwrap(err))
	}
	if u.User != nil {
		return nil, fmt.Errorf("telemetry endpoint %q holds credentials: give them as a header, authorization", u.Redacted())
	}
	hint := ""
	switch u.Scheme {
	case "grpc":
		u.Scheme, hint = "http", GRPC
	case "grpcs":
		u.Scheme, hint = "https", GRPC
	case "http", "https":
	default:
		return nil, fmt.Errorf("telemetry endpoint %q: scheme %q is unknown: use http, https, grpc or grpcs", c.Endpoint, u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("telemetry endpoint %q names no host", c.Endpoint)
	}
	if hint != "" && r.protocol == HTTP {
		return nil, fmt.Errorf("telemetry endpoint %q asks for gRPC and the protocol is %s: change one of them", c.Endpoint, HTTP)
	}
	r.protocol = firstNonempty(r.protocol, hint, inherited, protocolOfPort(u.Port()), HTTP)
	return finish(u, r.protocol, r.of), nil
}

func protocolOfPort(port string) string {
	if port == "4317" {
		return GRPC
	}
	return ""
}

// finish gives the URL the parts that may be left out. Posting OTLP to the
// root of a receiver is answered by 404, which is why the path is completed.
func finish(u *url.URL, protocol string, of signal) *url.URL {
	if u.Port() == "" && protocol == GRPC {
		u.Host = net.JoinHostPort(u.Hostname(), "4317")
	}
	if protocol == HTTP && !strings.HasSuffix(u.Path, of.path) {
		u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, metricsSignal.path), "/") + of.path
	}
	return u
}

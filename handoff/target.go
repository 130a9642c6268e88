package handoff

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Target is where an arm connects to: one endpoint of a database, or some
// nodes of a cluster. The zero value is no target; use ParseTarget. It never
// prints its password.
type Target struct {
	host     string
	port     int
	seeds    string // further nodes of a cluster: host:port,host:port
	tls      bool
	username string
	password secret
	db       int
}

// secret is a pointer so that no verb of package fmt shows the text behind it,
// also where a Target is printed as part of something else.
type secret struct{ text *string }

func (s secret) reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// ParseTarget reads redis://[user[:password]@]host[:port][/db], or rediss://
// for TLS. The port is 6379 and the database 0 by default. A cluster may be
// given by several of its nodes, redis://host:port,host:port: the client asks
// one after another until it is told the others. Errors do not repeat the text,
// which may hold a password.
func ParseTarget(text string) (Target, error) {
	text, seeds, err := cutSeeds(text)
	if err != nil {
		return Target{}, err
	}
	u, err := url.Parse(text)
	if err != nil {
		// err would quote the text, password and all.
		return Target{}, errors.New("target: not a URL; want redis://[user:password@]host[:port][/db], special characters of the password escaped (%40 for @)")
	}
	t := Target{host: u.Hostname(), port: 6379, seeds: seeds, tls: u.Scheme == "rediss"}
	if u.User != nil {
		t.username = u.User.Username()
		if p, ok := u.User.Password(); ok {
			t.password.text = &p
		}
	}
	var wrong []error
	if u.Scheme != "redis" && u.Scheme != "rediss" {
		wrong = append(wrong, fmt.Errorf("target: scheme %q: want redis or rediss (TLS)", u.Scheme))
	}
	if t.host == "" {
		wrong = append(wrong, errors.New("target: no host; want redis://host:port"))
	}
	if p := u.Port(); p != "" {
		if t.port, err = strconv.Atoi(p); err != nil || t.port < 1 || t.port > 65535 {
			wrong = append(wrong, fmt.Errorf("target: port %q: want 1 to 65535", p))
		}
	}
	if path := strings.Trim(u.Path, "/"); path != "" {
		if t.db, err = strconv.Atoi(path); err != nil || t.db < 0 {
			wrong = append(wrong, fmt.Errorf("target: database %q: want a number", path))
		}
	}
	if u.RawQuery != "" || u.Fragment != "" {
		wrong = append(wrong, errors.New("target: parameters after ? or # are not read; options of the client belong to the arm (read_timeout, pool_size, ...)"))
	}
	if err := errors.Join(wrong...); err != nil {
		return Target{}, err
	}
	return t, nil
}

// cutSeeds takes every address but the first out of a URL and returns them as
// host:port, joined by commas.
func cutSeeds(text string) (first, seeds string, err error) {
	scheme, rest, ok := strings.Cut(text, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	begin := strings.LastIndexByte(rest[:end], '@') + 1
	hosts := strings.Split(rest[begin:end], ",")
	if !ok || len(hosts) == 1 {
		return text, "", nil
	}
	for i, host := range hosts[1:] {
		seed, err := url.Parse("redis://" + host)
		if err != nil || seed.Hostname() == "" || !validPort(seed.Port()) {
			return "", "", fmt.Errorf("target: address %d of %d: want host:port, as in redis://host1:6379,host2:6379", i+2, len(hosts))
		}
		hosts[i+1] = net.JoinHostPort(seed.Hostname(), cmp.Or(seed.Port(), "6379"))
	}
	return scheme + "://" + rest[:begin] + hosts[0] + rest[end:], strings.Join(hosts[1:], ","), nil
}

func validPort(text string) bool {
	port, err := strconv.Atoi(text)
	return text == "" || err == nil && port > 0 && port < 65536
}

// Addr returns host:port as the client dials it, of several nodes the first.
func (t Target) Addr() string { return net.JoinHostPort(t.host, strconv.Itoa(t.port)) }

// Addrs returns the addresses of all nodes that were named: one for an
// endpoint.
func (t Target) Addrs() []string {
	if t.seeds == "" {
		return []string{t.Addr()}
	}
	return append([]string{t.Addr()}, strings.Split(t.seeds, ",")...)
}

// Host returns the host without the port.
func (t Target) Host() string { return t.host }

// TLS reports whether connections are encrypted.
func (t Target) TLS() bool { return t.tls }

// DB returns the database number.
func (t Target) DB() int { return t.db }

// Username returns the user, empty for the default one.
func (t Target) Username() string { return t.username }

// IsZero reports whether t is no target.
func (t Target) IsZero() bool { return t.host == "" }

// Credentials returns user and password, for whoever has to connect on its
// own (a preflight check, a fault injector). Never print them.
func (t Target) Credentials() (username, password string) {
	return t.username, t.password.reveal()
}

// String returns the target as a URL with the password as ***.
func (t Target) String() string {
	if t.IsZero() {
		return "no target"
	}
	u := url.URL{Scheme: "redis", Host: strings.Join(t.Addrs(), ","), Path: "/" + strconv.Itoa(t.db)}
	if t.tls {
		u.Scheme = "rediss"
	}
	user := ""
	switch {
	case t.password.text != nil:
		user = url.User(t.username).String() + ":***@"
	case t.username != "":
		user = url.User(t.username).String() + "@"
	}
	return u.Scheme + "://" + user + u.Host + u.Path
}

// GoString keeps %#v from printing the fields.
func (t Target) GoString() string { return t.String() }

// LogValue implements slog.LogValuer.
func (t Target) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText implements encoding.TextMarshaler with the password left out.
func (t Target) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

package handoff

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Target is where an arm connects to: one endpoint of a database. The zero
// value is no target; use ParseTarget. It never prints its password.
type Target struct {
	host     string
	port     int
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
// for TLS. The port is 6379 and the database 0 by default. Its errors do not
// repeat the text, which may hold a password.
func ParseTarget(text string) (Target, error) {
	u, err := url.Parse(text)
	if err != nil {
		// err would quote the text, password and all.
		return Target{}, errors.New("target: not a URL; want redis://[user:password@]host[:port][/db], special characters of the password escaped (%40 for @)")
	}
	t := Target{host: u.Hostname(), port: 6379, tls: u.Scheme == "rediss"}
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

// Addr returns host:port as the client dials it.
func (t Target) Addr() string { return net.JoinHostPort(t.host, strconv.Itoa(t.port)) }

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
	u := url.URL{Scheme: "redis", Host: t.Addr(), Path: "/" + strconv.Itoa(t.db)}
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

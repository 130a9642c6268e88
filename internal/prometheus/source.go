package prometheus

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The schemes of a server: over HTTP, and over HTTPS.
const (
	plainScheme   = "prometheus"
	securedScheme = "prometheuss"
)

const (
	defaultSince   = 15 * 24 * time.Hour // what Prometheus keeps, if nobody says otherwise
	defaultTimeout = 30 * time.Second
)

// Source is a run on a server.
type Source struct {
	Run string

	// Server is the server's address, http or https, without a slash at its end.
	Server string

	// Since is how far back from now the run is looked for.
	Since time.Duration

	// Timeout bounds each query.
	Timeout time.Duration
}

// Is says whether a text names a server.
func Is(text string) bool {
	scheme, _, ok := strings.Cut(text, "://")
	return ok && (scheme == plainScheme || scheme == securedScheme)
}

// Parse reads prometheus://HOST:PORT[/PREFIX]?run=ID, for HTTPS prometheuss://.
// There is a source for each run; since=DURATION and timeout=DURATION are
// optional.
func Parse(text string) ([]Source, error) {
	u, err := url.Parse(text)
	if err != nil {
		// url.Error repeats the text, and with it a password.
		return nil, errors.New("the address of the Prometheus server is no URL: it is prometheus://HOST:PORT?run=ID")
	}
	shown := u.Scheme + "://" + u.Host
	if u.User != nil {
		return nil, fmt.Errorf("%s: a user or a password in the address would stay in shell histories: set %s and %s, or %s", shown, envUser, envPassword, envToken)
	}
	if u.Host == "" || u.Hostname() == "" {
		return nil, fmt.Errorf("%s: the host is missing: it is %s://HOST:PORT?run=ID", shown, u.Scheme)
	}
	s := Source{Server: "http://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), Since: defaultSince, Timeout: defaultTimeout}
	if u.Scheme == securedScheme {
		s.Server = "https" + strings.TrimPrefix(s.Server, "http")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("%s: what stands behind the question mark: %w", shown, err)
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch name {
		case "run":
		case "since":
			err = duration(query.Get(name), time.Minute, &s.Since)
		case "timeout":
			err = duration(query.Get(name), time.Millisecond, &s.Timeout)
		default:
			err = errors.New("is not known: it is run, since or timeout")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s %w", shown, name, err)
		}
	}
	if len(query["run"]) == 0 {
		return nil, fmt.Errorf("%s: which run? Add ?run=ID, more than one as &run=ID; the id is in the first line that a run prints", shown)
	}
	var all []Source
	for _, id := range query["run"] {
		if id == "" {
			return nil, fmt.Errorf("%s: run is empty: it is a run's id", shown)
		}
		one := s
		one.Run = id
		all = append(all, one)
	}
	return all, nil
}

func duration(text string, least time.Duration, into *time.Duration) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < least {
		return fmt.Errorf("%q: it is a duration of %v or more, such as 48h", text, least)
	}
	*into = d
	return nil
}

// String is the source as it may be shown.
func (s Source) String() string { return s.Server + " run " + s.Run }

package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// The environment that credentials come from.
const (
	envUser     = "SCHLOAD_PROMETHEUS_USER"
	envPassword = "SCHLOAD_PROMETHEUS_PASSWORD"
	envToken    = "SCHLOAD_PROMETHEUS_TOKEN"
)

// Credentials are what a server is told of who asks: a user and a password, or a
// bearer token, or nothing.
type Credentials struct{ user, password, token string }

// FromEnvironment returns what the environment says.
func FromEnvironment(getenv func(string) string) (Credentials, error) {
	c := Credentials{getenv(envUser), getenv(envPassword), getenv(envToken)}
	switch {
	case c.token != "" && (c.user != "" || c.password != ""):
		return Credentials{}, fmt.Errorf("%s and %s are both set: a server takes one or the other, unset one", envToken, envUser)
	case c.password != "" && c.user == "":
		return Credentials{}, fmt.Errorf("%s is set and %s is not: set both", envPassword, envUser)
	}
	return c, nil
}

// mostAnswer bounds one answer, in bytes after decompression. The histograms of
// an arm with a thousand series of 300 buckets are 15 MB.
const mostAnswer = 256 << 20

// authorized adds credentials to each request, and bounds the answer.
type authorized struct {
	Credentials
	next http.RoundTripper
	most int64 // bytes of an answer
}

func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", "schload")
	switch {
	case a.token != "":
		r.Header.Set("Authorization", "Bearer "+a.token)
	case a.user != "":
		r.SetBasicAuth(a.user, a.password)
	}
	answer, err := a.next.RoundTrip(r)
	if err == nil {
		answer.Body = &bounded{answer.Body, a.most, a.most}
	}
	return answer, err
}

// bounded is a body that ends in an errLong where it is longer than most. The
// transport has decompressed it before, so that a small answer that grows is
// bounded too.
type bounded struct {
	io.ReadCloser
	left, most int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errLong{b.most}
	}
	// One byte beyond tells a body of just the bound from a longer one.
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		return n - 1, errLong{b.most}
	}
	return n, err
}

// errLong says that an answer is longer than that many bytes.
type errLong struct{ most int64 }

func (e errLong) Error() string {
	return fmt.Sprintf("it answers with more than %d MB, decompressed: is it a Prometheus server? A run with that many series is read from its bundle", e.most>>20)
}

// client asks one server.
type client struct {
	api    v1.API
	source Source
}

// newClient asks s; an answer may have most bytes.
func newClient(s Source, c Credentials, most int64) (*client, error) {
	// Credentials are for the server that was named, not for where it points.
	h := &http.Client{Transport: authorized{c, http.DefaultTransport, most}, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		return fmt.Errorf("it points to %s://%s: name that address instead", r.URL.Scheme, r.URL.Host)
	}}
	a, err := api.NewClient(api.Config{Address: s.Server, Client: h})
	if err != nil {
		return nil, err
	}
	return &client{api: v1.NewAPI(a), source: s}, nil
}

// vector asks for the values at an instant.
func (c *client) vector(ctx context.Context, at time.Time, query string) (model.Vector, error) {
	return asked[model.Vector](ctx, c, at, query)
}

// matrix asks for the samples that a range selector holds.
func (c *client) matrix(ctx context.Context, at time.Time, query string) (model.Matrix, error) {
	return asked[model.Matrix](ctx, c, at, query)
}

func asked[V model.Value](ctx context.Context, c *client, at time.Time, query string) (V, error) {
	var none V
	ctx, cancel := context.WithTimeoutCause(ctx, c.source.Timeout, errTimeout)
	defer cancel()
	v, warnings, _, err := c.api.Query(ctx, query, at, v1.WithTimeout(c.source.Timeout))
	if err := c.checked(ctx, warnings, err); err != nil {
		return none, err
	}
	got, ok := v.(V)
	if !ok {
		return none, fmt.Errorf("%s: it answers a query with a %s: is it a Prometheus server?", c.source.Server, v.Type())
	}
	return got, nil
}

// over asks for the values of a span, one each step.
func (c *client) over(ctx context.Context, r v1.Range, query string) (model.Matrix, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.source.Timeout, errTimeout)
	defer cancel()
	v, warnings, _, err := c.api.QueryRange(ctx, query, r, v1.WithTimeout(c.source.Timeout))
	if err := c.checked(ctx, warnings, err); err != nil {
		return nil, err
	}
	got, ok := v.(model.Matrix)
	if !ok {
		return nil, fmt.Errorf("%s: it answers a query with a %s: is it a Prometheus server?", c.source.Server, v.Type())
	}
	return got, nil
}

var errTimeout = errors.New("no answer in time")

// ErrServer says that the server could not be asked, or could not answer. All
// other errors are of what it was asked for, or of what it has.
var ErrServer = errors.New("the Prometheus server gave no answer")

// checked says what was wrong with an answer, and what to do about it. A warning
// is an error too: the answer is one of a part.
func (c *client) checked(ctx context.Context, warnings v1.Warnings, err error) error {
	var refused *v1.Error
	var url *neturl.Error
	var long errLong
	switch {
	case err == nil && len(warnings) > 0:
		return fmt.Errorf("%s: it warns, and nothing is computed from a part: %s", c.source.Server, strings.Join(warnings, "; "))
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), errTimeout):
		return fmt.Errorf("%w: %s: none within %v: is it the right address? Otherwise add timeout=2m, or since=24h where the run is young", ErrServer, c.source.Server, c.source.Timeout)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.As(err, &long):
		return fmt.Errorf("%s: %w", c.source.Server, long)
	case errors.As(err, &url): // its own text repeats the query's address
		return fmt.Errorf("%w: %s: %w: is the address right (prometheuss:// where it speaks HTTPS), and is it running?", ErrServer, c.source.Server, url.Err)
	case !errors.As(err, &refused):
		return fmt.Errorf("%w: %s: %w", ErrServer, c.source.Server, err)
	}
	said := refused.Msg
	switch {
	case strings.HasSuffix(said, "401") || strings.HasSuffix(said, "403"):
		return fmt.Errorf("%s: it wants credentials, or others (%s): set %s, or %s and %s", c.source.Server, said, envToken, envUser, envPassword)
	case strings.HasSuffix(said, "404"):
		return fmt.Errorf("%s: it has no /api/v1/query (%s): is it a Prometheus server, and is the prefix of its path in the address?", c.source.Server, said)
	case detail(refused) != "": // of an answer 5xx, whose text the API's client does not read
		return fmt.Errorf("%w: %s: %s: %s: add since=24h where the run is young", ErrServer, c.source.Server, said, detail(refused))
	case refused.Type == v1.ErrTimeout:
		return fmt.Errorf("%w: %s: it ended the query for its time (%s): add since=24h where the run is young", ErrServer, c.source.Server, said)
	case refused.Type == v1.ErrServer:
		return fmt.Errorf("%w: %s: %s", ErrServer, c.source.Server, said)
	}
	return fmt.Errorf("%s: %s: %s", c.source.Server, refused.Type, said)
}

// detail is what a server says of its error, where it says it as Prometheus does.
func detail(refused *v1.Error) string {
	var said struct{ Error string }
	if json.Unmarshal([]byte(refused.Detail), &said) != nil {
		return ""
	}
	return said.Error
}

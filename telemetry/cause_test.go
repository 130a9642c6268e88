package telemetry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"schload/telemetry/record"
)

// answering is a server that takes a request and answers as told.
func answering(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func saying(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); _, _ = io.WriteString(w, body) }
}

// secured is a server with a certificate of its own.
func secured(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(saying(http.StatusOK, ""))
	server.Config.ErrorLog = discarded
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// raw is a server that speaks no protocol at all: it writes the text to
// whoever connects.
func raw(t *testing.T, text string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buffer := make([]byte, 1)
				_, _ = conn.Read(buffer)
				_, _ = io.WriteString(conn, text)
			}()
		}
	}()
	return listener.Addr().String()
}

// Each way in which a receiver can be wrong is told by its cause, once, with
// what mends it, however often it happens; and the run's exports end in time.
func TestEveryCauseIsToldOnce(t *testing.T) {
	tlsOnly, plain := secured(t), answering(t, saying(http.StatusOK, ""))
	host := func(url string) string { _, h, _ := strings.Cut(url, "://"); return h }
	grpcErr := func(err error) string {
		r := open(t, GRPC, func(context.Context) error { return err })
		r.discard(t)
		return r.url
	}
	for name, c := range map[string]struct {
		url  string
		want Cause
	}{
		"nobody, http":            {refused(t, HTTP), Refused},
		"nobody, grpc":            {refused(t, GRPC), Refused},
		"no such name":            {"http://no-such-host.invalid:4318", NoSuchHost},
		"tls towards plain":       {"https://" + host(plain), NoTLS},
		"plain towards tls":       {"http://" + host(tlsOnly.URL), NoTLS},
		"unknown authority":       {tlsOnly.URL, NoTLS},
		"unknown authority, grpc": {"grpcs://" + host(tlsOnly.URL), NoTLS},
		"grpc towards http":       {"grpc://" + host(plain), Protocol},
		"http towards grpc":       {"http://" + host(grpcErr(nil)), Protocol},
		"401":                     {answering(t, saying(401, "who?")), Denied},
		"404":                     {answering(t, saying(404, "no")), NotFound},
		"429":                     {answering(t, saying(429, "")), Overloaded},
		"503":                     {answering(t, saying(503, "later")), Overloaded},
		"500":                     {answering(t, saying(500, strings.Repeat("x", 10000))), Other},
		"no http":                 {"http://" + raw(t, "-ERR unknown command\r\n"), Protocol},
		"no otlp": {answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-protobuf")
			_, _ = io.WriteString(w, "<html>welcome</html>")
		}), Garbage},
		"endless": {answering(t, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}), Garbage},
		"hangs":            {answering(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), TimedOut},
		"denied, grpc":     {grpcErr(status.Error(codes.Unauthenticated, "who?")), Denied},
		"exhausted, grpc":  {grpcErr(status.Error(codes.ResourceExhausted, "slow down")), Overloaded},
		"unavailable,grpc": {grpcErr(status.Error(codes.Unavailable, "later")), Overloaded},
		"unknown, grpc":    {grpcErr(status.Error(codes.Unimplemented, "what?")), NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "endless" && testing.Short() {
				t.Skip("under the race detector half a second is too short for 4 MB")
			}
			t.Parallel()
			timeout := 500 * time.Millisecond
			if testing.Short() { // all that answer have to do so in time, under the race detector too
				timeout = 3 * time.Second
			}
			var log strings.Builder
			e := started(t, Config{Endpoint: c.url, Timeout: timeout, Log: textLogger(&log)})
			for range 3 {
				_ = e.Flush(t.Context())
			}
			stats := e.Stats()
			if stats.Sent != 0 || stats.Failed < 6 || stats.Causes[c.want] != stats.Failed {
				t.Errorf("%+v, want 6 to 9 exports failed of %s, none of anything else\n%s", stats, c.want, log.String())
			}
			if n := strings.Count(log.String(), "\n"); n != 1 || len(log.String()) > 1000 ||
				!strings.Contains(log.String(), "cause="+string(c.want)) || !strings.Contains(log.String(), "fix=") {
				t.Errorf("%d lines, want one with the cause %s:\n%s", n, c.want, log.String())
			}
		})
	}
}

// A certificate that the environment names is trusted, over both protocols.
func TestTLSWithAnAuthorityOfItsOwn(t *testing.T) {
	server := secured(t)
	pool := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	e := started(t, Config{Endpoint: server.URL, TLS: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}})
	if err := e.Flush(t.Context()); err != nil {
		t.Error(err)
	}
}

// A receiver that comes back is told of, and has all the totals.
func TestRecoveryIsTold(t *testing.T) {
	fail := true
	url := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		if fail {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	var log strings.Builder
	e := started(t, Config{Endpoint: url, Log: textLogger(&log)})
	e.Interval(record.Interval{To: time.Second})
	_ = e.Flush(t.Context())
	fail = false
	if err := e.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if n := strings.Count(log.String(), "arrive again"); n != 1 {
		t.Errorf("%d lines say that exports arrive again:\n%s", n, log.String())
	}
}

func TestShortErrors(t *testing.T) {
	if got := short(errors.New(strings.Repeat("é", 5000))); len([]rune(got)) != 301 {
		t.Errorf("%d runes", len([]rune(got)))
	}
	if got := causeOf(fmt.Errorf("x: %w", context.DeadlineExceeded)); got != TimedOut {
		t.Errorf("a deadline is %s", got)
	}
	for cause := range remedies {
		if remedies[cause] == "" {
			t.Errorf("%s has no remedy", cause)
		}
	}
}

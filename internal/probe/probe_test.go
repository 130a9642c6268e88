package probe

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func wants(t *testing.T, err error, why string) {
	t.Helper()
	if why == "" && err != nil || why != "" && (err == nil || !strings.Contains(err.Error(), why)) {
		t.Errorf("got %v, want %q", err, why)
	}
}

func TestHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/well" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	wants(t, HTTP(t.Context(), server.URL+"/well"), "")
	wants(t, HTTP(t.Context(), server.URL+"/ill"), "503 Service Unavailable")
	wants(t, HTTP(t.Context(), "http://u:geheim@127.0.0.1:1/"), "http://u:xxxxx@127.0.0.1:1/: dial tcp")
	wants(t, HTTP(t.Context(), "://"), "want a URL")
}

// says is the address of a server that says one thing to everybody who says
// something, nothing at all if it is empty.
func says(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			if text != "" {
				go func() { conn.Read(make([]byte, 6)); conn.Write([]byte(text)) }()
			}
		}
	}()
	return l.Addr().String()
}

func TestRedis(t *testing.T) {
	for text, why := range map[string]string{
		"+PONG\r\n": "", "-NOAUTH Authentication required.\r\n": "", "-LOADING dataset\r\n": `replied "-LOADING dataset" to PING`, "HTTP/1.1 400 Bad Request\r\n": "replied",
		strings.Repeat("x", 4096): "no reply to PING: EOF",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		wants(t, Redis(ctx, says(t, text), nil), why)
		cancel()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wants(t, Redis(ctx, says(t, ""), nil), "no reply to PING")
	wants(t, Redis(t.Context(), "127.0.0.1:1", nil), "dial tcp")
}

func TestRuns(t *testing.T) {
	dir := t.TempDir()
	wants(t, Runs(filepath.Join(dir, "runs"), time.Minute), "no run yet")
	wants(t, Runs(dir, time.Minute), "no run yet")
	for i, name := range []string{"b-new", "a-old", "no-bundle"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			break
		}
		file := filepath.Join(dir, name, "metrics.otlp.jsonl")
		age := time.Now().Add(-time.Duration(i+1) * time.Hour)
		if err := os.WriteFile(file, nil, 0o644); err != nil || os.Chtimes(file, age, age) != nil {
			t.Fatal(err)
		}
	}
	wants(t, Runs(dir, 90*time.Minute), "")
	wants(t, Runs(dir, 30*time.Minute), filepath.Join(dir, "b-new")+": nothing was recorded for 1h0m0s")
}

package export

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSend(t *testing.T) {
	b, _ := recorded(t)
	var got bytes.Buffer
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/metrics" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Authorization") != "s3cret" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		io.Copy(&got, r.Body)
		got.WriteByte('\n')
		io.WriteString(w, `{"partialSuccess":{}}`)
	}))
	defer server.Close()
	to, err := NewReceiver(server.URL, map[string]string{"authorization": "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	if sent, err := to.Send(t.Context(), b, 0); sent != 6 || err != nil {
		t.Errorf("%d sent: %v", sent, err)
	}
	want, _ := os.ReadFile(filepath.Join(b.Dir, "metrics.otlp.jsonl"))
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("what arrived is not the bundle's lines")
	}
}

func TestSendSaysWhatWasNotTaken(t *testing.T) {
	b, _ := recorded(t)
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"line 3: ":            {http.StatusServiceUnavailable, "away"},
		"rejected 4 points":   {http.StatusOK, `{"partialSuccess":{"rejectedDataPoints":"4","errorMessage":"delta"}}`},
		"302 Found":           {http.StatusFound, ""},
		"has the 2 before it": {http.StatusBadRequest, "no"},
	} {
		n := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 3 {
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			}
		}))
		to, _ := NewReceiver(server.URL, nil)
		if sent, err := to.Send(t.Context(), b, 0); sent != 2 || err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%d sent: %v, want %q", sent, err, name)
		}
		server.Close()
	}
	if _, err := NewReceiver("grpc://u:pass@x:4317", nil); err == nil || strings.Contains(err.Error(), "pass") {
		t.Errorf("grpc: %v", err)
	}
}

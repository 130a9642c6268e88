package prometheus

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// recorded are the answers of a real Prometheus 3.15 (its OTLP receiver, with the
// repository's own configuration) to the queries for a run, whose own export is
// testdata/run.otlp.jsonl. That on schload_run_info was written down later, by
// the names that the export has. To record them anew:
//
//	RECORD_FROM=http://127.0.0.1:9090 RECORD_RUN=ID go test ./internal/prometheus -run TestRecord
type recorded struct {
	Run     string
	Now     time.Time
	Answers map[string]json.RawMessage // by query
}

const recordedFile = "testdata/answers.json"

func recording(t *testing.T) recorded {
	t.Helper()
	data, err := os.ReadFile(recordedFile)
	if err != nil {
		t.Fatal(err)
	}
	var r recorded
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// query is what a request asks for, without what differs each time.
func query(r *http.Request) string {
	return regexp.MustCompile(`\d{6,}ms`).ReplaceAllString(r.FormValue("query"), "RANGE")
}

// server answers as recorded but where change has another answer for a query,
// and wants what the API's client sends.
func (x recorded) server(t *testing.T, change func(query string, r *http.Request) (status int, body string)) Source {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := query(r)
		if change != nil {
			if status, body := change(q, r); status != 0 {
				w.Header().Set("Location", "http://elsewhere.example/")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
				return
			}
		}
		body, ok := x.Answers[q]
		if !ok && strings.Contains(q, "schload_harness_saturated") { // the recorded run is older than the metric
			body, ok = json.RawMessage(`{"status":"success","data":{"resultType":"vector","result":[]}}`), true
		}
		if !ok || !strings.HasPrefix(r.URL.Path, "/api/v1/query") {
			http.Error(w, "not recorded", http.StatusTeapot)
			t.Errorf("%s asks for %s, which was not recorded", r.URL.Path, q)
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(s.Close)
	return Source{Run: x.Run, Server: s.URL, Since: defaultSince, Timeout: 10 * time.Second}
}

func TestRecord(t *testing.T) {
	from := os.Getenv("RECORD_FROM")
	if from == "" {
		t.Skip("records only where RECORD_FROM names a server")
	}
	x := recorded{Run: os.Getenv("RECORD_RUN"), Now: time.Now().UTC(), Answers: map[string]json.RawMessage{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := query(r)
		answer, err := http.PostForm(from+r.URL.Path, r.Form)
		if err != nil {
			t.Error(err)
			return
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Error(err)
		}
		x.Answers[q] = body
		_, _ = w.Write(body)
	}))
	defer s.Close()
	if _, err := Read(t.Context(), Source{Run: x.Run, Server: s.URL, Since: defaultSince, Timeout: time.Minute}, Credentials{}, x.Now); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(x)
	if err == nil {
		err = os.WriteFile(recordedFile, append(data, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

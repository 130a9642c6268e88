package observability

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"
)

// answer is what Prometheus says to a query.
type answer struct {
	Status   string
	Error    string
	Warnings []string
	Infos    []string
	Data     struct {
		Result []series
	}
}

type series struct {
	Metric     map[string]string
	Value      []any   // instant: time and value
	Values     [][]any // range
	Histogram  []any
	Histograms [][]any
}

func (s series) value(t *testing.T) float64 {
	t.Helper()
	if len(s.Value) != 2 {
		t.Fatalf("%v is no sample", s)
	}
	v, err := strconv.ParseFloat(fmt.Sprint(s.Value[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// ask sends a query and returns its answer, which must be without error,
// warning or remark.
func (s *stack) ask(t *testing.T, path string, values url.Values) []series {
	t.Helper()
	response, err := http.PostForm(s.prometheus+path, values)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if a.Status != "success" || len(a.Warnings)+len(a.Infos) > 0 {
		t.Errorf("%s: %s %s %v %v", values.Get("query"), a.Status, a.Error, a.Warnings, a.Infos)
	}
	return a.Data.Result
}

// at asks for the values at an instant.
func (s *stack) at(t *testing.T, when time.Time, query string) []series {
	t.Helper()
	return s.ask(t, "/api/v1/query", url.Values{"query": {query}, "time": {stamp(when)}})
}

// over asks for the values of a span, one each second.
func (s *stack) over(t *testing.T, from, to time.Time, query string) []series {
	t.Helper()
	return s.ask(t, "/api/v1/query_range", url.Values{"query": {query}, "start": {stamp(from)}, "end": {stamp(to)}, "step": {"1"}})
}

// by asks for one value for each value of a label.
func (s *stack) by(t *testing.T, when time.Time, label, query string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	for _, line := range s.at(t, when, query) {
		out[line.Metric[label]] = line.value(t)
	}
	return out
}

func stamp(when time.Time) string { return fmt.Sprintf("%.3f", float64(when.UnixMilli())/1000) }

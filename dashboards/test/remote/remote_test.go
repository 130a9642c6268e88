package remote

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// answering is a Prometheus that gives one answer to everything.
func answering(t *testing.T, answer string) *Prometheus {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	p, err := Open(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestInstant(t *testing.T) {
	p := answering(t, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"m","schload_arm":"on"},"value":[1700000000.25,"0.125"]}]}}`)
	got, err := p.Instant(t.Context(), "m", time.Now())
	if err != nil || len(got) != 1 || got[0].F != 0.125 || got[0].T != 1700000000250 || got[0].Metric.Get("schload_arm") != "on" {
		t.Errorf("got %v, %v", got, err)
	}
}

// A histogram keeps its buckets, with gaps where the answer has gaps.
func TestRange(t *testing.T) {
	p := answering(t, `{"status":"success","data":{"resultType":"matrix","result":[
		{"metric":{"schload_arm":"off"},"values":[[1,"2"],[2,"3"]]},
		{"metric":{},"histograms":[[3,{"count":"7","sum":"12.5","buckets":[[0,"4","8","4"],[0,"0.5","1","1"],[0,"1","2","2"],[3,"-1","0","9"]]}]]}]}}`)
	lines, err := p.Range(t.Context(), "m", time.Unix(1, 0), time.Unix(3, 0), time.Second)
	if err != nil || len(lines) != 2 || len(lines[0].Samples) != 2 || lines[0].Samples[1].F != 3 || lines[0].Samples[1].T != 2000 {
		t.Fatalf("got %v, %v", lines, err)
	}
	h := lines[1].Samples[0].H
	if err := h.Validate(); err != nil || h.Count != 7 || h.Sum != 12.5 {
		t.Errorf("%v: %v", h, err)
	}
	var text []string
	for buckets := h.PositiveBucketIterator(); buckets.Next(); {
		if b := buckets.At(); b.Count > 0 {
			text = append(text, fmt.Sprintf("%v..%v %v", b.Lower, b.Upper, b.Count))
		}
	}
	if got, want := strings.Join(text, ", "), "0.5..1 1, 1..2 2, 4..8 4"; got != want {
		t.Errorf("buckets %s, want %s", got, want)
	}
}

func TestRefused(t *testing.T) {
	for _, answer := range []string{
		`{"status":"error","errorType":"bad_data","error":"parse error"}`, `{"status":"success","warnings":["careful"],"data":{"resultType":"vector","result":[]}}`,
		`{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`, `nonsense`,
	} {
		p := answering(t, answer)
		if got, err := p.Instant(t.Context(), "m", time.Now()); err == nil {
			t.Errorf("%s: got %v", answer, got)
		}
		if got, err := p.Range(t.Context(), "m", time.Unix(1, 0), time.Unix(3, 0), time.Second); err == nil {
			t.Errorf("%s: got %v", answer, got)
		}
	}
	if _, err := Open("prometheus:9090"); err == nil {
		t.Error("an address without scheme was taken")
	}
}

package prometheus

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
)

// exportedRun is the run that the recorded Prometheus was sent.
func exportedRun() (bundle.Exported, error) {
	runs, err := bundle.ReadExports([]string{"testdata/run.otlp.jsonl"})
	if err != nil {
		return bundle.Exported{}, err
	}
	return runs[0].Alone, nil
}

// What a real Prometheus answers is what was exported: every counter, every
// bucket, every sum. Of the extremes the bucket is right.
func TestReadIsWhatWasExported(t *testing.T) {
	x := recording(t)
	got, err := Read(t.Context(), x.server(t, nil), Credentials{}, x.Now)
	if err != nil {
		t.Fatal(err)
	}
	want, err := exportedRun()
	if err != nil {
		t.Fatal(err)
	}
	if got.RunID != want.RunID || got.Upgrade != want.Upgrade || gocmp.Diff(got.Arms, want.Arms) != "" || got.To.UnixMilli() != want.To.UnixMilli() {
		t.Errorf("%s %s %v to %v, want %s %s %v to %v", got.RunID, got.Upgrade, got.Arms, got.To, want.RunID, want.Upgrade, want.Arms, want.To)
	}
	if diff := gocmp.Diff(counts(want), counts(got)); diff != "" {
		t.Errorf("counters (- exported, + Prometheus): %s", diff)
	}
	exported, nonempty := map[record.Key]record.Series{}, 0
	for _, s := range want.Whole.Series {
		exported[s.Key] = s
	}
	if len(got.Whole.Series) != len(exported) || len(exported) == 0 {
		t.Errorf("%d series of operations, want %d", len(got.Whole.Series), len(exported))
	}
	for _, s := range got.Whole.Series {
		o := exported[s.Key]
		for _, pair := range [][2]*histogram.Histogram{{s.Response, o.Response}, {s.Service, o.Service}, {s.Lateness, o.Lateness}} {
			alike(t, s.Key, pair[0], pair[1])
			if pair[0].Count() > 1 {
				nonempty++
			}
		}
	}
	if nonempty < 24 {
		t.Errorf("%d histograms hold something: the run was too short", nonempty)
	}
}

func counts(e bundle.Exported) map[string]uint64 {
	m := map[string]uint64{}
	for _, c := range e.Whole.Counts {
		text := c.Name + " " + c.Arm
		for _, key := range []string{record.AttrPool, record.AttrOperation, record.AttrOutcome, record.AttrPhase, record.AttrReason, record.AttrRound} {
			for _, a := range c.Attrs {
				if a.Key == key {
					text += " " + a.Key + "=" + a.Value
				}
			}
		}
		m[text] += c.Value
	}
	return m
}

// alike wants the same buckets and sum, and bounds of the extremes in their
// bucket.
func alike(t *testing.T, of any, got, want *histogram.Histogram) {
	t.Helper()
	offset, counts := got.Buckets()
	wantOffset, wantCounts := want.Buckets()
	if offset != wantOffset || gocmp.Diff(counts, wantCounts) != "" || got.Zero() != want.Zero() || got.Sum() != want.Sum() {
		t.Errorf("%v: other buckets or another sum", of)
	}
	if got.Min() > want.Min() || got.Max() < want.Max() || histogram.Index(got.Min()) != histogram.Index(want.Min()) || histogram.Index(got.Max()) != histogram.Index(want.Max()) {
		t.Errorf("%v: from %v to %v, exported were %v to %v", of, got.Min(), got.Max(), want.Min(), want.Max())
	}
}

// The table is that of the exported file: every count, and every quantile whose
// rank is in no outermost bucket.
func TestTheTableIsTheSame(t *testing.T) {
	x := recording(t)
	served, err := Read(t.Context(), x.server(t, nil), Credentials{}, x.Now)
	if err != nil {
		t.Fatal(err)
	}
	exported, err := exportedRun()
	if err != nil {
		t.Fatal(err)
	}
	got, err := compare.Exported(served)
	if err != nil {
		t.Fatal(err)
	}
	want, err := compare.Exported(exported)
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for i, a := range want.Arms {
		b := got.Arms[i]
		if diff := gocmp.Diff(a.Operations, b.Operations); diff != "" || gocmp.Diff(a.Errors, b.Errors) != "" || gocmp.Diff(a.MissedReasons, b.MissedReasons) != "" {
			t.Errorf("arm %s: %s", a.Name, diff)
		}
		for _, pair := range [][2]compare.Quantiles{
			{a.Phases.Baseline.ResponseTime, b.Phases.Baseline.ResponseTime}, {a.Phases.Maintenance.ResponseTime, b.Phases.Maintenance.ResponseTime},
			{a.Phases.Recovery.ResponseTime, b.Phases.Recovery.ResponseTime}, {a.Phases.Maintenance.ServiceTime, b.Phases.Maintenance.ServiceTime},
		} {
			w, g := pair[0], pair[1]
			if w.Count != g.Count || w.Count == 0 || w.P50 != g.P50 || w.P95 != g.P95 {
				t.Errorf("arm %s: %+v, exported %+v", a.Name, g, w)
			}
			if g.Max < w.Max || float64(g.Max) > 1.011*float64(w.Max)+1 {
				t.Errorf("arm %s: longest at most %v, exported %v", a.Name, g.Max, w.Max)
			}
			same++
		}
	}
	if same != 8 {
		t.Errorf("%d phases compared", same)
	}
}

// Runs that stand side by side are told apart by what servers know of them.
func TestContrast(t *testing.T) {
	x := recording(t)
	other := func(labels string) func(string, *http.Request) (int, string) {
		return func(q string, _ *http.Request) (int, string) {
			if !strings.Contains(q, "schload_run_info") {
				return 0, ""
			}
			return 200, `{"status":"success","data":{"resultType":"vector","result":[` + labels + `]}}`
		}
	}
	for name, c := range map[string]struct {
		change func(string, *http.Request) (int, string)
		want   []compare.Trait
	}{
		"same":    {nil, nil},
		"version": {other(`{"metric":{"client_version":"v9.22.1","config_hash":"5d0c5e6d1f2a"},"value":[1,"1"]}`), []compare.Trait{{What: "go-redis", Value: "v9.22.1"}}},
		"profile": {other(`{"metric":{"client_version":"v9.23.0","config_hash":"a"},"value":[1,"1"]}`), []compare.Trait{{What: "profile (its hash)", Value: "a"}}},
		"unknown": {other(""), []compare.Trait{{What: "go-redis", Value: "not exported"}, {What: "profile (its hash)", Value: "not exported"}}},
	} {
		var runs []bundle.Exported
		for _, change := range []func(string, *http.Request) (int, string){nil, c.change} {
			e, err := Read(t.Context(), x.server(t, change), Credentials{}, x.Now)
			if err != nil {
				t.Fatal(err)
			}
			runs = append(runs, e)
		}
		summaries := make([]compare.Summary, 2)
		compare.ContrastExported(runs, summaries)
		if diff := gocmp.Diff(c.want, summaries[1].Unlike); diff != "" || len(summaries[0].Unlike) != len(c.want) {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// The limits that the harness was beyond come with the run; one that was not
// exported has none.
func TestSaturated(t *testing.T) {
	x := recording(t)
	answer := `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"reason":"steal"},"value":[1,"1"]},{"metric":{"reason":"cpu"},"value":[1,"1"]}]}}`
	for _, tt := range []struct {
		change func(string, *http.Request) (int, string)
		want   []string
	}{
		{nil, nil},
		{func(q string, _ *http.Request) (int, string) {
			if !strings.Contains(q, "schload_harness_saturated") {
				return 0, ""
			}
			if want := "max by (reason) (last_over_time(schload_harness_saturated{schload_run_id="; !strings.HasPrefix(q, want) || !strings.HasSuffix(q, ") > 0") {
				t.Errorf("asked %s", q)
			}
			return 200, answer
		}, []string{bundle.ReasonCPU, bundle.ReasonSteal}},
	} {
		e, err := Read(t.Context(), x.server(t, tt.change), Credentials{}, x.Now)
		if err != nil {
			t.Fatal(err)
		}
		s, err := compare.Exported(e)
		if err != nil || gocmp.Diff(tt.want, s.Harness.SaturatedReasons) != "" || s.Harness.Saturated != (tt.want != nil) {
			t.Errorf("saturated %v by %q, want %q: %v", s.Harness.Saturated, s.Harness.SaturatedReasons, tt.want, err)
		}
	}
}

// Whatever is not whole is an error that says what to do.
func TestRefused(t *testing.T) {
	const nothing = `{"status":"success","data":{"resultType":"vector","result":[]}}`
	one := func(labels, value string) string {
		return `{"status":"success","data":{"resultType":"vector","result":[{"metric":{` + labels + `},"value":[1,"` + value + `"]}]}}`
	}
	buckets := func(list string) string {
		return `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"db_operation_name":"GET","outcome":"ok","pool":"main","schload_phase":"baseline"},
			"histogram":[1,{"count":"5","sum":"0.01","buckets":[` + list + `]}]}]}}`
	}
	for name, c := range map[string]struct {
		when   string // of the query, its beginning
		status int
		answer string
		want   string
	}{
		"no run":          {"count(present", 200, `{"status":"success","data":{"resultType":"matrix","result":[]}}`, "not recorded"},
		"reset":           {"sum(resets(", 200, one("", "2"), "reset 2 times: the process began anew"},
		"no histogram":    {"schload_operation_response_time_seconds{", 200, nothing, "not recorded"},
		"a float":         {"schload_operation_response_time_seconds{", 200, one("", "2"), "instants"},
		"other scale":     {"schload_operation_response_time_seconds{", 200, buckets(`[0,"0.001","0.002","5"]`), "instants"},
		"late part":       {"timestamp(schload_operations_total", 200, one("", "17"), "arrived in part"},
		"a warning":       {"schload_operations_due_total{", 200, `{"status":"success","warnings":["2 stores are away"],"data":{"resultType":"vector","result":[]}}`, "nothing is computed from a part: 2 stores are away"},
		"credentials":     {"count(present", 401, "who are you, geheim?", "SCHLOAD_PROMETHEUS_TOKEN"},
		"forbidden":       {"count(present", 403, "", "it wants credentials"},
		"no such path":    {"count(present", 404, "", "is the prefix of its path in the address"},
		"redirect":        {"count(present", 302, "", "it points to http://elsewhere.example"},
		"down":            {"count(present", 503, "", "server error: 503"},
		"bad query":       {"count(present", 422, `{"status":"error","errorType":"execution","error":"too many samples"}`, "execution: too many samples"},
		"slow":            {"count(present", 503, `{"status":"error","errorType":"timeout","error":"query timed out"}`, "query timed out: add since=24h"},
		"another service": {"count(present", 200, "<html>", "bad_response"},
	} {
		t.Run(name, func(t *testing.T) {
			x := recording(t)
			x.Answers["not recorded"] = nil
			s := x.server(t, func(q string, _ *http.Request) (int, string) {
				switch {
				case strings.HasPrefix(q, c.when):
					return c.status, c.answer
				case strings.HasPrefix(q, "group by") && c.want == "not recorded":
					return 200, one(`"schload_run_id":"another"`, "1")
				case strings.HasPrefix(q, "timestamp(schload_operation_response") && c.answer == nothing:
					return 200, nothing
				case strings.HasPrefix(q, "count(schload_operation_response_time_seconds_bucket") && c.want == "not recorded":
					return 200, one("", "9")
				}
				return 0, ""
			})
			want := c.want
			switch name {
			case "no run":
				want = "it has another"
			case "no histogram":
				want = "classic buckets alone"
			}
			_, err := Read(t.Context(), s, Credentials{}, x.Now)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("error %v, want one with %q", err, want)
			}
			if server := name == "down" || name == "slow" || name == "redirect"; server != errors.Is(err, ErrServer) {
				t.Errorf("the server's fault: %v: %v", !server, err)
			}
		})
	}
}

// A small answer that becomes a large one is read no further than it may, and
// one of just the bound is read.
func TestBomb(t *testing.T) {
	const most = 1 << 20
	answer := func(length int) string {
		const head, tail = `{"status":"success","data":{"resultType":"vector","result":[]}`, `}`
		return head + strings.Repeat(" ", length-len(head)-len(tail)) + tail
	}
	for length, want := range map[int]string{most: "", most + 1: "more than 1 MB", 200 * most: "more than 1 MB"} {
		body := gzipped(t, answer(length))
		sent := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "gzip" {
				t.Errorf("it asks for the encoding %q", r.Header.Get("Accept-Encoding"))
			}
			w.Header().Set("Content-Encoding", "gzip")
			sent, _ = w.Write(body)
		}))
		c, err := newClient(Source{Server: s.URL, Timeout: 10 * time.Second}, Credentials{}, most)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.vector(t.Context(), time.Unix(1, 0), "up")
		s.Close()
		if (want == "") != (err == nil) || err != nil && (!strings.Contains(err.Error(), s.URL+": it answers with "+want) || errors.Is(err, ErrServer)) {
			t.Errorf("%d bytes, %d of them sent: error %v, want %q", length, sent, err, want)
		}
	}
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A server that says nothing is left in time.
func TestTimeout(t *testing.T) {
	x := recording(t)
	release := make(chan struct{})
	s := x.server(t, func(string, *http.Request) (int, string) { <-release; return 500, "" })
	t.Cleanup(func() { close(release) })
	s.Timeout = 20 * time.Millisecond
	_, err := Read(t.Context(), s, Credentials{}, x.Now)
	if !errors.Is(err, ErrServer) || !strings.Contains(err.Error(), "timeout=2m") {
		t.Errorf("error %v", err)
	}
}

// Credentials reach the server that was named, and no message.
func TestCredentials(t *testing.T) {
	x := recording(t)
	env := func(m map[string]string) func(string) string { return func(k string) string { return m[k] } }
	for want, m := range map[string]map[string]string{
		"Bearer geheim":               {envToken: "geheim"},
		"Basic YW5uYTpnZWhlaW0=":      {envUser: "anna", envPassword: "geheim"},
		"":                            {},
		"both set":                    {envUser: "anna", envToken: "geheim"},
		envUser + " is not: set both": {envPassword: "geheim"},
	} {
		c, err := FromEnvironment(env(m))
		if err != nil {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("%v, want %q", err, want)
			}
			continue
		}
		asked := 0
		s := x.server(t, func(_ string, r *http.Request) (int, string) {
			asked++
			if got := r.Header.Get("Authorization"); got != want {
				t.Errorf("authorization %q, want %q", got, want)
			}
			return 0, ""
		})
		if _, err := Read(t.Context(), s, c, x.Now); err != nil || asked == 0 {
			t.Errorf("error %v", err)
		}
	}
}

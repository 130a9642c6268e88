package bundle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"schload/telemetry/record"
)

func TestOpenRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ run, want string }{
		"newer":      {`{"schema":"schload.bundle/2","arms":5}`, "schema schload.bundle/2 is newer than schload.bundle/1"},
		"other":      {`{"schema":"k6/1"}`, `schema "k6/1" is not one of schload's`},
		"no schema":  {`{}`, `schema "" is not`},
		"version":    {`{"schema":"schload.bundle/one"}`, `"schload.bundle/one" is not`},
		"zero":       {`{"schema":"schload.bundle/0"}`, `"schload.bundle/0" is not`},
		"not JSON":   {`run`, "invalid character"},
		"wrong type": {`{"schema":"schload.bundle/1","arms":5}`, "cannot unmarshal number"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, runFile), []byte(tt.run), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantError(t, err, dir, "run.json", tt.want)
	}
	dir := t.TempDir()
	_, err := Open(dir)
	wantError(t, err, dir, "is not a bundle: it holds no run.json")
	_, err = Open(filepath.Join(dir, "absent"))
	wantError(t, err, "absent", "no such file")
}

// A newer schload of the same schema may add fields.
func TestOpenUnknownFields(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, runFile), []byte(`{"schema":"schload.bundle/1","run_id":"r","weather":"fair"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{metricsFile, marksFile} { // what is lacking is no empty file
		if _, err := Open(dir); err == nil {
			t.Errorf("opened without %s", name)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b := open(t, dir)
	if b.Run.ID != "r" || len(intervals(t, b)) != 0 {
		t.Errorf("read run %q with intervals", b.Run.ID)
	}
}

// A line that is whole but unreadable is no torn line: leaving it out would
// falsify every total.
func TestUnreadableLine(t *testing.T) {
	w := create(t, testRun())
	if err := w.Interval(goldenInterval()); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(w.Dir(), metricsFile))
	if err != nil {
		t.Fatal(err)
	}
	point := `"startTimeUnixNano":"1795353841123456789"`
	for name, tt := range map[string]struct{ old, new, want string }{
		"not JSON":       {`{"resourceMetrics"`, `{resourceMetrics`, "syntax error"},
		"cumulative":     {`"aggregationTemporality":1`, `"aggregationTemporality":2`, "temporality is not delta"},
		"scale":          {`"scale":6`, `"scale":5`, "scale 5, want 6"},
		"zero threshold": {`"zeroThreshold":9.5`, `"zeroThreshold":8.5`, "zero threshold 8.5"},
		"count":          {`"count":"4"`, `"count":"5"`, "count 5, but the buckets hold 4"},
		"negative":       {`"positive":{`, `"negative":{"bucketCounts":["1"]},"positive":{`, "negative buckets"},
		"extremes":       {`"min":0.0015`, `"min":0.1`, "min 100ms: not in the first bucket"},
		"phase":          {`"maintenance"`, `"lunch"`, `unknown phase "lunch"`},
		"round":          {`"schload.round","value":{"stringValue":"1"}`, `"schload.round","value":{"stringValue":"-1"}`, `"-1" is not a round`},
		"two intervals":  {point, `"startTimeUnixNano":"1795353841123456790"`, "in the interval from"},
		"before base":    {point, `"startTimeUnixNano":"1"`, "want 0 <= from <= to"},
		"fraction":       {`"asInt":"16"`, `"asDouble":1.5`, "is not a count"},
		"no points":      {string(good), "{}\n", "no data point"},
	} {
		// The second point is the one that contradicts the first.
		n := 1
		if name == "two intervals" {
			n = 2
		}
		bad := replaceNth(string(good), tt.old, tt.new, n)
		if err := os.WriteFile(filepath.Join(w.Dir(), metricsFile), []byte(string(good)+bad+string(good)), 0o644); err != nil {
			t.Fatal(err)
		}
		read, failed := 0, error(nil)
		for _, err := range open(t, w.Dir()).Intervals() {
			if failed = err; err == nil {
				read++
			}
		}
		if failed == nil || !strings.Contains(failed.Error(), tt.want) || !strings.Contains(failed.Error(), metricsFile+" line 2: ") {
			t.Errorf("%s: error %v, want one of line 2 with %q", name, failed, tt.want)
		}
		if read != 1 {
			t.Errorf("%s: %d intervals read before the error, want 1", name, read)
		}
	}
}

func replaceNth(s, old, new string, n int) string {
	at := 0
	for ; n > 1; n-- {
		at += strings.Index(s[at:], old) + len(old)
	}
	return s[:at] + strings.Replace(s[at:], old, new, 1)
}

// A line that went through a collector has more attributes and metrics.
func TestForeignAdditions(t *testing.T) {
	line, err := newEncoder(testRun()).line(goldenInterval())
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(line), `{"key":"schload.arm"`, `{"key":"host.name","value":{"arrayValue":{}}},{"key":"schload.arm"`, 1)
	text = strings.Replace(text, `"schload.round","value":{"stringValue":"1"}`, `"schload.round","value":{"intValue":"1"}`, 1)
	text = strings.Replace(text, `{"name":"schload.handoffs"`, `{"name":"up","sum":{"dataPoints":[{"asInt":"1"}]}},`+
		`{"name":"classic","histogram":{"dataPoints":[{"count":"1"}]}},`+
		`{"name":"other","exponentialHistogram":{"aggregationTemporality":1,"dataPoints":[{"count":"1"}]}},{"name":"schload.handoffs"`, 1)
	got, err := decodeLine([]byte(text), started)
	if err != nil {
		t.Fatal(err)
	}
	want := goldenInterval()
	if len(got.Series) != 1 || got.Series[0].Key != want.Series[0].Key || len(got.Counts) != 1 || got.To != 2*time.Second {
		t.Errorf("read %+v", got)
	}
}

// The reader stops when its caller does.
func TestIntervalsStop(t *testing.T) {
	w := create(t, testRun())
	for n := range 3 {
		if err := w.Interval(record.Interval{To: time.Duration(n)}); err != nil {
			t.Fatal(err)
		}
	}
	for iv := range open(t, w.Dir()).Intervals() {
		if iv.To > 0 {
			t.Error("a second interval was read after break")
		}
		break
	}
}

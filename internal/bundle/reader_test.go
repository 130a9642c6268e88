package bundle

import (
	"bytes"
	"compress/gzip"
	"iter"
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
	counter := `{"name":"schload.handoffs"`
	gauge := func(name, value string) string {
		return `{"name":"` + name + `","gauge":{"dataPoints":[{` + point + `,"timeUnixNano":"1795353842123456789",` + value + `}]}},` + counter
	}
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
		"count below 0":  {`"asInt":"16"`, `"asInt":"-16"`, "is not a count"},
		"bucket below 0": {`"count":"4"`, `"count":"-4"`, "invalid value for fixed64 field count"},
		"sum no number":  {`"sum":`, `"sum":"NaN","was":`, "NaN s is out of range"},
		"sum below 0":    {`"sum":`, `"sum":-1,"was":`, "sum -1s is below max"},
		"level NaN":      {counter, gauge(record.HarnessInFlight, `"asDouble":"NaN"`), "metric schload.harness.in_flight: value NaN is no level"},
		"length NaN":     {counter, gauge(intervalName, `"asDouble":"NaN"`), "metric schload.interval: value NaN is no level"},
		"length below 0": {counter, gauge(intervalName, `"asDouble":-1`), "metric schload.interval: value -1 is no level: want a number from 0"},
		"no whole one":   {counter, gauge(intervalName, `"asInt":"-1"`), "metric schload.interval: value -1 is no level"},
		"level infinite": {counter, gauge(record.HarnessCPU, `"asDouble":"Infinity"`), "value +Inf is no level"},
		"level below 0":  {counter, gauge(record.HarnessInFlight, `"asDouble":-0.5`), "value -0.5 is no level: want a number from 0"},
		"whole level":    {counter, gauge(record.DialsPeak, `"asInt":"-1"`), "value -1 is no level"},
		"level too high": {counter, gauge(record.DialsPeak, `"asDouble":1e+300`), "value 1e+300 is no level"},
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
		if failed == nil || !strings.Contains(failed.Error(), tt.want) || !strings.HasPrefix(failed.Error(), filepath.Join(w.Dir(), metricsFile)+" line 2: ") {
			t.Errorf("%s: error %v, want one of line 2 with %q", name, failed, tt.want)
		}
		if read != 1 {
			t.Errorf("%s: %d intervals read before the error, want 1", name, read)
		}
	}
}

// Intervals are added up, so that none may stand twice, nor a part of one.
func TestOverlappingIntervals(t *testing.T) {
	span := func(from, to time.Duration) string {
		line, err := newEncoder(testRun()).line(record.Interval{From: from, To: to})
		if err != nil {
			t.Fatal(err)
		}
		return string(line)
	}
	first, second := span(0, time.Second), span(time.Second, 2*time.Second)
	for name, tt := range map[string]struct{ text, want string }{
		"twice":     {first + "\n" + first, " line 3: it repeats line 1, the interval from 0s to 1s"},
		"all twice": {first + second + first + second, " line 3: its interval, from 0s to 1s, begins before that of line 2 ends, at 2s"},
		"order":     {second + first, " line 2: its interval, from 0s to 1s, begins before that of line 1 ends, at 2s"},
		"in part":   {first + span(999*time.Millisecond, 2*time.Second), " line 2: its interval, from 999ms to 2s, begins before that of line 1 ends, at 1s"},
		"within":    {first + span(time.Second/2, time.Second/2), " line 2: its interval, from 500ms to 500ms, begins"},
	} {
		dir := bundleOf(t, map[string]string{runFile: `{"schema":"schload.bundle/1","run_id":"r","started":"` + started.Format(time.RFC3339Nano) + `"}`, metricsFile: tt.text})
		for way, err := range map[string]error{"intervals": last(open(t, dir).Intervals()), "pass": last(open(t, dir).Pass()), "lines": last(open(t, dir).Lines())} {
			if err == nil {
				t.Errorf("%s: no error of %s", name, way)
				continue
			}
			wantError(t, err, filepath.Join(dir, metricsFile)+tt.want)
		}
	}
	whole := bundleOf(t, map[string]string{runFile: `{"schema":"schload.bundle/1","run_id":"r","started":"` + started.Format(time.RFC3339Nano) + `"}`, metricsFile: first + span(time.Second, time.Second) + second + span(3*time.Second, 4*time.Second)})
	if got := len(intervals(t, open(t, whole))); got != 4 {
		t.Errorf("%d intervals read, want 4: those that touch, are empty or leave a gap do not overlap", got)
	}
}

// last is the error that reading ends with.
func last[T any](all iter.Seq2[T, error]) (last error) {
	for _, err := range all {
		last = err
	}
	return last
}

// What the client counts up and down itself may be less than nothing, and so may
// an instant; of another's gauge nothing is known.
func TestNegativeLevels(t *testing.T) {
	for _, name := range []string{record.ClientPending, record.ClientConnections, record.ClientRelaxed, record.DialsPeakAt, "another.gauge"} {
		iv := record.Interval{To: time.Second, Levels: []record.Level{{Name: name, Value: -2}}}
		line, err := newEncoder(testRun()).line(iv)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeLine(line[:len(line)-1], started)
		if err != nil || len(got.Levels) != 1 || got.Levels[0].Value != -2 {
			t.Errorf("%s: read %+v, error %v", name, got.Levels, err)
		}
	}
}

// A mark that would drop out, or count backwards, is refused.
func TestUnreadableMark(t *testing.T) {
	for name, tt := range map[string]struct{ line, want string }{
		"no kind":   {`{"at_ns":1}`, "a mark without kind"},
		"backwards": {`{"at_ns":1,"duration_ns":-5,"kind":"outage"}`, "kind outage with duration_ns -5: want 0 or more"},
		"no round":  {`{"at_ns":1,"kind":"outage","round":-1}`, "round -1"},
		"fraction":  {`{"at_ns":1.5,"kind":"outage"}`, "cannot unmarshal number 1.5"},
		"not a sum": {`{"at_ns":1,"kind":"dial","count":-1}`, "cannot unmarshal number -1"},
	} {
		dir := bundleOf(t, map[string]string{marksFile: `{"at_ns":1,"kind":"notice"}` + "\n" + tt.line + "\n"})
		_, err := open(t, dir).Timeline()
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		wantError(t, err, filepath.Join(dir, marksFile)+" line 2: ", tt.want)
	}
}

// bundleOf is a bundle with those files, others empty.
func bundleOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{runFile: `{"schema":"schload.bundle/1","run_id":"r"}`, metricsFile: "", marksFile: ""} {
		if given, ok := files[name]; ok {
			text = given
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// What does not fit into memory is refused before it is there, by name.
func TestTooLong(t *testing.T) {
	dir := bundleOf(t, map[string]string{marksFile: `{"at_ns":1,"kind":"notice"}` + "\n"})
	grow(t, filepath.Join(dir, marksFile), maxLine+100)
	_, err := open(t, dir).Timeline()
	wantError(t, err, filepath.Join(dir, marksFile)+" line 2: it is longer than 64 MB")
	_, err = ReadExports([]string{filepath.Join(dir, marksFile)})
	wantError(t, err, marksFile+" line 2: it is longer than 64 MB")
	if err := os.WriteFile(filepath.Join(dir, "core"), []byte("\x7fELF"), 0o600); err != nil {
		t.Fatal(err)
	}
	grow(t, filepath.Join(dir, "core"), maxLine+100)
	_, err = ReadExports([]string{filepath.Join(dir, "core")})
	wantError(t, err, filepath.Join(dir, "core")+" line 1: not an OTLP/JSON request: it begins with")
	grow(t, filepath.Join(dir, runFile), maxRun)
	_, err = Open(dir)
	wantError(t, err, filepath.Join(dir, runFile)+": it is longer than 16 MB")
}

// What is wrong with a file of one JSON value is said with its line, and of one
// that was cut off that it was.
func TestUnmarshal(t *testing.T) {
	for text, want := range map[string]string{
		"{\n \"seed\": 1,\n \"run":               "line 3: the file ends in the middle (unexpected end of JSON input): it was cut off",
		"":                                       "line 1: the file ends in the middle",
		"{\n \"seed\": NaN\n}":                   "line 2: invalid character 'N'",
		"{\n \"run_id\": \"r\",\n \"seed\": -1}": "line 3: json: cannot unmarshal number -1",
		"{}x":                                    "line 1: invalid character 'x' after top-level value",
	} {
		var run Run
		wantError(t, Unmarshal([]byte(text), &run), want)
	}
}

// grow makes a file longer by that many bytes, which take no room.
func grow(t *testing.T, path string, by int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, info.Size()+by)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A compressed file is neither unpacked nor taken for a broken one.
func TestPacked(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write([]byte("{}\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for kind, start := range map[string]string{
		"gzip": zipped.String(), "zip": "PK\x03\x04 and more", "zstd": "\x28\xb5\x2f\xfd and more", "bzip2": "BZh9 and more", "xz": "\xfd7zXZ\x00 and more",
	} {
		dir := bundleOf(t, map[string]string{metricsFile: start})
		path := filepath.Join(dir, metricsFile)
		for _, err := range []error{second(Open(dir)), second(Open(path)), second(ReadExports([]string{path}))} {
			if err == nil {
				t.Errorf("%s: no error", kind)
				continue
			}
			wantError(t, err, path, "is compressed ("+kind+"): unpack it first")
		}
	}
	wantError(t, second(Open(bundleOf(t, map[string]string{runFile: zipped.String()}))), runFile, "is compressed (gzip): unpack it first")
	for _, name := range []string{runFile, marksFile} {
		dir := bundleOf(t, nil)
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, name+".gz")); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir)
		wantError(t, err, filepath.Join(dir, name)+".gz is compressed (gzip): unpack it first")
	}
}

// What is no text of ours is not said to be torn.
func TestForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	for text, begins := range map[string]string{
		"\x7fELF\x02\x01\x01 without any newline": `"\x7fELF\x02\x01\x01 without "`,
		"\x00\x00\x01\nand\n":                     `"\x00\x00\x01"`,
		"nonsense":                                `"nonsense"`,
		"\n  \n[{}]\n":                            `"[{}]"`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		wantError(t, second(ReadExports([]string{path})), path+" line ", "not an OTLP/JSON request: it begins with "+begins+", want {", "nor a file of a bundle")
	}
	for text, want := range map[string]string{`{"resourceMetrics":[`: "it is torn", "": "no metrics of schload", "\n\n": "no metrics of schload"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		wantError(t, second(ReadExports([]string{path})), path, want)
	}
}

func second[V any](_ V, err error) error { return err }

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
		if err := w.Interval(record.Interval{From: time.Duration(n), To: time.Duration(n + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	for iv := range open(t, w.Dir()).Intervals() {
		if iv.From > 0 {
			t.Error("a second interval was read after break")
		}
		break
	}
}

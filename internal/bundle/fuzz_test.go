package bundle

import (
	"bytes"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"schload/telemetry/histogram"
)

// Law: no line makes the reader panic, and what it accepts reads the same
// after it was written again.
func FuzzDecodeLine(f *testing.F) {
	line, err := newEncoder(testRun()).line(goldenInterval())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"1795353841123456789","startTimeUnixNano":"1795353841123456789","asInt":"-5"}]}}]}]}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		iv, err := decodeLine(line, started)
		if err != nil {
			return
		}
		for _, s := range iv.Series {
			for _, h := range []*histogram.Histogram{s.Response, s.Service, s.Lateness} {
				if h != nil && h.Sum() > 1<<52 {
					return // a double may not hold every nanosecond
				}
			}
		}
		again, err := newEncoder(testRun()).line(iv)
		if err != nil {
			return // two kinds of metric under one name
		}
		back, err := decodeLine(again, started)
		if err != nil {
			t.Fatalf("%s\nwas read and written as\n%s\nwhich is refused: %v", line, again, err)
		}
		third, err := newEncoder(testRun()).line(back)
		if err != nil || !bytes.Equal(again, third) {
			t.Fatalf("written twice it differs (error %v):\n%s\n%s", err, again, third)
		}
	})
}

func FuzzDecodeMark(f *testing.F) {
	f.Add([]byte(`{"at_ns":1500000000,"kind":"notice","name":"MOVING","arm":"on","conn":1,"seq":7}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := decodeMark(line)
		if err != nil {
			return
		}
		again, err := marshal(m)
		if err != nil || bytes.ContainsRune(again, '\n') {
			t.Fatalf("%+v is written as %q (error %v)", m, again, err)
		}
		back, err := decodeMark(again)
		if diff := gocmp.Diff(m, back); err != nil || diff != "" {
			t.Fatalf("error %v, difference %s", err, diff)
		}
	})
}

func FuzzDecodeRun(f *testing.F) {
	text, err := marshalIndent(testRun())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.Replace(text, []byte(`"schema": ""`), []byte(`"schema": "schload.bundle/1"`), 1))
	f.Fuzz(func(t *testing.T, text []byte) {
		run, err := decodeRun(text)
		if err != nil {
			return
		}
		again, err := marshal(run)
		if err != nil {
			return // an instant outside the years RFC 3339 knows
		}
		back, err := decodeRun(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if longest(run) > 1<<52 {
			return // a double may not hold every nanosecond
		}
		if third, err := marshal(back); err != nil || !bytes.Equal(again, third) {
			t.Fatalf("written twice it differs (error %v):\n%s\n%s", err, again, third)
		}
	})
}

func longest(r Run) time.Duration {
	d := max(r.LateAfter.Duration().Abs(), r.OutageAfter.Duration().Abs())
	if r.Final != nil && r.Final.StartLag != nil {
		l := r.Final.StartLag
		d = max(d, l.P50.Duration().Abs(), l.P99.Duration().Abs(), l.Max.Duration().Abs())
	}
	return d
}

// Law: a redacted text redacts to itself and holds no password of a URL.
func FuzzRedact(f *testing.F) {
	f.Add("redis://app:geheim@h:6379/0?password=x")
	f.Fuzz(func(t *testing.T, text string) {
		got := Redact(text)
		if again := Redact(got); again != got {
			t.Errorf("%q, redacted again, becomes %q", got, again)
		}
		if strings.Contains(Redact("redis://u:geheim@h "+text), "geheim") && !strings.Contains(text, "geheim") {
			t.Errorf("a password before %q survives", text)
		}
	})
}

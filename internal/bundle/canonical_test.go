package bundle

import (
	"bytes"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// What the encoder writes is of the canonical layout: else every reader would
// be as slow as protojson.
func TestEncoderIsCanonical(t *testing.T) {
	line, err := newEncoder(testRun()).line(busyInterval())
	if err != nil {
		t.Fatal(err)
	}
	c := newCanonical()
	for range 2 { // the second time what was kept is used
		sameAsProtojson(t, c, bytes.TrimSuffix(line, []byte("\n")), true)
	}
}

// Whatever canonical accepts, protojson reads alike.
func FuzzCanonical(f *testing.F) {
	line, err := newEncoder(testRun()).line(busyInterval())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.TrimSuffix(line, []byte("\n")))
	for _, text := range []string{
		`{}`, `{"resourceMetrics":[]}`, `{"resourceMetrics":[{}]}`, `{"resourceMetrics":[{"resource":{"attributes":[{"key":"a","value":{"stringValue":"b"}}]}}]}`,
		point(`"asInt":"7"`), point(`"asInt":"07"`), point(`"asInt":"-7"`), point(`"asInt":"9223372036854775808"`), point(`"asInt":"18446744073709551616"`),
		point(`"asDouble":1.5e-7`), point(`"asDouble":01`), point(`"asDouble":1.`), point(`"asDouble":-0`), point(`"asDouble":1e999`), point(`"asDouble":1 `), point(`"asDouble":"NaN"`), point(`"asDouble":1,"asInt":"1"`),
		point(`"asDouble":1,"flags":1`), point(`"asDouble":1,"asDouble":1`),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, line []byte) { sameAsProtojson(t, newCanonical(), line, false) })
}

func point(value string) string {
	return `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"x","gauge":{"dataPoints":[{"timeUnixNano":"1",` + value + `}]}}]}]}]}`
}

func sameAsProtojson(t *testing.T, c *canonical, line []byte, must bool) {
	t.Helper()
	got, ok := c.read(line, started)
	if must && !ok {
		t.Fatalf("not canonical from byte %d on: %.80s", c.at, line[min(c.at, len(line)):])
	}
	if !ok {
		return
	}
	want, err := decodeAny(line, started)
	if err != nil {
		t.Fatalf("accepted, but the other reader says %v: %s", err, line)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("two readers differ (- protojson, + canonical): %s", diff)
	}
}

package report

import (
	"strings"
	"testing"
	"time"

	"schload/internal/compare"
)

// Runs whose tables follow one by one, or come from servers, say first in what
// they differ, and nothing where they do not.
func TestContrast(t *testing.T) {
	a, b := rolling(), inPlace()
	long := strings.Repeat("ü", 50)
	a.Unlike, b.Unlike = []compare.Trait{{What: "arms", Value: "off, on"}}, []compare.Trait{{What: "arms", Value: long}}
	want := "the runs differ:\n  - arms: off, on | " + strings.Repeat("ü", 40) + "...\n"
	var got strings.Builder
	if err := Contrast(&got, []compare.Summary{a, b}); err != nil || got.String() != want+"\n" {
		t.Errorf("error %v:\n%swant\n%s", err, got.String(), want)
	}
	got.Reset()
	if err := Prometheus(&got, []Served{{a, time.Unix(1, 0).UTC(), "http://a"}, {b, time.Unix(1, 0).UTC(), "http://b"}}); err != nil || !strings.Contains(got.String(), "valid\n"+want+"\n") {
		t.Errorf("error %v:\n%swant within it\n%s", err, got.String(), want)
	}
	got.Reset()
	if err := Contrast(&got, []compare.Summary{rolling()}); err != nil || got.Len() > 0 {
		t.Errorf("of one run, error %v: %s", err, got.String())
	}
}

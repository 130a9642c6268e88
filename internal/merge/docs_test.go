package merge

import (
	"os"
	"strings"
	"testing"
	"time"

	"schload/telemetry/record"
)

// docs/BUNDLE.md tells the rule of every gauge that is not the highest, and
// every rule is of a gauge that exists.
func TestRulesDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/BUNDLE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(text), "\n## A merged bundle")
	kinds := map[string]string{}
	for _, m := range record.Metrics {
		kinds[m.Name] = m.Kind
	}
	for name := range rules {
		if !strings.Contains(chapter, "`"+name+"`") {
			t.Errorf("docs/BUNDLE.md does not say how %s is merged", name)
		}
		if k := kinds[name]; k != record.Gauge && k != record.UpDownCounter {
			t.Errorf("a rule for %s, which is %q", name, k)
		}
	}
}

func TestSpans(t *testing.T) {
	s := func(n ...int) (list []span) {
		for i := 0; i < len(n); i += 2 {
			list = append(list, span{from: ms(n[i]), to: ms(n[i+1])})
		}
		return list
	}
	same := func(what string, got, want []span) {
		if len(got) != len(want) {
			t.Fatalf("%s: %v, want %v", what, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
	}
	same("union", union(s(5, 7, 1, 2), s(2, 3, 6, 9)), s(1, 3, 5, 9))
	same("common", common(s(1, 4, 6, 9), s(0, 2, 3, 7)), s(1, 2, 3, 4, 6, 7))
	same("without", without(s(1, 4, 6, 9), s(2, 3, 8, 12)), s(1, 2, 3, 4, 6, 8))
	same("without nothing", without(s(1, 4), nil), s(1, 4))
}
func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

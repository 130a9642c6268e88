package compare

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"schload/internal/bundle"
)

// What differs is named as deep down as it is, once for all runs.
func TestContrast(t *testing.T) {
	for name, tt := range map[string]struct {
		profiles []string
		want     [][]Trait
	}{
		"one":         {[]string{`{"rate":1}`}, [][]Trait{nil}},
		"same":        {[]string{`{"rate":1,"seed":1}`, `{ "seed": 4, "rate": 1 }`}, [][]Trait{nil, nil}},
		"a setting":   {[]string{`{"rate":1}`, `{"rate":2}`, `{}`}, [][]Trait{{{"profile rate", "1"}}, {{"profile rate", "2"}}, {{"profile rate", "unset"}}}},
		"its target":  {[]string{`{"target":"a"}`, `{"target":"b"}`}, [][]Trait{{{"profile target", `"a"`}}, {{"profile target", `"b"`}}}},
		"in a list":   {[]string{`{"pools":[{"n":1,"x":{"y":1}}]}`, `{"pools":[{"n":1,"x":{"y":2}}]}`}, [][]Trait{{{"profile pools[0].x.y", "1"}}, {{"profile pools[0].x.y", "2"}}}},
		"more pools":  {[]string{`{"pools":[{"n":1}]}`, `{"pools":[{"n":1},{"n":2}]}`}, [][]Trait{{{"profile pools", `[{"n":1}]`}}, {{"profile pools", `[{"n":1},{"n":2}]`}}}},
		"other kinds": {[]string{`{"arms":["on"]}`, `{"arms":{"on":1}}`}, [][]Trait{{{"profile arms", `["on"]`}}, {{"profile arms", `{"on":1}`}}}},
		"no value":    {[]string{`{"arms":null}`, `{"arms":[{}]}`}, [][]Trait{{{"profile arms", "null"}}, {{"profile arms", "[{}]"}}}},
		"no profile":  {[]string{``, `{"n":1}`}, [][]Trait{{{"profile n", "unset"}}, {{"profile n", "1"}}}},
	} {
		var parts []Part
		for i, text := range tt.profiles {
			parts = append(parts, Part{Run: runOf(string(rune('a'+i)), uint64(i), text)})
		}
		summaries := make([]Summary, len(parts))
		Contrast(parts, summaries)
		for i, s := range summaries {
			if diff := cmp.Diff(tt.want[i], s.Unlike); diff != "" {
				t.Errorf("%s, run %d: %s", name, i, diff)
			}
		}
	}
}

// What ran stands before its settings.
func TestContrastOfWhatRan(t *testing.T) {
	a, b := runOf("a", 1, `{"rate":1}`), runOf("b", 1, `{"rate":2}`)
	b.Upgrade.Name, b.Stage, b.Versions = "none", "", bundle.Versions{Schload: "v2", GoRedis: "v10"}
	summaries := make([]Summary, 2)
	Contrast([]Part{{Run: a}, {Run: b}}, summaries)
	want := []Trait{{"upgrade", "none"}, {"stage", "none"}, {"schload", "v2"}, {"go-redis", "v10"}, {"profile rate", "2"}}
	if diff := cmp.Diff(want, summaries[1].Unlike); diff != "" {
		t.Error(diff)
	}
}

func TestContrastExported(t *testing.T) {
	a := bundle.Exported{Upgrade: "failover", Arms: []string{"off", "on"}, Versions: bundle.Versions{Schload: "v1", GoRedis: "v9"}, ProfileHash: "a1"}
	b := a
	summaries := make([]Summary, 2)
	ContrastExported([]bundle.Exported{a, b}, summaries)
	if summaries[0].Unlike != nil {
		t.Errorf("runs that did the same: %+v", summaries)
	}
	b.Upgrade, b.Arms, b.Versions, b.ProfileHash = "none", []string{"off"}, bundle.Versions{Schload: "v2"}, ""
	ContrastExported([]bundle.Exported{a, b}, summaries)
	want := []Trait{{"upgrade", "none"}, {"arms", "off"}, {"schload", "v2"}, {"go-redis", "not exported"}, {"profile (its hash)", "not exported"}}
	if diff := cmp.Diff(want, summaries[1].Unlike); diff != "" {
		t.Error(diff)
	}
}

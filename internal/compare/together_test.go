package compare

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"schload/internal/bundle"
)

func runOf(id string, seed uint64, profile string) bundle.Run {
	return bundle.Run{ID: id, Seed: seed, Rounds: 3, Stage: "sim", Upgrade: bundle.Upgrade{Name: "failover"}, Profile: json.RawMessage(profile),
		Versions: bundle.Versions{Schload: "v1", GoRedis: "v9"}}
}

func named(id string, s *Summary) Summary {
	s.RunID = id
	return *s
}

func joinable(runs []bundle.Run, summaries []Summary) (parts []Part) {
	for i, r := range runs {
		parts = append(parts, Part{Run: r, Summary: summaries[i]})
	}
	return parts
}

func TestJoin(t *testing.T) {
	runs := []bundle.Run{runOf("a", 1, `{"seed": 1, "warmup": "2s"}`), runOf("b", 4, `{"warmup":"2s","seed":4}`), runOf("c", 7, `{"seed":7,"warmup":"2s"}`)}
	parts := []Summary{named("a", failing(400, 410, 390)), named("b", failing(405, 402, 399)), named("c", failing(1, 2, 3))}
	parts[2].Harness.Saturated = true
	all, err := Join(joinable(runs, parts), false)
	if err != nil {
		t.Fatal(err)
	}
	if d := differenceOf(t, all.Differences, Primary); d.Rounds != 6 || d.Verdict != VerdictBetter {
		t.Errorf("six rounds of two runs: %+v", d)
	}
	if all.Rounds != 6 || strings.Join(all.Runs, " ") != "a b" || strings.Join(all.LeftOut, "") != "c: the harness was the bottleneck" || len(all.Warnings) != 0 {
		t.Errorf("got %+v", all)
	}
}

// A run that was cut off gives the rounds that it finished.
func TestJoinIncomplete(t *testing.T) {
	cut := failing(400, 410, 390)
	cut.Complete = false
	all, err := Join(joinable([]bundle.Run{runOf("a", 1, `{}`), runOf("b", 4, `{}`)}, []Summary{named("a", cut), named("b", failing(405, 402, 399))}), false)
	if d := differenceOf(t, all.Differences, Primary); err != nil || d.Rounds != 5 || all.Rounds != 5 {
		t.Errorf("%v, %d rounds, %+v", err, all.Rounds, d)
	}
}

func TestJoinRefuses(t *testing.T) {
	a, b := runOf("a", 1, `{"warmup":"2s","pools":[{"rate":"1000"}]}`), runOf("b", 4, `{"warmup":"2s","pools":[{"rate":"500"}],"speed":2}`)
	b.Versions.GoRedis, b.Isolated = "v8", &bundle.Isolated{Arms: []string{"on", "off"}}
	parts := []Summary{named("a", failing(1, 2)), named("b", failing(3, 4))}
	_, err := Join(joinable([]bundle.Run{a, b}, parts), false)
	want := []string{"go-redis: v9 in a, v8 in b", "isolated: false in a, true in b", `profile pools[0].rate: "1000" in a, "500" in b`, "profile speed: unset in a, 2 in b"}
	if !errors.Is(err, ErrUnlike) || !strings.HasSuffix(err.Error(), strings.Join(want, "; ")) {
		t.Errorf("got %v", err)
	}
	if all, err := Join(joinable([]bundle.Run{a, b}, parts), true); err != nil || strings.Join(all.Ignored, "; ") != strings.Join(want, "; ") || all.Rounds != 4 {
		t.Errorf("forced: %v, %+v", err, all)
	}
	if _, err := Join(joinable([]bundle.Run{a, a}, parts), true); err == nil || !strings.Contains(err.Error(), "given twice") {
		t.Errorf("the same run twice: %v", err)
	}
}

func TestJoinSameSeed(t *testing.T) {
	all, err := Join(joinable([]bundle.Run{runOf("a", 1, `{}`), runOf("b", 3, `{}`)}, []Summary{named("a", failing(1, 2, 3)), named("b", failing(3, 4, 5))}), false)
	if err != nil || len(all.Warnings) == 0 || !strings.Contains(all.Warnings[0], "run b repeats upgrade and load of run a from seed 3 on") {
		t.Errorf("%v, warnings %q", err, all.Warnings)
	}
}

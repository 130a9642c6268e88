package experiment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/telemetry"
	"schload/telemetry/histogram"
	"schload/telemetry/record"
	"schload/workload"
)

// exports has the bench export to a file, whole.
func (b *bench) exports() (file string) {
	b.t.Helper()
	return b.exportsWith(telemetry.Config{Marks: true})
}

// exportsWith has it export to a file as the configuration says besides.
func (b *bench) exportsWith(c telemetry.Config) (file string) {
	b.t.Helper()
	c.File, c.RunID, c.Base = filepath.Join(b.t.TempDir(), "x.jsonl"), b.config.Describe.ID, b.config.Base
	c.Upgrade, c.Library, c.Getenv = b.config.Upgrade.Name, "go-redis:v9", func(string) string { return "" }
	for _, a := range b.config.Arms {
		c.Arms = append(c.Arms, a.Name)
	}
	var err error
	if b.config.Telemetry, err = telemetry.Start(b.t.Context(), c); err != nil {
		b.t.Fatal(err)
	}
	return c.File
}

// Law: what is exported is the bundle. The summary is the same to the last
// byte, every interval to the last number but counters that stayed as they
// were, and every mark in its order.
func TestExportedWhole(t *testing.T) {
	for name, make := range map[string]func(t *testing.T) *bench{
		"two rounds and a ledger": func(t *testing.T) *bench {
			b := newBench(t, "endpoint-rebind")
			b.config.Rounds, b.config.Ledger = 2, 0.3
			return b
		},
		"messages": func(t *testing.T) *bench {
			return newMessageBench(t, "endpoint-rebind", workload.Pool{Kind: workload.KindPubSub}, "on", "off")
		},
		"arms in turns": func(t *testing.T) *bench { return newBench(t, "endpoint-rebind").sequential(2) },
		"phases that notices tell": func(t *testing.T) *bench {
			newBench(t, "endpoint-rebind").sim.Close() // skips where it must
			b := newBench(t, "none")
			b.config.Baseline = time.Minute
			b.others("endpoint-rebind", 20*time.Second)
			return b
		},
		"phases that the data tell": func(t *testing.T) *bench {
			newBench(t, "endpoint-rebind").sim.Close()
			b := newBench(t, "none").use("off")
			b.config.Baseline = time.Minute
			b.others("endpoint-rebind", 30*time.Second)
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := make(t)
				file := b.exports()
				result, _ := b.run(t.Context())
				if err := b.config.Telemetry.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				if stats := b.config.Telemetry.Stats(); stats.Failed+stats.Held+stats.Events.Lost > 0 {
					t.Errorf("%+v", stats)
				}
				written, err := bundle.Open(result.Dir)
				if err != nil {
					t.Fatal(err)
				}
				exports, err := bundle.ReadExports([]string{file})
				if err != nil || len(exports) != 1 || exports[0].Whole == nil {
					t.Fatalf("%v, %+v", err, exports)
				}
				wantSame(t, written, exports[0].Whole)
				if name == "phases that the data tell" {
					wantSource(t, written, "data")
				}
			})
		})
	}
}

func wantSource(t *testing.T, b *bundle.Bundle, want string) {
	t.Helper()
	s, err := compare.Summarize(b)
	if err != nil || s.PhaseSource != want {
		t.Errorf("%v: phases from %q, want %q: the case tests something else", err, s.PhaseSource, want)
	}
}

func wantSame(t *testing.T, written, exported *bundle.Bundle) {
	t.Helper()
	if want, got := summaryText(t, written), summaryText(t, exported); !bytes.Equal(want, got) {
		t.Errorf("the summaries differ (-bundle +exported):\n%s", cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")))
	}
	if diff := cmp.Diff(written.Run, exported.Run, cmp.Transformer("text", func(m json.RawMessage) string {
		var compact bytes.Buffer
		if err := json.Compact(&compact, m); err != nil {
			return err.Error()
		}
		return compact.String()
	})); diff != "" {
		t.Errorf("run.json (-bundle +exported):\n%s", diff)
	}
	want, err1 := written.Timeline()
	got, err2 := exported.Timeline()
	if diff := cmp.Diff(want, got); diff != "" || err1 != nil || err2 != nil || len(want) < 5 {
		t.Errorf("%v %v: %d marks (-bundle +exported):\n%s", err1, err2, len(want), diff)
	}
	if diff := cmp.Diff(intervalsOf(t, written), intervalsOf(t, exported), cmp.Comparer((*histogram.Histogram).Equal)); diff != "" {
		t.Errorf("intervals (-bundle +exported):\n%s", diff)
	}
}

func summaryText(t *testing.T, b *bundle.Bundle) []byte {
	t.Helper()
	s, err := compare.Summarize(b)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// intervalsOf returns the intervals without counters of nothing, and without
// what the exporter counts of itself.
func intervalsOf(t *testing.T, b *bundle.Bundle) (list []record.Interval) {
	t.Helper()
	for iv, err := range b.Intervals() {
		if err != nil {
			t.Fatal(err)
		}
		iv.Counts = slices.DeleteFunc(iv.Counts, func(c record.Count) bool { return c.Value == 0 || record.Derived(c.Name) })
		for _, c := range iv.Counts { // which order they have is told nowhere
			slices.SortFunc(c.Attrs, func(x, y record.Attr) int { return strings.Compare(x.Key, y.Key) })
		}
		slices.SortFunc(iv.Counts, func(x, y record.Count) int { return strings.Compare(fmt.Sprint(x), fmt.Sprint(y)) })
		if len(iv.Counts) == 0 {
			iv.Counts = nil
		}
		list = append(list, iv)
	}
	return list
}

// exportedLines are those of one small run.
func exportedLines(t *testing.T) (lines []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "none", "quiet_time=1s").use("on")
		b.config.Pools[0].Schedule.Rate, b.config.Recovery = workload.Constant(50), 2*time.Second
		file := b.exports()
		b.run(t.Context())
		if err := b.config.Telemetry.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		lines = strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
		lines[len(lines)-1] += "\n"
	})
	return lines
}

// What is missing is noticed, and then nothing is computed of the whole. What
// came twice, or in two files, is no matter; two runs are two.
func TestExportedWholeNotices(t *testing.T) {
	lines := exportedLines(t)
	isLog := func(line string) bool { return strings.Contains(line, "resourceLogs") }
	at := func(which func(string) bool, n int) int {
		for i, line := range lines {
			if which(line) {
				if n == 0 {
					return i
				}
				n--
			}
		}
		t.Fatal("no such line")
		return 0
	}
	ofOn := func(line string) bool { return !isLog(line) && strings.Contains(line, `"test-on"`) }
	without := func(i int) string { return strings.Join(slices.Delete(slices.Clone(lines), i, i+1), "") }
	all := strings.Join(lines, "")
	var logs, metrics, other strings.Builder
	for _, line := range lines {
		if isLog(line) {
			logs.WriteString(line)
		} else {
			metrics.WriteString(line)
		}
		other.WriteString(strings.ReplaceAll(strings.ReplaceAll(line, `"test`, `"other`), `\"run_id\":\"test\"`, `\"run_id\":\"other\"`))
	}
	for name, c := range map[string]struct {
		files   []string
		whole   int    // runs
		lacking string // of the first
		fails   string
	}{
		"all":               {files: []string{all}, whole: 1},
		"two files":         {files: []string{metrics.String(), logs.String()}, whole: 1},
		"two runs":          {files: []string{all, other.String()}, whole: 2},
		"two runs in one":   {files: []string{all + other.String()}, whole: 2},
		"events twice":      {files: []string{all, logs.String()}, whole: 1},
		"a line twice":      {files: []string{strings.Join(slices.Insert(slices.Clone(lines), at(ofOn, 4), lines[at(ofOn, 4)]), "")}, whole: 1},
		"events missing":    {files: []string{without(at(isLog, 2))}, lacking: "events are missing"},
		"no end":            {files: []string{without(at(func(line string) bool { return strings.Contains(line, `"schload.end"`) }, 0))}, lacking: "schload.end is missing"},
		"a reading missing": {files: []string{without(at(ofOn, 3))}, lacking: `readings did not all arrive, first those of arm "on"`},
		"no events":         {files: []string{metrics.String()}, lacking: "not exported (--export-marks)"},
		"cut":               {files: []string{all[:len(all)-20]}, fails: "it is torn"},
		"out of order":      {files: []string{strings.Join(append(slices.Clone(lines[1:]), lines[0], lines[at(ofOn, 2)]), "")}, fails: "out of order"},
		"no metrics":        {files: []string{logs.String()}, fails: "no metrics of schload"},
		"another scale":     {files: []string{strings.Replace(all, `"scale":6`, `"scale":5`, 1)}, fails: "scale 5"},
		"a mark is numbers": {files: []string{strings.Replace(all, `{"key":"schload.mark.kind","value":{"stringValue":"dial"}}`, `{"key":"schload.mark.kind","value":{"intValue":"4"}}`, 1)}, fails: "want text"},
		"newer":             {files: []string{strings.ReplaceAll(all, `schload.bundle/1`, `schload.bundle/2`)}, fails: "newer"},
		"another worker":    {files: []string{all + strings.ReplaceAll(logs.String(), `"service.instance.id","value":{"stringValue":"test"}`, `"service.instance.id","value":{"stringValue":"test-2"}`)}, fails: "several workers"},
	} {
		if testing.Short() && name != "two files" && name != "events missing" {
			continue // one goroutine reads: under the race detector that only takes longer
		}
		var paths []string
		for i, text := range c.files {
			paths = append(paths, filepath.Join(t.TempDir(), string(rune('a'+i))+".jsonl"))
			if err := os.WriteFile(paths[i], []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		exports, err := bundle.ReadExports(paths)
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) || !strings.Contains(err.Error(), filepath.Dir(paths[0])) {
				t.Errorf("%s: %v, want %q and the file", name, err, c.fails)
			}
			continue
		}
		whole := 0
		for _, x := range exports {
			if x.Whole != nil {
				whole++
			}
		}
		if err != nil || whole != c.whole || !strings.Contains(exports[0].Lacking, c.lacking) || c.lacking != "" && exports[0].Alone.RunID == "" {
			t.Errorf("%s: %v, %d of %d runs whole; want %d, lacking %q", name, err, whole, len(exports), c.whole, c.lacking)
		}
	}
}

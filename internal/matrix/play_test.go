package matrix

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"schload/internal/bundle"
)

var started = time.Date(2026, 11, 22, 13, 24, 0, 0, time.UTC)

// theatre plays cells by writing bundles as they would be left.
type theatre struct {
	plan Plan
	mu   sync.Mutex
	log  []string
	do   map[string]func(*bundle.Writer) error // by upgrade, instead of ending well
}

func (h *theatre) run(_ context.Context, c Cell, dir string, progress func(Progress)) error {
	h.mu.Lock()
	h.log = append(h.log, c.Upgrade)
	do := h.do[c.Upgrade]
	h.mu.Unlock()
	w, err := bundle.Create(dir, bundle.Run{
		ID: "run-" + c.Upgrade, Started: started, Profile: c.Settings, Stage: "sim", Rounds: h.plan.Rounds, Speed: c.Speed, Versions: h.plan.Versions,
		Arms: []bundle.Arm{{Name: "on", Requested: "on"}, {Name: "off", Requested: "off"}}, Upgrade: bundle.Upgrade{Name: c.Upgrade},
	})
	if err != nil {
		return err
	}
	progress(Progress{Phase: "maintenance", Round: 1, Rounds: 2, Elapsed: time.Second, Total: 3 * time.Second})
	if do != nil {
		return do(w)
	}
	return w.Finish(bundle.Final{Ended: started.Add(time.Second), Valid: true})
}

func (h *theatre) play(t *testing.T, ctx context.Context, dir string) (*Matrix, error) {
	t.Helper()
	m, err := Begin(dir, h.plan, started)
	if err != nil {
		t.Fatal(err)
	}
	h.log = nil
	p := Player{Run: h.run}
	err = p.Play(ctx, m)
	read, rerr := Open(dir)
	if rerr != nil {
		t.Fatal(rerr)
	}
	return read, err
}

func (h *theatre) states(t *testing.T, m *Matrix, want ...State) {
	t.Helper()
	for i, r := range m.Rows {
		if r.State != want[i] {
			t.Errorf("%s is %s (%q), want %s", r.Upgrade, r.State, r.Reasons, want[i])
		}
	}
}

func newTheatre(t *testing.T) (*theatre, string) {
	return &theatre{plan: plan(t, Pace{Rounds: 2}, "failover", "in-place", "none")}, filepath.Join(t.TempDir(), "m")
}

// What was cut off is played again, what is finished is kept.
func TestResume(t *testing.T) {
	h, dir := newTheatre(t)
	killed := func(w *bundle.Writer) error { w.Close(); return errors.New("killed") }
	h.do = map[string]func(*bundle.Writer) error{"in-place": killed}
	m, err := h.play(t, t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	h.states(t, m, Done, Incomplete, Done)

	h.do = nil
	m, err = h.play(t, t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	h.states(t, m, Done, Done, Done)
	if got := strings.Join(h.log, " "); got != "in-place" {
		t.Errorf("played %q again, want in-place alone", got)
	}
	if _, err = h.play(t, t.Context(), dir); err != nil || len(h.log) > 0 {
		t.Errorf("played %q of a finished matrix (%v)", h.log, err)
	}
}

// Whatever is wrong with a cell's bundle, it is found before it is counted.
func TestOnlyWholeCellsAreKept(t *testing.T) {
	for name, harm := range map[string]func(m *Matrix, dir string) error{
		"a file is gone": func(m *Matrix, dir string) error { return os.Remove(filepath.Join(dir, "marks.jsonl")) },
		"not a bundle": func(m *Matrix, dir string) error {
			return os.WriteFile(filepath.Join(dir, "run.json"), []byte("{"), 0o644)
		},
		"another plan": func(m *Matrix, dir string) error {
			return errors.Join(os.RemoveAll(dir), os.Rename(m.BundleDir(m.Plan.Cells[0]), dir))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, dir := newTheatre(t)
			m, err := h.play(t, t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := harm(m, m.BundleDir(m.Plan.Cells[1])); err != nil {
				t.Fatal(err)
			}
			if m, err = h.play(t, t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			h.states(t, m, Done, Done, Done)
			if !strings.Contains(strings.Join(h.log, " "), "in-place") {
				t.Errorf("played %q again", h.log)
			}
		})
	}
}

// A cell that fails or is invalid is recorded, and the others go on.
func TestTheOthersGoOn(t *testing.T) {
	h, dir := newTheatre(t)
	h.do = map[string]func(*bundle.Writer) error{
		"failover": func(w *bundle.Writer) error {
			return w.Finish(bundle.Final{Ended: started, InvalidReasons: []string{"arm on never opted in"}})
		},
		"in-place": func(w *bundle.Writer) error {
			return errors.Join(w.Close(), os.RemoveAll(w.Dir()), errors.New("no port left"))
		},
	}
	m, err := h.play(t, t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	h.states(t, m, Invalid, Failed, Done)
	bad := m.Bad()
	if len(bad) != 2 || bad[0].Reasons[0] != "arm on never opted in" || bad[1].Reasons[0] != "no port left" {
		t.Errorf("bad: %+v", bad)
	}
}

// A harness that was the bottleneck is no reason to play a cell again, unless
// that is asked for.
func TestRetrySaturated(t *testing.T) {
	h, dir := newTheatre(t)
	h.do = map[string]func(*bundle.Writer) error{"in-place": func(w *bundle.Writer) error {
		slow := bundle.Spread{P99: bundle.Seconds(time.Second)}
		return w.Finish(bundle.Final{Ended: started.Add(time.Second), Valid: true, Health: &bundle.Health{Length: bundle.Seconds(time.Minute), SchedLatency: slow}})
	}}
	for _, c := range []struct {
		strict bool
		want   string
	}{{false, "failover in-place none"}, {false, ""}, {true, "in-place"}} {
		m, err := Begin(dir, h.plan, started)
		if err != nil {
			t.Fatal(err)
		}
		h.log = nil
		p := Player{Run: h.run, Strict: c.strict}
		if err := p.Play(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(h.log, " "); got != c.want {
			t.Errorf("strict %v: played %q, want %q", c.strict, got, c.want)
		}
		h.states(t, m, Done, Done, Done)
		if len(m.Rows[1].Saturated) == 0 {
			t.Error("the row does not say that the harness was the bottleneck")
		}
	}
}

func TestInterrupt(t *testing.T) {
	h, dir := newTheatre(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("enough")
	h.do = map[string]func(*bundle.Writer) error{"failover": func(w *bundle.Writer) error {
		cancel(stop)
		return w.Finish(bundle.Final{Ended: started, Valid: true, Interrupted: true})
	}}
	m, err := h.play(t, ctx, dir)
	if !errors.Is(err, stop) {
		t.Errorf("%v, want %v", err, stop)
	}
	h.states(t, m, Incomplete, Pending, Pending)
}

func TestAnotherPlanIsRefused(t *testing.T) {
	h, dir := newTheatre(t)
	if _, err := h.play(t, t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for want, other := range map[string]Plan{
		"rounds was 2, is 3":                    plan(t, Pace{Rounds: 3}, "failover", "in-place", "none"),
		"cell default__none is no longer in it": plan(t, Pace{Rounds: 2}, "failover", "in-place"),
		"cell default__widening was not in it":  plan(t, Pace{Rounds: 2}, "failover", "in-place", "none", "widening"),
	} {
		if _, err := Begin(dir, other, started); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestStrangeDirectories(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "letters.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Begin(dir, plan(t, Pace{Rounds: 1}, "none"), started); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a directory of somebody else: %v", err)
	}
	for text, want := range map[string]string{
		`{"schema":"schload.matrix/9"}`: "newer", `{"schema":"schload.summary/1"}`: "not one of a matrix", `{`: FileName + ": line 1: the file ends in the middle",
		"{\"schema\":\"schload.matrix/1\",\n\"rows\":[{\"speed\":NaN}]}": "line 2: invalid character 'N'",
		"PK\x03\x04": "is compressed (zip)",
		`{"schema":"schload.matrix/1","plan":{"cells":[{"profile":"..","upgrade":"/x"}]}}`: "names of directories",
		`{"schema":"schload.matrix/1","plan":{"cells":[{"profile":"a","upgrade":"x"}]}}`:   "0 rows for 1 cells",
	} {
		if err := os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	file := filepath.Join(dir, FileName)
	if err := os.WriteFile(file, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, maxFile+1); err != nil { // it takes no room
		t.Fatal(err)
	}
	want := file + ": it is longer than 64 MB: no matrix of schload has one like it; give a directory that schload wrote"
	if _, err := Open(dir); err == nil || err.Error() != want {
		t.Errorf("a file that grew: %v, want %q", err, want)
	}
}

func TestCSV(t *testing.T) {
	lost := uint64(3)
	m := &Matrix{Rows: []Row{
		{Profile: "p", Upgrade: "u", State: Failed, Reasons: []string{"a, \"b\""}, Speed: 1},
		{Profile: "p", Upgrade: "v", State: Done, Speed: 2, Rounds: 6, Arms: []Arm{{Name: "on", Due: 200, Failed: 1, Late: 2, Missed: 3, LostWrites: &lost}, {Name: "off"}}},
	}}
	var b bytes.Buffer
	if err := m.CSV(&b); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll() // it wants every line to have as many cells
	if err != nil || len(lines) != 4 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	at := func(line int, name string) string {
		for i, head := range lines[0] {
			if head == name {
				return lines[line][i]
			}
		}
		t.Fatalf("no column %s", name)
		return ""
	}
	for _, c := range []struct {
		line       int
		name, want string
	}{
		{1, "reasons", `a, "b"`}, {1, "arm", ""}, {1, "due", ""}, {2, "arm", "on"}, {2, "harmed_ratio", "0.03"}, {2, "lost_acknowledged_writes", "3"},
		{2, "maintenance_p99_s", ""}, {3, "harmed_ratio", "0"}, {3, "lost_acknowledged_writes", ""}, {3, "verdict", ""},
	} {
		if got := at(c.line, c.name); got != c.want {
			t.Errorf("line %d, %s: %q, want %q", c.line, c.name, got, c.want)
		}
	}
}

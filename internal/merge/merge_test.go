package merge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// The law: merged halves of a run equal the whole, bit for bit, line by line.
// What counts connections is made up per worker and left out of it.
func TestHalvesEqualWhole(t *testing.T) {
	for seed := range uint64(4) {
		ops := operations(seed)
		tapes := []*tape{newTape(t, describe("whole", base)), newTape(t, describe("half-a", base)), newTape(t, describe("half-b", base))}
		r := rand.New(rand.NewPCG(seed, 2))
		dirs := play(t, ops, tapes, func(int) []int { return []int{0, 1 + r.IntN(2)} })
		merged, _ := mustMerge(t, []string{dirs[2], dirs[1]}, Options{})
		whole, err := bundle.Open(dirs[0])
		if err != nil {
			t.Fatal(err)
		}
		ofOperations := func(list []record.Count) []record.Count {
			return slices.DeleteFunc(list, func(c record.Count) bool { return !strings.HasPrefix(c.Name, "schload.operations") || c.Value == 0 })
		}
		a, b := intervals(t, whole), intervals(t, merged)
		if len(a) != len(b) || len(a) != 12 {
			t.Fatalf("seed %d: %d lines merged, %d of the whole", seed, len(b), len(a))
		}
		for i := range a {
			if a[i].From != b[i].From || a[i].To != b[i].To {
				t.Errorf("seed %d, line %d: from %v to %v, want %v to %v", seed, i, b[i].From, b[i].To, a[i].From, a[i].To)
			}
			if !reflect.DeepEqual(a[i].Series, b[i].Series) {
				t.Errorf("seed %d, line %d: the histograms differ", seed, i)
			}
			if x, y := ofOperations(a[i].Counts), ofOperations(b[i].Counts); !reflect.DeepEqual(x, y) {
				t.Errorf("seed %d, line %d: counters %v, want %v", seed, i, y, x)
			}
		}
		x, y := summarize(t, whole), summarize(t, merged)
		if !y.Valid || !y.Complete {
			t.Fatalf("seed %d: the merged run is invalid (%q) or incomplete", seed, y.InvalidReasons)
		}
		for i := range x.Arms {
			p, q := x.Arms[i], y.Arms[i]
			if !reflect.DeepEqual(p.Operations, q.Operations) || !reflect.DeepEqual(p.Phases, q.Phases) || !reflect.DeepEqual(p.Errors, q.Errors) ||
				!reflect.DeepEqual(p.MissedReasons, q.MissedReasons) || p.Operations.Due == 0 {
				t.Errorf("seed %d, arm %s: summaries differ:\n%+v\n%+v", seed, p.Name, q, p)
			}
			for j := range p.Pools {
				if !reflect.DeepEqual(p.Pools[j].Phases, q.Pools[j].Phases) {
					t.Errorf("seed %d, arm %s, pool %s: phases differ", seed, p.Name, p.Pools[j].Name)
				}
			}
			// An outage of dense load is found to within a pause of a worker's demand and a bin.
			const near = 60 * time.Millisecond
			if d := (p.Outage.Total - q.Outage.Total).Duration(); p.Outage.Windows != q.Outage.Windows || d > near || d < -near {
				t.Errorf("seed %d, arm %s: outage %+v, want about %+v", seed, p.Name, q.Outage, p.Outage)
			}
		}
		if x.Arms[0].Outage.Windows != 1 {
			t.Fatalf("seed %d: the stream has %d outages, want 1: nothing was tested", seed, x.Arms[0].Outage.Windows)
		}
	}
}

// While one worker was served, the whole had no outage, and it is said whose it was.
func TestOutageOfOneWorker(t *testing.T) {
	tapes := []*tape{newTape(t, describe("a", base)), newTape(t, describe("b", base.Add(300*time.Millisecond)))}
	var ops []operation
	for at := time.Duration(0); at < length-time.Second; at += 10 * time.Millisecond {
		o := operation{arm: "off", pool: "main", sample: workload.Sample{Intended: at, Sent: at, Done: at + time.Millisecond}}
		ops = append(ops, o, o)
	}
	fail := func(i int, from, to time.Duration) {
		if at := ops[i].sample.Intended; at >= from && at < to {
			ops[i].sample.Outcome.Class = workload.Class(1)
		}
	}
	for i := range ops { // by the clock of each worker; b's is 300 ms behind a's
		if i%2 == 0 {
			fail(i, 5*time.Second, 7*time.Second)
		} else {
			fail(i, 6*time.Second, 8*time.Second)
		}
	}
	dirs := play(t, ops, tapes, func(i int) []int { return []int{i % 2} })
	b, m := mustMerge(t, dirs, Options{})
	s := summarize(t, b)
	// a: 5.0 to 7.0; b: 6.3 to 8.3 of a's axis; both: 6.3 to 7.0.
	o := s.Arms[0].Outage
	if d := o.Longest.Duration(); o.Windows != 1 || d < 690*time.Millisecond || d > 730*time.Millisecond {
		t.Errorf("outage %+v, want one of about 0.7 s", o)
	}
	if m.Workers[1].Offset.Duration() != 300*time.Millisecond || m.Workers[0].Offset != 0 {
		t.Errorf("offsets %v, %v, want 0 and 300 ms", m.Workers[0].Offset, m.Workers[1].Offset)
	}
	want := []string{"worker a, arm off: 1 outages of its own", "worker b, arm off: 1 outages of its own", "the last base instant is 300ms after the first"}
	for _, text := range want {
		if !strings.Contains(strings.Join(s.Warnings, "\n"), text) {
			t.Errorf("warnings %q lack %q", s.Warnings, text)
		}
	}
	var alone int
	before := time.Duration(-1)
	marks, err := b.Timeline()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range marks {
		if x.Kind == mark.Worker && x.Name == string(mark.Outage) && x.Arm == "off" && x.Pool == "" {
			alone++
			if want := map[string]time.Duration{"a": 5 * time.Second, "b": 6300 * time.Millisecond}[x.Worker]; x.At < want-30*time.Millisecond || x.At > want {
				t.Errorf("worker %s was out from %v, want about %v", x.Worker, x.At, want)
			}
		}
		if x.At < before {
			t.Errorf("mark %+v is out of order", x)
		}
		before = x.At
	}
	if alone != 2 {
		t.Errorf("%d outages of workers are told, want 2", alone)
	}
}

func TestGaugesAndEvents(t *testing.T) {
	a, b := newTape(t, describe("a", base)), newTape(t, describe("b", base))
	event := func(n uint64) record.Count {
		return record.Count{Name: record.NoticeEvents, Arm: "on", Attrs: []record.Attr{{Key: record.AttrNotice, Value: "MOVING"}}, Value: n}
	}
	for i, n := range [][2]uint64{{0, 0}, {1, 0}, {0, 1}, {2, 1}} {
		from := time.Duration(i) * time.Second
		for w, x := range []*tape{a, b} {
			x.read(t, record.Interval{From: from, To: from + time.Second, Counts: []record.Count{event(n[w])}}, w)
		}
	}
	merged, _ := mustMerge(t, []string{a.finish(t), b.finish(t)}, Options{})
	var events uint64
	for _, iv := range intervals(t, merged) {
		for _, c := range iv.Counts {
			switch c.Name {
			case record.NoticeEvents:
				events += c.Value
			case record.ConnectionDials:
				if c.Value != 3 {
					t.Errorf("%d dials, want 1 + 2", c.Value)
				}
			}
		}
		for _, l := range iv.Levels {
			want := map[string]float64{record.HarnessInFlight + "on": 300, record.HarnessInFlight + "off": 200, record.HarnessCPU: 2, record.OutageActive + "on": 0}[l.Name+l.Arm]
			if l.Value != want {
				t.Errorf("gauge %s of arm %q: %v, want %v", l.Name, l.Arm, l.Value, want)
			}
		}
	}
	if events != 3 {
		t.Errorf("%d events, want the 3 that the worker has seen that saw most", events)
	}
}

func TestIncompleteAndMissingAreNamed(t *testing.T) {
	a, b := describe("run", base), describe("run", base)
	a.Worker, b.Worker = &bundle.Worker{Index: 0, Workers: 3}, &bundle.Worker{Index: 2, Workers: 3}
	b.Seed += 2 * seedStep
	x, y := newTape(t, a), newTape(t, b)
	ops := operations(1)
	for i := range 3 {
		for _, o := range ops[i*100 : i*100+100] {
			x.due(o)
			x.done(o)
			y.due(o)
			y.done(o)
		}
		x.read(t, x.recorder.Collect(time.Duration(i+1)*time.Second), 0)
		y.read(t, y.recorder.Collect(time.Duration(i+1)*time.Second), 1)
	}
	if err := y.writer.Close(); err != nil {
		t.Fatal(err)
	}
	merged, m := mustMerge(t, []string{x.finish(t), y.writer.Dir()}, Options{})
	s := summarize(t, merged)
	if s.Complete {
		t.Error("the merged run claims to be complete")
	}
	text := strings.Join(s.Warnings, "\n")
	for _, want := range []string{"worker worker-2 did not end properly: it is added up to 3s", "worker worker-1 is missing: the run had 3 workers"} {
		if !strings.Contains(text, want) {
			t.Errorf("warnings %q lack %q", s.Warnings, want)
		}
	}
	if len(m.Workers) != 3 || m.Workers[1].Complete || !m.Workers[0].Complete {
		t.Errorf("workers %+v", m.Workers)
	}
}

// A hole in one worker's data must not be covered by another's.
func TestHoleDisqualifies(t *testing.T) {
	a, b := newTape(t, describe("a", base)), newTape(t, describe("b", base))
	for i := range 12 {
		iv := record.Interval{From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second}
		a.read(t, iv, 0)
		if i != 4 {
			b.read(t, iv, 1)
		}
	}
	merged, _ := mustMerge(t, []string{a.finish(t), b.finish(t)}, Options{})
	s := summarize(t, merged)
	if s.Valid || !strings.Contains(strings.Join(s.InvalidReasons, "\n"), "worker b: what was recorded from 4s to 5s is missing") {
		t.Errorf("valid %v, reasons %q", s.Valid, s.InvalidReasons)
	}
}

// What is missing of one worker's timeline is missing of the whole, whose own
// count is right.
func TestCutDisqualifies(t *testing.T) {
	a, b := newTape(t, describe("a", base)), newTape(t, describe("b", base))
	for i := range 12 {
		iv := record.Interval{From: time.Duration(i) * time.Second, To: time.Duration(i+1) * time.Second}
		a.read(t, iv, 0)
		b.read(t, iv, 1)
	}
	dirs := []string{a.finish(t), b.finish(t)}
	whole, _ := mustMerge(t, dirs, Options{})
	if f := whole.Run.Final; f.Lines == nil || f.Lines.Intervals != 12 || f.Lines.Marks == 0 || len(whole.Damage) > 0 {
		t.Fatalf("merged: lines %+v, damage %q", f.Lines, whole.Damage)
	}
	path := filepath.Join(dirs[1], "marks.jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text[:strings.LastIndexByte(string(text[:len(text)-1]), '\n')+1], 0o644); err != nil {
		t.Fatal(err)
	}
	cut, _ := mustMerge(t, dirs, Options{})
	worker, err := bundle.Open(dirs[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []*bundle.Bundle{cut, worker} {
		if s := summarize(t, b); s.Valid || !strings.Contains(strings.Join(s.InvalidReasons, "\n"), "marks.jsonl holds 3 whole lines, the run wrote 4") {
			t.Errorf("valid %v, reasons %q", s.Valid, s.InvalidReasons)
		}
	}
}

func TestRefusals(t *testing.T) {
	dir := func(change func(*bundle.Run)) string {
		run := describe("x"+fmt.Sprint(time.Now().UnixNano()), base)
		change(&run)
		x := newTape(t, run)
		x.read(t, record.Interval{To: time.Second}, 0)
		return x.finish(t)
	}
	good := dir(func(*bundle.Run) {})
	for want, change := range map[string]func(*bundle.Run){
		"upgrade":       func(r *bundle.Run) { r.Upgrade.Name = "other" },
		"seed":          func(r *bundle.Run) { r.Seed = 8 },
		"arms":          func(r *bundle.Run) { r.Arms = r.Arms[:1] },
		"rounds: 1 in":  func(r *bundle.Run) { r.Rounds = 2 },
		"profile speed": func(r *bundle.Run) { r.Profile = []byte(`{"speed":2}`) },
		"same time":     func(r *bundle.Run) { r.Started = r.Started.Add(time.Hour) },
	} {
		out := filepath.Join(t.TempDir(), "out")
		other := dir(change)
		_, err := Merge(context.Background(), []string{good, other}, out, Options{})
		if !errors.Is(err, ErrUnlike) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want ErrUnlike with %q", err, want)
		}
		if left, _ := os.ReadDir(filepath.Dir(out)); len(left) != 0 {
			t.Errorf("%s: a refused merge left %v", want, left)
		}
		if b, m := mustMerge(t, []string{good, other}, Options{Force: true}); len(m.Ignored) == 0 || !strings.Contains(strings.Join(b.Warnings, "\n"), "ignored in merging: "+strings.Split(want, ":")[0]) && want != "same time" {
			t.Errorf("%s: force ignored %q, warnings %q", want, m.Ignored, b.Warnings)
		}
	}
	for want, dirs := range map[string][]string{
		"does not count twice": {good, good},
		"1 bundle to merge":    {good},
		"no such file":         {good, filepath.Join(t.TempDir(), "nothing")},
		"is not a bundle":      {good, t.TempDir()},
	} {
		if _, err := Merge(context.Background(), dirs, filepath.Join(t.TempDir(), "out"), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := Merge(context.Background(), []string{good, dir(func(*bundle.Run) {})}, t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "never overwritten") {
		t.Errorf("an existing directory: error %v", err)
	}
}

// A line that cannot be read ends the merge and leaves nothing.
func TestUnreadableLineLeavesNothing(t *testing.T) {
	a, b := newTape(t, describe("a", base)), newTape(t, describe("b", base))
	a.read(t, record.Interval{To: time.Second}, 0)
	b.read(t, record.Interval{To: time.Second}, 1)
	dirs := []string{a.finish(t), b.finish(t)}
	file := filepath.Join(dirs[1], "metrics.otlp.jsonl")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, "{\"x\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	_, err = Merge(context.Background(), dirs, filepath.Join(parent, "out"), Options{})
	if err == nil || !strings.Contains(err.Error(), "worker b") || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("error %v, want one that names worker and line", err)
	}
	if left, _ := os.ReadDir(parent); len(left) != 0 {
		t.Errorf("it left %v", left)
	}
}

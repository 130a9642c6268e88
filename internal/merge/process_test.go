package merge

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// part describes what one process of an isolated run records: the stage's for
// no arm.
func part(arm string) bundle.Run {
	run := describe("isolated", base)
	run.Isolated = &bundle.Isolated{Arms: []string{"off", "on"}, Process: bundle.ArmProcess}
	run.Arms = slices.DeleteFunc(run.Arms, func(a bundle.Arm) bool { return a.Name != arm })
	if arm == "" {
		run.Isolated.Process = bundle.StageProcess
	}
	return run
}

// parts are tapes of the stage's process and of the arms', and who of them
// records an operation. The first tape records the whole, as arms in one
// process do.
func parts(t *testing.T, ops []operation) (tapes []*tape, who func(int) []int) {
	tapes = []*tape{newTape(t, describe("whole", base)), newTape(t, part("")), newTape(t, part("off")), newTape(t, part("on"))}
	return tapes, func(i int) []int { return []int{0, map[string]int{"off": 2, "on": 3}[ops[i].arm]} }
}

// The law: the merged processes of a run equal the run in one process, bit for
// bit: histograms, counters, outages, and what is computed from them.
func TestProcessesEqualWhole(t *testing.T) {
	for seed := range uint64(4) {
		ops := operations(seed)
		tapes, who := parts(t, ops)
		tapes[1].writer.Mark(mark.Mark{At: 6 * time.Second, Kind: mark.Step, Name: "close", Source: "stage"})
		lag := func(d time.Duration) func(*bundle.Final) {
			return func(f *bundle.Final) {
				cpu := bundle.Seconds(d)
				f.StartLag = &bundle.Lag{P99: bundle.Seconds(d)}
				f.Health = &bundle.Health{Length: bundle.Seconds(length), Processors: 2, CPU: &cpu, ClockSteps: 1}
			}
		}
		tapes[2].final, tapes[3].final = lag(time.Millisecond), lag(2*time.Millisecond)
		dirs := play(t, ops, tapes, who)
		merged, m := mustMerge(t, []string{dirs[3], dirs[2], dirs[1]}, Options{})
		whole, err := bundle.Open(dirs[0])
		if err != nil {
			t.Fatal(err)
		}
		a, b := intervals(t, whole), intervals(t, merged)
		if len(a) != len(b) || len(a) != 12 {
			t.Fatalf("seed %d: %d lines merged, %d of the whole", seed, len(b), len(a))
		}
		ofRecorder := func(list []record.Count) []record.Count {
			return slices.DeleteFunc(list, func(c record.Count) bool {
				return c.Name == record.ConnectionDials || c.Name == record.ConnectionsProved
			})
		}
		for i := range a {
			if !reflect.DeepEqual(a[i].Series, b[i].Series) {
				t.Errorf("seed %d, line %d: the histograms differ", seed, i)
			}
			if x, y := ofRecorder(a[i].Counts), ofRecorder(b[i].Counts); !reflect.DeepEqual(x, y) {
				t.Errorf("seed %d, line %d: counters %v, want %v", seed, i, y, x)
			}
			cpu := slices.IndexFunc(b[i].Levels, func(l record.Level) bool { return l.Name == record.HarnessCPU })
			if cpu < 0 || b[i].Levels[cpu].Value != 2+3+4 { // they share the processors
				t.Errorf("seed %d, line %d: processor time %+v, want the sum", seed, i, b[i].Levels)
			}
		}
		x, y := summarize(t, whole), summarize(t, merged)
		if !y.Valid || !y.Complete || len(m.Warnings) > 0 {
			t.Fatalf("seed %d: invalid %q, complete %v, warnings %q", seed, y.InvalidReasons, y.Complete, m.Warnings)
		}
		for i := range x.Arms {
			p, q := x.Arms[i], y.Arms[i]
			p.Connections, p.SCH, p.Little = q.Connections, q.SCH, q.Little // made up per process
			for r := range p.Rounds {
				p.Rounds[r].Dials = q.Rounds[r].Dials
			}
			if !reflect.DeepEqual(p, q) {
				t.Errorf("seed %d, arm %s: summaries differ:\n%s", seed, p.Name, gocmp.Diff(p, q))
			}
		}
		if x.Arms[0].Outage.Windows != 1 {
			t.Fatalf("seed %d: the stream has %d outages, want 1: nothing was tested", seed, x.Arms[0].Outage.Windows)
		}
		if !reflect.DeepEqual(x.Differences, y.Differences) {
			t.Errorf("seed %d: %d differences, want the same %d", seed, len(y.Differences), len(x.Differences))
		}
		run := merged.Run
		if run.Isolated == nil || run.Isolated.Process != "" || len(run.Arms) != 2 || run.Arms[0].Name != "off" {
			t.Errorf("run.json: isolated %+v, arms %+v", run.Isolated, run.Arms)
		}
		if h := run.Final.Health; h.CPU.Duration() != 3*time.Millisecond || h.ClockSteps != 1 {
			t.Errorf("health %+v, want the sum of processor time and one clock step of the machine", h)
		}
		p := y.Harness.Processes
		if len(p) != 3 || p[0].Arm != "" || p[1].Arm != "off" || p[2].Arm != "on" || p[2].StartLag.P99.Duration() != 2*time.Millisecond {
			t.Errorf("processes %+v", p)
		}
		once(t, merged)
	}
}

// once wants what the stage says in the timeline once, and no mark of a worker.
func once(t *testing.T, b *bundle.Bundle) {
	t.Helper()
	marks, err := b.Timeline()
	if err != nil {
		t.Fatal(err)
	}
	count := map[mark.Kind]int{}
	for _, m := range marks {
		count[m.Kind]++
		if m.Worker != "" {
			t.Errorf("a mark of a worker: %+v", m)
		}
	}
	if count[mark.Phase] != 4 || count[mark.Step] != 1 || count[mark.Outage] == 0 || count[mark.Worker] != 0 {
		t.Errorf("marks %v, want 4 phases and 1 step", count)
	}
}

// Where an arm's process stood still, nothing can be said of that arm; where the
// stage's did, of none.
func TestProcessStoodStill(t *testing.T) {
	ops := operations(1) // off is out from 6 s to 7 s
	for _, who := range []string{"", "off", "on"} {
		tapes, to := parts(t, ops)
		index := map[string]int{"": 1, "off": 2, "on": 3}[who]
		tapes[index].writer.Mark(mark.Mark{At: 6 * time.Second, Duration: time.Second, Kind: mark.Harness, Name: "stall", Source: "harness"})
		tapes[2].writer.Mark(mark.Mark{At: 5 * time.Second, Duration: 70 * time.Millisecond, Kind: mark.Harness, Name: "late_phase", Source: "harness"})
		b, m := mustMerge(t, play(t, ops, tapes, to)[1:], Options{})
		want := uint64(0)
		if who == "on" {
			want = 1
		}
		if got := summarize(t, b).Arms[0].Outage.Windows; got != want {
			t.Errorf("process %q stood still: %d outages of off, want %d", who, got, want)
		}
		if text := "the process of arm off heard of 1 phases too late, by up to 70ms"; len(m.Warnings) != 1 || !strings.HasPrefix(m.Warnings[0], text) {
			t.Errorf("warnings %q, want one: %s", m.Warnings, text)
		}
	}
}

// A process that did not come to its end makes the run invalid, and what it
// recorded is there; one of which there is nothing is named.
func TestProcessLost(t *testing.T) {
	ops := operations(2)
	tapes, who := parts(t, ops)
	const reason = "the process of arm on: it ended before its time (signal: killed)"
	invalid := func(f *bundle.Final) { f.Valid, f.InvalidReasons = false, []string{reason} }
	tapes[1].final, tapes[2].final = invalid, invalid // that of off was given up for it
	dirs := play(t, ops, tapes, who)
	cut, err := os.ReadFile(dirs[3] + "/run.json")
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(cut), ",\n  \"final\"")
	if err := os.WriteFile(dirs[3]+"/run.json", []byte(head+"\n}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	b, _ := mustMerge(t, dirs[1:], Options{})
	s := summarize(t, b)
	if s.Valid || s.Complete || len(s.InvalidReasons) != 1 || s.InvalidReasons[0] != reason {
		t.Errorf("valid %v, complete %v, reasons %q, want one: %s", s.Valid, s.Complete, s.InvalidReasons, reason)
	}
	if on, _ := s.Arm("on"); on.Operations.Due == 0 {
		t.Error("what the lost process had recorded is not there")
	}
	if text := strings.Join(s.Warnings, "\n"); !strings.Contains(text, "the process of arm on did not end properly") {
		t.Errorf("warnings %q do not name the process", s.Warnings)
	}
	b, _ = mustMerge(t, dirs[1:3], Options{})
	if text := strings.Join(b.Warnings, "\n"); !strings.Contains(text, "the process of arm on is missing") || b.Complete() {
		t.Errorf("complete %v, warnings %q do not name the missing process", b.Complete(), b.Warnings)
	}
}

// What is not of one isolated run is refused.
func TestProcessesOfOthers(t *testing.T) {
	ops := operations(3)
	tapes, who := parts(t, ops)
	other := part("on")
	other.ID = "another"
	third := part("on")
	third.Isolated.Arms = []string{"on"}
	tapes = append(tapes, newTape(t, other), newTape(t, third))
	dirs := play(t, ops, tapes, who)
	for _, test := range []struct {
		dirs []string
		want string
	}{
		{[]string{dirs[1], dirs[2], dirs[4]}, "run_id"},
		{[]string{dirs[1], dirs[2], dirs[5]}, "isolated"},
		{[]string{dirs[0], dirs[2]}, "isolated"},
		{[]string{dirs[2], dirs[2]}, "the same process"},
	} {
		_, err := Merge(t.Context(), test.dirs, t.TempDir()+"/out", Options{})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error %v, want one about %s", test.dirs, err, test.want)
		}
	}
}

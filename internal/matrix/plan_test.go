package matrix

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"schload/handoff/upgrade"
	"schload/internal/bundle"
)

var versions = bundle.Versions{Schload: "v1", GoRedis: "v9"}

// drafts are cells of the catalog with the phases of a quick matrix.
func drafts(t *testing.T, names ...string) (list []Draft) {
	t.Helper()
	for _, name := range names {
		u, err := upgrade.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, Draft{
			Cell: Cell{Profile: "default", Upgrade: u.Name, SCHSupport: string(u.SCH)}, Upgrade: u, Seed: 1, Speed: 1,
			Warmup: time.Second, Baseline: 2 * time.Second, Recovery: 3 * time.Second,
			Thresholds: map[string]time.Duration{"late-after": 100 * time.Millisecond, "read_timeout of on": 5 * time.Second},
			Resolve:    func(speed float64) ([]byte, error) { return json.Marshal(map[string]any{"speed": speed}) },
		})
	}
	return list
}

func plan(t *testing.T, pace Pace, names ...string) Plan {
	t.Helper()
	p, err := NewPlan(drafts(t, names...), versions, []string{"on", "off"}, pace)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A quick matrix of the whole catalog keeps its budget, and quickens no cell
// that would keep it otherwise.
func TestQuickKeepsItsBudget(t *testing.T) {
	for _, processors := range []int{1, 2, 8} {
		p := plan(t, Pace{Quick: true, Rounds: 6, Processors: processors}, upgrade.Names()...)
		if p.Expected.Duration() > Budget {
			t.Errorf("%d processors: %v, want at most %v", processors, p.Expected.Duration(), Budget)
		}
		if most := perProcessor * processors; p.Parallel > most {
			t.Errorf("%d processors: %d cells at a time, want at most %d", processors, p.Parallel, most)
		}
		own := 0
		for _, c := range p.Cells {
			if c.Speed < 1 {
				t.Errorf("%s is slowed to %v", c.Name(), c.Speed)
			}
			if c.Speed == 1 {
				own++
			}
		}
		if processors >= 2 && own < 19 {
			t.Errorf("%d processors: %d cells at their own pace, want 19 at least", processors, own)
		}
	}
}

func TestSlowestThatFits(t *testing.T) {
	d := drafts(t, "rolling-replace-node")[0]
	c := plan(t, Pace{Quick: true, Rounds: 6, Processors: 2}, "rolling-replace-node").Cells[0]
	if got := c.Expected.Duration(); got > Budget {
		t.Errorf("it takes %v, want at most %v", got, Budget)
	}
	if slower, err := d.length(6, c.Speed-0.1); err != nil || slower <= Budget {
		t.Errorf("speed %v, though %v would do: %v, %v", c.Speed, c.Speed-0.1, slower, err)
	}
}

func TestOwnPaceOneAfterTheOther(t *testing.T) {
	p := plan(t, Pace{Rounds: 2}, "failover", "in-place")
	var sum bundle.Seconds
	for _, c := range p.Cells {
		if sum += c.Expected; c.Speed != 1 {
			t.Errorf("%s has speed %v", c.Name(), c.Speed)
		}
	}
	if p.Parallel != 1 || p.Expected != sum || p.Compressed() {
		t.Errorf("%d at a time, %v, want 1 and %v", p.Parallel, p.Expected, sum)
	}
}

func TestMakespan(t *testing.T) {
	s := func(list ...int) (d []time.Duration) {
		for _, x := range list {
			d = append(d, time.Duration(x)*time.Second)
		}
		return d
	}
	for _, c := range []struct {
		parallel         int
		running, waiting []time.Duration
		want             time.Duration
	}{
		{1, nil, s(1, 2, 3), 6 * time.Second},
		{2, nil, s(3, 2, 1), 3 * time.Second},
		{2, s(5), s(2, 2, 2), 6 * time.Second},
		{3, nil, nil, 0},
	} {
		if got := makespan(c.parallel, c.running, c.waiting); got != c.want {
			t.Errorf("%d at a time, %v running, %v waiting: %v, want %v", c.parallel, c.running, c.waiting, got, c.want)
		}
	}
}

// A stall of 500 ms is late at twice the pace and no longer at ten times.
func TestBends(t *testing.T) {
	d := drafts(t, "failover")[0]
	for speed, want := range map[float64]string{1: "", 2: "", 10: "a stall lasts 50ms instead of 500ms: no longer more than late-after (100ms)"} {
		got, err := d.bends(speed)
		if err != nil || strings.Join(got, "|") != want {
			t.Errorf("at %v: %q, %v, want %q", speed, got, err, want)
		}
	}
	d = drafts(t, "node-failure")[0]
	if got, err := d.bends(2.5); err != nil || len(got) == 0 {
		t.Errorf("a node away for 10 s is as long away as before at 2.5 times the pace: %q, %v", got, err)
	}
}

func TestPlansAreRefused(t *testing.T) {
	if _, err := NewPlan(drafts(t, "failover", "failover"), versions, nil, Pace{Rounds: 1}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("the same cell twice: %v", err)
	}
	odd := drafts(t, "failover")
	odd[0].Profile = "../up"
	if _, err := NewPlan(odd, versions, nil, Pace{Rounds: 1}); err == nil || !strings.Contains(err.Error(), "../up") {
		t.Errorf("a name that leads elsewhere: %v", err)
	}
	if _, err := NewPlan(nil, versions, nil, Pace{Rounds: 1}); err == nil {
		t.Error("no cells, no error")
	}
}

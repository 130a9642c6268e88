package isolate

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/handoff/stage"
	"schload/handoff/upgrade"
	"schload/internal/bundle"
	"schload/internal/compare"
	"schload/internal/experiment"
	"schload/internal/memnet"
	"schload/internal/merge"
	"schload/internal/race"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// world is a run in virtual time whose arms are led over pipes: what processes
// do with each other, within one.
type world struct {
	t       *testing.T
	dir     string
	network *memnet.Network
	sim     *sim.Simulator
	config  experiment.Config
}

// newWorld must be called within a bubble.
func newWorld(t *testing.T) *world {
	t.Helper()
	if race.Enabled {
		t.Skip("go-redis 9.23 itself races while it hands a connection over")
	}
	u, err := upgrade.Load("endpoint-rebind")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: t.TempDir(), network: memnet.New()}
	base, timeline := time.Now(), &experiment.Timeline{}
	w.sim, err = sim.Start(t.Context(), sim.Config{Port: 12000, Base: base, Marks: timeline.Mark, Listen: w.network.Listen, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.sim.Close() })
	mix, err := workload.ParseMix("GET=0.8,SET=0.2")
	if err != nil {
		t.Fatal(err)
	}
	pool := workload.Pool{Name: "main", Workers: 8, Mix: mix, Seed: 1, Schedule: workload.Schedule{Rate: workload.Constant(100), Seed: 1}}
	w.config = experiment.Config{
		Base: base, Timeline: timeline, Pools: []workload.Pool{pool.WithDefaults()}, Upgrade: u, Stage: w.sim, Seed: 1, Speed: 1, Rounds: 2,
		Warmup: time.Second, Baseline: 2 * time.Second, Recovery: 5 * time.Second, LateAfter: 100 * time.Millisecond, OutageAfter: 500 * time.Millisecond,
		Ledger: 1, Open: w.open,
		Pacer: func(base time.Time) (workload.Pacer, error) { return workload.NewTimerPacer(base), nil },
		Describe: bundle.Run{
			ID: "test", Started: base, Stage: "sim", Rounds: 2, Seed: 1, Speed: 1, Upgrade: bundle.Upgrade{Name: u.Name, SCHSupport: string(u.SCH)},
			Pools:     []bundle.Pool{{Name: "main", Operations: []string{"GET", "SET"}}},
			LateAfter: bundle.Seconds(100 * time.Millisecond), OutageAfter: bundle.Seconds(500 * time.Millisecond),
			Isolated: &bundle.Isolated{Arms: []string{"on", "off"}, Process: bundle.StageProcess},
		},
		Dir: filepath.Join(w.dir, "stage"),
	}
	for _, name := range w.config.Describe.Isolated.Arms {
		a, err := handoff.ParseArm(name)
		if err != nil {
			t.Fatal(err)
		}
		w.config.Arms = append(w.config.Arms, a)
	}
	return w
}

func (w *world) open(ctx context.Context, a handoff.Arm, marks mark.Sink) (*handoff.Client, error) {
	target, err := handoff.ParseTarget("redis://" + w.sim.Addr())
	if err != nil {
		return nil, err
	}
	a.EndpointType = handoff.InternalIP
	return handoff.Open(ctx, handoff.Config{Arm: a, Target: target, Workers: 8, Base: w.config.Base, Marks: marks, Dial: w.dial})
}

func (w *world) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs, err := w.sim.LookupHost(ctx, host)
	if err != nil {
		addrs = []string{host}
	}
	for _, addr := range addrs {
		if conn, err = w.network.Dial(ctx, network, net.JoinHostPort(addr, port)); err == nil {
			break
		}
	}
	return conn, err
}

// arm is the process of an arm: it is led over in and out until it ends.
func (w *world) arm(place int, in io.Reader, out io.Writer) (experiment.Result, error) {
	lead := NewLead(in, out)
	var own int
	if err := lead.Assignment(&own); err != nil || own != place {
		w.t.Errorf("assignment %d (%v), want %d", own, err, place)
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(w.t.Context()))
	defer cancel(nil)
	lead.Listen(cancel)
	c := w.config
	a := c.Arms[place]
	c.Arms, c.Stage, c.Timeline = []handoff.Arm{a}, stage.None{}, &experiment.Timeline{}
	c.Dir = filepath.Join(w.dir, a.Name)
	c.Describe.Arms = []bundle.Arm{{Name: a.Name, Requested: a.Mode}}
	c.Describe.Isolated = &bundle.Isolated{Arms: c.Describe.Isolated.Arms, Process: bundle.ArmProcess}
	c.Lead, c.Turn, c.Progress = lead, workload.Turn{Place: place, Of: len(w.config.Arms)}, lead.Progress
	open := c.Open
	c.Open = func(ctx context.Context, a handoff.Arm, marks mark.Sink) (*handoff.Client, error) {
		return open(ctx, a, lead.Marks(marks))
	}
	result, err := experiment.Run(ctx, c)
	lead.Ended(nil, 0)
	return result, err
}

// child is an arm's process over pipes.
func (w *world) child(place int, do func(in io.Reader, out io.Writer)) Child {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan struct{})
	go func() {
		do(inR, outW)
		outW.Close()
		inR.Close()
		close(done)
	}()
	return Child{Arm: w.config.Arms[place].Name, In: inW, Out: outR, Wait: func() error { <-done; return nil },
		Kill: func() { outR.Close(); inW.Close() }}
}

// run makes the run and returns its processes' bundles, merged.
func (w *world) run(children ...Child) (experiment.Result, compare.Summary, *bundle.Bundle) {
	w.t.Helper()
	processes, err := New(children, []any{0, 1}, w.config.Timeline.Hear)
	if err != nil {
		w.t.Fatal(err)
	}
	c := w.config
	c.Processes = processes
	result, err := experiment.Run(w.t.Context(), c)
	if _, lost := errors.AsType[*ArmError](err); err != nil && !lost {
		w.t.Error(err)
	}
	processes.Kill()
	if err := w.sim.Close(); err != nil {
		w.t.Error(err)
	}
	time.Sleep(time.Minute) // go-redis leaves dials behind that end by themselves
	out := filepath.Join(w.dir, "merged")
	if _, err := merge.Merge(context.Background(), []string{c.Dir, filepath.Join(w.dir, "on"), filepath.Join(w.dir, "off")}, out, merge.Options{}); err != nil {
		w.t.Fatal(err)
	}
	s, err := compare.Save(out)
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := bundle.Open(out)
	if err != nil {
		w.t.Fatal(err)
	}
	return result, s, b
}

// arms are the processes of the first n arms.
func (w *world) arms(n int) (children []Child) {
	for place := range n {
		children = append(children, w.child(place, func(in io.Reader, out io.Writer) {
			if _, err := w.arm(place, in, out); err != nil {
				if _, stopped := errors.AsType[*StoppedError](err); !stopped {
					w.t.Errorf("arm %d: %v", place, err)
				}
			}
		}))
	}
	return children
}

// phases are those that a bundle tells.
func (w *world) phases(dir string) (list []mark.Mark) {
	w.t.Helper()
	b, err := bundle.Open(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	for m, err := range b.Marks() {
		if err != nil {
			w.t.Fatal(err)
		}
		if m.Kind == mark.Phase {
			m.Round, m.Detail = max(m.Round, 0), ""
			list = append(list, m)
		}
		if m.Kind == mark.Harness && m.Name == experiment.LatePhase {
			w.t.Errorf("%s: a phase came too late: %+v", dir, m)
		}
	}
	return list
}

// Arms in processes of their own go through the same phases, to the nanosecond,
// meet the same upgrade, and their bundles are one run's.
func TestLedArms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		result, s, b := w.run(w.arms(2)...)
		if !s.Valid || !s.Complete || len(result.Invalid) > 0 {
			t.Fatalf("valid %v, complete %v, reasons %q, warnings %q", s.Valid, s.Complete, s.InvalidReasons, s.Warnings)
		}
		stage := w.phases(filepath.Join(w.dir, "stage"))
		for _, arm := range []string{"on", "off"} {
			if got := w.phases(filepath.Join(w.dir, arm)); !slices.EqualFunc(got, stage, func(x, y mark.Mark) bool { return x == y }) {
				t.Errorf("arm %s: phases %+v, want those of the stage %+v", arm, got, stage)
			}
		}
		if len(stage) != 8 { // warm-up, two rounds of three, a warm-up between them
			t.Errorf("%d phases: %+v", len(stage), stage)
		}
		on, _ := s.Arm("on")
		off, _ := s.Arm("off")
		if on.Operations.Due != off.Operations.Due || on.Phases.Baseline.Operations.Due != off.Phases.Baseline.Operations.Due || on.Phases.Baseline.Operations.Due/10 != 40 {
			t.Errorf("due: on %d (baseline %d), off %d (%d): want as many, and 2 x 2 s x 100 (and a little more, drawn) in the baselines", on.Operations.Due, on.Phases.Baseline.Operations.Due,
				off.Operations.Due, off.Phases.Baseline.Operations.Due)
		}
		if on.Operations.Failed != 0 || off.Operations.Failed == 0 || on.Handoffs.Succeeded == 0 || off.Outage.Windows != 2 {
			t.Errorf("on %+v, handoffs %+v; off %+v, %+v", on.Operations, on.Handoffs, off.Operations, off.Outage)
		}
		if on.Integrity.Checked() == 0 || len(on.Rounds) != 2 || len(s.Differences) == 0 {
			t.Errorf("%d replies checked, %d rounds, %d differences", on.Integrity.Checked(), len(on.Rounds), len(s.Differences))
		}
		steps := 0
		marks, err := b.Timeline()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range marks {
			if m.Kind == mark.Step && m.Name == "close" {
				steps++
			}
		}
		if steps > 2*2 || steps < 2 {
			t.Errorf("%d closes in the timeline: want each once", steps)
		}
		if p := s.Harness.Processes; len(p) != 3 || p[1].Arm != "on" || p[1].Health == nil {
			t.Errorf("processes %+v", p)
		}
	})
}

// Without a stage notices decide on phases; they reach an arm, and the run that
// leads hears of them.
func TestNoticesReachTheLead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.config.Stage, w.config.Rounds, w.config.Baseline = stage.None{}, 1, time.Minute
		w.config.Describe.Stage, w.config.Describe.Rounds = "none", 1
		plan, err := w.config.Upgrade.Plan(1, 1)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(10 * time.Second)
			if err := w.sim.Play(t.Context(), plan); err != nil {
				t.Error(err)
			}
		}()
		_, s, _ := w.run(w.arms(2)...)
		stage, on := w.phases(filepath.Join(w.dir, "stage")), w.phases(filepath.Join(w.dir, "on"))
		if len(stage) != 4 || stage[2].Source != "notices" || !slices.EqualFunc(stage, on, func(x, y mark.Mark) bool { return x == y }) {
			t.Errorf("phases %+v, of the arm %+v: want maintenance by notices", stage, on)
		}
		if !s.Valid {
			t.Errorf("invalid: %q", s.InvalidReasons)
		}
	})
}

// A process that is lost ends the run: the others are told to stop, what all
// have recorded is there, and the run is invalid.
func TestLostProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		children := append(w.arms(1), w.child(1, func(in io.Reader, out io.Writer) { // its output ends 5 s after it was heard first
			r, pipe := io.Pipe()
			go func() { _, _ = w.arm(1, in, pipe); pipe.Close() }()
			time.AfterFunc(5*time.Second, func() { r.Close() })
			_, _ = io.Copy(out, r)
		}))
		began := time.Now()
		result, s, _ := w.run(children...)
		if took := time.Since(began); took > 2*time.Minute {
			t.Errorf("it took %v to give the run up", took)
		}
		if s.Valid || len(result.Invalid) == 0 || !strings.Contains(result.Invalid[0], "the process of arm off: it ended before its time") {
			t.Errorf("valid %v, reasons %q", s.Valid, result.Invalid)
		}
		if on, _ := s.Arm("on"); on.Operations.Due == 0 || on.Operations.Due != on.Operations.OK+on.Operations.Failed+on.Operations.Missed {
			t.Errorf("on: %+v", on.Operations)
		}
	})
}

// A process that hears of a phase too late says so. One whose lead is gone
// finishes its bundle and ends.
func TestLeadGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		inR, inW := io.Pipe()
		outR, outW := io.Pipe()
		go func() { _, _ = io.Copy(io.Discard, outR) }()
		go func() {
			p := newProcess(Child{Arm: "on", In: inW, Out: strings.NewReader("")}, func(mark.Mark) {})
			p.say(order{Assign: []byte("0")})
			p.say(order{Cue: &experiment.Cue{Start: true, At: 2 * time.Second}})
			time.Sleep(5 * time.Second)
			p.say(order{Cue: &experiment.Cue{Round: 1, Phase: record.Baseline, Source: "harness", At: 4500 * time.Millisecond}})
			time.Sleep(5 * time.Second)
			inW.Close()
		}()
		began := time.Now()
		result, err := w.arm(0, inR, outW)
		outW.Close()
		if took := time.Since(began); err != nil || !result.Interrupted || took > 20*time.Second {
			t.Errorf("after %v: %+v, %v: want it interrupted soon after 10 s", took, result, err)
		}
		w.sim.Close()
		time.Sleep(time.Minute)
		b, err := bundle.Open(result.Dir)
		if err != nil || b.Run.Final == nil {
			t.Fatalf("the bundle is not finished: %v", err)
		}
		marks, err := b.Timeline()
		if err != nil {
			t.Fatal(err)
		}
		late := slices.IndexFunc(marks, func(m mark.Mark) bool { return m.Name == experiment.LatePhase })
		if late < 0 || marks[late].At != 4500*time.Millisecond || marks[late].Duration != 500*time.Millisecond {
			t.Errorf("a phase that was announced 0.5 s after it began is not told: %+v", marks)
		}
	})
}

// The base is the same instant in all processes of a machine.
func TestBase(t *testing.T) {
	base := time.Now()
	b := NewBase(base)
	if _, known := monotonic(); known != (b.Monotonic != 0) {
		t.Fatalf("base %+v", b)
	}
	if d := b.Time().Sub(base).Abs(); b.Monotonic != 0 && d > time.Millisecond {
		t.Errorf("read again the base is %v off", d)
	}
	b.Monotonic = 0
	if d := b.Time().Sub(base).Abs(); d > 10*time.Millisecond {
		t.Errorf("by the wall clock the base is %v off", d)
	}
}

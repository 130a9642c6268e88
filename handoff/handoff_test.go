package handoff_test

import (
	"context"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"schload/handoff"
	"schload/handoff/sim"
	"schload/handoff/upgrade"
	"schload/internal/memnet"
	"schload/internal/race"
	"schload/workload"
)

// The product's promise: the same upgrade, the same load; with handoffs no
// operation fails, without them some do.
func TestHandoffsSaveEndpointRebind(t *testing.T) {
	got := play(t, 400, "endpoint-rebind", "on-noretry+endpoint_type=internal-ip", "off-noretry")
	on, off := got[0], got[1]
	if on.tally.Failed != 0 || on.tally.OK != on.tally.Due {
		t.Errorf("on: %+v failed as %v, want none", on.tally, on.classes)
	}
	if off.tally.Failed == 0 {
		t.Errorf("off: %+v, want failures", off.tally)
	}
	// In virtual time an operation takes none, and one connection may serve them
	// all: how many learn of the move is left to chance.
	if h := on.seen.Handoff; h.Succeeded == 0 || h.Failed != 0 {
		t.Errorf("on: handoffs %+v, want some, and none failed", h)
	}
	if on.seen.Relaxed.Now != 0 || on.seen.WrongReplies != 0 {
		t.Errorf("on: %+v", on.seen)
	}
	if n := closedBy(off.seen, handoff.ByServer); n < workers {
		t.Errorf("off: %d connections closed by the server, want %d or more: %v", n, workers, off.seen.Closes)
	}
	if n := closedBy(on.seen, handoff.ByServer); n != 0 {
		t.Errorf("on: %d connections were closed before they moved: %v", n, on.seen.Closes)
	}
	t.Logf("off: %d of %d failed, %v; the upgrade took %v", off.tally.Failed, off.tally.Due, off.classes, off.seen.At)
}

// Without an upgrade the arms do not differ.
func TestArmsAlikeInPeace(t *testing.T) {
	for _, arm := range play(t, 400, "none", "on-noretry+endpoint_type=internal-ip", "off-noretry") {
		if arm.tally.Failed != 0 || arm.seen.Handoff.Started != 0 || arm.seen.Connections != workers || len(arm.seen.Closes) != 0 {
			t.Errorf("%s: %+v, %+v", arm.proof.Arm, arm.tally, arm.seen)
		}
	}
}

// Whatever is played, the books balance: connections dialled are open or
// closed, handoffs begun have ended, and no reply met the wrong command unseen.
func TestBooksBalance(t *testing.T) {
	for _, name := range upgrade.Endpoint.Upgrades() {
		t.Run(name, func(t *testing.T) {
			for _, arm := range play(t, 100, name, "auto", "on-none", "off") {
				o := arm.seen
				closed := uint64(0)
				for _, n := range o.Closes {
					closed += n
				}
				if o.Dials.OK != uint64(o.Connections)+closed || arm.proof.Connections != o.Dials.OK {
					t.Errorf("%s: %d dialled, %d open, %d closed, %d proved", arm.proof.Arm, o.Dials.OK, o.Connections, closed, arm.proof.Connections)
				}
				if h := o.Handoff; h.Started != h.Succeeded+h.Failed || h.Now != 0 {
					t.Errorf("%s: handoffs %+v", arm.proof.Arm, h)
				}
				if o.WrongReplies != 0 || o.Notices.Unreadable != 0 {
					t.Errorf("%s: %d wrong replies, %d unreadable notices", arm.proof.Arm, o.WrongReplies, o.Notices.Unreadable)
				}
				t.Logf("%s (%s): %d of %d failed %v, %d handoffs, %d retried, closes %v", arm.proof.Arm, arm.proof.Effective,
					arm.tally.Failed, arm.tally.Due, arm.classes, o.Handoff.Succeeded, o.Retries.Operations, o.Closes)
			}
		})
	}
}

const workers = 8

// result is what became of one arm.
type result struct {
	tally   workload.Tally
	classes map[string]int
	seen    handoff.Observation
	proof   handoff.Proof
}

// play attaches the arms to one simulated database, loads each with so many
// operations a second and plays the upgrade once, in virtual time.
func play(t *testing.T, rate float64, name string, arms ...string) []result {
	if race.Enabled {
		t.Skip("go-redis 9.23 itself races while it hands a connection over")
	}
	t.Helper()
	results := make([]result, len(arms))
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		plan, err := must(upgrade.Load(name)).Plan(1, 1)
		if err != nil {
			t.Fatal(err)
		}
		horizon := new(workload.Horizon)
		var wg sync.WaitGroup
		for i, arm := range arms {
			client := w.open(t, arm)
			wg.Go(func() { results[i] = w.load(t, client, rate, horizon) })
		}
		time.Sleep(5 * time.Second)
		if err := w.sim.Play(t.Context(), plan); err != nil {
			t.Error(err)
		}
		time.Sleep(25 * time.Second) // the relaxed windows of moved connections end
		horizon.End(time.Since(w.base))
		wg.Wait()
	})
	for _, r := range results {
		if !r.proof.Valid {
			t.Errorf("%s: %v", r.proof.Arm, r.proof.Reasons)
		}
	}
	return results
}

// world is a simulated database on a network in memory.
type world struct {
	net  *memnet.Network
	sim  *sim.Simulator
	base time.Time
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{net: memnet.New(), base: time.Now()}
	w.sim = must(sim.Start(t.Context(), sim.Config{Port: 12000, Base: w.base, Listen: w.net.Listen, Seed: 1}))
	w.net.Lookup = w.sim.LookupHost
	t.Cleanup(func() { _ = w.sim.Close() })
	return w
}

func (w *world) open(t *testing.T, arm string) *handoff.Client {
	t.Helper()
	client, err := handoff.Open(t.Context(), handoff.Config{
		Arm: must(handoff.ParseArm(arm)), Target: must(handoff.ParseTarget("redis://" + w.sim.Addr())),
		Workers: workers, Base: w.base, Dial: w.net.Dial,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		time.Sleep(time.Minute) // the library's timers run out
	})
	if err := client.Warm(t.Context(), workers); err != nil {
		t.Fatal(err)
	}
	return client
}

func (w *world) load(t *testing.T, client *handoff.Client, rate float64, horizon *workload.Horizon) result {
	var mu sync.Mutex
	r := result{classes: make(map[string]int)}
	count := func(class workload.Class, n int) {
		mu.Lock()
		r.classes[class.String()] += n
		mu.Unlock()
	}
	tally, err := workload.Run{
		Base: w.base,
		Pool: workload.Pool{Name: "main", Workers: workers, Seed: 1,
			Schedule: workload.Schedule{Rate: workload.Constant(rate)},
			Mix:      must(workload.ParseMix("GET=0.5,SET=0.3,ECHO=0.2"))},
		Target:  client,
		Sink:    func() workload.Sink { return sink{count} },
		Pacer:   func() (workload.Pacer, error) { return workload.NewTimerPacer(w.base), nil },
		Horizon: horizon,
	}.Do(context.Background())
	if err != nil {
		t.Error(err)
	}
	if err := tally.Check(); err != nil {
		t.Error(err)
	}
	delete(r.classes, workload.OK.String())
	r.tally, r.seen, r.proof = tally, client.Observe(), client.Proof()
	return r
}

type sink struct{ count func(workload.Class, int) }

func (s sink) Due(time.Duration, int)                     {}
func (s sink) Missed(time.Duration, workload.Reason, int) {}
func (s sink) Done(sample workload.Sample, n int)         { s.count(sample.Outcome.Class, n) }

func closedBy(o handoff.Observation, party string) (n uint64) {
	for c := range maps.Keys(o.Closes) {
		if c.By == party {
			n += o.Closes[c]
		}
	}
	return n
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

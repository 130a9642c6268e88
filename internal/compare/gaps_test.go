package compare

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

// storm plays a run of two pools and four ranges of slots whose operations
// fail, wait, come late and fall silent, through warm-ups and rounds.
func storm(t *testing.T, seed uint64) (*record.Recorder, Summary) {
	t.Helper()
	const ms = time.Millisecond
	rnd := rand.New(rand.NewPCG(seed, 21))
	slots := record.EqualSlotRanges(4)
	run := bundle.Run{
		ID: "r1", Started: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC), Arms: []bundle.Arm{{Name: "off", Requested: "off"}},
		Pools: []bundle.Pool{{Name: "main"}, {Name: "batch"}}, Stage: "sim", Rounds: 2,
		LateAfter: bundle.Seconds(40 * ms), OutageAfter: bundle.Seconds(150 * ms),
	}
	for _, s := range slots {
		run.SlotRanges = append(run.SlotRanges, bundle.SlotRange(s))
	}
	w, err := bundle.Create(filepath.Join(t.TempDir(), "bundle"), run)
	if err != nil {
		t.Fatal(err)
	}
	r := record.New(record.Config{
		Arms:      []record.Arm{{Name: "off", Pools: []record.Pool{{Name: "main", Operations: []string{"GET"}}, {Name: "batch", Operations: []string{"GET"}}}}},
		LateAfter: 40 * ms, OutageAfter: 150 * ms, Slots: slots, Marks: w.Mark,
	})
	sinks := []workload.SlotSink{r.Sink("off", "main"), r.Sink("off", "batch")}
	begin := func(round int, phase record.Phase, at time.Duration) {
		r.Begin(round, phase, at)
		w.Mark(mark.Mark{At: at, Kind: mark.Phase, Name: phase.String(), Round: round, Source: "harness"})
	}
	at, next := time.Duration(0), time.Second
	for i, phase := range []record.Phase{record.Warmup, record.Baseline, record.Maintenance, record.Recovery, record.Warmup, record.Baseline, record.Maintenance, record.Recovery} {
		begin(1+i/4, phase, at)
		until := at + time.Duration(300+rnd.IntN(3000))*ms
		for at < until {
			kind, victim, end := rnd.IntN(6), rnd.IntN(3), at+time.Duration(rnd.IntN(900))*ms
			for ; at < end; at += time.Duration(1+rnd.IntN(30)) * ms {
				pool, slot := rnd.IntN(2), rnd.IntN(workload.SlotCount)
				x := workload.Sample{Intended: at, Sent: at + ms/10, Done: at + ms}
				if victim == 2 || victim == pool {
					switch kind {
					case 0:
						x.Outcome.Class = workload.Reset
					case 1, 2:
						x.Done += time.Duration(60+rnd.IntN(50)) * ms
					case 3:
						x.Done = end + ms
					}
				}
				ops := []workload.Operation{{Slot: uint16(slot + 1)}}
				sinks[pool].Due(at, 1)
				sinks[pool].Sent(x.Sent, ops)
				sinks[pool].Done(x, 1)
				sinks[pool].Answered(x.Done, ops, []workload.Outcome{x.Outcome})
			}
			for ; next < at; next += time.Second {
				if err := w.Interval(r.Collect(next)); err != nil {
					t.Fatal(err)
				}
			}
		}
		at = until
	}
	if err := w.Interval(r.Finish(max(at, next-time.Second) + time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(bundle.Final{Valid: true, Ended: run.Started.Add(at)}); err != nil {
		t.Fatal(err)
	}
	s, err := Save(w.Dir())
	if err != nil {
		t.Fatal(err)
	}
	return r, s
}

// Law: what the live view shows of outages, brown-outs and gaps, and what is
// computed from the bundle, is the same to the nanosecond: of arms, pools and
// ranges of slots, whatever part of them lies in warm-up.
func TestGapsAreLive(t *testing.T) {
	found := map[string]uint64{}
	for seed := range uint64(30) {
		r, s := storm(t, seed)
		windows := func(o record.Outage) Windows {
			return Windows{o.Windows, bundle.Seconds(o.Longest), bundle.Seconds(o.Total)}
		}
		same := func(what string, got Outage, live record.Gaps) {
			out := windows(live.Outage)
			want := Outage{out.Windows, out.Longest, out.Total, bundle.Seconds(live.LongestGap), windows(live.BrownOut)}
			if got != want {
				t.Errorf("seed %d, %s: computed %+v, live %+v", seed, what, got, want)
			}
			found[what] += out.Windows
			found["brown "+what] += want.BrownOuts.Windows
		}
		off := s.Arms[0]
		same("arm", off.Outage, r.Totals("off").Measured.Gaps)
		var sum Operations
		for _, p := range off.Pools {
			live := r.PoolTotals("off", p.Name).Measured
			same(p.Name, p.Outage, live.Gaps)
			if want := (Operations{live.Due, live.OK, live.Failed, live.Missed, live.Late}); p.Operations != want {
				t.Errorf("seed %d, pool %s: computed %+v, live %+v", seed, p.Name, p.Operations, want)
			}
			sum.Due, sum.OK, sum.Failed, sum.Late = sum.Due+p.Operations.Due, sum.OK+p.Operations.OK, sum.Failed+p.Operations.Failed, sum.Late+p.Operations.Late
		}
		if sum != off.Operations {
			t.Errorf("seed %d: the pools add up to %+v, the arm has %+v", seed, sum, off.Operations)
		}
		for i, x := range off.SlotRanges {
			same("slots", Outage{Windows: x.Outage.Windows, Longest: x.Outage.Longest, Total: x.Outage.Total}, r.SlotTotals("off")[i].Measured.Gaps)
		}
	}
	for _, what := range []string{"arm", "main", "batch", "slots", "brown arm", "brown main", "brown batch"} {
		if found[what] < 20 {
			t.Errorf("only %d of %s: the test tests little", found[what], what)
		}
	}
}

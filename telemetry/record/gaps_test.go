package record

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"schload/telemetry/mark"
	"schload/workload"
)

// ask is one operation of a made-up run of several pools and slots.
type ask struct {
	event
	sent time.Duration // 0 and unused if missed
	pool int
	slot int // -1: none
}

func (a ask) ok() bool { return !a.missed && a.class == workload.OK }

const lateLimit = 40 * ms

// weather makes a run from a seed: in each of its stretches one pool, one range
// of slots or all of them fail, wait, answer late, are missed, or fall silent.
func weather(seed uint64) []ask {
	r := rand.New(rand.NewPCG(seed, 11))
	var asks []ask
	at := time.Duration(r.IntN(int(time.Second)))
	for range 14 {
		every := time.Duration(1+r.IntN(40)) * ms
		until := at + time.Duration(r.IntN(700))*ms
		kind, victim := r.IntN(8), r.IntN(4)
		for ; at < until; at += time.Duration(r.IntN(int(2*every))) + 1 {
			a := ask{pool: r.IntN(2), slot: r.IntN(workload.SlotCount+1) - 1}
			a.due, a.sent = at, at+time.Duration(r.IntN(int(2*ms)))
			a.end = a.sent + time.Duration(r.IntN(int(5*ms)))
			if victim == a.pool || victim == 2 && a.slot >= 0 && a.slot < 4096 || victim == 3 {
				spoil(&a, kind, until, r)
			}
			asks = append(asks, a)
		}
		if r.IntN(4) == 0 {
			at += time.Duration(r.IntN(500)) * ms
		}
	}
	return asks
}

func spoil(a *ask, kind int, until time.Duration, r *rand.Rand) {
	switch kind {
	case 0:
		a.class = workload.Reset
	case 1:
		a.class, a.end = workload.ReadTimeout, a.end+time.Duration(r.IntN(300))*ms
	case 2:
		a.end = max(a.end, until) + time.Duration(r.IntN(int(30*ms)))
	case 3:
		a.missed, a.end, a.slot = true, a.due, -1
	case 4, 5:
		a.end += lateLimit + time.Duration(r.IntN(100))*ms
	case 6: // some late, some not
		a.end += time.Duration(r.IntN(2)) * 2 * lateLimit
	}
}

// part is what a scope sees of the operations.
func part(asks []ask, keep func(ask) bool) (list []ask) {
	for _, a := range asks {
		if keep(a) {
			list = append(list, a)
		}
	}
	return list
}

// gapsOf finds every gap by looking at all operations for each success, and
// returns it with the success that ended it: whether that was timely.
func gapsOf(asks []ask, width, end time.Duration) (gaps []window, timely []bool) {
	byEnd := map[time.Duration]bool{} // successes: whether one at the instant was timely
	for _, a := range asks {
		if a.ok() {
			byEnd[a.end] = byEnd[a.end] || a.end-a.due <= lateLimit
		}
	}
	var instants []time.Duration
	for at := range byEnd {
		instants = append(instants, at)
	}
	slices.Sort(instants)
	last := beginning
	for _, s := range append(instants, end) {
		first := forever
		for _, a := range asks {
			if a.end > last {
				first = min(first, max(a.due, last))
			}
		}
		if last != beginning && first < last-last%width+width {
			first = last
		}
		if first <= s {
			open := len(gaps) == len(instants)
			gaps = append(gaps, window{first, s, open})
			timely = append(timely, !open && byEnd[s])
		}
		last = s
	}
	return gaps, timely
}

// brownOutsOf joins gaps that follow each other without a pause, are no
// outages, and have only late successes within.
func brownOutsOf(gaps []window, timely []bool, after time.Duration) (found []window) {
	for i := 0; i < len(gaps); {
		begin := gaps[i]
		from, some, j := begin.start, false, i
		// A streak may begin with the late success that ended what was before.
		if i > 0 && gaps[i-1].end == begin.start && !timely[i-1] {
			some = true
		}
		to, open := begin.start, false
		for ; j < len(gaps) && gaps[j].length() <= after && (j == i || gaps[j].start == gaps[j-1].end); j++ {
			to, open = gaps[j].end, gaps[j].open
			if timely[j] {
				j++
				break
			}
			some = some || !gaps[j].open
		}
		if some && to-from > after {
			found = append(found, window{from, to, open})
		}
		i = max(j, i+1)
	}
	return found
}

// story is what the recorder told, by scope.
type story struct {
	outages, brownOuts map[place][]window
	longest            map[place]time.Duration
	slots              map[string][]window
}

func listen(marks *[]mark.Mark) mark.Sink { return func(m mark.Mark) { *marks = append(*marks, m) } }

func retell(marks []mark.Mark) story {
	s := story{map[place][]window{}, map[place][]window{}, map[place]time.Duration{}, map[string][]window{}}
	for _, m := range marks {
		w, at := window{m.At, m.At + m.Duration, m.Detail != ""}, place{m.Arm, m.Pool}
		switch {
		case m.Slots != "":
			s.slots[m.Slots] = append(s.slots[m.Slots], w)
		case m.Kind == mark.Outage:
			s.outages[at] = append(s.outages[at], w)
		case m.Kind == mark.BrownOut:
			s.brownOuts[at] = append(s.brownOuts[at], w)
		case m.Kind == mark.Gap:
			s.longest[at] = max(s.longest[at], w.length())
		}
	}
	return s
}

// perform records the operations through several sinks in the order they
// become known, with a Collect now and then.
func perform(r *Recorder, seed uint64, asks []ask, end time.Duration) {
	rnd := rand.New(rand.NewPCG(seed, 12))
	var calls script
	pools := []string{"main", "canary"}
	var dispatchers [2]workload.Sink
	var workers [2][]workload.SlotSink
	for i, name := range pools {
		dispatchers[i] = r.Sink("on", name)
		workers[i] = []workload.SlotSink{r.Sink("on", name), r.Sink("on", name), r.Sink("on", name)}
	}
	for _, a := range asks {
		w, d := workers[a.pool][rnd.IntN(3)], dispatchers[a.pool]
		calls.fall(d, a.event)
		if a.missed {
			continue
		}
		ops := []workload.Operation{{Slot: uint16(a.slot + 1)}}
		calls.at(a.sent, func() { w.Sent(a.sent, ops) })
		calls.at(a.end, func() {
			w.Done(sample(0, a.due, a.sent, a.end, a.class), 1)
			w.Answered(a.end, ops, []workload.Outcome{{Class: a.class}})
		})
	}
	calls.run(r, rnd, end)
}

func twoPools(c Config) *Recorder {
	c.Arms = []Arm{{Name: "on", Pools: []Pool{{Name: "main", Operations: []string{"GET"}}, {Name: "canary", Operations: []string{"GET"}}}}}
	return New(c)
}

// What is told of arm, pools and ranges of hash slots (outages, brown-outs and
// the longest gap) is what a brute-force search over all operations finds.
func TestGapsOracle(t *testing.T) {
	count := map[string]int{}
	for seed := range uint64(300) {
		after := []time.Duration{100 * ms, 30 * ms, 250 * ms}[seed%3]
		width := binWidth(after)
		asks := weather(seed)
		end := time.Duration(0)
		for _, a := range asks {
			end = max(end, a.end)
		}
		end += time.Duration(seed%5) * 40 * ms
		var marks []mark.Mark
		r := twoPools(Config{OutageAfter: after, LateAfter: lateLimit, Slots: EqualSlotRanges(4), Marks: listen(&marks)})
		r.Begin(1, Baseline, -1)
		perform(r, seed, asks, end)
		got := retell(marks)
		for i, pool := range []string{"", "main", "canary"} {
			seen := part(asks, func(a ask) bool { return i == 0 || a.pool == i-1 })
			gaps, timely := gapsOf(seen, width, end)
			var sum Gaps
			want := slices.DeleteFunc(slices.Clone(gaps), func(w window) bool { return w.length() <= after })
			brown := brownOutsOf(gaps, timely, after)
			for _, w := range want {
				sum.Outage.add(w, w.length())
			}
			for _, w := range brown {
				sum.BrownOut.add(w, w.length())
			}
			for _, w := range gaps {
				// Gaps within a bin are not seen, see tracker.
				if w.start-w.start%width != w.end-w.end%width || w.open {
					sum.LongestGap = max(sum.LongestGap, w.length())
				}
			}
			at := place{"on", pool}
			if !slices.Equal(got.outages[at], want) {
				t.Fatalf("seed %d, pool %q: outages %v, want %v", seed, pool, got.outages[at], want)
			}
			if !slices.Equal(got.brownOuts[at], brown) {
				t.Fatalf("seed %d, pool %q: brown-outs %v, want %v", seed, pool, got.brownOuts[at], brown)
			}
			totals := r.PoolTotals("on", pool)
			if totals.LongestGap < sum.LongestGap || totals.LongestGap > max(sum.LongestGap, width) || totals.LongestGap != got.longest[at] {
				t.Fatalf("seed %d, pool %q: longest gap %v, by marks %v, want %v", seed, pool, totals.LongestGap, got.longest[at], sum.LongestGap)
			}
			sum.LongestGap = totals.LongestGap
			if totals.Gaps != sum || totals.Measured.Gaps != sum {
				t.Fatalf("seed %d, pool %q: totals %+v, want %+v", seed, pool, totals.Gaps, sum)
			}
			if err := totals.Conservation(); err != nil {
				t.Fatal(err)
			}
			count["outages "+pool] += len(want)
			count["brown-outs "+pool] += len(brown)
		}
		for i, s := range EqualSlotRanges(4) {
			seen := part(asks, func(a ask) bool { return !a.missed && s.From <= a.slot && a.slot <= s.To })
			for j := range seen {
				seen[j].due = seen[j].sent // a range is asked from the send on
			}
			gaps, _ := gapsOf(seen, width, end)
			want := slices.DeleteFunc(gaps, func(w window) bool { return w.length() <= after })
			if !slices.Equal(got.slots[s.String()], want) {
				t.Fatalf("seed %d, slots %v: outages %v, want %v", seed, s, got.slots[s.String()], want)
			}
			var sum Outage
			for _, w := range want {
				sum.add(w, w.length())
			}
			if o := r.SlotTotals("on")[i]; o.Gaps != (Gaps{Outage: sum}) {
				t.Fatalf("seed %d, slots %v: %+v, want %+v", seed, s, o, sum)
			}
			count["slots"] += len(want)
		}
	}
	for _, what := range []string{"outages ", "outages main", "outages canary", "brown-outs ", "brown-outs main", "brown-outs canary", "slots"} {
		if count[what] < 100 {
			t.Errorf("only %d %s in all seeds: the test tests little", count[what], what)
		}
	}
	t.Log(count)
}

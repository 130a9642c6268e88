package merge

import (
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// place is whom an outage concerns: an arm, a pool of it, or a range of slots.
type place struct{ arm, pool, slots string }

func placeOf(m mark.Mark) place { return place{m.Arm, m.Pool, m.Slots} }

// facts are what one worker's files say of the times in which it had no
// success. All instants are those of the merged run.
type facts struct {
	phases []mark.Mark
	spans  map[mark.Kind]map[place][]span // outages, brown-outs and gaps
	stalls []span
	late   []span           // from when phases began to when a process heard of them
	conns  uint64           // the highest number of a connection
	life   span             // from the beginning of its first interval to the end of its last
	silent map[place][]span // intervals without a success
}

// readFacts reads a worker's marks.
func (w *worker) readFacts() error {
	f := &w.facts
	f.spans = map[mark.Kind]map[place][]span{mark.Outage: {}, mark.BrownOut: {}, mark.Gap: {}}
	f.silent = map[place][]span{}
	for m, err := range w.Marks() {
		if err != nil {
			return err
		}
		m.At += w.offset
		f.conns = max(f.conns, m.Conn)
		switch m.Kind {
		case mark.Phase:
			f.phases = append(f.phases, m)
		case mark.Outage, mark.BrownOut, mark.Gap:
			f.spans[m.Kind][placeOf(m)] = append(f.spans[m.Kind][placeOf(m)], span{m.At, m.At + m.Duration})
		case mark.Harness:
			switch m.Name {
			case "stall":
				f.stalls = append(f.stalls, span{m.At, m.At + m.Duration})
			case "late_phase":
				f.late = append(f.late, span{m.At, m.At + m.Duration})
			}
		}
	}
	return nil
}

// note takes from an interval when the worker lived, what is missing, and which
// arms and pools were asked for nothing in it.
func (w *worker) note(iv record.Interval, apart map[string]bool) {
	f, from, to := &w.facts, iv.From+w.offset, iv.To+w.offset
	if w.told.Intervals == 0 {
		f.life = span{from, from}
	}
	before := f.life.to - w.offset
	if w.told.Intervals == 0 {
		before = 0
	}
	if iv.From > before {
		w.gaps = append(w.gaps, "what was recorded from "+before.String()+" to "+iv.From.String()+" is missing")
	}
	w.told.Intervals++
	f.life.to = max(f.life.to, to)
	asked := map[place]bool{}
	for _, c := range iv.Counts {
		if c.Name != record.Operations && c.Name != record.OperationsDue || c.Value == 0 {
			continue
		}
		pool := attr(c, record.AttrPool)
		asked[place{arm: c.Arm, pool: pool}] = true
		if !apart[pool] {
			asked[place{arm: c.Arm}] = true
		}
	}
	for _, a := range w.Run.Arms {
		f.quiet(place{arm: a.Name}, asked, span{from, to})
		for _, p := range w.Run.Pools {
			f.quiet(place{arm: a.Name, pool: p.Name}, asked, span{from, to})
		}
	}
}

func (f *facts) quiet(p place, asked map[place]bool, s span) {
	if asked[p] {
		return
	}
	if list := f.silent[p]; len(list) > 0 && list[len(list)-1].to >= s.from {
		list[len(list)-1].to = s.to
		return
	}
	f.silent[p] = append(f.silent[p], s)
}

func attr(c record.Count, key string) string {
	for _, a := range c.Attrs {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}

// outside is when the worker did not live.
func (f *facts) outside() []span {
	const far = time.Duration(1 << 62)
	return []span{{-far, f.life.from}, {f.life.to, far}}
}

// stood is for how long the worker stood still after its first warm-up, and of
// how long a time.
func (f *facts) stood() (stalled, measured time.Duration) {
	begin := f.life.from
	for _, m := range f.phases {
		if m.Name != record.Warmup.String() {
			begin = m.At
			break
		}
	}
	after := []span{{begin, f.life.to}}
	for _, s := range common(union(f.stalls), after) {
		stalled += s.length()
	}
	return stalled, max(0, f.life.to-begin)
}

// canaries are the pools whose successes end no outage of their arm.
func canaries(run bundle.Run) map[string]bool {
	apart := map[string]bool{}
	for _, p := range run.Pools {
		if p.Kind == "canary" {
			apart[p.Name] = true
		}
	}
	return apart
}

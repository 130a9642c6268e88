package compare

import (
	"cmp"
	"slices"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// Outage sums up the windows without a success, those in which all successes
// were late (brown-outs), and the longest span without a success, which may be
// shorter than an outage.
type Outage struct {
	Windows    uint64         `json:"windows"`
	Longest    bundle.Seconds `json:"longest_s"`
	Total      bundle.Seconds `json:"total_s"`
	LongestGap bundle.Seconds `json:"longest_gap_s"`
	BrownOuts  Windows        `json:"brown_outs"`
}

// Windows are how many there were, and how long.
type Windows struct {
	Windows uint64         `json:"windows"`
	Longest bundle.Seconds `json:"longest_s"`
	Total   bundle.Seconds `json:"total_s"`
}

func (w *Windows) add(length time.Duration) {
	w.Windows++
	w.Longest = max(w.Longest, bundle.Seconds(length))
	w.Total += bundle.Seconds(length)
}

// SlotRange is a range of hash slots and its outages: on a cluster, those of
// the primary that owned it as the load began.
type SlotRange struct {
	From   int     `json:"from"`
	To     int     `json:"to"`
	Outage Windows `json:"outage"`
}

// place is whom a mark of an outage concerns: an arm, a pool of it, or a range
// of hash slots.
type place struct{ arm, pool, slots string }

// outage adds up what the marks tell of an arm or of one of its pools: see
// windows. own counts the outages that were the harness's own.
func (t timeline) outage(of place) (o Outage, own int) {
	out, own := t.windows(mark.Outage, of)
	o = Outage{Windows: out.Windows, Longest: out.Longest, Total: out.Total}
	o.BrownOuts, _ = t.windows(mark.BrownOut, of)
	apart := t.apart(of.arm)
	for _, m := range t.outages {
		if m.Kind == mark.Gap && placeOf(m) == of {
			o.LongestGap = max(o.LongestGap, bundle.Seconds(stretch(m).Outside(apart)))
		}
	}
	return o, own
}

// windows adds up the marks of one kind. What lay in warm-up is left out. The
// time in which the harness itself stood still is taken off: it sent nothing
// then, so nothing can be said of the arm. What remains of a window and is not
// longer than the run's limit is none; own counts those.
func (t timeline) windows(kind mark.Kind, of place) (w Windows, own int) {
	return t.windowsIn(kind, of, 0)
}

// windowsIn is windows of those that began in one round; 0 stands for all.
func (t timeline) windowsIn(kind mark.Kind, of place, round int) (w Windows, own int) {
	warm, apart := t.warmups(), t.apart(of.arm)
	for _, m := range t.outages {
		if m.Kind != kind || placeOf(m) != of || round > 0 && m.Round != round {
			continue
		}
		switch length := stretch(m).Outside(apart); {
		case length > t.limit:
			w.add(length)
		case stretch(m).Outside(warm) > t.limit:
			own++
		}
	}
	return w, own
}

func placeOf(m mark.Mark) place { return place{m.Arm, m.Pool, m.Slots} }

func stretch(m mark.Mark) record.Stretch { return record.Stretch{From: m.At, To: m.At + m.Duration} }

// apart are the stretches that say nothing of an arm: warm-up, and those in
// which the harness stood still: all of it, or the process of that arm.
func (t timeline) apart(arm string) []record.Stretch {
	all := t.warmups()
	for _, s := range t.stalls {
		if s.Arm == "" || s.Arm == arm {
			all = append(all, stretch(s))
		}
	}
	slices.SortFunc(all, func(x, y record.Stretch) int { return cmp.Compare(x.From, y.From) })
	return all
}

// warmups are the stretches of warm-up. A run without any mark of a phase has
// none.
func (t timeline) warmups() (list []record.Stretch) {
	if len(t.phases) == 0 {
		return nil
	}
	list = append(list, record.Stretch{From: -1 << 62, To: t.phases[0].At})
	for i, m := range t.phases {
		if m.Name != record.Warmup.String() {
			continue
		}
		to := time.Duration(1<<63 - 1)
		if i+1 < len(t.phases) {
			to = t.phases[i+1].At
		}
		list = append(list, record.Stretch{From: m.At, To: to})
	}
	return list
}

// slotRanges are the outages of the run's ranges of hash slots.
func slotRanges(run bundle.Run, arm string, t timeline) (list []SlotRange) {
	for _, r := range run.SlotRanges {
		out, _ := t.windows(mark.Outage, place{arm: arm, slots: record.SlotRange(r).String()})
		list = append(list, SlotRange{r.From, r.To, out})
	}
	return list
}

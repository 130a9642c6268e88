package recount

import (
	"math"
	"slices"
)

// ceiling is what a run found that kept its target busy.
func (b *bundle) ceiling() object {
	x := b.run.Saturation
	depth := float64(x.Depth)
	for _, a := range b.run.Arms {
		if made := total(b.counter(a.Name, "schload.pipelines", "")); made > 0 {
			depth = float64(total(b.counter(a.Name, "schload.pipelines.commands", ""))) / float64(made)
		}
	}
	rates := b.rates()
	o := object{"seconds": uint64(len(rates)), "median": share(0), "min": share(0), "max": share(0)}
	spent := duration(0)
	if len(rates) > 0 {
		m := median(rates)
		o["median"], o["min"], o["max"] = share(m), share(slices.Min(rates)), share(slices.Max(rates))
		if m > 0 {
			spent = duration(math.Round(b.cpu().baseline / m * 1e9))
		}
	}
	return object{"pipelining": x.Pipelining, "workers": x.Workers, "depth": share(depth), "ceiling": o, "processor_s": spent}
}

// rates are the successes a second of the intervals of half a second or more
// that begin and end in the baseline.
func (b *bundle) rates() (all []float64) {
	for _, i := range b.intervals {
		if i.to-i.from < 500e6 || b.at(i.from) != "baseline" || b.at(i.to) != "baseline" {
			continue
		}
		ok := uint64(0)
		for _, p := range i.points {
			if p.name == "schload.operations" && p.attrs["outcome"] == "ok" {
				ok += p.count
			}
		}
		all = append(all, float64(ok)/i.seconds())
	}
	return all
}

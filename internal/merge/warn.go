package merge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"schload/internal/bundle"
	"schload/telemetry/mark"
)

// apart is how far the phases of workers may lie apart unsaid.
const apart = time.Second

// warnings are what one should know of a merged bundle that is not in the sums.
func warnings(list []*worker, whole []mark.Mark, uneven bool) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if isolated(list) {
		warnProcesses(list, add)
		for _, w := range list {
			all = append(all, prefixed(w)...)
		}
		return all
	}
	if len(list) > 1 {
		last := list[len(list)-1].offset // they are in the order of their base instants
		add("%d workers were put on one time axis by their wall clocks (the last base instant is %v after the first): by as much as the clocks differ, instants and outages of the whole are off; histograms and counters are not",
			len(list), last.Round(time.Microsecond))
	}
	late := slices.MaxFunc(list, func(x, y *worker) int { return cmp.Compare(x.told.PhaseOffset, y.told.PhaseOffset) })
	if d := late.told.PhaseOffset.Duration(); d > apart {
		add("worker %s entered a phase %v after the first one did: an operation counts for the phase of its own worker", late.name, d)
	}
	if uneven {
		add("not all workers went through the same phases: an operation counts for the phase of its own worker")
	}
	if list[0].Run.Stage == "sim" && len(list) > 1 {
		add("each worker played the upgrade on a simulator of its own: an outage of the whole is when all of them had one")
	}
	for _, w := range list {
		w.alone(add)
	}
	var slots, brown bool
	for _, w := range list {
		for p, spans := range w.facts.spans[mark.Outage] {
			slots = slots || p.slots != "" && len(spans) > 0
		}
		for _, spans := range w.facts.spans[mark.BrownOut] {
			brown = brown || len(spans) > 0
		}
	}
	if slots {
		add("outages of ranges of hash slots are lower bounds: a worker that sent nothing to a range says nothing of it")
	}
	if brown {
		add("brown-outs are lower bounds: a worker tells none of its own below the limit, and those may lie between others'")
	}
	for _, w := range list {
		all = append(all, prefixed(w)...)
	}
	return all
}

// alone says what outages a worker had, of which the whole shows only what was
// common to all.
func (w *worker) alone(add func(string, ...any)) {
	for _, a := range w.Run.Arms {
		spans := w.facts.spans[mark.Outage][place{arm: a.Name}]
		if len(spans) == 0 {
			continue
		}
		longest := slices.MaxFunc(spans, func(x, y span) int { return cmp.Compare(x.length(), y.length()) })
		add("worker %s, arm %s: %s outages of its own, the longest %v; the whole counts of them what all workers had at once",
			w.name, a.Name, bundle.Count(len(spans)), longest.length().Round(time.Millisecond))
	}
}

// prefixed are the warnings of a worker's bundle that are not told otherwise.
func prefixed(w *worker) (list []string) {
	for _, text := range w.Warnings {
		if w.told.Complete || w.Run.Final != nil {
			list = append(list, w.says(text))
		}
	}
	return list
}

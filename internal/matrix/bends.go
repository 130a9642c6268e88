package matrix

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"schload/handoff/upgrade"
)

// bends says which steps of the upgrade a speed makes different in kind: those
// that last longer than one of the thresholds at the upgrade's own pace, and no
// longer than it at the speed. Client and thresholds keep their own pace, so
// that such a step is felt where it is real and not where it is quickened.
func (d Draft) bends(speed float64) (list []string, err error) {
	if speed == 1 {
		return nil, nil
	}
	slow, err := d.Upgrade.Plan(d.Seed, 1)
	if err != nil {
		return nil, err
	}
	fast, err := d.Upgrade.Plan(d.Seed, speed)
	if err != nil {
		return nil, err
	}
	real, quick := stretches(slow), stretches(fast)
	for i := range min(len(real), len(quick)) {
		for _, name := range slices.Sorted(maps.Keys(d.Thresholds)) {
			if t := d.Thresholds[name]; real[i].length > t && quick[i].length <= t {
				list = append(list, fmt.Sprintf("%s lasts %v instead of %v: no longer more than %s (%v)",
					real[i].name, quick[i].length.Round(time.Millisecond), real[i].length, name, t))
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// lasting is a part of a plan that a client can feel for its length.
type lasting struct {
	name   string
	length time.Duration
}

// stretches are what lasts in a plan: acts with a length, and from each act that
// takes something away to the one after it.
func stretches(p upgrade.Plan) (list []lasting) {
	for i, a := range p.Actions {
		switch {
		case a.Act.Lasts() && a.Act != upgrade.Slow: // what is slow is felt for its delay, which keeps its size
			list = append(list, lasting{"a " + string(a.Act), a.For})
		case takes(a.Act):
			for _, next := range p.Actions[i+1:] {
				if gives(next.Act) {
					list = append(list, lasting{"from " + string(a.Act) + " to " + string(next.Act), next.At - a.At})
					break
				}
			}
		}
	}
	return list
}

func takes(a upgrade.Act) bool { return a == upgrade.Refuse || a == upgrade.Isolate }

func gives(a upgrade.Act) bool {
	return a == upgrade.Listen || a == upgrade.Rejoin || a == upgrade.DNS
}

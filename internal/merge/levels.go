package merge

import (
	"time"

	"schload/internal/bundle"
	"schload/telemetry/record"
)

// rule says how the gauges of workers become one.
type rule int

const (
	most  rule = iota // the highest: bounds, states that are on if they are on anywhere
	least             // the lowest: states that are on only if they are on everywhere
	sum               // what each worker has of its own
	mean              // sum of means over the interval, each weighted with its length
	worst             // the highest of means, weighted alike
	none              // told by marks; no gauge can be computed from those of the workers
	at                // goes with the gauge before it
)

// rules are those of the gauges that are not the highest. docs/BUNDLE.md lists
// them (TestRulesDocumented).
var rules = map[string]rule{
	record.ClientConnections:  sum,
	record.ClientLeastIdle:    sum,
	record.ClientMost:         sum,
	record.ClientMostIdle:     sum,
	record.ClientRelaxed:      sum,
	record.Connections:        sum,
	record.ConnectionsRelaxed: sum,
	record.HarnessMemory:      sum,
	record.TargetRate:         sum,
	record.HarnessInFlight:    mean,
	record.HarnessCPU:         worst,
	record.HarnessSteal:       worst,
	record.HarnessWorkersFull: worst,
	record.OutageActive:       least,
	record.PoolOutageActive:   least,
	record.SlotOutageActive:   least,
	record.BrownOutActive:     least,
	record.PoolBrownOutActive: least,
	record.OutageGap:          none,
	record.OutageLongest:      none,
	record.PoolOutageLongest:  none,
	record.SlotOutageLongest:  none,
	record.BrownOutLongest:    none,

	record.PoolBrownOutLongest: none,
	record.DialsPeakAt:         at,
}

// ownLevels turns the gauges of one interval of a worker into its share of a
// line of the given length, and appends them to list.
func ownLevels(list []record.Level, iv record.Interval, offset, length time.Duration) []record.Level {
	for _, l := range iv.Levels {
		switch ruleOf(l) {
		case none:
			continue
		case mean, worst:
			if own := iv.To - iv.From; own != length && length > 0 {
				l.Value *= own.Seconds() / length.Seconds()
			}
		case at:
			l.Value = moved(l.Value, offset)
		}
		list = append(list, l)
	}
	return list
}

// moved is an instant in seconds, so much later: the seconds of a whole number
// of nanoseconds, as every instant of a bundle, which a sum of two doubles need
// not be.
func moved(instant float64, offset time.Duration) float64 {
	at, err := bundle.FromSeconds(instant)
	if err != nil {
		return instant + record.Seconds(offset)
	}
	return record.Seconds(at + offset)
}

func ruleOf(l record.Level) rule {
	if l.Name == record.MessageUnheardTime {
		for _, a := range l.Attrs {
			if a.Key == record.AttrType && a.Value == "total" {
				return sum
			}
		}
	}
	return rules[l.Name]
}

func compareLevels(x, y *record.Level) int {
	return compareNamed(x.Name, y.Name, x.Arm, y.Arm, x.Attrs, y.Attrs)
}

// later joins the gauges of two intervals of the same worker in one line.
func later(into, from []record.Level) []record.Level {
	peaks(into, from)
	return join(into, from, compareLevels, func(x, y *record.Level) {
		switch ruleOf(*x) {
		case mean, worst:
			x.Value += y.Value
		case most:
			x.Value = max(x.Value, y.Value)
		default:
			x.Value = y.Value
		}
	})
}

// beside joins the gauges of two workers.
func beside(into, from []record.Level, ruleOf func(record.Level) rule) []record.Level {
	peaks(into, from)
	return join(into, from, compareLevels, func(x, y *record.Level) {
		switch ruleOf(*x) {
		case sum, mean:
			x.Value += y.Value
		case least:
			x.Value = min(x.Value, y.Value)
		case at:
			x.Value = y.Value // peaks made them equal
		default:
			x.Value = max(x.Value, y.Value)
		}
	})
}

// peaks gives both lists the instant of the higher peak of dials: an instant
// belongs to its peak, not to the highest instant.
func peaks(x, y []record.Level) {
	find := func(list []record.Level, name string, like record.Level) *record.Level {
		for i := range list {
			like.Name = name
			if compareLevels(&list[i], &like) == 0 {
				return &list[i]
			}
		}
		return nil
	}
	for i := range y {
		if y[i].Name != record.DialsPeak {
			continue
		}
		a, atX, atY := find(x, record.DialsPeak, y[i]), find(x, record.DialsPeakAt, y[i]), find(y, record.DialsPeakAt, y[i])
		if a == nil || atX == nil || atY == nil {
			continue
		}
		if a.Value >= y[i].Value {
			atY.Value = atX.Value
		} else {
			atX.Value = atY.Value
		}
	}
}

package telemetry

import (
	"slices"
	"strconv"

	"schload/telemetry/record"
)

// placed adds the phase, and the round where rounds are told apart, to what is
// counted without: dials, closes, handoffs, notices and their like, of which a
// bundle tells by the instants of its readings. Those of the interval are the
// same, because a reading is taken whenever a phase begins.
func (s *source) placed(metric string, attrs []record.Attr, phase record.Phase, round int) []record.Attr {
	if s.arm == "" || !phased[metric] {
		return attrs
	}
	attrs = slices.Clip(attrs)
	if !has(attrs, record.AttrPhase) {
		attrs = append(attrs, record.Attr{Key: record.AttrPhase, Value: phase.String()})
	}
	if s.rounds && !has(attrs, record.AttrRound) {
		attrs = append(attrs, record.Attr{Key: record.AttrRound, Value: strconv.Itoa(round)})
	}
	return attrs
}

// phased are the metrics that have a phase.
var phased = func() map[string]bool {
	m := map[string]bool{}
	for _, d := range record.Metrics {
		m[d.Name] = slices.Contains(d.Attributes, record.AttrPhase)
	}
	return m
}()

func has(attrs []record.Attr, key string) bool {
	return slices.ContainsFunc(attrs, func(a record.Attr) bool { return a.Key == key })
}

// exported says whether points have the attribute.
func (s *source) exported(key string) bool { return s.rounds || key != record.AttrRound }

// round is the round of a key: 0 where rounds are summed.
func (s *source) round(n int) int {
	if s.rounds {
		return n
	}
	return 0
}

// bound is how many series a metric may have.
func (s *source) bound(n int) int {
	if s.rounds {
		return roundsBound * n
	}
	return n
}

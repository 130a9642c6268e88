package compare

import (
	"maps"
	"slices"
	"strconv"

	"schload/telemetry/record"
	"schload/workload"
)

// Integrity says whether the database kept what it acknowledged to an arm, as
// the arm's ledgers found it: over the whole run, warm-up and the reading back
// after the load included. Zero without a ledger.
type Integrity struct {
	LostAcknowledgedWrites uint64        `json:"lost_acknowledged_writes"`
	StaleReads             uint64        `json:"stale_reads"`
	WrongReplies           uint64        `json:"wrong_replies"`
	DuplicateApplications  uint64        `json:"duplicate_applications"`
	OutOfOrder             uint64        `json:"out_of_order"`
	IndeterminateWrites    Indeterminate `json:"indeterminate_writes"`
	CheckedWrites          uint64        `json:"checked_writes"`
	CheckedReads           uint64        `json:"checked_reads"`
	Linearizable           Linearizable  `json:"linearizable"`

	// Rounds are the same of each round, 0 being the warm-up before the first,
	// without those in which nothing was found and nothing open. What the reading
	// back found is the round's that it follows.
	Rounds []IntegrityRound `json:"rounds,omitempty"`
}

// IntegrityRound is what was found in one round.
type IntegrityRound struct {
	Round                  int           `json:"round"`
	LostAcknowledgedWrites uint64        `json:"lost_acknowledged_writes"`
	StaleReads             uint64        `json:"stale_reads"`
	WrongReplies           uint64        `json:"wrong_replies"`
	DuplicateApplications  uint64        `json:"duplicate_applications"`
	OutOfOrder             uint64        `json:"out_of_order"`
	IndeterminateWrites    Indeterminate `json:"indeterminate_writes"`
}

// Indeterminate are writes whose end the client did not see, by what was
// found to have become of them.
type Indeterminate struct {
	Applied    uint64 `json:"applied"`
	NotApplied uint64 `json:"not_applied"`
	Unknown    uint64 `json:"unknown"`
}

// Linearizable says how many keys with several clients at once were checked:
// Violations of them allow no order of their operations, and of Unknown the
// check took too long.
type Linearizable struct {
	Keys       uint64 `json:"keys"`
	Violations uint64 `json:"violations"`
	Unknown    uint64 `json:"unknown"`
}

// Checked is how many replies were held against the ledger.
func (i Integrity) Checked() uint64 { return i.CheckedWrites + i.CheckedReads }

// Open is how many writes ended without the client seeing how.
func (i Integrity) Open() uint64 {
	return i.IndeterminateWrites.Applied + i.IndeterminateWrites.NotApplied + i.IndeterminateWrites.Unknown
}

// Violated says whether anything was found.
func (i Integrity) Violated() bool {
	return i.LostAcknowledgedWrites+i.StaleReads+i.WrongReplies+i.DuplicateApplications+i.OutOfOrder+i.Linearizable.Violations > 0
}

// integrity adds up what an arm's ledgers counted.
func (s *sums) integrity(arm string) Integrity {
	by := func(name, key string) map[string]uint64 {
		sum := map[string]uint64{}
		for _, c := range s.whole.Counts() {
			if c.Name == name && c.Arm == arm {
				increase(&sum, attr(c, key), c.Value)
			}
		}
		return sum
	}
	checks := by(record.IntegrityChecks, record.AttrType)
	if total(checks) == 0 {
		return Integrity{}
	}
	found := by(record.IntegrityViolations, record.AttrType)
	open := by(record.IntegrityIndeterminate, record.AttrResult)
	linear := by(record.IntegrityLinearizable, record.AttrResult)
	all := s.operations(arm, func(string) bool { return true })
	return Integrity{
		LostAcknowledgedWrites: found["lost_acknowledged_write"], StaleReads: found["stale_read"],
		WrongReplies:          all.errors[workload.WrongReply.String()],
		DuplicateApplications: found["duplicate_application"], OutOfOrder: found["out_of_order"],
		IndeterminateWrites: Indeterminate{open["applied"], open["not_applied"], open["unknown"]},
		CheckedWrites:       checks["write"], CheckedReads: checks["read"],
		Linearizable: Linearizable{Keys: total(linear), Violations: linear["violated"], Unknown: linear["unknown"]},
		Rounds:       s.integrityRounds(arm),
	}
}

// integrityRounds is what an arm's ledgers counted, by round.
func (s *sums) integrityRounds(arm string) []IntegrityRound {
	by := map[int]*IntegrityRound{}
	for _, c := range s.whole.Counts() {
		round, err := strconv.Atoi(attr(c, record.AttrRound))
		if c.Arm != arm || err != nil || c.Value == 0 {
			continue
		}
		one := by[round]
		if one == nil {
			one = &IntegrityRound{Round: round}
		}
		if to := one.of(c); to != nil {
			*to += c.Value
			by[round] = one
		}
	}
	var rounds []IntegrityRound
	for _, round := range slices.Sorted(maps.Keys(by)) {
		rounds = append(rounds, *by[round])
	}
	return rounds
}

// of is the number that a count belongs to, nil if to none.
func (r *IntegrityRound) of(c record.Count) *uint64 {
	switch c.Name {
	case record.IntegrityViolations:
		return map[string]*uint64{
			"lost_acknowledged_write": &r.LostAcknowledgedWrites, "stale_read": &r.StaleReads,
			"duplicate_application": &r.DuplicateApplications, "out_of_order": &r.OutOfOrder,
		}[attr(c, record.AttrType)]
	case record.IntegrityIndeterminate:
		i := &r.IndeterminateWrites
		return map[string]*uint64{"applied": &i.Applied, "not_applied": &i.NotApplied, "unknown": &i.Unknown}[attr(c, record.AttrResult)]
	case record.Operations:
		if attr(c, record.AttrOutcome) == workload.WrongReply.String() {
			return &r.WrongReplies
		}
	}
	return nil
}

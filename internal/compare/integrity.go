package compare

import (
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
	}
}

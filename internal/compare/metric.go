package compare

import "schload/internal/bundle"

// Metric is one that is judged, round by round.
type Metric struct {
	Name   string
	Unit   string // s, 1 for a share, or what is counted
	Better string // Lower or Higher
	Reads  string // how it is read
	of     func(Round) (value float64, known bool)
}

// The directions of a metric.
const (
	Lower  = "lower"
	Higher = "higher"
)

// Primary is the metric that answers whether handoffs help: it sees every kind
// of harm, and has the largest part of the level.
const Primary = "harmed_ratio"

// Metrics are those that are judged, in the order in which they are shown. A
// metric that says the same as another one (the share of failures, where all
// arms have the same due) would only cost the others their level.
var Metrics = []Metric{
	{Primary, "1", Lower, "share of the operations due that failed, were missed or came late", func(r Round) (float64, bool) { return r.HarmedRatio, r.Due > 0 }},
	{"failed", "operations", Lower, "operations that ended in error", counted(func(r Round) uint64 { return r.Failed })},
	{"missed", "operations", Lower, "operations that fell due and were never started", counted(func(r Round) uint64 { return r.Missed })},
	{"late", "operations", Lower, "successes that took longer than late_after_s", counted(func(r Round) uint64 { return r.Late })},
	{"timeouts", "operations", Lower, "failed operations whose read, write, dial or wait for a connection timed out", counted(func(r Round) uint64 { return r.Timeouts })},
	{"lost_acknowledged_writes", "writes", Lower, "acknowledged writes that the ledger found lost, of its share of the operations", func(r Round) (float64, bool) {
		if r.LostWrites == nil {
			return 0, false
		}
		return float64(*r.LostWrites), true
	}},
	{"outage_total_s", "s", Lower, "time in outages", lasted(func(r Round) *bundle.Seconds { return &r.OutageTotal })},
	{"outage_longest_s", "s", Lower, "the longest outage", lasted(func(r Round) *bundle.Seconds { return &r.OutageLongest })},
	{"recover_at_least_s", "s", Lower, "from the beginning of the maintenance until as before; the length of the event where that never came", lasted(func(r Round) *bundle.Seconds { return r.RecoverAtLeast })},
	{"response_p50_s", "s", Lower, "response time of successes during maintenance, median", lasted(func(r Round) *bundle.Seconds { return r.ResponseP50 })},
	{"response_p95_s", "s", Lower, "the same, 95 %", lasted(func(r Round) *bundle.Seconds { return r.ResponseP95 })},
	{"response_p99_s", "s", Lower, "the same, 99 %", lasted(func(r Round) *bundle.Seconds { return r.ResponseP99 })},
	{"response_max_s", "s", Lower, "the same, the longest", lasted(func(r Round) *bundle.Seconds { return r.ResponseMax })},
	{"attempts_hidden", "attempts", Lower, "tries that the client made again on its own", counted(func(r Round) uint64 { return r.AttemptsHidden })},
	{"dials", "dials", Lower, "connections dialled, handoffs included", counted(func(r Round) uint64 { return r.Dials })},
}

// counted is known of every round.
func counted(n func(Round) uint64) func(Round) (float64, bool) {
	return func(r Round) (float64, bool) { return float64(n(r)), true }
}

// lasted is known where it is not nil.
func lasted(d func(Round) *bundle.Seconds) func(Round) (float64, bool) {
	return func(r Round) (float64, bool) {
		if x := d(r); x != nil {
			return x.Duration().Seconds(), true
		}
		return 0, false
	}
}

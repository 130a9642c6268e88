package trace

import (
	"time"

	"schload/workload"
)

// sink hands everything on and offers what qualifies, in this order: what is
// chosen has been recorded.
type sink struct {
	workload.SlotSink
	arm   *arm
	pool  *workload.Pool
	limit int
}

// Done implements workload.Sink.
func (s *sink) Done(x workload.Sample, n int) {
	s.SlotSink.Done(x, n)
	if x.Outcome.Class != workload.OK || x.ResponseTime() > time.Duration(s.arm.beyond.Load()) {
		s.arm.offer(candidate{sample: x, alike: n, pool: s.pool}, s.limit)
	}
}

var _ workload.SlotSink = (*sink)(nil)

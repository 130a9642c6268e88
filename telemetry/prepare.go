package telemetry

import (
	"schload/handoff/notice"
	"schload/telemetry/record"
	"schload/workload"
)

// prepare states at zero what any run of these arms may come to, and what this
// one may besides. record.Later lists what appears only when it happens.
func (s *source) prepare(arms []record.Arm, besides []record.Count) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.arm == "" {
		s.stateExports()
		s.zero(record.HarnessClockSteps)
	}
	for _, arm := range arms {
		if arm.Name != s.arm {
			continue
		}
		for _, pool := range arm.Pools {
			for _, phase := range s.prepared() {
				s.preparePhase(pool, phase)
			}
		}
		s.prepareClient()
		s.prepareTimes()
	}
	for _, c := range besides {
		if c.Arm == s.arm {
			s.zero(c.Name, c.Attrs...)
		}
	}
}

// prepared are the phases whose series can be known before: all of them, or
// where rounds are told apart the warm-up before the first. Series of rounds
// that begin later are born at zero.
func (s *source) prepared() []record.Phase {
	all := []record.Phase{record.Warmup, record.Baseline, record.Maintenance, record.Recovery}
	if s.rounds {
		return all[:1]
	}
	return all
}

// zero states a counter at zero, in every phase if it has one.
func (s *source) zero(name string, attrs ...record.Attr) {
	if !phased[name] {
		s.count(name, attrs)
		return
	}
	for _, phase := range s.prepared() {
		s.count(name, s.placed(name, attrs, phase, 0))
	}
}

func (s *source) preparePhase(pool record.Pool, phase record.Phase) {
	inPool := record.Attr{Key: record.AttrPool, Value: pool.Name}
	for _, name := range pool.Operations {
		s.operation(operationKey{pool.Name, name, succeeded, phase, 0})
		s.operation(operationKey{pool.Name, name, failed, phase, 0})
		for class := range workload.Class(workload.Classes) {
			s.count(record.Operations, s.placed(record.Operations, []record.Attr{
				{Key: record.AttrOperation, Value: name}, {Key: record.AttrOutcome, Value: class.String()}, inPool}, phase, 0))
		}
	}
	s.count(record.OperationsDue, s.placed(record.OperationsDue, []record.Attr{inPool}, phase, 0))
	s.count(record.OperationsLate, s.placed(record.OperationsLate, []record.Attr{inPool}, phase, 0))
	for reason := range workload.Reason(workload.Reasons) {
		s.count(record.OperationsMissed, s.placed(record.OperationsMissed, []record.Attr{inPool, {Key: record.AttrReason, Value: reason.String()}}, phase, 0))
	}
}

// prepareClient states the counters of what the client does.
func (s *source) prepareClient() {
	for _, result := range []string{"started", "succeeded", failed} {
		s.zero(record.Handoffs, record.Attr{Key: record.AttrResult, Value: result})
	}
	s.prepareAttribution()
	s.prepareErrors()
	if s.traces {
		for _, result := range []string{"limited", "traced"} {
			s.zero(record.TracedOperations, record.Attr{Key: record.AttrResult, Value: result})
		}
	}
	for _, name := range []string{record.AttemptsHidden, record.ClientHandoffs, record.ClientTimeouts, record.RepliesSilent, record.SlotMapReads} {
		s.zero(name)
	}
	for _, proof := range []struct{ optedIn, protocol string }{{"false", "2"}, {"false", "3"}, {"true", "3"}} {
		s.zero(record.ConnectionsProved, record.Attr{Key: record.AttrOptedIn, Value: proof.optedIn}, record.Attr{Key: record.AttrProtocol, Value: proof.protocol})
	}
	for _, class := range []workload.Class{workload.OK, workload.DialRefused, workload.DialTimeout, workload.DialOther} {
		s.zero(record.ConnectionDials, record.Attr{Key: record.AttrResult, Value: class.String()})
	}
}

// prepareAttribution states the counters of what handoffs, relaxed timeouts and
// retries do.
func (s *source) prepareAttribution() {
	for _, m := range []struct {
		name, key string
		values    []string
	}{
		{record.OperationsSaved, record.AttrBy, []string{"relaxed_timeouts", "retries"}},
		{record.ConnectionsLeaving, record.AttrResult, []string{"handed_over", "closed_told", "closed_untold", "given_up"}},
		{record.DialsLeaving, record.AttrResult, []string{succeeded, failed}},
		{record.DialsSurplus, record.AttrReason, []string{failed, "overflow", "unused"}},
		{record.Handoffs, record.AttrResult, []string{"abandoned"}},
		{record.Redirects, record.AttrResult, []string{"moved", "ask"}},
		{record.RelaxedWindows, record.AttrResult, []string{"begun", "never_closed", "open"}},
	} {
		for _, value := range m.values {
			s.zero(m.name, record.Attr{Key: m.key, Value: value})
		}
	}
	for kind := range notice.Kind(notice.Kinds) {
		named := record.Attr{Key: record.AttrNotice, Value: kind.String()}
		s.zero(record.NoticeEvents, named)
		for _, result := range []string{"owed", "told", "ended"} {
			s.zero(record.NoticeConnections, named, record.Attr{Key: record.AttrResult, Value: result})
		}
	}
}

// prepareTimes states the distributions of what the client does: a histogram
// without a value is as good a zero as a counter's.
func (s *source) prepareTimes() {
	for _, name := range []string{record.ClientCreateTime, record.ClientWaitTime, record.ClientInitTime, record.ReconnectionTime, record.RelaxedDuration, record.OutageDuration} {
		s.empty(name)
	}
	for _, from := range []string{"dial", "notice"} {
		s.empty(record.HandoffDuration, record.Attr{Key: record.AttrFrom, Value: from})
	}
	for kind := range notice.Kind(notice.Kinds) {
		s.empty(record.NoticeDelay, record.Attr{Key: record.AttrNotice, Value: kind.String()})
	}
}

// empty states a distribution without a value, in every phase if it has one.
func (s *source) empty(name string, attrs ...record.Attr) {
	if !phased[name] {
		s.distribution(name, attrs)
		return
	}
	for _, phase := range s.prepared() {
		s.distribution(name, s.placed(name, attrs, phase, 0))
	}
}

package telemetry

import (
	"schload/handoff/notice"
	"schload/telemetry/record"
	"schload/workload"
)

// prepare states at zero what any run of these arms may come to. What depends
// on the target (nodes, reasons of closes) appears when it happens.
func (s *source) prepare(arms []record.Arm) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.arm == "" {
		s.stateExports()
	}
	for _, arm := range arms {
		if arm.Name != s.arm {
			continue
		}
		for _, pool := range arm.Pools {
			for phase := range record.Phase(record.Phases) {
				s.preparePhase(pool, phase)
			}
		}
		s.prepareClient()
	}
}

func (s *source) preparePhase(pool record.Pool, phase record.Phase) {
	inPool := record.Attr{Key: record.AttrPool, Value: pool.Name}
	inPhase := record.Attr{Key: record.AttrPhase, Value: phase.String()}
	for _, name := range pool.Operations {
		s.operation(operationKey{pool.Name, name, succeeded, phase})
		s.operation(operationKey{pool.Name, name, failed, phase})
		for class := range workload.Class(workload.Classes) {
			s.count(record.Operations, []record.Attr{
				{Key: record.AttrOperation, Value: name}, {Key: record.AttrOutcome, Value: class.String()}, inPool, inPhase})
		}
	}
	s.count(record.OperationsDue, []record.Attr{inPool, inPhase})
	s.count(record.OperationsLate, []record.Attr{inPool, inPhase})
	for reason := range workload.Reason(workload.Reasons) {
		s.count(record.OperationsMissed, []record.Attr{inPool, {Key: record.AttrReason, Value: reason.String()}, inPhase})
	}
}

// prepareClient states the counters of what the client does.
func (s *source) prepareClient() {
	for kind := range notice.Kind(notice.Kinds) {
		s.count(record.ClientNotifications, []record.Attr{{Key: record.AttrNotice, Value: kind.String()}})
	}
	for _, result := range []string{"started", "succeeded", failed} {
		s.count(record.Handoffs, []record.Attr{{Key: record.AttrResult, Value: result}})
	}
	s.prepareAttribution()
	s.prepareErrors()
	if s.traces {
		for _, result := range []string{"limited", "traced"} {
			s.count(record.TracedOperations, []record.Attr{{Key: record.AttrResult, Value: result}})
		}
	}
	s.count(record.ClientTimeouts, nil)
	for _, class := range []workload.Class{workload.OK, workload.DialRefused, workload.DialTimeout, workload.DialOther} {
		s.count(record.ConnectionDials, []record.Attr{{Key: record.AttrResult, Value: class.String()}})
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
		{record.RelaxedWindows, record.AttrResult, []string{"begun", "never_closed", "open"}},
	} {
		for _, value := range m.values {
			s.count(m.name, []record.Attr{{Key: m.key, Value: value}})
		}
	}
	for kind := range notice.Kind(notice.Kinds) {
		named := record.Attr{Key: record.AttrNotice, Value: kind.String()}
		s.count(record.NoticeEvents, []record.Attr{named})
		for _, result := range []string{"owed", "told", "ended"} {
			s.count(record.NoticeConnections, []record.Attr{named, {Key: record.AttrResult, Value: result}})
		}
	}
}

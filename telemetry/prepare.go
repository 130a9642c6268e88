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
	for _, class := range []workload.Class{workload.OK, workload.DialRefused, workload.DialTimeout, workload.DialOther} {
		s.count(record.ConnectionDials, []record.Attr{{Key: record.AttrResult, Value: class.String()}})
	}
}

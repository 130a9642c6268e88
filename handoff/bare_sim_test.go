package handoff_test

import (
	"testing"

	"schload/handoff"
)

// Bare connections live on the simulator: nothing fails in peace; when the
// endpoint moves they are closed like those of any client without handoffs,
// and come back.
func TestBareOnSimulator(t *testing.T) {
	peace := play(t, 400, "none", "raw")[0]
	if peace.tally.Failed != 0 || peace.tally.OK != peace.tally.Due || peace.seen.Connections != workers || peace.seen.Retries.Attempts != 0 {
		t.Errorf("in peace: %+v, %+v, want no failure on a connection each", peace.tally, peace.seen)
	}
	move := play(t, 400, "endpoint-rebind", "raw")[0]
	if move.tally.Failed == 0 || move.tally.OK == 0 || move.seen.Retries.Attempts != 0 || move.seen.Handoff.Started != 0 {
		t.Errorf("a move: %+v, %v, want failures and no try after", move.tally, move.classes)
	}
	if n := closedBy(move.seen, handoff.ByServer); n < workers {
		t.Errorf("%d connections closed by the server, want %d or more: %v", n, workers, move.seen.Closes)
	}
	if p := move.proof; !p.Valid || p.Effective != handoff.NoneRaw || p.Sent != 0 {
		t.Errorf("proof %+v", p)
	}
}

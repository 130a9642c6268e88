package handoff

import (
	"context"
	"sync"
	"time"

	"schload/telemetry/histogram"
)

// waits are how long operations waited for their turn at the pool. It is
// recorded for every operation, by many workers at once, so it is spread over
// lanes: a lock that hardly anybody else wants costs less than the clock.
type waits struct {
	lanes [waitLanes]waitLane
	next  sync.Mutex
	given int
}

const waitLanes = 16

type waitLane struct {
	mu   sync.Mutex
	took histogram.Histogram
	_    [64]byte
}

// lane returns the one that a batch is to use.
func (w *waits) lane() *waitLane {
	w.next.Lock()
	defer w.next.Unlock()
	w.given++
	return &w.lanes[w.given%waitLanes]
}

func (l *waitLane) record(took time.Duration) {
	l.mu.Lock()
	l.took.Record(took)
	l.mu.Unlock()
}

// take returns what was recorded since it was called last; nil is none.
func (w *waits) take() (all *histogram.Histogram) {
	for i := range w.lanes {
		l := &w.lanes[i]
		l.mu.Lock()
		if l.took.Count() > 0 {
			if all == nil {
				all = new(histogram.Histogram)
			}
			all.Merge(&l.took)
			l.took.Reset()
		}
		l.mu.Unlock()
	}
	return all
}

// waitedForTurn records a wait of an operation. Those of handshakes, receivers
// and connections that are opened ahead are none.
func waitedForTurn(ctx context.Context, took time.Duration) {
	if p, ok := ctx.(*part); ok {
		ctx = p.Context
	}
	if f, ok := ctx.(*flight); ok && f.lane != nil {
		f.lane.record(took)
	}
}

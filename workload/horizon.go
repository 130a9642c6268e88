package workload

import (
	"sync"
	"sync/atomic"
	"time"
)

// Horizon is where a run ends. It is set once, from outside, while the run
// goes on; the runs of all arms may share one. The zero value is ready and
// endless.
type Horizon struct {
	at atomic.Int64 // the end plus 1; 0 while it is open

	mu  sync.Mutex
	hit chan struct{} // closed by End
}

// End makes at, counted from the run's base, the end: operations intended
// before it are due, also those that are reached late; later ones are not. If
// operations beyond at have fallen due already, the end is behind the last of
// them. Only the first call counts.
func (h *Horizon) End(at time.Duration) {
	at = min(max(at, 0), forever-1)
	if h.at.CompareAndSwap(0, int64(at)+1) {
		close(h.ended())
	}
}

// end returns the end, forever while it is open.
func (h *Horizon) end() time.Duration {
	if h == nil {
		return forever
	}
	if at := h.at.Load(); at != 0 {
		return time.Duration(at - 1)
	}
	return forever
}

// ended returns a channel that is closed once the end is set, nil without a
// horizon. It is made on first use, inside the bubble that waits for it.
func (h *Horizon) ended() chan struct{} {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.hit == nil {
		h.hit = make(chan struct{})
	}
	return h.hit
}

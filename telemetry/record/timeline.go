package record

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// A span is the time from at until the next span's at: one phase of one round.
type span struct {
	at    time.Duration
	phase Phase
	round int
	arm   string // whose turn it is; "": all arms are loaded
}

// of says whether an arm is loaded in the span.
func (s span) of(arm string) bool { return s.arm == "" || s.arm == arm }

// beginning is where the first span begins: before any instant.
const beginning = time.Duration(math.MinInt64)

// forever is where the last span ends: behind any instant.
const forever = time.Duration(math.MaxInt64)

// timeline is the spans so far, in order. It only ever grows, and a span keeps
// its number: that is how shards file under a span without asking anyone.
type timeline struct {
	mu    sync.Mutex // among those who begin a span
	spans atomic.Pointer[[]span]
}

func (t *timeline) begin(s span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	spans := t.load()
	if n := len(spans); n > 0 {
		last := spans[n-1]
		if last.phase == s.phase && last.round == s.round && last.arm == s.arm {
			return // it has begun already; two spans of one key would be two series
		}
		s.at = max(s.at, last.at)
	}
	// A full slice expression, so that append copies: readers hold the old one.
	spans = append(spans[:len(spans):len(spans)], s)
	t.spans.Store(&spans)
}

func (t *timeline) load() []span {
	if p := t.spans.Load(); p != nil {
		return *p
	}
	return nil
}

// spanAt returns the number of the span an instant belongs to. It looks from
// the end: operations belong to the last span, or wait since the one before.
func spanAt(spans []span, at time.Duration) int {
	i := len(spans) - 1
	for i > 0 && at < spans[i].at {
		i--
	}
	return i
}

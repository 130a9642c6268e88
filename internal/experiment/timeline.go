package experiment

import (
	"sync"

	"schload/telemetry/mark"
)

// mostEarly bounds the marks kept before the bundle exists: arms that open
// leave a few dozen each.
const mostEarly = 8192

// Timeline gathers the marks of all sources. Until the bundle exists it keeps
// them; then it passes them on. It also remembers what the live view shows.
// The zero value is ready; its methods may be called concurrently.
type Timeline struct {
	mu      sync.Mutex
	early   []mark.Mark
	dropped uint64 // marks beyond mostEarly
	sink    mark.Sink
	round   int
	phase   string
	notices map[string]mark.Mark // last notice by arm
}

// Mark is a mark.Sink. A mark without round gets the current one.
func (t *Timeline) Mark(m mark.Mark) {
	t.mu.Lock()
	if m.Round == 0 {
		m.Round = t.round
	}
	if m.Kind == mark.Notice {
		if t.notices == nil {
			t.notices = map[string]mark.Mark{}
		}
		t.notices[m.Arm] = m
	}
	sink := t.sink
	switch {
	case sink != nil:
	case len(t.early) < mostEarly:
		t.early = append(t.early, m)
	default:
		t.dropped++
	}
	t.mu.Unlock()
	if sink != nil {
		sink(m)
	}
}

// lost is how many early marks could not be kept.
func (t *Timeline) lost() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dropped
}

// attach passes what was kept, and all that follows, to sink.
func (t *Timeline) attach(sink mark.Sink) {
	t.mu.Lock()
	early := t.early
	t.early, t.sink = nil, sink
	t.mu.Unlock()
	for _, m := range early {
		sink(m)
	}
}

// enter notes the phase and round that marks from now on belong to.
func (t *Timeline) enter(round int, phase string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.round, t.phase = round, phase
}

// at returns where the run is.
func (t *Timeline) at() (round int, phase string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.round, t.phase
}

// lastNotice returns the newest notice that reached an arm.
func (t *Timeline) lastNotice(arm string) (mark.Mark, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, ok := t.notices[arm]
	return m, ok
}

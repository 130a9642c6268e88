package experiment

import (
	"slices"
	"strings"
	"sync"
	"time"

	"schload/telemetry/mark"
	"schload/telemetry/record"
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
	also    mark.Sink // nil: nobody else listens
	turn    string    // the arm whose turn it is
	round   int
	phase   string
	notices map[string]mark.Mark // last notice by arm
	seen    map[string]int64     // sequence id of the last notice by kind, whichever arm got it
	events  map[event]uint64     // since they were last asked for
	windows windows              // that notices have opened
	opened  chan struct{}        // holds a token when windows may have changed; nil: nobody waits for one
}

// event is a kind of maintenance event: a notice, which many connections get
// and which counts once, or an act of the stage.
type event struct{ source, name string }

// Mark is a mark.Sink. A mark without round gets the current one, and a step of
// the stage the arm whose turn it is.
func (t *Timeline) Mark(m mark.Mark) {
	t.mu.Lock()
	if m.Round == 0 {
		m.Round = t.round
	}
	if m.Kind == mark.Step && m.Arm == "" {
		m.Arm = t.turn
	}
	t.note(m)
	sink, also := t.sink, t.also
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
	if also != nil {
		also(m)
	}
}

// tap passes what follows to one more sink, those kept so far first.
func (t *Timeline) tap(also mark.Sink) {
	t.mu.Lock()
	early := slices.Clone(t.early)
	t.also = also
	t.mu.Unlock()
	for _, m := range early {
		also(m)
	}
}

// Hear takes a mark of another process, which keeps it itself: it is not
// passed on.
func (t *Timeline) Hear(m mark.Mark) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.note(m)
}

// note keeps what the live view shows and what is counted.
func (t *Timeline) note(m mark.Mark) {
	if t.notices == nil {
		t.notices, t.events, t.seen = map[string]mark.Mark{}, map[event]uint64{}, map[string]int64{}
	}
	switch m.Kind {
	case mark.Step:
		t.events[event{"stage", m.Name}]++
	case mark.Notice:
		t.notices[m.Arm] = m
		if seq, seen := t.seen[m.Name]; m.Seq != nil && (!seen || seq != *m.Seq) {
			t.seen[m.Name] = *m.Seq
			t.events[event{"push", m.Name}]++
		}
		t.follow(m)
	}
}

// follow keeps track of the windows and wakes who waits for them.
func (t *Timeline) follow(m mark.Mark) {
	if t.windows.note(m) && t.opened != nil {
		select {
		case t.opened <- struct{}{}:
		default: // there is one already
		}
	}
}

// watchWindows returns what holds a token whenever a notice has opened or
// closed a window.
func (t *Timeline) watchWindows() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.opened == nil {
		t.opened = make(chan struct{}, 1)
	}
	return t.opened
}

// windowsOver returns when the last of the windows that notices have opened is
// over; 0 if none was opened.
func (t *Timeline) windowsOver() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.windows.over()
}

// takeEvents returns the events since the last call, as counts.
func (t *Timeline) takeEvents() []record.Count {
	t.mu.Lock()
	defer t.mu.Unlock()
	var counts []record.Count
	for e, n := range t.events {
		counts = append(counts, record.Count{Name: record.MaintenanceEvents, Value: n,
			Attrs: []record.Attr{{Key: record.AttrSource, Value: e.source}, {Key: record.AttrType, Value: e.name}}})
	}
	clear(t.events)
	slices.SortFunc(counts, func(a, b record.Count) int {
		return strings.Compare(a.Attrs[0].Value+a.Attrs[1].Value, b.Attrs[0].Value+b.Attrs[1].Value)
	})
	return counts
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

// enter notes the turn, round and phase that marks from now on belong to.
func (t *Timeline) enter(turn string, round int, phase string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn, t.round, t.phase = turn, round, phase
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

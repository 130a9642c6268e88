package handoff

import (
	"maps"
	"sync"
	"time"

	"schload/telemetry/mark"
)

// marker writes an arm's marks, so many of a kind and no more: a client that
// redials an address in a loop makes tens of thousands of connections in a
// minute, and a timeline of those hides the story. Counts are kept elsewhere
// and stay exact.
type marker struct {
	arm  string
	sink mark.Sink
	now  func() time.Duration

	mu      sync.Mutex
	kinds   map[mark.Kind]*allowance
	dropped map[mark.Kind]uint64
}

// allowance is what is left of one kind.
type allowance struct {
	second int64 // the current one
	left   int   // in it
	total  int   // in the run
	spare  int   // announced by expect
}

// The bounds, per arm and kind of mark.
const (
	marksPerSecond = 250
	marksPerRun    = 20_000
)

func newMarker(o *observer, sink mark.Sink) *marker {
	if sink == nil {
		sink = mark.Discard
	}
	return &marker{arm: o.arm, sink: sink, now: o.now,
		kinds: make(map[mark.Kind]*allowance), dropped: make(map[mark.Kind]uint64)}
}

// put writes m as a mark of the arm, or counts it as dropped.
func (m *marker) put(k mark.Mark) {
	if !m.allow(k.Kind) {
		return
	}
	k.Source, k.Arm = "arm", m.arm
	m.sink(k)
}

// expect makes room for n marks of a kind that are no flood, however fast they
// come.
func (m *marker) expect(kind mark.Kind, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of(kind).spare += n
}

// of returns what is left of a kind; m.mu is held.
func (m *marker) of(kind mark.Kind) *allowance {
	a := m.kinds[kind]
	if a == nil {
		a = &allowance{total: marksPerRun, left: marksPerSecond}
		m.kinds[kind] = a
	}
	return a
}

func (m *marker) allow(kind mark.Kind) bool {
	second := int64(m.now() / time.Second)
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.of(kind)
	if a.second != second {
		a.second, a.left = second, marksPerSecond
	}
	switch {
	case a.total == 0, a.left+a.spare == 0:
		m.dropped[kind]++
		return false
	case a.spare > 0:
		a.spare--
	default:
		a.left--
	}
	a.total--
	return true
}

func (m *marker) droppedCounts() map[mark.Kind]uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.dropped)
}

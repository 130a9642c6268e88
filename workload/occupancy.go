package workload

import (
	"sync"
	"time"
)

// Occupancy tells how busy a pool's workers are while the pool runs. It is the
// engine's own account: it knows no samples, so that it can be held against
// them (Little's law). The zero value is ready; it belongs to one Run. Read may
// be called at any time from any goroutine.
type Occupancy struct {
	mu   sync.Mutex
	read func() Load
}

// Load is what an Occupancy has seen since the run's base. All but Longest
// only grow.
type Load struct {
	At       time.Duration // of the reading; 0 before the run
	InFlight time.Duration // operations with workers, integrated over time
	Waiting  time.Duration // operations that waited for a worker, integrated over time
	Full     time.Duration // for how long no worker was free
	Longest  int           // most operations that waited at once since the reading before
}

// Read returns what has been seen until now.
func (o *Occupancy) Read() Load {
	o.mu.Lock()
	read := o.read
	o.mu.Unlock()
	if read == nil {
		return Load{}
	}
	return read()
}

// follow makes read the source. A nil Occupancy follows nothing.
func (o *Occupancy) follow(read func() Load) {
	if o == nil {
		return
	}
	o.mu.Lock()
	o.read = read
	o.mu.Unlock()
}

// meter integrates how many batches are with workers and how many wait. Its
// owner locks, and calls advance before each change of either.
type meter struct {
	base    time.Time
	workers int
	size    int // operations of a batch
	sum     Load
}

func (m *meter) advance(busy, waiting int) {
	now := max(0, time.Since(m.base))
	passed := now - m.sum.At
	m.sum.At = now
	m.sum.InFlight += passed * time.Duration(busy*m.size)
	m.sum.Waiting += passed * time.Duration(waiting*m.size)
	if busy >= m.workers {
		m.sum.Full += passed
	}
	m.sum.Longest = max(m.sum.Longest, waiting*m.size)
}

func (m *meter) read(busy, waiting int) Load {
	m.advance(busy, waiting)
	sum := m.sum
	m.sum.Longest = waiting * m.size
	return sum
}

// presence counts the workers of a closed loop that are at work. It sees when
// they come, pause and go, and never a single operation.
type presence struct {
	mu    sync.Mutex
	busy  int
	meter meter
}

func (p *presence) change(n int) {
	p.mu.Lock()
	p.meter.advance(p.busy, 0)
	p.busy += n
	p.mu.Unlock()
}

func (p *presence) read() Load {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.meter.read(p.busy, 0)
}

package handoff

import (
	"slices"
	"sync"
	"time"

	"schload/telemetry/mark"
)

// relaxations follows which connections work with relaxed timeouts. The
// library announces most beginnings and no end; ends are seen at the notice
// that causes them, or found by asking.
type relaxations struct {
	o    *observer
	wake chan struct{} // a window opened
	stop chan struct{}
	wg   sync.WaitGroup

	// Guarded by the observer's mutex.
	open    map[uint64]*window // by the library's number
	windows uint64
	time    time.Duration
}

// window is one connection being relaxed.
type window struct {
	conn  poolConn
	c     *connection
	since time.Duration
	why   string
}

// relaxedPoll is how often open windows are looked at: the precision of ends
// nobody announces.
const relaxedPoll = 100 * time.Millisecond

func (r *relaxations) start(o *observer) {
	r.o = o
	r.wake, r.stop = make(chan struct{}, 1), make(chan struct{})
	r.open = make(map[uint64]*window)
	r.wg.Go(r.follow)
}

// follow asks while a window is open and sleeps otherwise.
func (r *relaxations) follow() {
	ticker := time.NewTicker(relaxedPoll)
	defer ticker.Stop()
	for {
		ticker.Stop()
		select {
		case <-r.wake:
			ticker.Reset(relaxedPoll)
		case <-r.stop:
			return
		}
		for r.sweep() > 0 {
			select {
			case <-ticker.C:
			case <-r.stop:
				return
			}
		}
	}
}

// sweep ends the windows of connections that are not relaxed any more and
// returns how many are left.
func (r *relaxations) sweep() int {
	r.o.mu.Lock()
	open := make([]*window, 0, len(r.open))
	for _, w := range r.open {
		open = append(open, w)
	}
	r.o.mu.Unlock()
	left := 0
	for _, w := range open {
		if !w.conn.IsClosed() && w.conn.HasRelaxedTimeout() {
			left++
			continue
		}
		r.finished(w.conn)
	}
	return left
}

// check opens or ends the window of a connection after a notice.
func (r *relaxations) check(p poolConn, c *connection, why string) {
	if p.HasRelaxedTimeout() {
		r.begun(p, c, why)
	} else {
		r.finished(p)
	}
}

func (r *relaxations) begun(p poolConn, c *connection, why string) {
	r.o.mu.Lock()
	defer r.o.mu.Unlock()
	if r.open == nil || r.open[p.GetID()] != nil {
		return
	}
	r.open[p.GetID()] = &window{conn: p, c: c, since: r.o.now(), why: why}
	r.windows++
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// finished ends the window of a connection, if it has one.
func (r *relaxations) finished(p poolConn) {
	r.o.mu.Lock()
	w := r.open[p.GetID()]
	delete(r.open, p.GetID())
	r.o.mu.Unlock()
	if w != nil {
		r.finish(w, w.why)
	}
}

func (r *relaxations) finish(w *window, why string) {
	took := r.o.now() - w.since
	r.o.mu.Lock()
	r.time += took
	r.o.mu.Unlock()
	r.o.marks.put(mark.Mark{At: w.since, Duration: took, Kind: mark.Relaxed, Conn: w.c.number, Node: w.c.node, Detail: why})
}

// close ends what is left and waits for the goroutine.
func (r *relaxations) close() {
	close(r.stop)
	r.wg.Wait()
	r.o.mu.Lock()
	open := make([]*window, 0, len(r.open))
	for _, w := range r.open {
		open = append(open, w)
	}
	r.open = nil
	r.o.mu.Unlock()
	slices.SortFunc(open, func(a, b *window) int { return int(a.since - b.since) })
	for _, w := range open {
		r.finish(w, w.why+", still relaxed when the client was closed")
	}
}

// seen returns the state; the observer's mutex is held.
func (r *relaxations) seen() Relaxations {
	return Relaxations{Now: len(r.open), Windows: r.windows, Time: r.time}
}

// relaxedNow records that the library relaxed a connection.
func (o *observer) relaxedNow(p poolConn, c *connection, why string) {
	if why == "HANDOFF" {
		// This comes before the socket is swapped: c is what is replaced.
		o.mu.Lock()
		o.remember(p).old = c
		o.mu.Unlock()
	}
	o.relaxed.begun(p, c, why)
}

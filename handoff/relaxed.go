package handoff

import (
	"maps"
	"slices"
	"sync"
	"time"

	"schload/handoff/notice"
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
	left    uint64 // open at the end of the load
	never   uint64 // of these, past all that could keep them open
}

// window is one connection being relaxed.
type window struct {
	conn  poolConn
	c     *connection
	since time.Duration
	why   string        // the kind of a notice, or afterHandoff
	until time.Duration // when the relaxation after a handoff ends, 0 without one
	told  bool          // its length was recorded, at the end of the load
}

// afterHandoff is what the library calls the reason of relaxing a connection
// that takes another's place.
const afterHandoff = "HANDOFF"

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
	left := 0
	for _, w := range r.windowsOpen() {
		if !w.conn.IsClosed() && w.conn.HasRelaxedTimeout() {
			left++
			continue
		}
		r.finished(w.conn)
	}
	return left
}

// windowsOpen returns the open windows, oldest first.
func (r *relaxations) windowsOpen() []*window {
	r.o.mu.Lock()
	defer r.o.mu.Unlock()
	return slices.SortedFunc(maps.Values(r.open), func(a, b *window) int { return int(a.since - b.since) })
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
	if r.open == nil {
		return
	}
	w := r.open[p.GetID()]
	if w == nil {
		w = &window{conn: p, c: c, since: r.o.now(), why: why}
		r.open[p.GetID()] = w
		r.windows++
	}
	if why == afterHandoff {
		w.until = r.o.now() + r.o.postRelaxed
	}
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
	if w == nil {
		return
	}
	if _, c := recordOf(p); c != nil {
		c.unrelaxed.Store(int64(max(1, r.o.now())))
	}
	r.finish(w, w.why)
}

// finish records a window's length, once.
func (r *relaxations) finish(w *window, why string) {
	r.o.mu.Lock()
	took, told := r.o.now()-w.since, w.told
	w.told = true
	if !told {
		r.time += took
		r.o.lengths.record(&r.o.lengths.Relaxed, took)
	}
	r.o.mu.Unlock()
	if told {
		return
	}
	r.o.marks.put(mark.Mark{At: w.since, Duration: took, Kind: mark.Relaxed, Conn: w.c.number, Node: w.c.node, Detail: why})
}

// conclude accounts for the windows that are open at the end of the load, up to
// now. They stay open until the client is closed.
func (r *relaxations) conclude() {
	for _, w := range r.windowsOpen() {
		if w.conn.IsClosed() || !w.conn.HasRelaxedTimeout() {
			continue // about to be found ended
		}
		why := w.why + ", still relaxed at the end of the load"
		r.o.mu.Lock()
		if w.told { // by a Conclude before
			r.o.mu.Unlock()
			continue
		}
		r.left++
		if r.overdue(w) {
			r.never++
			why += ", past all that could keep it so"
		}
		r.o.mu.Unlock()
		r.finish(w, why)
	}
}

// overdue reports whether nothing can be what keeps a window open: all windows
// that notices announced are over, so is the time after a handoff, and the
// connection was used since, so that no notice that would end it waits unread.
// The observer's mutex is held.
func (r *relaxations) overdue(w *window) bool {
	now := r.o.now()
	if w.until > 0 && now <= w.until+relaxedPoll || !r.o.coverage.over(now) {
		return false
	}
	_, c := recordOf(w.conn)
	return c != nil && !r.o.coverage.mayWait(c, w.conn.UsedAt().Sub(r.o.base))
}

// close ends what is left and waits for the goroutine.
func (r *relaxations) close() {
	close(r.stop)
	r.wg.Wait()
	open := r.windowsOpen()
	r.o.mu.Lock()
	r.open = nil
	r.o.mu.Unlock()
	for _, w := range open {
		r.finish(w, w.why+", still relaxed when the client was closed")
	}
}

// seen returns the state; the observer's mutex is held.
func (r *relaxations) seen() Relaxations {
	now := Relaxations{Now: len(r.open), Windows: r.windows, Time: r.time, Open: r.left, NeverClosed: r.never}
	for _, w := range r.open {
		if kind, err := notice.ParseKind(w.why); err == nil {
			now.By[kind]++
		}
	}
	return now
}

// relaxedNow records that the library relaxed a connection.
func (o *observer) relaxedNow(p poolConn, c *connection, why string) {
	if why == afterHandoff {
		// This comes before the socket is swapped: c is what is replaced.
		o.mu.Lock()
		o.remember(p).old = c
		o.mu.Unlock()
	}
	o.relaxed.begun(p, c, why)
}

package experiment

import (
	"time"

	"schload/handoff/notice"
	"schload/telemetry/mark"
)

const (
	// settle is how long after the last window maintenance goes on: the client
	// relaxes timeouts for a while, and the old proxy closes its connections up
	// to 4.1 s after the time that MOVING announced (see endpoint-rebind).
	settle = 5 * time.Second

	// unclosed is how long a window that waits for its closing notice is taken
	// for open beyond the announced time: the notice may have gone to
	// connections that were lost.
	unclosed = 5 * time.Minute

	// mostSeen bounds the sequence ids that are remembered, and the windows
	// that wait for a closing notice.
	mostSeen = 4096
)

// closedBy names the notice that closes the window of another. MOVING has
// none: its window lasts as long as it announces.
var closedBy = map[string]string{
	notice.Migrating.String():   notice.Migrated.String(),
	notice.FailingOver.String(): notice.FailedOver.String(),
	notice.SMigrating.String():  notice.SMigrated.String(),
}

// windows are the maintenance windows that notices open and close, whichever
// arm and connection they reach. A notice that comes again, to a connection
// that opts in late, has the sequence id it had. The zero value has seen none.
type windows struct {
	seen map[pushed]bool
	open []window      // that wait for a closing notice, oldest first
	last time.Duration // end of those that wait for none any more
}

// pushed is a notice, whoever got it.
type pushed struct {
	kind string
	seq  int64
}

type window struct {
	kind  string        // of the notice that opened it
	lapse time.Duration // when it is given up
}

// note files one notice and says whether that changed anything.
func (w *windows) note(m mark.Mark) bool {
	if m.Seq == nil || !w.first(pushed{m.Name, *m.Seq}) {
		return false
	}
	if m.Name == notice.Moving.String() {
		w.last = max(w.last, m.At+m.Duration)
		return true
	}
	if closedBy[m.Name] != "" && len(w.open) < mostSeen {
		w.open = append(w.open, window{m.Name, m.At + m.Duration + unclosed})
		return true
	}
	return w.close(m)
}

func (w *windows) first(e pushed) bool {
	if w.seen[e] {
		return false
	}
	if w.seen == nil || len(w.seen) >= mostSeen {
		w.seen = map[pushed]bool{}
	}
	w.seen[e] = true
	return true
}

// close ends the oldest window that waits for the notice. One that nobody saw
// open is not news: servers tell of it who opts in afterwards.
func (w *windows) close(m mark.Mark) bool {
	for i, o := range w.open {
		if closedBy[o.kind] == m.Name {
			w.open = append(w.open[:i], w.open[i+1:]...)
			w.last = max(w.last, m.At)
			return true
		}
	}
	return false
}

// over is when the last window is, settled; 0 if there was none.
func (w *windows) over() time.Duration {
	end := w.last
	for _, o := range w.open {
		end = max(end, o.lapse)
	}
	if end == 0 {
		return 0
	}
	return end + settle
}

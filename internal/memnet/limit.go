package memnet

import (
	"sync"
	"time"
)

// limit is a deadline. Its stream's mutex guards it.
//
// Clients move a deadline with every operation and nearly never meet it, so a
// timer that is armed for an earlier instant is left alone and re-arms itself
// when it finds that the deadline has moved: most calls of set touch no timer.
type limit struct {
	at      time.Time // zero: none
	expired bool
	timer   *time.Timer
	armed   time.Time // when timer fires; zero: not armed
}

func (l *limit) set(s *stream, wake *sync.Cond, t time.Time) {
	l.at = t
	l.expired = !t.IsZero() && time.Until(t) <= 0
	if l.expired {
		wake.Broadcast()
		return
	}
	if t.IsZero() || !l.armed.IsZero() && !t.Before(l.armed) {
		return
	}
	l.arm(s, wake)
}

func (l *limit) arm(s *stream, wake *sync.Cond) {
	l.armed = l.at
	if l.timer != nil {
		l.timer.Reset(time.Until(l.at))
		return
	}
	l.timer = time.AfterFunc(time.Until(l.at), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		l.fire(s, wake)
	})
}

// fire runs under the stream's mutex. Subtle: it may run late, after set moved
// the deadline or stop ended it, so it trusts only what the fields say now
// (TestMovedDeadline).
func (l *limit) fire(s *stream, wake *sync.Cond) {
	l.armed = time.Time{}
	if l.at.IsZero() || l.expired {
		return
	}
	if time.Until(l.at) > 0 {
		l.arm(s, wake)
		return
	}
	l.expired = true
	wake.Broadcast()
}

func (l *limit) stop() {
	l.at = time.Time{}
	if l.timer != nil {
		l.timer.Stop()
	}
	l.armed = time.Time{}
}

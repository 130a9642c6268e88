package sim

import (
	"net"
	"sync/atomic"
	"time"
)

// hush is the state of a node whose packets are lost: its connections take
// no command and say nothing. The zero value is a node that is heard.
type hush struct{ ended atomic.Pointer[chan struct{}] }

func (h *hush) begin() {
	ended := make(chan struct{})
	h.ended.CompareAndSwap(nil, &ended)
}

func (h *hush) end() {
	if ended := h.ended.Swap(nil); ended != nil {
		close(*ended)
	}
}

func (h *hush) on() bool { return h.ended.Load() != nil }

// wait returns when the node is heard, or false when gone is closed first.
func (h *hush) wait(gone <-chan struct{}) bool {
	for {
		ended := h.ended.Load()
		if ended == nil {
			return true
		}
		select {
		case <-*ended:
		case <-gone:
			return false
		}
	}
}

// isolate cuts a node off, or lets it be heard again: commands that arrived
// meanwhile run now, and the replies that waited leave.
func (s *Simulator) isolate(e isolate) {
	if e.on {
		s.hushes[e.node].begin()
		s.network.isolate(e.node, true)
		return
	}
	s.network.isolate(e.node, false)
	s.hushes[e.node].end()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		if c.node == e.node {
			c.out.hurry()
		}
	}
}

// dig makes dials of a listener hang until lift is called. Networks in memory
// can do that by themselves.
func dig(l net.Listener) (lift func()) {
	switch l := l.(type) {
	case interface{ Blackhole(on bool) }:
		l.Blackhole(true)
		return func() { l.Blackhole(false) }
	case *net.TCPListener:
		l.SetDeadline(past) // nobody is accepted
		fill := crowd(l)
		return func() {
			fill()
			l.SetDeadline(time.Time{})
		}
	}
	return func() {}
}

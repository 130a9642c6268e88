package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Window is the most bytes that may be on their way in one direction of a
// connection; a write beyond it waits for the reader.
const Window = 64 << 10

// stream is one direction of a connection. The mutex guards the fields and is
// released while a reader or a writer waits on its condition.
type stream struct {
	mu       sync.Mutex
	readable sync.Cond
	writable sync.Cond
	data     ring

	reading limit // deadline of the reader
	writing limit // deadline of the writer

	ended   error // what the reader gets once the data is read: io.EOF or ECONNRESET
	refused error // what the writer gets: EPIPE or ECONNRESET
	readEnd bool  // the reading end was closed by its owner
	sendEnd bool  // the writing end was closed by its owner
}

func newStream() *stream {
	s := &stream{}
	s.readable.L = &s.mu
	s.writable.L = &s.mu
	return s
}

// read returns bare errors; Conn wraps them.
func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.readEnd:
			return 0, net.ErrClosed
		case s.reading.expired:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case s.data.n > 0:
			n := s.data.read(p)
			s.writable.Broadcast()
			return n, nil
		case s.ended != nil:
			return 0, s.ended
		}
		s.readable.Wait()
	}
}

func (s *stream) write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.sendEnd:
			return n, net.ErrClosed
		case s.writing.expired:
			return n, os.ErrDeadlineExceeded
		case s.refused != nil:
			return n, s.refused
		}
		if k := s.data.write(p[n:]); k > 0 {
			n += k
			s.readable.Broadcast()
		}
		if n == len(p) {
			return n, nil
		}
		s.writable.Wait()
	}
}

// closeRead ends the reading side, once. It reports whether bytes were left
// unread, because such a close resets the connection, as in a kernel.
func (s *stream) closeRead(reset bool) (unread, again bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readEnd {
		return false, true
	}
	unread = s.data.n > 0
	s.readEnd = true
	s.refused = syscall.EPIPE
	if reset || unread {
		s.refused = syscall.ECONNRESET
	}
	s.data = ring{}
	s.reading.stop()
	s.wake()
	return unread, false
}

// closeWrite ends the writing side: in order (the reader gets the rest, then
// io.EOF) or by reset (the rest, then ECONNRESET, as Linux delivers it).
func (s *stream) closeWrite(reset bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendEnd = true
	switch {
	case reset:
		s.ended = syscall.ECONNRESET
	case s.ended == nil:
		s.ended = io.EOF
	}
	s.writing.stop()
	s.wake()
}

func (s *stream) end() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

func (s *stream) unread() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data.n > 0
}

func (s *stream) wake() {
	s.readable.Broadcast()
	s.writable.Broadcast()
}

func (s *stream) setReadDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readEnd {
		return net.ErrClosed
	}
	s.reading.set(s, &s.readable, t)
	return nil
}

func (s *stream) setWriteDeadline(t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sendEnd {
		return net.ErrClosed
	}
	s.writing.set(s, &s.writable, t)
	return nil
}

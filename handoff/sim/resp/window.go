package resp

import (
	"errors"
	"fmt"
	"io"
)

// Bounds of what is read. Redis allows strings of 512 MB; a simulated database
// for measuring has no use for them, and a bound that a machine can hold is
// worth more than one it cannot.
const (
	MaxFrame    = 64 << 20 // bytes of one request or reply
	MaxElements = 1 << 20  // of one aggregate, as Redis bounds requests
	MaxDepth    = 64       // of nested aggregates
	MaxLine     = 64 << 10 // bytes of an inline request, a status or an error
)

// startSize is the first buffer of a connection: room for a pipeline of some
// hundred small commands. What a large frame made it grow beyond keepSize is
// given back once the frame has passed.
const (
	startSize = 16 << 10
	keepSize  = 256 << 10
)

// ErrProtocol is wrapped by every error that a peer's bytes cause. The
// text after it is what Redis says in such a case.
var ErrProtocol = errors.New("protocol error")

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}

// window is the part of a stream that was read and not yet taken: b[r:w].
type window struct {
	src  io.Reader
	b    []byte
	r, w int
}

func (v *window) unread() []byte { return v.b[v.r:v.w] }

// take consumes n bytes. They stay valid until the next fill.
func (v *window) take(n int) []byte {
	taken := v.b[v.r : v.r+n : v.r+n]
	v.r += n
	return taken
}

// fill reads once, growing when a frame does not fit. A reader that returns
// nothing over and over is an error of its own and ends in io.ErrNoProgress.
func (v *window) fill() error {
	if err := v.makeRoom(); err != nil {
		return err
	}
	for range 100 {
		n, err := v.src.Read(v.b[v.w:])
		v.w += n
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

func (v *window) makeRoom() error {
	unread := v.w - v.r
	switch {
	case unread == 0 && (len(v.b) == 0 || len(v.b) > keepSize):
		v.b = make([]byte, startSize)
	case unread == 0:
		// nothing to move
	case v.w < len(v.b):
		return nil
	case unread > MaxFrame:
		return protocolError("frame longer than %d bytes", MaxFrame)
	case unread > len(v.b)/2:
		grown := make([]byte, 2*len(v.b))
		copy(grown, v.unread())
		v.b = grown
	default:
		copy(v.b, v.unread())
	}
	v.r, v.w = 0, unread
	return nil
}

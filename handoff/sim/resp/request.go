package resp

import (
	"bytes"
	"io"
)

// Request is one command of a client. Both fields point into the reader's
// memory and are valid until the next call of Next.
type Request struct {
	Raw  []byte   // the frame as it came, array or inline
	Args [][]byte // command name and arguments; empty for an empty line or *0
}

// Requests cuts a client's stream into commands. One goroutine uses it at a
// time.
type Requests struct {
	window
	spans []span // of the arguments found so far, from the frame's start
	args  [][]byte
	at    int  // how far the frame was scanned, from its start
	left  int  // arguments still to come; -1 before the array's head
	whole bool // at is the end of the frame
}

type span struct{ from, to int }

// NewRequests returns a reader of src.
func NewRequests(src io.Reader) *Requests {
	return &Requests{window: window{src: src}, left: -1}
}

// Ready reports whether Next would return without reading: a whole command
// waits in the buffer, or bytes that can never become one.
func (q *Requests) Ready() bool {
	err := q.scan()
	return q.whole || err != nil
}

// Next returns the next command. At the end of the stream it is io.EOF between
// commands and io.ErrUnexpectedEOF inside one; bytes that are no command are
// an ErrProtocol. A read that timed out may be repeated: nothing is lost.
func (q *Requests) Next() (Request, error) {
	for {
		if err := q.scan(); err != nil {
			return Request{}, err
		}
		if q.whole {
			return q.cut(), nil
		}
		if err := q.Fill(); err != nil {
			return Request{}, err
		}
	}
}

// Fill waits for more bytes without cutting anything: how a proxy notices that
// a client has gone while its command runs.
func (q *Requests) Fill() error {
	err := q.fill()
	if err == io.EOF && q.r < q.w {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Buffered is the number of bytes that wait.
func (q *Requests) Buffered() int { return q.w - q.r }

func (q *Requests) cut() Request {
	raw := q.take(q.at)
	q.args = q.args[:0]
	if len(raw) > 0 && raw[0] == '*' {
		for _, s := range q.spans {
			q.args = append(q.args, raw[s.from:s.to:s.to])
		}
	} else {
		q.args = splitInline(q.args, raw)
	}
	q.spans, q.at, q.left, q.whole = q.spans[:0], 0, -1, false
	return Request{Raw: raw, Args: q.args}
}

// scan goes on where the last scan ran out of bytes.
func (q *Requests) scan() error {
	if q.whole || q.r == q.w {
		return nil
	}
	if q.left < 0 {
		if err := q.scanHead(); err != nil || q.left < 0 {
			return err
		}
	}
	for q.left > 0 {
		if more, err := q.scanArgument(); err != nil || !more {
			return err
		}
	}
	q.whole = true
	return nil
}

// scanHead reads the array's length, or the whole of an inline command.
func (q *Requests) scanHead() error {
	in := q.unread()
	if in[0] != '*' {
		return q.scanInline(in)
	}
	count, size, err := length(in[1:], "multibulk length", MaxElements)
	if err != nil || size == 0 {
		return err
	}
	q.left, q.at = max(count, 0), 1+size // *-1 is an empty command, as for Redis
	return nil
}

func (q *Requests) scanInline(in []byte) error {
	end := bytes.IndexByte(in, '\n')
	if end < 0 && len(in) > MaxLine || end > MaxLine {
		return protocolError("too big inline request")
	}
	if end >= 0 {
		q.left, q.at = 0, end+1
	}
	return nil
}

// scanArgument reads one bulk string; more is false when bytes are missing.
func (q *Requests) scanArgument() (more bool, err error) {
	in := q.unread()[q.at:]
	if len(in) == 0 {
		return false, nil
	}
	if in[0] != '$' {
		return false, protocolError("expected '$', got '%c'", in[0])
	}
	count, size, err := length(in[1:], "bulk length", MaxFrame)
	if err != nil || size == 0 {
		return false, err
	}
	if count < 0 {
		return false, protocolError("invalid bulk length")
	}
	from := 1 + size
	end := from + count + 2
	if q.at+end > MaxFrame {
		return false, protocolError("frame longer than %d bytes", MaxFrame)
	}
	if len(in) < end {
		return false, nil
	}
	if in[end-2] != '\r' || in[end-1] != '\n' {
		return false, protocolError("expected CR LF after a bulk of %d bytes", count)
	}
	q.spans = append(q.spans, span{q.at + from, q.at + from + count})
	q.at += end
	q.left--
	return true, nil
}

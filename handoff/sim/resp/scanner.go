package resp

import "bytes"

// Scanner finds where the frames of a server's stream end, however the stream
// is cut. The zero value is ready. It keeps no bytes: what it could not use,
// the last bytes of a cut line, it must be given again.
type Scanner struct {
	open  []aggregate // from the outside in
	skip  int         // bytes of a string still to come, its CR LF included
	chunk bool        // skip belongs to a chunk of a streamed string
	size  int         // of the frame so far
}

// aggregate is one whose end was not seen yet.
type aggregate struct {
	left      int  // values still to come; -1 for a streamed one, which has an end mark
	attribute bool // not a value itself: it goes before one
	text      bool // a streamed string: its elements are chunks
}

// Scan looks for the end of the current frame. It returns how many bytes it
// consumed, and whether the frame ended with them. When it did not, the rest,
// if there is one, must come again with what follows it. After an ErrProtocol
// the scanner is of no further use.
func (s *Scanner) Scan(in []byte) (n int, whole bool, err error) {
	for n < len(in) {
		took, value, err := s.step(in[n:])
		if err != nil || took == 0 {
			return n, false, err
		}
		n += took
		if s.size += took; s.size > MaxFrame {
			return n, false, protocolError("frame longer than %d bytes", MaxFrame)
		}
		if value && s.closeValue() {
			s.size = 0
			return n, true, nil
		}
	}
	return n, false, nil
}

// step consumes the head of a value or the bytes of a string. value says that
// a value ended.
func (s *Scanner) step(in []byte) (took int, value bool, err error) {
	if s.skip > 0 {
		took, value = s.body(in)
		return took, value, nil
	}
	if s.inText() {
		return s.chunkHead(in)
	}
	switch in[0] {
	case '+', '-', ':', '_', '#', ',', '(':
		took, err = line(in)
		return took, took > 0, err
	case '$', '=', '!':
		return s.stringHead(in)
	case '*', '~', '>':
		return s.aggregateHead(in, aggregate{}, 1)
	case '%':
		return s.aggregateHead(in, aggregate{}, 2)
	case '|':
		return s.aggregateHead(in, aggregate{attribute: true}, 2)
	case '.':
		return s.endMark(in)
	}
	return 0, false, protocolError("expected a RESP type, got %q", in[0])
}

// closeValue counts a value that ended and everything that ends with it. It
// reports whether that was the frame.
func (s *Scanner) closeValue() bool {
	for len(s.open) > 0 {
		top := &s.open[len(s.open)-1]
		if top.left < 0 {
			return false
		}
		if top.left--; top.left > 0 {
			return false
		}
		attribute := top.attribute
		s.open = s.open[:len(s.open)-1]
		if attribute {
			return false // the value it describes follows
		}
	}
	return true
}

func (s *Scanner) body(in []byte) (took int, value bool) {
	took = min(len(in), s.skip)
	s.skip -= took
	if s.skip > 0 || s.chunk {
		return took, false
	}
	return took, true
}

func (s *Scanner) stringHead(in []byte) (took int, value bool, err error) {
	if streamed(in) {
		return s.enter(aggregate{left: -1, text: true}, 4)
	}
	count, size, err := length(in[1:], "bulk length", MaxFrame)
	if err != nil || size == 0 {
		return 0, false, err
	}
	if count < 0 {
		return 1 + size, true, nil
	}
	s.skip, s.chunk = count+2, false
	return 1 + size, false, nil
}

// chunkHead reads one chunk of a streamed string; the empty one is its end.
func (s *Scanner) chunkHead(in []byte) (took int, value bool, err error) {
	if in[0] != ';' {
		return 0, false, protocolError("expected ';', got %q", in[0])
	}
	count, size, err := length(in[1:], "chunk length", MaxFrame)
	if err != nil || size == 0 {
		return 0, false, err
	}
	if count < 0 {
		return 0, false, protocolError("invalid chunk length")
	}
	if count == 0 {
		s.open = s.open[:len(s.open)-1]
		return 1 + size, true, nil
	}
	s.skip, s.chunk = count+2, true
	return 1 + size, false, nil
}

// aggregateHead reads a count of values, or of pairs of values.
func (s *Scanner) aggregateHead(in []byte, a aggregate, times int) (took int, value bool, err error) {
	if streamed(in) {
		a.left = -1
		return s.enter(a, 4)
	}
	count, size, err := length(in[1:], "multibulk length", MaxElements)
	if err != nil || size == 0 {
		return 0, false, err
	}
	if count <= 0 {
		return 1 + size, !a.attribute, nil // empty, or the RESP2 null
	}
	a.left = count * times
	return s.enter(a, 1+size)
}

func (s *Scanner) enter(a aggregate, took int) (int, bool, error) {
	if len(s.open) >= MaxDepth {
		return 0, false, protocolError("aggregates nest deeper than %d", MaxDepth)
	}
	s.open = append(s.open, a)
	return took, false, nil
}

// endMark ends a streamed aggregate.
func (s *Scanner) endMark(in []byte) (took int, value bool, err error) {
	if len(s.open) == 0 || s.open[len(s.open)-1].left >= 0 {
		return 0, false, protocolError("unexpected end mark")
	}
	if len(in) < 3 {
		return 0, false, nil
	}
	if in[1] != '\r' || in[2] != '\n' {
		return 0, false, protocolError("invalid end mark")
	}
	attribute := s.open[len(s.open)-1].attribute
	s.open = s.open[:len(s.open)-1]
	return 3, !attribute, nil
}

func (s *Scanner) inText() bool {
	return len(s.open) > 0 && s.open[len(s.open)-1].text
}

// streamed recognises a head without a length: $?, *?, %?, ~?, >?, |?.
func streamed(in []byte) bool {
	return len(in) >= 4 && in[1] == '?' && in[2] == '\r' && in[3] == '\n'
}

// line returns the size of a line with its CR LF, zero when it is not whole.
func line(in []byte) (int, error) {
	end := bytes.IndexByte(in, '\n')
	if end < 0 && len(in) > MaxLine || end > MaxLine {
		return 0, protocolError("line longer than %d bytes", MaxLine)
	}
	if end < 0 {
		return 0, nil
	}
	if in[end-1] != '\r' {
		return 0, protocolError("expected CR before LF")
	}
	return end + 1, nil
}

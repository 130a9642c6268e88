package raw

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// ErrUnreadable says that bytes are no RESP, or more of it than any reply to an
// operation has.
var ErrUnreadable = errors.New("raw: unreadable reply")

const (
	firstBuffer = 4 << 10
	longestLine = 64 << 10 // an error reply, or a length
	longestBulk = 64 << 20
	deepest     = 8 // nested aggregates
)

// reply is one RESP value. Text is valid until the next one is read; of an
// aggregate only the kind is kept.
type reply struct {
	kind byte
	text []byte
	null bool
}

// reader reads replies and lets pushes pass.
type reader struct {
	from       io.Reader
	buf        []byte
	begin, end int // what is buffered
}

func (r *reader) reset(from io.Reader) {
	r.from, r.begin, r.end = from, 0, 0
	if r.buf == nil {
		r.buf = make([]byte, firstBuffer)
	}
}

func (r *reader) reply() (reply, error) {
	for {
		x, err := r.value(0)
		if err != nil || x.kind != '>' {
			return x, err
		}
	}
}

func (r *reader) value(depth int) (reply, error) {
	line, err := r.line()
	if err != nil {
		return reply{}, err
	}
	if len(line) == 0 || depth > deepest {
		return reply{}, fmt.Errorf("%w: %.40q", ErrUnreadable, line)
	}
	x := reply{kind: line[0], text: line[1:]}
	switch x.kind {
	case '+', '-', ':', ',', '#', '(':
		return x, nil
	case '_':
		x.null = true
		return x, nil
	case '$', '!', '=':
		return r.bulk(x)
	case '*', '~', '>', '%', '|':
		return r.aggregate(x, depth)
	}
	return x, fmt.Errorf("%w: %.40q", ErrUnreadable, line)
}

// bulk reads the text behind a length.
func (r *reader) bulk(x reply) (reply, error) {
	n, ok := number(x.text)
	if ok && n == -1 && x.kind == '$' {
		x.text, x.null = nil, true
		return x, nil
	}
	if !ok || n < 0 || n > longestBulk {
		return x, fmt.Errorf("%w: length %.40q", ErrUnreadable, x.text)
	}
	for r.end-r.begin < n+2 {
		if err := r.fill(n + 2); err != nil {
			return x, err
		}
	}
	body := r.buf[r.begin : r.begin+n+2]
	r.begin += n + 2
	if body[n] != '\r' || body[n+1] != '\n' {
		return x, fmt.Errorf("%w: a text of %d bytes does not end where it should", ErrUnreadable, n)
	}
	x.text = body[:n]
	return x, nil
}

// aggregate reads over the elements. An attribute (|) is followed by the reply
// it belongs to.
func (r *reader) aggregate(x reply, depth int) (reply, error) {
	n, ok := number(x.text)
	if ok && n == -1 && x.kind == '*' {
		return reply{kind: x.kind, null: true}, nil
	}
	if !ok || n < 0 || n > longestBulk {
		return x, fmt.Errorf("%w: length %.40q", ErrUnreadable, x.text)
	}
	if x.kind == '%' || x.kind == '|' {
		n *= 2
	}
	for range n {
		if _, err := r.value(depth + 1); err != nil {
			return x, err
		}
	}
	if x.kind == '|' {
		return r.value(depth + 1)
	}
	return reply{kind: x.kind}, nil
}

// line reads up to CRLF and returns what is before it.
func (r *reader) line() ([]byte, error) {
	seen := 0
	for {
		if i := bytes.IndexByte(r.buf[r.begin+seen:r.end], '\n'); i >= 0 {
			line := r.buf[r.begin : r.begin+seen+i]
			r.begin += seen + i + 1
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		seen = r.end - r.begin
		if seen > longestLine {
			return nil, fmt.Errorf("%w: a line of more than %d bytes", ErrUnreadable, longestLine)
		}
		if err := r.fill(seen + 1); err != nil {
			return nil, err
		}
	}
}

// fill reads more, after making room for want bytes from begin on.
func (r *reader) fill(want int) error {
	if len(r.buf)-r.begin < want {
		buf := r.buf
		if len(buf) < want {
			buf = make([]byte, max(want, 2*len(buf)))
		}
		r.end = copy(buf, r.buf[r.begin:r.end])
		r.buf, r.begin = buf, 0
	}
	n, err := r.from.Read(r.buf[r.end:])
	r.end += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// number reads a decimal number without allocating.
func number(text []byte) (int, bool) {
	n, err := strconv.Atoi(string(text)) // the copy stays on the stack
	return n, err == nil
}

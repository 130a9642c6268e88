package notice

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// ErrIncomplete says that the input ends inside a frame: read more and parse
// again.
var ErrIncomplete = errors.New("notice frame is incomplete")

// Bounds of what is read: far above any captured frame, and low enough that a
// hostile length cannot make the parser allocate.
const (
	maxBulk     = 1 << 20 // bytes of one string
	maxElements = 1 << 14 // of one aggregate; the slot map has 16384 slots
	maxDepth    = 8       // of nested aggregates
	maxLine     = 1 << 16 // bytes of one line
)

// unused stands for a RESP3 value no notice has use for: a map, a double, an
// error. It may trail a frame and is refused anywhere else.
type unused struct{ prefix byte }

// frame is a cursor over one RESP3 frame.
type frame struct {
	in []byte
	at int
}

// readPush reads the elements of one push frame.
func (f *frame) readPush() ([]any, error) {
	if len(f.in) == 0 {
		return nil, ErrIncomplete
	}
	if f.in[0] != '>' {
		return nil, fmt.Errorf("notice frame: want a RESP3 push, which begins with %q, got %q", '>', f.in[0])
	}
	f.at = 1
	return f.readElements(1, 1)
}

// readElements reads an aggregate whose prefix was consumed; times is 2 for
// the kinds that count pairs.
func (f *frame) readElements(times, depth int) ([]any, error) {
	count, err := f.readLength("elements", maxElements)
	if err != nil || count < 0 {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("notice frame byte %d: aggregates nest deeper than %d", f.at, maxDepth)
	}
	var values []any
	for range count * times {
		value, err := f.readValue(depth)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}

// readValue reads one value of any RESP3 type.
func (f *frame) readValue(depth int) (any, error) {
	if f.at == len(f.in) {
		return nil, ErrIncomplete
	}
	prefix := f.in[f.at]
	f.at++
	switch prefix {
	case ':':
		return f.readInteger()
	case '$':
		return f.readBulk()
	case '+':
		line, err := f.readLine()
		return string(line), err
	case '*':
		return f.readElements(1, depth+1)
	case '_':
		line, err := f.readLine()
		if err == nil && len(line) != 0 {
			err = fmt.Errorf("notice frame byte %d: want null to be empty, got %.20q", f.at, line)
		}
		return nil, err
	}
	return unused{prefix}, f.skip(prefix, depth)
}

// skip reads over a value of a type that no notice has use for.
func (f *frame) skip(prefix byte, depth int) error {
	var err error
	switch prefix {
	case '-', '#', ',', '(':
		_, err = f.readLine()
	case '=', '!':
		_, err = f.readBulk()
	case '~', '>':
		_, err = f.readElements(1, depth+1)
	case '%':
		_, err = f.readElements(2, depth+1)
	default:
		err = fmt.Errorf("notice frame byte %d: want a RESP3 type, got %q", f.at-1, prefix)
	}
	return err
}

// readBulk reads a length-prefixed string; length -1, the RESP2 null, is nil.
func (f *frame) readBulk() (any, error) {
	size, err := f.readLength("bytes", maxBulk)
	if err != nil || size < 0 {
		return nil, err
	}
	if len(f.in)-f.at < size+2 {
		return nil, ErrIncomplete
	}
	text := f.in[f.at : f.at+size]
	f.at += size
	if f.in[f.at] != '\r' || f.in[f.at+1] != '\n' {
		return nil, fmt.Errorf("notice frame byte %d: want CR LF after a string of %d bytes", f.at, size)
	}
	f.at += 2
	return string(text), nil
}

func (f *frame) readInteger() (int64, error) {
	from := f.at
	line, err := f.readLine()
	if err != nil {
		return 0, err
	}
	value, err := strconv.ParseInt(string(line), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("notice frame byte %d: want an integer, got %.40q", from, line)
	}
	return value, nil
}

// readLength reads the count of an aggregate or string; -1 is the RESP2 null.
func (f *frame) readLength(of string, most int64) (int, error) {
	from := f.at
	length, err := f.readInteger()
	if err != nil {
		return 0, err
	}
	if length < -1 || length > most {
		return 0, fmt.Errorf("notice frame byte %d: want at most %d %s, got %d", from, most, of, length)
	}
	return int(length), nil
}

// readLine reads up to CR LF, which it consumes.
func (f *frame) readLine() ([]byte, error) {
	rest := f.in[f.at:]
	end := bytes.IndexByte(rest, '\r')
	if end > maxLine || end < 0 && len(rest) > maxLine {
		return nil, fmt.Errorf("notice frame byte %d: line is longer than %d bytes", f.at, maxLine)
	}
	if end < 0 || end+1 == len(rest) {
		return nil, ErrIncomplete
	}
	if rest[end+1] != '\n' {
		return nil, fmt.Errorf("notice frame byte %d: want LF after CR, got %q", f.at+end+1, rest[end+1])
	}
	f.at += end + 2
	return rest[:end], nil
}

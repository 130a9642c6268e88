package bundle

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
)

// maxLine bounds what a reader takes into memory at once. An interval of a
// hundred arms stays far below it.
const maxLine = 64 << 20

var errLongLine = fmt.Errorf("it is longer than %d MB: no line that schload writes is", maxLine>>20)

// appender appends whole lines to a file, each with one write, so that a kill
// between two writes leaves only whole lines.
type appender struct {
	f     *os.File
	size  int64
	lines uint64 // that are in the file
}

func newAppender(path string) (*appender, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	return &appender{f: f}, nil
}

// append writes lines, the last newline included. When the disk is full it
// takes back what was written in part, so that a later line does not continue
// a torn one.
func (a *appender) append(lines []byte) error {
	n, err := a.f.Write(lines)
	if err != nil {
		if n > 0 {
			err = errors.Join(err, a.f.Truncate(a.size))
		}
		return err
	}
	a.size += int64(n)
	a.lines += uint64(bytes.Count(lines, newline))
	return nil
}

var newline = []byte("\n")

// close makes the file durable.
func (a *appender) close() error { return errors.Join(a.f.Sync(), a.f.Close()) }

// tornLine says whether the file's last line lacks its newline.
func tornLine(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err != nil || size == 0 {
		return false, err
	}
	if _, err := f.Seek(-1, io.SeekEnd); err != nil {
		return false, err
	}
	var last [1]byte
	if _, err := io.ReadFull(f, last[:]); err != nil {
		return false, err
	}
	return last[0] != '\n', nil
}

// countLines counts the whole lines of a file, those that hold nothing left out.
func countLines(path string) (n uint64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	buffer, last := make([]byte, 256<<10), byte('\n')
	for {
		m, err := f.Read(buffer)
		part := buffer[:m]
		n += uint64(bytes.Count(part, newline))
		if m > 0 {
			if last == '\n' && part[0] == '\n' {
				n--
			}
			n -= uint64(blank(part))
			last = part[m-1]
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// blank counts the newlines that follow another one at once.
func blank(text []byte) (n int) {
	for {
		i := bytes.Index(text, []byte("\n\n"))
		if i < 0 {
			return n
		}
		text = text[i+1:]
		n++
	}
}

// readLines yields what parse makes of each whole line of a file, in order,
// and ends at the first error, which names the file by its whole path, for more
// than one bundle may be read, and the line, n counted from 1. A last line without
// newline is left out; blank lines are skipped.
func readLines[T any](path string, parse func(n int, line []byte) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return
		}
		if err != nil {
			yield(none, err)
			return
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(make([]byte, 64<<10), maxLine)
		lines.Split(wholeLines)
		n := 1
		for ; lines.Scan(); n++ {
			if len(bytes.TrimSpace(lines.Bytes())) == 0 {
				continue
			}
			v, err := parse(n, lines.Bytes())
			if err != nil {
				yield(none, fmt.Errorf("%s line %d: %w", path, n, err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			if errors.Is(err, bufio.ErrTooLong) {
				err = errLongLine
			}
			yield(none, fmt.Errorf("%s line %d: %w", path, n, err))
		}
	}
}

// wholeLines is bufio.ScanLines without the last line that lacks a newline.
func wholeLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF {
		return len(data), nil, nil
	}
	return 0, nil, nil
}

// writeAtomic replaces a file by value as indented JSON: at every instant the
// path holds the old file or the whole new one.
func writeAtomic(path string, value any) error {
	text, err := marshalIndent(value)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return WriteWhole(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"schload/telemetry/mark"
)

// A dial storm of 1000 connections makes some thousand marks at once; the
// queue holds several such storms (4 MB). The last quarter is kept for the
// kinds without which a bundle cannot be read.
const (
	queued   = 16384
	reserved = queued / 4
)

// marks is the goroutine that owns marks.jsonl, and its queue.
type marks struct {
	file   *appender
	redact redactor
	queue  chan mark.Mark
	done   chan struct{}
	err    error // of the goroutine; read it after done

	lost atomic.Uint64

	mu     sync.RWMutex // guards closed and with it the right to send
	closed bool
}

func startMarks(file *appender, redact redactor) *marks {
	m := &marks{file: file, redact: redact, queue: make(chan mark.Mark, queued), done: make(chan struct{})}
	go m.write()
	return m
}

func (m *marks) put(one mark.Mark) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed || len(m.queue) >= queued-reserved && !one.Kind.Essential() {
		m.lost.Add(1)
		return
	}
	select {
	case m.queue <- one:
	default:
		m.lost.Add(1)
	}
}

// wait is put for who has time: it waits for room and drops nothing.
func (m *marks) wait(one mark.Mark) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		m.lost.Add(1)
		return
	}
	m.queue <- one
}

// close writes what is queued and ends the goroutine.
func (m *marks) close() error {
	m.mu.Lock()
	m.closed = true
	close(m.queue)
	m.mu.Unlock()
	<-m.done
	return m.err
}

func (m *marks) write() {
	defer close(m.done)
	var batch []byte
	var stated uint64 // how many losses the file tells of
	for one := range m.queue {
		batch = m.line(batch[:0], one)
		for len(m.queue) > 0 && len(batch) < 64<<10 {
			one = <-m.queue
			batch = m.line(batch, one)
		}
		if n := m.lost.Load(); n > stated {
			batch = m.line(batch, mark.Mark{At: one.At, Kind: mark.Harness, Name: "marks_dropped", Source: "harness",
				Detail: fmt.Sprintf("%d marks could not be written and are missing here", n-stated)})
			stated = n
		}
		m.flush(batch)
	}
	if err := m.file.close(); m.err == nil {
		m.err = err
	}
}

func (m *marks) line(batch []byte, one mark.Mark) []byte {
	one.Detail = m.redact.text(one.Detail)
	text, err := marshal(one)
	if err != nil { // a Mark holds nothing that JSON cannot
		panic(err)
	}
	return append(append(batch, text...), '\n')
}

// flush writes a batch of lines. The first error is kept for close; marks that
// follow are tried all the same, for the disk may have room again.
func (m *marks) flush(batch []byte) {
	if err := m.file.append(batch); err != nil {
		for _, c := range batch {
			if c == '\n' {
				m.lost.Add(1)
			}
		}
		if m.err == nil {
			m.err = err
		}
	}
}

func decodeMark(line []byte) (mark.Mark, error) {
	var one mark.Mark
	err := json.Unmarshal(line, &one)
	if err == nil {
		err = checkMark(one)
	}
	return one, err
}

// checkMark refuses a mark that would be passed over in silence, or counted
// backwards: an outage of less than no time is longer than none, yet shortens
// what it is added to.
func checkMark(one mark.Mark) error {
	switch {
	case one.Kind == "":
		return errors.New("a mark without kind")
	case one.Duration < 0:
		return fmt.Errorf("a mark of kind %s with duration_ns %d: want 0 or more", one.Kind, int64(one.Duration))
	case one.Round < 0:
		return fmt.Errorf("a mark of kind %s with round %d: want 0 or more", one.Kind, one.Round)
	}
	return nil
}

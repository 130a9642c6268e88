package isolate

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"schload/internal/report"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// Child is an arm's process as it was started.
type Child struct {
	Arm  string
	In   io.WriteCloser // closing it ends the process
	Out  io.Reader
	Wait func() error // returns once the process has ended
	Kill func()
}

// process is a child that is spoken with.
type process struct {
	Child
	hear func(mark.Mark) // notices

	saying sync.Mutex // guards writing to In

	ready, loaded, settled, gone chan struct{} // closed when it is
	resolved                     chan int
	slots                        []record.SlotRange // once ready

	mu       sync.Mutex
	progress report.ArmProgress
	failed   *ArmError // the first failure
	told     bool      // it was handed out
	ended    bool      // it said that it has ended
	due      bool      // its load may end
}

func newProcess(c Child, hear func(mark.Mark)) *process {
	return &process{Child: c, hear: hear, progress: report.ArmProgress{Name: c.Arm}, resolved: make(chan int, 1),
		ready: make(chan struct{}), loaded: make(chan struct{}), settled: make(chan struct{}), gone: make(chan struct{})}
}

// say writes a line. A process that is gone is noticed by the end of its output.
func (p *process) say(o order) {
	line, err := json.Marshal(o)
	if err != nil {
		p.fail(Failure{Text: err.Error()})
		return
	}
	p.saying.Lock()
	defer p.saying.Unlock()
	_, _ = p.In.Write(append(line, '\n'))
}

// listen takes answers until the process has ended.
func (p *process) listen() {
	in := bufio.NewScanner(p.Out)
	in.Buffer(nil, longestLine)
	for in.Scan() {
		var a answer
		if json.Unmarshal(in.Bytes(), &a) == nil {
			p.take(a)
		}
	}
	if in.Err() != nil { // it says what cannot be read
		p.Kill()
	}
	err := p.Wait()
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	if !ended {
		p.fail(Failure{Text: fmt.Sprintf("it ended before its time (%v); its bundle holds what it had recorded", state(err))})
	}
	close(p.gone)
}

func state(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

func (p *process) take(a answer) {
	switch {
	case a.Ready != nil:
		p.slots = a.Ready.Slots
		once(p.ready)
	case a.Resolved > 0:
		p.resolved <- a.Resolved
	case a.Loaded != nil:
		p.endLoad(*a.Loaded)
	case a.Settled:
		once(p.settled)
	case a.Ended != nil:
		p.mu.Lock()
		p.ended = true
		p.mu.Unlock()
		if a.Ended.Text != "" {
			p.fail(*a.Ended)
		}
	case a.Progress != nil:
		p.mu.Lock()
		p.progress = *a.Progress
		p.mu.Unlock()
	case a.Notice != nil:
		p.hear(*a.Notice)
	}
}

// endLoad notes that the load has ended.
func (p *process) endLoad(f Failure) {
	p.mu.Lock()
	early := !p.due
	p.mu.Unlock()
	switch {
	case f.Text != "":
		p.fail(f)
	case early:
		p.fail(Failure{Text: "its load ended before its time"})
	}
	once(p.loaded)
}

// fail keeps the first failure, which is the cause of others.
func (p *process) fail(f Failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = &ArmError{Arm: p.Arm, Failure: f}
	}
}

// failure returns what went wrong, once.
func (p *process) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil || p.told {
		return nil
	}
	p.told = true
	return p.failed
}

// mayEnd says that the load has an end, or is to be given up.
func (p *process) mayEnd() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.due = true
}

// once closes a channel; only listen's goroutine does.
func once(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

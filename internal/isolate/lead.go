package isolate

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"schload/internal/experiment"
	"schload/internal/report"
	"schload/telemetry/mark"
	"schload/telemetry/record"
	"schload/workload"
)

const (
	longestLine = 16 << 20 // of an order: the first holds a profile
	orders      = 256      // that may wait
	notices     = 4096     // that may wait to be passed on; more are left out, for they are recorded anyway
)

// ErrLeft says that the run which leads this process has ended before it.
var ErrLeft = errors.New("the run that led this process is gone")

// StoppedError says that the run was given up, for a reason that is not of this
// process.
type StoppedError struct{ Reason string }

func (e *StoppedError) Error() string { return e.Reason }

// Lead is the lead as an arm's process sees it. It implements experiment.Lead;
// Progress and what Marks returns may be called by any goroutine.
type Lead struct {
	in       *bufio.Scanner
	orders   chan order
	stopped  chan error // holds why the load is to be given up
	finish   chan struct{}
	left     chan struct{} // closed when the input has ended
	loaded   chan struct{} // closed by Loaded: nobody takes orders any more
	notices  chan mark.Mark
	mu       sync.Mutex // guards out
	out      *json.Encoder
	finished sync.Once
}

var _ experiment.Lead = (*Lead)(nil)

// NewLead returns the lead that speaks over in and out. Its first line must be
// read with Assignment.
func NewLead(in io.Reader, out io.Writer) *Lead {
	l := &Lead{
		in: bufio.NewScanner(in), out: json.NewEncoder(out), orders: make(chan order, orders), stopped: make(chan error, 1),
		finish: make(chan struct{}), left: make(chan struct{}), loaded: make(chan struct{}), notices: make(chan mark.Mark, notices),
	}
	l.in.Buffer(nil, longestLine)
	return l
}

// Assignment reads what this process is to load into v.
func (l *Lead) Assignment(v any) error {
	if !l.in.Scan() {
		return fmt.Errorf("no assignment came: %w", errors.Join(l.in.Err(), ErrLeft))
	}
	var o order
	if err := json.Unmarshal(l.in.Bytes(), &o); err != nil || o.Assign == nil {
		return fmt.Errorf("the first line is no assignment: %w", err)
	}
	return json.Unmarshal(o.Assign, v)
}

// Listen takes orders until the input ends. An interrupt by the user, and the
// end of the input before that of the run, cancel what runs in this process.
func (l *Lead) Listen(cancel context.CancelCauseFunc) {
	go l.passOn()
	go func() {
		for l.in.Scan() {
			var o order
			if json.Unmarshal(l.in.Bytes(), &o) == nil { // a newer run may say more
				l.take(o, cancel)
			}
		}
		cancel(ErrLeft)
		close(l.left)
	}()
}

func (l *Lead) take(o order, cancel context.CancelCauseFunc) {
	switch {
	case o.Stop != nil && o.Stop.ByUser:
		cancel(errors.New(o.Stop.Reason))
	case o.Stop != nil:
		select {
		case l.stopped <- &StoppedError{o.Stop.Reason}:
		default: // it is known
		}
	case o.Finish:
		l.finished.Do(func() { close(l.finish) })
	default:
		select {
		case l.orders <- o:
		case <-l.loaded:
		}
	}
}

// Ready implements experiment.Lead.
func (l *Lead) Ready(ctx context.Context, slots []record.SlotRange) (time.Duration, error) {
	l.say(answer{Ready: &ready{slots}})
	for {
		cue, _, err := l.Next(ctx)
		if err != nil {
			return 0, err
		}
		if cue != nil && cue.Start {
			return cue.At, nil
		}
	}
}

// Next implements experiment.Lead.
func (l *Lead) Next(ctx context.Context) (*experiment.Cue, int, error) {
	select {
	case o := <-l.orders:
		return o.Cue, o.Resolve, nil
	case err := <-l.stopped:
		return nil, 0, err
	case <-ctx.Done():
		return nil, 0, context.Cause(ctx)
	}
}

// Resolved implements experiment.Lead.
func (l *Lead) Resolved(round int) { l.say(answer{Resolved: round}) }

// Loaded implements experiment.Lead.
func (l *Lead) Loaded(err error) {
	l.say(answer{Loaded: failure(err, 0)})
	close(l.loaded)
}

// Settled implements experiment.Lead.
func (l *Lead) Settled(context.Context) error {
	l.say(answer{Settled: true})
	select {
	case <-l.finish:
		return nil
	case <-l.left:
		return ErrLeft
	}
}

// Ended says that the process has nothing more to do, and what went wrong.
func (l *Lead) Ended(err error, code int) { l.say(answer{Ended: failure(err, code)}) }

// Progress passes on what the live view shows of the arm.
func (l *Lead) Progress(p report.Progress) {
	for _, a := range p.Arms {
		l.say(answer{Progress: &a})
	}
}

// Marks is sink that also passes notices on, by which phases may be decided.
func (l *Lead) Marks(sink mark.Sink) mark.Sink {
	return func(m mark.Mark) {
		sink(m)
		if m.Kind != mark.Notice {
			return
		}
		select {
		case l.notices <- m:
		default:
		}
	}
}

func (l *Lead) passOn() {
	for {
		select {
		case m := <-l.notices:
			l.say(answer{Notice: &m})
		case <-l.left:
			return
		}
	}
}

// say writes a line. A lead that is gone is noticed by the end of the input.
func (l *Lead) say(a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.out.Encode(a)
}

func failure(err error, code int) *Failure {
	if err == nil {
		return &Failure{}
	}
	f := &Failure{Text: err.Error(), Code: code}
	f.Overload, _ = errors.AsType[*workload.OverloadError](err)
	return f
}

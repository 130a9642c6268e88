package isolate

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"schload/internal/experiment"
	"schload/internal/report"
	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// How long processes may take at most for what they bound themselves.
const (
	mostResolving = 10 * time.Second
	mostSettling  = 60 * time.Second
	mostFinishing = 75 * time.Second
)

// Processes are those of a run's arms. They implement experiment.Processes.
type Processes struct {
	list   []*process
	loaded chan struct{}
	start  sync.Once

	mu  sync.Mutex
	err error // of the load; before loaded is closed
}

var _ experiment.Processes = (*Processes)(nil)

// New speaks with processes that were started, in the order of their arms: each
// is sent its assignment. Notices that reach the arms go to hear.
func New(children []Child, assignments []any, hear mark.Sink) (*Processes, error) {
	ps := &Processes{loaded: make(chan struct{})}
	for i, c := range children {
		assign, err := json.Marshal(assignments[i])
		if err != nil {
			return nil, err
		}
		p := newProcess(c, hear)
		ps.list = append(ps.list, p)
		go p.listen()
		p.say(order{Assign: assign})
	}
	return ps, nil
}

// Open implements experiment.Processes. Its error is what the first process
// that could not open its arm says.
func (ps *Processes) Open(ctx context.Context) ([]record.SlotRange, error) {
	for _, p := range ps.list {
		select {
		case <-p.ready:
		case <-p.gone:
			return nil, p.failure()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	return ps.list[0].slots, nil
}

// Tell implements experiment.Processes.
func (ps *Processes) Tell(c experiment.Cue) {
	for _, p := range ps.list {
		if c.End {
			p.mayEnd()
		}
		p.say(order{Cue: &c})
	}
	if c.Start {
		ps.start.Do(func() { go ps.follow() })
	}
}

// follow waits until the load of all has ended, or that of one has failed.
func (ps *Processes) follow() {
	defer close(ps.loaded)
	one := make(chan *process, len(ps.list))
	for _, p := range ps.list {
		go func() {
			select {
			case <-p.loaded:
			case <-p.gone:
			}
			one <- p
		}()
	}
	for range ps.list {
		p := <-one
		if err := p.failure(); err != nil {
			ps.mu.Lock()
			ps.err = err
			ps.mu.Unlock()
			return
		}
	}
}

// Loaded implements experiment.Processes.
func (ps *Processes) Loaded() <-chan struct{} { return ps.loaded }

// LoadError implements experiment.Processes.
func (ps *Processes) LoadError() error {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.err
}

// Interrupt implements experiment.Processes.
func (ps *Processes) Interrupt(cause error, byUser bool) {
	for _, p := range ps.list {
		p.mayEnd()
		p.say(order{Stop: &stop{Reason: cause.Error(), ByUser: byUser}})
	}
}

// Resolve implements experiment.Processes.
func (ps *Processes) Resolve(ctx context.Context, round int) error {
	for _, p := range ps.list {
		p.say(order{Resolve: round})
	}
	late := time.NewTimer(mostResolving)
	defer late.Stop()
	for _, p := range ps.list {
		select {
		case <-p.resolved:
		case <-ps.loaded: // one has failed
			return nil
		case <-late.C:
			return &ArmError{p.Arm, Failure{Text: "it does not answer"}}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Settle implements experiment.Processes.
func (ps *Processes) Settle(context.Context) {
	late := time.NewTimer(mostSettling)
	defer late.Stop()
	for _, p := range ps.list {
		select {
		case <-p.settled:
		case <-p.gone:
		case <-late.C:
			return
		}
	}
}

// Finish implements experiment.Processes.
func (ps *Processes) Finish(context.Context) error {
	for _, p := range ps.list {
		p.say(order{Finish: true})
	}
	late := time.AfterFunc(mostFinishing, ps.Kill)
	defer late.Stop()
	var wrong []error
	for _, p := range ps.list {
		<-p.gone
		wrong = append(wrong, p.failure())
	}
	return errors.Join(wrong...)
}

// Kill implements experiment.Processes. It returns when all have ended.
func (ps *Processes) Kill() {
	for _, p := range ps.list {
		p.In.Close()
		p.Child.Kill()
	}
	for _, p := range ps.list {
		<-p.gone
	}
}

// Progress implements experiment.Processes.
func (ps *Processes) Progress() (list []report.ArmProgress) {
	for _, p := range ps.list {
		p.mu.Lock()
		list = append(list, p.progress)
		p.mu.Unlock()
	}
	return list
}

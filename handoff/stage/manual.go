package stage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// source is what marks of this package name as theirs.
const source = "stage"

// mostMarks bounds the marks an operator sets, or a command makes by printing,
// in one round.
const mostMarks = 1000

// Manual is the stage on which an operator says when the upgrade begins and
// when it has ended, while the load goes on. Start, End and Note may be called
// at any time from any goroutine; each that is accepted leaves a mark.
type Manual struct {
	Base  time.Time // what marks count from
	Marks mark.Sink

	// Longest ends the upgrade when nobody else does. Zero: it is waited for.
	Longest time.Duration

	// Say tells the operator what to do next, in one line. HowToStart and
	// HowToEnd are the ways there are: "press Enter".
	Say                  func(line string)
	HowToStart, HowToEnd string

	mu      sync.Mutex
	state   state
	round   int
	turn    string        // the arm that alone meets the upgrade; "": all do
	notes   int           // of this round
	started chan struct{} // closed by Start
	ended   chan struct{} // closed by End
}

// state is what the stage waits for.
type state uint8

const (
	early   state = iota // for the harness: warm-up, baseline, recovery
	ready                // for Start
	running              // for End
)

// Turn implements Turning: prompts name the arm.
func (m *Manual) Turn(arm string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.turn = arm
}

// during names a round, or an arm's turn in it.
func during(round int, turn string) string {
	if turn == "" {
		return fmt.Sprintf("round %d", round)
	}
	return fmt.Sprintf("round %d, turn of %s", round, turn)
}

// Begin implements Real: it asks for the start and waits for it.
func (m *Manual) Begin(ctx context.Context, round int) error {
	m.mu.Lock()
	m.state, m.round, m.notes = ready, round, 0
	m.started, m.ended = make(chan struct{}), make(chan struct{})
	started, during := m.started, during(round, m.turn)
	m.mu.Unlock()
	m.Say(fmt.Sprintf("%s: the baseline is recorded. Start the upgrade now, and say so: %s", during, m.HowToStart))
	select {
	case <-started:
		return nil
	case <-ctx.Done():
		m.rest()
		return context.Cause(ctx)
	}
}

// Play implements Stage: it waits for the end.
func (m *Manual) Play(ctx context.Context, _ upgrade.Plan) error {
	during := during(m.round, m.turn)
	m.Say(fmt.Sprintf("%s: the upgrade goes on. When it is over, say so: %s", during, m.HowToEnd))
	var late <-chan time.Time
	if m.Longest > 0 {
		timer := time.NewTimer(m.Longest)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-m.ended:
	case <-late:
		if m.end(fmt.Sprintf("nobody said so within %v", m.Longest)) == nil {
			m.Say(fmt.Sprintf("%s: the upgrade is taken for over after %v", during, m.Longest))
		}
	case <-ctx.Done():
		m.rest()
		return context.Cause(ctx)
	}
	m.Say(during + ": recovery is recorded")
	return nil
}

// rest goes back to where nothing is waited for.
func (m *Manual) rest() {
	m.mu.Lock()
	m.state = early
	m.mu.Unlock()
}

// Start says that the upgrade begins. It is refused before the baseline is
// recorded, and a second time.
func (m *Manual) Start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch m.state {
	case early:
		return errors.New("not yet: the upgrade can start once the baseline is recorded; wait for the prompt")
	case running:
		return fmt.Errorf("the upgrade of %s has started already", during(m.round, m.turn))
	}
	m.mark("start", "")
	m.state = running
	close(m.started)
	return nil
}

// End says that the upgrade is over. It is refused when none goes on.
func (m *Manual) End() error { return m.end("") }

func (m *Manual) end(why string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state != running {
		return errors.New("no upgrade goes on: there is nothing to end")
	}
	m.mark("end", why)
	m.state = early
	close(m.ended)
	return nil
}

// Next is Start or End, whichever is waited for.
func (m *Manual) Next() error {
	m.mu.Lock()
	going := m.state == running
	m.mu.Unlock()
	if going {
		return m.End()
	}
	return m.Start()
}

// Note marks something the operator saw or did, in words; what is too long is
// cut. It is refused when there are too many in one round.
func (m *Manual) Note(text string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.notes >= mostMarks {
		return fmt.Errorf("round %d has %d marks: no more are kept", m.round, mostMarks)
	}
	m.notes++
	m.mark("mark", text)
	return nil
}

// Waits says in one line what is waited for.
func (m *Manual) Waits() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch m.state {
	case ready:
		return during(m.round, m.turn) + ": waiting for the start"
	case running:
		return during(m.round, m.turn) + ": waiting for the end"
	}
	return "the load goes on; nothing is waited for"
}

func (m *Manual) mark(name, detail string) {
	m.Marks(mark.Mark{At: time.Since(m.Base), Kind: mark.Step, Name: name, Source: source, Detail: clip(detail)})
}

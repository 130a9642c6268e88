package linear

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"

	"schload/workload/ledger"
)

// Result is what the check of one key found.
type Result uint8

// The results.
const (
	OK Result = iota
	Violated
	Unknown // the check took too long
)

// String returns the result as files and metrics spell it.
func (r Result) String() string { return [...]string{"ok", "violated", "unknown"}[r] }

// mostSteps bounds a check beside its timeout: with it memory is bounded, and
// time in virtual time, where no timeout comes while a processor is busy. About
// a second's worth.
const mostSteps = 1 << 20

// Check judges a history. It takes no longer than timeout, which must be
// positive.
func Check(events []ledger.Event, timeout time.Duration) Result {
	var steps atomic.Int64
	model := register
	model.Step = func(state, in, out any) (bool, any) {
		if steps.Add(1) > mostSteps {
			return false, state // the search finds nothing any more, and ends
		}
		return register.Step(state, in, out)
	}
	switch result := porcupine.CheckOperationsTimeout(model, operations(events), timeout); {
	case result == porcupine.Ok:
		return OK
	case result == porcupine.Illegal && steps.Load() <= mostSteps:
		return Violated
	}
	return Unknown
}

// unset is the state of a register of which nothing was seen yet: nothing is
// there, or the value of another run.
const unset = math.MaxUint64 - 1

// input is what an operation asks, output what it showed.
type input struct {
	writes bool
	token  uint64
}

type output struct {
	blind bool
	saw   uint64
}

// register is the model: a write replaces the value and shows the one before.
var register = porcupine.Model{
	Init: func() any { return uint64(unset) },
	Step: func(state, in, out any) (bool, any) {
		now, i, o := state.(uint64), in.(input), out.(output)
		legal := o.blind || now == o.saw || now == unset && (o.saw == 0 || o.saw == ledger.Foreign)
		switch {
		case i.writes:
			return legal, i.token
		case o.blind:
			return legal, now
		}
		return legal, o.saw
	},
}

// operations turns a history into what is searched. A write whose end nobody
// saw may take effect at any time after its beginning, and so may every try of
// one that was repeated: those never end. One that comes last of all changes
// nothing, so none of them has to have happened.
func operations(events []ledger.Event) []porcupine.Operation {
	var ops []porcupine.Operation
	for i, e := range events {
		if e.Void {
			continue
		}
		in := input{writes: e.Writes, token: uint64(i + 1)}
		tries := e.Times
		if e.Ended != 0 {
			ops = append(ops, porcupine.Operation{ClientId: i, Input: in, Call: e.Began, Output: output{e.Blind, e.Saw}, Return: e.Ended})
			tries--
		}
		for range tries {
			if e.Writes {
				ops = append(ops, porcupine.Operation{ClientId: i, Input: in, Call: e.Began, Output: output{blind: true}, Return: math.MaxInt64})
			}
		}
	}
	return ops
}

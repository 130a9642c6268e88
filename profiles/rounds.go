package profiles

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"

	"schload/handoff"
	"schload/internal/compare"
	"schload/internal/yamlfile"
)

// Rounds is how often an upgrade is played, or AutoRounds.
type Rounds int

const (
	// AutoRounds has the run decide: it ends when the difference it is made for
	// is known closely enough (Width), or its Budget is spent.
	AutoRounds Rounds = -1

	// MostAutoRounds bounds them.
	MostAutoRounds = 500

	auto       = "auto"
	mostRounds = 10_000
)

// The defaults of a run that decides on its rounds.
const (
	defaultWidth  = 0.2
	defaultBudget = 30 * time.Minute
)

// ParseRounds reads a number or "auto".
func ParseRounds(text string) (Rounds, error) {
	if text == auto {
		return AutoRounds, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("rounds %q: want a number, or auto for as many as it takes", yamlfile.Clip(text))
	}
	if n < 0 {
		return 0, fmt.Errorf("rounds %d: want 1 to %d, or auto", n, mostRounds)
	}
	return Rounds(n), nil
}

// String returns what ParseRounds reads.
func (r Rounds) String() string {
	if r == AutoRounds {
		return auto
	}
	return strconv.Itoa(int(r))
}

// MarshalYAML writes the number, or auto.
func (r Rounds) MarshalYAML() (any, error) {
	if r == AutoRounds {
		return auto, nil
	}
	return int(r), nil
}

// UnmarshalYAML reads a number or auto.
func (r *Rounds) UnmarshalYAML(node ast.Node) (err error) {
	token := node.GetToken()
	if *r, err = ParseRounds(token.Value); err != nil {
		return &yamlfile.Error{Line: token.Position.Line, Err: err}
	}
	return nil
}

// Comparable says whether one of the arms has its handoffs off and another is
// there to compare with it.
func (p Profile) Comparable() bool {
	off := slices.ContainsFunc(p.Arms, func(a Arm) bool { return a.Mode == handoff.Off })
	loaded := 0
	for _, a := range p.Arms {
		if a.Mode != handoff.Raw {
			loaded++
		}
	}
	return off && loaded > 1
}

// checkRounds checks how many rounds there are to be, and what goes with them.
func (p Profile) checkRounds(check func(ok bool, format string, args ...any)) {
	if p.Rounds != AutoRounds {
		check(p.Rounds >= 1 && p.Rounds <= mostRounds, "rounds %d: want 1 to %d, or auto", int(p.Rounds), mostRounds)
		check(p.Width == 0, "width %g without rounds: auto: nothing would ask for it", p.Width)
		check(p.Budget == 0, "budget %v without rounds: auto: nothing would keep to it", time.Duration(p.Budget))
		return
	}
	check(p.Width > 0 && p.Width <= compare.WidestNarrow, "width %g: want more than 0, at most %g (0.2: half the interval is a fifth of the difference)", p.Width, compare.WidestNarrow)
	check(p.Budget > 0, "budget %v: want more than 0", time.Duration(p.Budget))
	check(!p.Saturates(), "rounds auto with saturate: nothing is compared there")
	check(len(p.Arms) == 0 || p.Comparable(), "rounds auto: the rounds end when a difference is known closely enough; it takes an arm with handoffs off and one to compare with it, such as on,off")
}

package profiles

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"schload/handoff/stage"
	"schload/internal/spelling"
)

// The orders in which arms meet the upgrade of a round.
const (
	OrderPaired     = "paired"     // all at once, the same event
	OrderSequential = "sequential" // one after the other, each a playing of its own
)

// Orders are those that can be chosen.
var Orders = []string{OrderPaired, OrderSequential}

// Sequential says whether the arms take turns.
func (p Profile) Sequential() bool { return p.Order == OrderSequential }

// checkOrder checks the order, and what goes with turns.
func (p Profile) checkOrder() error {
	if p.Order != "" && !slices.Contains(Orders, p.Order) {
		return fmt.Errorf("order %q: choose one of %s%s", p.Order, strings.Join(Orders, ", "), spelling.Hint(p.Order, Orders))
	}
	if !p.Sequential() {
		return nil
	}
	var wrong []error
	if p.Saturates() {
		wrong = append(wrong, errors.New("order sequential with saturate: nothing is compared there; leave one of them out"))
	} else if p.Stage == stage.NameNone {
		wrong = append(wrong, errors.New("order sequential with stage none: each arm has to meet an upgrade of its own, and nobody plays one; use stage sim, manual, command or fault-injector"))
	}
	if len(p.Arms) == 1 && !p.Saturates() {
		wrong = append(wrong, fmt.Errorf("order sequential with the arm %s alone: it takes two arms or more to take turns; leave the order out", p.Arms[0].Name))
	}
	return errors.Join(wrong...)
}

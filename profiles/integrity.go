package profiles

import (
	"fmt"
	"strings"

	"schload/internal/spelling"
)

// SampledShare is the share of the operations that goes to the ledger when a
// profile does not say otherwise: enough to see a database lose what it
// acknowledged, at a cost that docs/PERFORMANCE.md states.
const SampledShare = 1.0 / 16

var integrities = []string{"sample", "all", "none"}

// Ledger returns the share of the operations whose replies are checked.
func (p Profile) Ledger() (float64, error) {
	switch p.Integrity {
	case "", "sample":
		return SampledShare, nil
	case "all":
		return 1, nil
	case "none":
		return 0, nil
	}
	return 0, fmt.Errorf("integrity %q%s: want one of %s", p.Integrity, spelling.Hint(p.Integrity, integrities), strings.Join(integrities, ", "))
}

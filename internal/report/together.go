package report

import (
	"fmt"
	"io"
	"strings"

	"schload/internal/compare"
)

// Together writes what the rounds of several runs say together.
func Together(w io.Writer, all compare.Together) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s of %s together\n", plural(uint64(all.Rounds), "round"), plural(uint64(len(all.Runs)), "run"))
	b.WriteString(differences(all.Differences))
	if len(all.Differences) == 0 {
		b.WriteString("nothing to compare: it takes an arm whose handoffs are off, another one, and two rounds of both\n")
	}
	for _, line := range promises(compare.Summary{Expectations: all.Expectations}) {
		b.WriteString(line + "\n")
	}
	list(&b, "left out", all.LeftOut)
	list(&b, "the runs differ, which was to be ignored", all.Ignored)
	list(&b, "warnings", all.Warnings)
	_, err := io.WriteString(w, b.String())
	return err
}

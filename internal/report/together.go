package report

import (
	"fmt"
	"io"
	"strings"

	"schload/internal/compare"
)

// longestTrait is how much of a value is shown, in bytes; --json has the rest.
const longestTrait = 80

// contrast says in what runs differ that stand side by side, a value for each in
// their order: see compare.Contrast.
func contrast(b *strings.Builder, runs []compare.Summary) {
	var items []string
	for i, first := range runs[0].Unlike {
		item := first.What + ": "
		for j, s := range runs {
			if j > 0 {
				item += " | "
			}
			item += short(s.Unlike[i].Value)
		}
		items = append(items, item)
	}
	list(b, "the runs differ", items)
}

func short(value string) string {
	if len(value) <= longestTrait {
		return value
	}
	return strings.ToValidUTF8(value[:longestTrait], "") + "..."
}

// Contrast writes in what runs differ whose tables follow one by one; nothing
// where they do not.
func Contrast(w io.Writer, runs []compare.Summary) error {
	var b strings.Builder
	if contrast(&b, runs); b.Len() > 0 {
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

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

package calibrate

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"schload/internal/bundle"
)

// short leaves about three digits.
func short(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d.Abs() >= 1000*unit {
		unit *= 10
	}
	return d.Round(unit)
}

func shortS(s bundle.Seconds) time.Duration { return short(s.Duration()) }

// Text writes the certificate as people read it.
func (c Certificate) Text(out io.Writer) error {
	var b strings.Builder
	for _, l := range c.Lines {
		b.WriteString(l.text())
	}
	b.WriteString("machine\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, f := range c.Facts {
		fmt.Fprintf(w, "  %s\t%s\n", f.Name, f.Value)
	}
	w.Flush()
	fmt.Fprintf(&b, "\nschload %s, go-redis %s, %s %s/%s, %d processors, %s, seed %d\n",
		c.Versions.Schload, c.Versions.GoRedis, c.Environment.Go, c.Environment.OS, c.Environment.Arch, c.Environment.CPUs,
		c.Date.Format(time.RFC3339), c.Seed)
	b.WriteString(c.conclusion() + "\n")
	_, err := io.WriteString(out, b.String())
	return err
}

func (l Line) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-5s  %-12s %5.1f s  %s\n", l.Verdict, l.Name, l.Took.Duration().Seconds(), l.Done)
	fmt.Fprintf(&b, "       expected  %s\n       found     %s\n", l.Expected, l.Found)
	for _, r := range l.Reasons {
		fmt.Fprintf(&b, "       %-9s %s\n", strings.ToLower(string(l.Verdict)), r)
	}
	for _, w := range l.Warnings {
		fmt.Fprintf(&b, "       warning   %s\n", w)
	}
	return b.String()
}

// conclusion is the last line.
func (c Certificate) conclusion() string {
	took := c.Took.Duration().Round(100 * time.Millisecond)
	head := fmt.Sprintf("%s: %d of %d checks passed in %v", c.Verdict, c.Passed(), len(c.Lines), took)
	switch c.Verdict {
	case Fail:
		return head + "; what this schload measures on this machine is not to be trusted"
	case Noisy:
		return head + "; nothing speaks against the instrument, but this machine is too busy to tell"
	}
	return head
}

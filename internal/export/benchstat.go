package export

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"

	"schload/internal/bundle"
	"schload/internal/compare"
)

// Benchstat writes a line of Go's benchmark format for each arm, phase, time and
// round: rounds are benchstat's samples. Quantiles are whole nanoseconds; the
// number of iterations is that of the durations behind them.
//
// Rounds of one run are no independent samples for a test of two runs with
// different seeds; what schload says of differences is its own table.
func Benchstat(w io.Writer, b *bundle.Bundle, s compare.Summary) error {
	t, err := readTimes(b, s, true)
	if err != nil {
		return err
	}
	if len(t) == 0 {
		return errNothing
	}
	out := bufio.NewWriter(w)
	for _, c := range [][2]string{
		{"pkg", "schload"}, {"run", b.Run.ID}, {"upgrade", b.Run.Upgrade.Name}, {"schload", b.Run.Versions.Schload}, {"go-redis", b.Run.Versions.GoRedis},
	} {
		if c[1] != "" {
			fmt.Fprintf(out, "%s: %s\n", c[0], c[1])
		}
	}
	fmt.Fprintln(out)
	for _, p := range t.parts() {
		h := t[p]
		fmt.Fprintf(out, "Benchmark%s/phase=%s/arm=%s\t%d", camel(p.time), p.phase, strings.Map(benchName, p.arm), h.Count())
		for _, q := range [...]struct {
			name string
			q    float64
		}{{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}} {
			fmt.Fprintf(out, "\t%d %s-ns", h.Quantile(q.q).Nanoseconds(), q.name)
		}
		fmt.Fprintln(out)
	}
	return out.Flush()
}

// camel makes ResponseTime of response_time.
func camel(name string) (out string) {
	for word := range strings.SplitSeq(name, "_") {
		out += strings.ToUpper(word[:1]) + word[1:]
	}
	return out
}

func benchName(r rune) rune {
	if unicode.IsSpace(r) || r == '/' {
		return '_'
	}
	return r
}

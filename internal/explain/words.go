package explain

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"schload/internal/bundle"
)

// instant spells a point of the run: 12.813 s.
func instant(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) + " s" }

// length spells a duration to three figures or so.
func length(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(100 * time.Nanosecond).String()
}

// between spells a span: at 3.000 s, or from 3.000 s to 4.500 s.
func between(from, to time.Duration) string {
	if to-from < time.Millisecond {
		return "at " + instant(from)
	}
	return "from " + instant(from) + " to " + instant(to)
}

// plural spells a number of things: 1 connection, 2 connections.
func plural[N int | uint64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return bundle.Count(n) + " " + one + "s"
}

// classes spells counts by name, the largest first: read_timeout 12, eof 3.
func classes(counts map[string]uint64) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return int(int64(counts[b]) - int64(counts[a]))
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for _, name := range names {
		if counts[name] > 0 {
			parts = append(parts, name+" "+bundle.Count(counts[name]))
		}
	}
	return strings.Join(parts, ", ")
}

// mostNamed is how many connections an evidence line names.
const mostNamed = 5

// named spells connections with an instant each: connection 3 at 1.200 s, ...
func named(list []*connection, at func(*connection) time.Duration) string {
	var parts []string
	for i, c := range list {
		if i == mostNamed {
			parts = append(parts, fmt.Sprintf("and %s more", bundle.Count(len(list)-i)))
			break
		}
		parts = append(parts, fmt.Sprintf("%d at %s", c.number, instant(at(c))))
	}
	word := "connections "
	if len(list) == 1 {
		word = "connection "
	}
	return word + strings.Join(parts, ", ")
}

func endedAt(c *connection) time.Duration   { return c.ended }
func dialledAt(c *connection) time.Duration { return c.dialled }

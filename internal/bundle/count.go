package bundle

import (
	"fmt"
	"strings"
)

// Count spells a whole number as sentences and tables do, in groups of three:
// 20 000. It is of nothing below 0.
func Count[N int | uint64](n N) string { return Group(fmt.Sprint(n)) }

// Group puts a space before every third digit, counted from the end.
func Group(digits string) string {
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(d)
	}
	return b.String()
}

package spelling

import (
	"fmt"
	"strings"
)

// longest is the longest word compared; no known word is longer.
const longest = 64

// Hint returns " (did you mean x?)" for the known word nearest to what was
// written, or nothing when none is near: at most one edit, and one more for
// every three letters written; capitals count as small letters.
func Hint(written string, known []string) string {
	best, least := "", 1+len(written)/3
	for _, word := range known {
		if d := distance(strings.ToLower(written), strings.ToLower(word)); d <= least && d < len(word) {
			best, least = word, d-1
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// distance counts the letters to insert, delete or replace, and neighbours to
// swap, between two words (optimal string alignment).
func distance(a, b string) int {
	if len(a) > longest || len(b) > longest {
		return longest
	}
	var rows [3][longest + 1]int // two before, the one before, the current one
	for j := range len(b) + 1 {
		rows[2][j] = j
	}
	for i := 1; i <= len(a); i++ {
		rows[0], rows[1] = rows[1], rows[2]
		rows[2][0] = i
		for j := 1; j <= len(b); j++ {
			replace := rows[1][j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			rows[2][j] = min(replace, rows[1][j]+1, rows[2][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[2][j] = min(rows[2][j], rows[0][j-2]+1)
			}
		}
	}
	return rows[2][len(b)]
}

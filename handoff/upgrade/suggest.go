package upgrade

import (
	"fmt"
	"strings"
)

// suggest returns " (did you mean x?)" when one of the known words is close
// to what was written, and nothing otherwise.
func suggest(written string, known []string) string {
	best, least := "", 1+len(written)/3
	for _, word := range known {
		if d := distance(written, word); d <= least && d < len(word) {
			best, least = word, d-1
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// oneOf refuses a word that is not among the known ones.
func oneOf[T ~string](what string, written T, known []T) error {
	words := make([]string, len(known))
	for i, word := range known {
		if word == written {
			return nil
		}
		words[i] = string(word)
	}
	return fmt.Errorf("unknown %s %q%s: want one of %s", what, clip(string(written)),
		suggest(string(written), words), strings.Join(words, ", "))
}

// clip bounds what an error repeats of the input.
func clip(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// distance counts the letters to insert, delete or replace, and neighbours to
// swap, between two words (optimal string alignment). Long words are not
// compared: no known word is.
func distance(a, b string) int {
	const most = 64
	if len(a) > most || len(b) > most {
		return most
	}
	var rows [3][most + 1]int // two before, the one before, the current one
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

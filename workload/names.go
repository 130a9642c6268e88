package workload

import (
	"fmt"
	"slices"
	"strings"
)

// nameOf returns the name of an enumerated value.
func nameOf[T ~uint8](kind string, names []string, v T) string {
	if int(v) >= len(names) {
		return fmt.Sprintf("%s(%d)", kind, uint8(v))
	}
	return names[v]
}

// valueOf is the inverse of nameOf.
func valueOf[T ~uint8](kind string, names []string, text string) (T, error) {
	i := slices.Index(names, text)
	if i < 0 {
		return 0, unknown(kind, text, names)
	}
	return T(i), nil
}

// unknown is the error for a word that is none of names. It suggests the
// nearest one, or lists them all.
func unknown(kind, got string, names []string) error {
	best, least := "", 3 // farther than two edits is no typing mistake
	for _, name := range names {
		if d := distance(strings.ToLower(got), strings.ToLower(name)); d < least && d < len(name) {
			best, least = name, d
		}
	}
	if best != "" {
		return fmt.Errorf("unknown %s %q (did you mean %s?)", kind, got, best)
	}
	return fmt.Errorf("unknown %s %q: want one of %s", kind, got, strings.Join(names, ", "))
}

// distance is the number of insertions, deletions and substitutions that turn
// a into b (Levenshtein). Long words are not compared: they match no name.
func distance(a, b string) int {
	const longest = 32
	if len(a) > longest || len(b) > longest {
		return longest
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

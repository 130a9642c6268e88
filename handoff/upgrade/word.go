package upgrade

import (
	"fmt"
	"strings"

	"schload/internal/spelling"
	"schload/internal/yamlfile"
)

// oneOf refuses a word that is not among the known ones.
func oneOf[T ~string](what string, written T, known []T) error {
	words := make([]string, len(known))
	for i, word := range known {
		if word == written {
			return nil
		}
		words[i] = string(word)
	}
	return fmt.Errorf("unknown %s %q%s: want one of %s", what, yamlfile.Clip(string(written)),
		spelling.Hint(string(written), words), strings.Join(words, ", "))
}

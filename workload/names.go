package workload

import (
	"fmt"
	"slices"
	"strings"

	"schload/internal/spelling"
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
// nearest one, and lists them all.
func unknown(kind, got string, names []string) error {
	return fmt.Errorf("unknown %s %q%s: want one of %s", kind, got, spelling.Hint(got, names), strings.Join(names, ", "))
}

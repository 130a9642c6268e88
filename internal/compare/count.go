package compare

import "schload/internal/bundle"

// Count spells a whole number as sentences and tables do, in groups of three:
// 20 000.
func Count[N int | uint64](n N) string { return bundle.Count(n) }

// Group puts a space before every third digit, counted from the end.
func Group(digits string) string { return bundle.Group(digits) }

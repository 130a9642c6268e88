// Package spelling finds the word that somebody meant: errors about an unknown
// name suggest the nearest known one.
//
// Its one invariant: no suggestion is better than a wild one, so a word that
// is far from all known ones gets none.
package spelling

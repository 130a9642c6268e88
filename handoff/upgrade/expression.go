package upgrade

import (
	"fmt"
	"strings"
	"time"

	"schload/internal/yamlfile"
)

// expression is a sum of terms: op_to_moving + moving_time - 1s.
type expression []term

// maxTerms bounds a sum, far from where durations overflow.
const maxTerms = 16

// term is the name of a parameter or a literal duration.
type term struct {
	minus   bool
	name    string // empty: literal
	literal time.Duration
}

// parseExpression parses names and literal durations joined by + and -.
// There are no brackets and no products: an instant of a choreography is a
// sum of things that happen one after the other, and nothing else.
func parseExpression(text string) (expression, error) {
	var sum expression
	minus := false
	for at := 0; ; {
		at += blanks(text[at:])
		word := text[at : at+wordLength(text[at:])]
		if word == "" {
			return nil, fmt.Errorf("want a parameter or a duration at %q, column %d", yamlfile.Clip(text[at:]), at+1)
		}
		t, err := parseTerm(word)
		if err != nil {
			return nil, err
		}
		t.minus = minus
		sum = append(sum, t)
		at += len(word)
		at += blanks(text[at:])
		if at == len(text) {
			return sum, nil
		}
		if len(sum) == maxTerms {
			return nil, fmt.Errorf("want at most %d terms", maxTerms)
		}
		if text[at] != '+' && text[at] != '-' {
			return nil, fmt.Errorf("want + or - at %q, column %d", yamlfile.Clip(text[at:]), at+1)
		}
		minus = text[at] == '-'
		at++
	}
}

func parseTerm(word string) (term, error) {
	if isName(word) {
		return term{name: word}, nil
	}
	d, err := time.ParseDuration(word)
	if err != nil || d > maxDuration {
		return term{}, fmt.Errorf("want a parameter or a duration from 0s to %v, got %q", maxDuration, yamlfile.Clip(word))
	}
	return term{literal: d}, nil
}

func blanks(text string) int { return len(text) - len(strings.TrimLeft(text, " \t")) }

func wordLength(text string) int {
	end := strings.IndexFunc(text, func(r rune) bool {
		return !(r == '_' || r == '.' || r == 'µ' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
	})
	if end < 0 {
		return len(text)
	}
	return end
}

// isName reports whether a word may name a parameter: lower-case letters,
// digits and underscores, a letter first.
func isName(word string) bool {
	for i := range len(word) {
		c := word[i]
		if !('a' <= c && c <= 'z' || i > 0 && (c == '_' || '0' <= c && c <= '9')) {
			return false
		}
	}
	return word != ""
}

// value sums the terms up; every name must be among values.
func (e expression) value(values map[string]time.Duration) time.Duration {
	var sum time.Duration
	for _, t := range e {
		d := t.literal
		if t.name != "" {
			d = values[t.name]
		}
		if t.minus {
			d = -d
		}
		sum += d
	}
	return sum
}

// names lists the parameters the expression rests on.
func (e expression) names() []string {
	var names []string
	for _, t := range e {
		if t.name != "" {
			names = append(names, t.name)
		}
	}
	return names
}

// literals reports whether a number other than zero is written out.
func (e expression) literals() bool {
	for _, t := range e {
		if t.name == "" && t.literal != 0 {
			return true
		}
	}
	return false
}

// String spells the expression with single blanks.
func (e expression) String() string {
	var b strings.Builder
	for i, t := range e {
		switch {
		case i > 0 && t.minus:
			b.WriteString(" - ")
		case i > 0:
			b.WriteString(" + ")
		}
		if t.name != "" {
			b.WriteString(t.name)
		} else {
			b.WriteString(t.literal.String())
		}
	}
	return b.String()
}

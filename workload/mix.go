package workload

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Weight is one entry of a mix. Weights are ratios: a command's share of the
// operations is its weight divided by the sum of all, so "GET=0.8,SET=0.2",
// "GET=80,SET=20" and "GET=4,SET=1" are the same mix. The choice is made anew
// for every operation; the shares hold on average, not in every five.
type Weight struct {
	Command string
	Weight  float64
}

// Mix is what a pool's operations are. Its text form is "GET=0.8,SET=0.2"; a
// command without a weight has weight 1. The index of an entry is
// Operation.Index and Sample.Operation.
type Mix []Weight

// DefaultMix is the mix of a pool that names none: a cache, mostly read.
const DefaultMix = "GET=0.8,SET=0.2"

// ParseMix reads the text form and validates it. Commands may be in lower case.
func ParseMix(text string) (Mix, error) {
	var m Mix
	for word := range strings.SplitSeq(text, ",") {
		command, number, weighed := strings.Cut(word, "=")
		w := Weight{Command: strings.ToUpper(strings.TrimSpace(command)), Weight: 1}
		if weighed {
			var err error
			if w.Weight, err = strconv.ParseFloat(strings.TrimSpace(number), 64); err != nil {
				return nil, fmt.Errorf("mix %q: weight %q of %s is no number", text, number, w.Command)
			}
		}
		m = append(m, w)
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("mix %q: %w", text, err)
	}
	return m, nil
}

// Validate reports every entry that is none.
func (m Mix) Validate() error {
	var errs []error
	seen := make(map[string]bool)
	sum := 0.0
	for _, w := range m {
		if _, err := findCommand(w.Command); err != nil {
			errs = append(errs, err)
		}
		if seen[w.Command] {
			errs = append(errs, fmt.Errorf("command %s occurs twice: add its weights up", w.Command))
		}
		if !(w.Weight > 0) || math.IsInf(w.Weight, 0) {
			errs = append(errs, fmt.Errorf("weight %v of %s: want a number above 0", w.Weight, w.Command))
		}
		seen[w.Command] = true
		sum += w.Weight
	}
	if len(errs) == 0 && math.IsInf(sum, 0) {
		errs = append(errs, fmt.Errorf("sum of weights: want a finite number"))
	}
	return errors.Join(errs...)
}

// names says whether a command is in the mix.
func (m Mix) names(command string) bool {
	return slices.ContainsFunc(m, func(w Weight) bool { return w.Command == command })
}

// Commands returns the commands in the order of their indexes.
func (m Mix) Commands() []string {
	names := make([]string, len(m))
	for i, w := range m {
		names[i] = w.Command
	}
	return names
}

// String returns the text form.
func (m Mix) String() string {
	words := make([]string, len(m))
	for i, w := range m {
		words[i] = w.Command + "=" + strconv.FormatFloat(w.Weight, 'g', -1, 64)
	}
	return strings.Join(words, ",")
}

// MarshalText implements encoding.TextMarshaler.
func (m Mix) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mix) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMix(string(text))
	return err
}

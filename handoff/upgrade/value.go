package upgrade

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is what the value of a parameter is.
type Kind string

// The kinds.
const (
	Duration Kind = "duration" // 15s, 700ms; 0 to 24h
	Integer  Kind = "integer"  // 2
	Number   Kind = "number"   // 0.5
	Text     Kind = "text"     // anything else, one line
)

var kinds = []Kind{Duration, Integer, Number, Text}

// maxDuration bounds every duration of a choreography: no sample of a real
// upgrade comes near it, and sums of a file's worth cannot overflow.
const maxDuration = 24 * time.Hour

// value is the parsed text of a parameter: one item, the two ends of a range,
// or the items of a choice. Items are in canonical form.
type value struct {
	kind  Kind
	form  form
	items []string
}

type form uint8

const (
	fixed form = iota
	span
	choice
)

// kindOf guesses the kind of a value from its looks.
func kindOf(text string) Kind {
	item := strings.TrimSpace(text)
	if inner, ok := braced(item); ok {
		item, _, _ = strings.Cut(inner, ",")
	} else if from, _, ok := strings.Cut(item, ".."); ok {
		item = from
	}
	for _, kind := range []Kind{Integer, Number, Duration} {
		if _, err := canonical(kind, strings.TrimSpace(item)); err == nil {
			return kind
		}
	}
	if _, err := time.ParseDuration(strings.TrimSpace(item)); err == nil {
		return Duration
	}
	return Text
}

// parseValue parses the text of a value of a known kind.
func parseValue(kind Kind, text string) (value, error) {
	text = strings.TrimSpace(text)
	if inner, ok := braced(text); ok {
		return parseItems(kind, choice, strings.Split(inner, ","))
	}
	if from, to, ok := strings.Cut(text, ".."); ok && kind != Text {
		return parseSpan(kind, from, to)
	}
	return parseItems(kind, fixed, []string{text})
}

func parseSpan(kind Kind, from, to string) (value, error) {
	if kind != Duration {
		return value{}, fmt.Errorf("want a single %s or a choice {a, b}: only durations have ranges", kind)
	}
	v, err := parseItems(kind, span, []string{from, to})
	if err == nil && duration(v.items[0]) > duration(v.items[1]) {
		err = fmt.Errorf("want a range that ascends, such as %s..%s", strings.TrimSpace(to), strings.TrimSpace(from))
	}
	return v, err
}

func parseItems(kind Kind, f form, texts []string) (value, error) {
	v := value{kind: kind, form: f}
	for _, text := range texts {
		item, err := canonical(kind, strings.TrimSpace(text))
		if err != nil {
			return value{}, err
		}
		v.items = append(v.items, item)
	}
	return v, nil
}

func braced(text string) (string, bool) {
	inner, ok := strings.CutPrefix(text, "{")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(inner, "}")
}

// canonical checks one item and spells it the one way it is written in plans:
// 0.7s as 700ms.
func canonical(kind Kind, item string) (string, error) {
	switch kind {
	case Duration:
		d, err := time.ParseDuration(item)
		if err != nil {
			return "", fmt.Errorf("want a duration such as 5s, a range such as 1s..5s or a choice such as {1s, 5s}")
		}
		if d < 0 || d > maxDuration {
			return "", fmt.Errorf("want a duration from 0s to %v", maxDuration)
		}
		return d.String(), nil
	case Integer:
		n, err := strconv.ParseInt(item, 10, 64)
		if err != nil {
			return "", fmt.Errorf("want an integer such as 2 or a choice such as {1, 2}")
		}
		return strconv.FormatInt(n, 10), nil
	case Number:
		x, err := strconv.ParseFloat(item, 64)
		if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
			return "", fmt.Errorf("want a number such as 0.5 or a choice such as {0.5, 2}")
		}
		return strconv.FormatFloat(x, 'g', -1, 64), nil
	}
	if item == "" || strings.ContainsAny(item, "\n\r{}") {
		return "", fmt.Errorf("want one line of text without braces or a choice such as {a, b}")
	}
	return item, nil
}

// String spells the value as a file would.
func (v value) String() string {
	switch v.form {
	case span:
		return v.items[0] + ".." + v.items[1]
	case choice:
		return "{" + strings.Join(v.items, ", ") + "}"
	}
	return v.items[0]
}

// draw returns one item. Each parameter draws from its own stream, so that
// setting one leaves the others as they were: sweeps stay paired.
func (v value) draw(seed uint64, name string) string {
	rng := rand.New(rand.NewPCG(seed, hash(name)))
	switch v.form {
	case span:
		low, high := duration(v.items[0]), duration(v.items[1])
		drawn := low + time.Duration(rng.Int64N(int64(high-low)+1))
		return min(max(drawn.Round(time.Millisecond), low), high).String()
	case choice:
		return v.items[rng.IntN(len(v.items))]
	}
	return v.items[0]
}

// covers reports whether everything v may draw is among what known may.
func (known value) covers(v value) bool {
	if known.form == span {
		low, high := duration(known.items[0]), duration(known.items[1])
		return !slices.ContainsFunc(v.items, func(item string) bool {
			d := duration(item)
			return d < low || d > high
		})
	}
	if v.form == span && v.items[0] != v.items[1] {
		return false
	}
	return !slices.ContainsFunc(v.items, func(item string) bool {
		return !slices.Contains(known.items, item)
	})
}

// duration reads an item that canonical wrote.
func duration(item string) time.Duration {
	d, err := time.ParseDuration(item)
	if err != nil {
		panic("upgrade: " + err.Error())
	}
	return d
}

// hash is FNV-1a of 64 bits: a fixed number for a name, on every machine.
func hash(name string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(name) {
		h = (h ^ uint64(name[i])) * 1099511628211
	}
	return h
}

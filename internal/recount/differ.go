package recount

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The leaves of a derived summary beside string, bool and uint64.
type (
	object   = map[string]any
	list     = []any
	duration int64               // nanoseconds; the file has decimal seconds, and must say the same
	share    float64             // a mean or a share: sums of doubles, whose last digits depend on the order
	copied   struct{ value any } // as another file has it
)

// sentences are expected texts, in any order, as regular expressions.
type sentences []string

// literally is a sentence that has to be as it is.
func literally(format string, args ...any) string {
	return regexp.QuoteMeta(fmt.Sprintf(format, args...))
}

// grouped spells a whole number in groups of three digits: 20 000.
func grouped(n uint64) string {
	if n < 1000 {
		return strconv.FormatUint(n, 10)
	}
	return grouped(n/1000) + fmt.Sprintf(" %03d", n%1000)
}

// Differences derives the summary of the bundle in dir and returns where the
// stored one differs, each with the path of its key; none if they are equal.
func Differences(dir string) ([]string, error) {
	derived, err := Summary(dir)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, "summary.json"))
	if err != nil {
		return nil, err
	}
	return Compare(derived, data)
}

// Compare is Differences of a summary that was derived before.
func Compare(derived map[string]any, summary []byte) ([]string, error) {
	var found any
	decoder := json.NewDecoder(bytes.NewReader(summary))
	decoder.UseNumber()
	if err := decoder.Decode(&found); err != nil {
		return nil, err
	}
	var d differ
	d.compare("", derived, found)
	return d.found, nil
}

type differ struct{ found []string }

func (d *differ) say(path, format string, args ...any) {
	d.found = append(d.found, strings.TrimPrefix(path, ".")+": "+fmt.Sprintf(format, args...))
}

func (d *differ) compare(path string, want, got any) {
	switch want := want.(type) {
	case object:
		m, ok := got.(object)
		if !ok && got != nil {
			d.say(path, "want an object, got %v", got)
			return
		}
		d.object(path, want, m)
	case list:
		l, ok := got.([]any)
		if !ok && got != nil || len(l) != len(want) {
			d.say(path, "want %d elements, got %v", len(want), got)
			return
		}
		for i := range want {
			d.compare(fmt.Sprintf("%s[%s]", path, named(l[i], i)), want[i], l[i])
		}
	case sentences:
		d.sentences(path, want, got)
	default:
		if !same(want, got) {
			d.say(path, "derived %v, stored %v", want, got)
		}
	}
}

// named tells an element by its name, if it has one.
func named(element any, i int) string {
	if m, ok := element.(object); ok {
		if name, ok := m["name"].(string); ok {
			return name
		}
	}
	return strconv.Itoa(i)
}

func (d *differ) object(path string, want, got object) {
	keys := slices.Sorted(maps.Keys(got))
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[k]; !ok {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		w, derived := want[k]
		if !derived {
			d.say(path+"."+k, "stored %v, but nothing says how it is derived", got[k])
			continue
		}
		d.compare(path+"."+k, w, got[k]) // what is absent is zero or empty
	}
}

func (d *differ) sentences(path string, want sentences, got any) {
	l, _ := got.([]any)
	var texts []string
	for _, v := range l {
		texts = append(texts, fmt.Sprint(v))
	}
	for _, pattern := range want {
		whole := regexp.MustCompile(`(?s)^(?:` + pattern + `)$`)
		i := slices.IndexFunc(texts, whole.MatchString)
		if i < 0 {
			d.say(path, "want a sentence like %q, got %q", pattern, texts)
			continue
		}
		texts = slices.Delete(texts, i, i+1)
	}
	for _, text := range texts {
		d.say(path, "no rule asks for %q", text)
	}
}

// same compares leaves; nil, which is absent, is zero.
func same(want, got any) bool {
	number, _ := got.(json.Number)
	switch want := want.(type) {
	case string:
		return got == want || got == nil && want == ""
	case bool:
		return got == want || got == nil && !want
	case uint64:
		return string(number) == strconv.FormatUint(want, 10) || got == nil && want == 0
	case present:
		return got != nil && same(duration(want), got)
	case duration:
		exact, ok := new(big.Rat).SetString(string(number))
		return ok && exact.Cmp(big.NewRat(int64(want), 1e9)) == 0 || got == nil && want == 0
	case share:
		f, _ := number.Float64()
		return math.Abs(f-float64(want)) <= 1e-9*max(1, math.Abs(f))
	case nil:
		return got == nil
	case copied:
		return equal(want.value, got)
	}
	return false
}

// equal compares what two files say.
func equal(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && string(x) == string(y)
}

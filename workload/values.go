package workload

import (
	"fmt"
	"strconv"
	"strings"
)

// Values says how large written values are, in bytes: Size, or uniformly
// distributed from Size to Max if Max is set. Its text form is "128" or
// "64..1024".
//
// Every value begins with its key's token and continues with the worker and a
// counter ("<key>|<worker>.<counter>|"), so a reader can tell a reply that
// cannot belong to its key, and no two writes are equal. That header is never
// cut: a value is as long as its header even if Size is less.
type Values struct{ Size, Max int }

// DefaultSize is the size of values if none is given, in bytes.
const DefaultSize = 128

// largestValue is what Redis takes at most.
const largestValue = 512 << 20

func (v Values) withDefaults() Values {
	if v.Size == 0 && v.Max == 0 {
		v.Size = DefaultSize
	}
	v.Max = max(v.Size, v.Max)
	return v
}

// Validate reports sizes that are none.
func (v Values) Validate() error {
	switch {
	case v.Size < 0 || v.Size > largestValue:
		return fmt.Errorf("value size %d: want 1 to %d bytes (0 means %d)", v.Size, largestValue, DefaultSize)
	case v.Max != 0 && (v.Max < v.Size || v.Max > largestValue):
		return fmt.Errorf("largest value size %d: want %d to %d bytes (0 means the size is fixed)", v.Max, v.Size, largestValue)
	}
	return nil
}

// String returns the text form.
func (v Values) String() string {
	if v.Max == 0 || v.Max == v.Size {
		return strconv.Itoa(v.Size)
	}
	return strconv.Itoa(v.Size) + ".." + strconv.Itoa(v.Max)
}

// ParseValues reads the text form and validates it.
func ParseValues(text string) (v Values, err error) {
	size, largest, ranged := strings.Cut(text, "..")
	if v.Size, err = strconv.Atoi(strings.TrimSpace(size)); err == nil && ranged {
		v.Max, err = strconv.Atoi(strings.TrimSpace(largest))
	}
	if err != nil {
		return Values{}, fmt.Errorf("value size %q: want bytes (128) or a range (64..1024)", text)
	}
	if err := v.Validate(); err != nil {
		return Values{}, err
	}
	return v, nil
}

// MarshalText implements encoding.TextMarshaler.
func (v Values) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *Values) UnmarshalText(text []byte) (err error) {
	*v, err = ParseValues(string(text))
	return err
}

// separator ends the parts of a value's header.
const separator = "|"

// Token returns what every value of a key begins with.
func Token(key string) string { return key + separator }

// Belongs reports whether a value can have been written to a key.
func Belongs[T ~string | ~[]byte](key string, value T) bool {
	n := len(key)
	return len(value) > n && string(value[:n]) == key && value[n] == separator[0]
}

package faultinjector

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// params are the parameters of an action. Clients disagree on types: numbers
// come as strings, names in two spellings.
type params map[string]any

// paramError names a parameter, its value and the fix. Clients know its first
// words.
type paramError struct {
	name string
	got  any // nil: it is absent
	want string
}

func (e *paramError) Error() string {
	got := "None"
	if e.got != nil {
		got = fmt.Sprintf("%.80q", fmt.Sprint(e.got))
	}
	return fmt.Sprintf("Invalid parameter '%s': got %s: want %s", e.name, got, e.want)
}

// decode reads one JSON value; numbers stay as written.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows the first value")
	}
	return nil
}

// get finds the first of several names that has a value.
func (p params) get(names ...string) (any, bool) {
	for _, name := range names {
		if v, ok := p[name]; ok && v != nil {
			return v, true
		}
	}
	return nil, false
}

// id is a number that must be there, under the first of the names that is.
func (p params) id(names ...string) (int, error) {
	n, ok, err := p.number(names...)
	if err == nil && !ok {
		err = &paramError{names[0], nil, "a number"}
	}
	return n, err
}

// number is a whole number that may be absent.
func (p params) number(names ...string) (n int, ok bool, err error) {
	v, ok := p.get(names...)
	if !ok {
		return 0, false, nil
	}
	n, err = strconv.Atoi(strings.TrimSpace(fmt.Sprint(v)))
	if f, isFloat := v.(json.Number); err != nil && isFloat { // 1.0
		if x, ferr := f.Float64(); ferr == nil && x == math.Trunc(x) && math.Abs(x) < 1<<31 {
			return int(x), true, nil
		}
	}
	if err != nil {
		return 0, false, &paramError{names[0], v, "a whole number"}
	}
	return n, true, nil
}

// text is a text; empty when it is absent.
func (p params) text(names ...string) string {
	v, ok := p.get(names...)
	if !ok {
		return ""
	}
	return fmt.Sprint(v)
}

// flag is yes or no, given as a boolean or in words.
func (p params) flag(name string, otherwise bool) (bool, error) {
	v, ok := p.get(name)
	if !ok {
		return otherwise, nil
	}
	switch strings.ToLower(fmt.Sprint(v)) {
	case "true", "1", "on", "yes", "enabled":
		return true, nil
	case "false", "0", "off", "no", "disabled":
		return false, nil
	}
	return false, &paramError{name, v, "true or false"}
}

// longest bounds every duration that a request can ask for.
const longest = time.Hour

// duration is a number of units, or a text such as 100ms; 0 when it is absent.
func (p params) duration(unit time.Duration, names ...string) (time.Duration, error) {
	v, ok := p.get(names...)
	if !ok {
		return 0, nil
	}
	text := fmt.Sprint(v)
	d, err := time.ParseDuration(text)
	if x, ferr := strconv.ParseFloat(text, 64); ferr == nil {
		d, err = time.Duration(min(x*float64(unit), 2*float64(longest))), nil
	}
	if err != nil || d < 0 || d > longest {
		return 0, &paramError{names[0], v, fmt.Sprintf("a duration up to %v", longest)}
	}
	return d, nil
}

// object says what an action is about, for lists.
func (p params) object() string {
	if id := p.text("bdb_id", "bdbId"); id != "" {
		return "bdb:" + clip(id)
	}
	if id := p.text("node_id"); id != "" {
		return "node:" + clip(id)
	}
	return ""
}

func clip(text string) string { return text[:min(len(text), 80)] }

// with returns the parameters with those of an outer action behind them.
func (p params) with(outer params) params {
	merged := params{}
	for _, from := range []params{outer, p} {
		for name, v := range from {
			merged[name] = v
		}
	}
	return merged
}

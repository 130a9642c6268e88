package compare

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"schload/internal/bundle"
)

// Trait is one of the things in which runs differ that stand side by side, as it
// is of one of them.
type Trait struct {
	What  string `json:"what"`
	Value string `json:"value"` // as JSON where it is of the profile; unset: the run does not have it
}

const unset = "unset"

// Contrast says in each summary in what its run differs from the others: their
// Unlike have the same whats, in the same order. Runs are told apart by their
// seeds.
func Contrast(parts []Part, summaries []Summary) {
	var runs []bundle.Run
	for _, p := range parts {
		runs = append(runs, p.Run)
	}
	for _, c := range contrasts(runs) {
		if c.key != "seed" {
			c.tell(summaries)
		}
	}
}

// ContrastExported is Contrast of runs that are known by their metrics alone.
func ContrastExported(exports []bundle.Exported, summaries []Summary) {
	for _, of := range []struct {
		what  string
		value func(bundle.Exported) string
	}{
		{"upgrade", func(e bundle.Exported) string { return e.Upgrade }},
		{"arms", func(e bundle.Exported) string { return strings.Join(e.Arms, ", ") }},
		{"schload", func(e bundle.Exported) string { return e.Versions.Schload }},
		{"go-redis", func(e bundle.Exported) string { return e.Versions.GoRedis }},
		{"profile (its hash)", func(e bundle.Exported) string { return e.ProfileHash }},
	} {
		c := contrast{what: of.what}
		for _, e := range exports {
			c.values = append(c.values, cmp.Or(of.value(e), "not exported"))
		}
		if c.differs() {
			c.tell(summaries)
		}
	}
}

// contrast is something in which runs differ, with the value of each.
type contrast struct {
	what, key string // key of the profile that it belongs to, or ""
	values    []string
}

func (c contrast) differs() bool {
	return slices.ContainsFunc(c.values, func(v string) bool { return v != c.values[0] })
}

func (c contrast) tell(summaries []Summary) {
	for i, value := range c.values {
		summaries[i].Unlike = append(summaries[i].Unlike, Trait{c.what, value})
	}
}

// contrasts lists in what runs differ.
func contrasts(runs []bundle.Run) (list []contrast) {
	for _, of := range []struct {
		what  string
		value func(bundle.Run) any
	}{
		{"upgrade", func(r bundle.Run) any { return r.Upgrade.Name }},
		{"stage", func(r bundle.Run) any { return cmp.Or(r.Stage, "none") }},
		{"schload", func(r bundle.Run) any { return r.Versions.Schload }},
		{"go-redis", func(r bundle.Run) any { return r.Versions.GoRedis }},
		{"isolated", func(r bundle.Run) any { return r.Isolated != nil }},
		{"machine", func(r bundle.Run) any { return r.Environment }},
	} {
		c := contrast{what: of.what}
		for _, r := range runs {
			c.values = append(c.values, fmt.Sprint(of.value(r)))
		}
		if c.differs() {
			list = append(list, c)
		}
	}
	profiles := make([]map[string]json.RawMessage, len(runs))
	for i, r := range runs {
		profiles[i] = settings(r)
	}
	for _, key := range keys(profiles) {
		if key != "upgrade" && key != "stage" {
			list = append(list, nested(key, "profile "+key, each(profiles, func(m map[string]json.RawMessage) json.RawMessage { return m[key] }))...)
		}
	}
	return list
}

// nested finds the innermost settings that differ: those of objects, and of
// lists of as many objects.
func nested(key, what string, values []json.RawMessage) (list []contrast) {
	if objects, ok := allOf[map[string]json.RawMessage](values); ok {
		for _, name := range keys(objects) {
			list = append(list, nested(key, what+"."+name, each(objects, func(m map[string]json.RawMessage) json.RawMessage { return m[name] }))...)
		}
		return list
	}
	if lists, ok := allOf[[]map[string]json.RawMessage](values); ok && !slices.ContainsFunc(lists, func(l []map[string]json.RawMessage) bool { return len(l) != len(lists[0]) }) {
		for i := range lists[0] {
			objects := each(lists, func(l []map[string]json.RawMessage) map[string]json.RawMessage { return l[i] })
			for _, name := range keys(objects) {
				list = append(list, nested(key, fmt.Sprintf("%s[%d].%s", what, i, name), each(objects, func(m map[string]json.RawMessage) json.RawMessage { return m[name] }))...)
			}
		}
		return list
	}
	c := contrast{what: what, key: key, values: each(values, func(v json.RawMessage) string { return cmp.Or(string(canonical(v)), unset) })}
	if c.differs() {
		list = append(list, c)
	}
	return list
}

// allOf reads the values as T; not ok unless each of them is one.
func allOf[T any](values []json.RawMessage) (list []T, ok bool) {
	for _, value := range values {
		var v T
		if len(value) == 0 || bytes.Equal(value, []byte("null")) || json.Unmarshal(value, &v) != nil {
			return nil, false
		}
		list = append(list, v)
	}
	return list, len(list) > 0
}

func each[T, V any](list []T, of func(T) V) (values []V) {
	for _, one := range list {
		values = append(values, of(one))
	}
	return values
}

// keys are those of all objects.
func keys(objects []map[string]json.RawMessage) []string {
	union := map[string]json.RawMessage{}
	for _, m := range objects {
		maps.Copy(union, m)
	}
	return slices.Sorted(maps.Keys(union))
}

// own are the keys of a profile in which runs of one experiment may differ.
var own = []string{"seed", "rounds", "target", "shards", "tls", "upgrade_command", "resolver", "fault_injector", "bdb", "name", "summary", "slo"}

// unlike lists in what a run differs from the first, so that its rounds are no
// rounds of the same experiment.
func unlike(first, r bundle.Run) (list []string) {
	for _, c := range contrasts([]bundle.Run{first, r}) {
		if !slices.Contains(own, c.key) {
			list = append(list, fmt.Sprintf("%s: %s in %s, %s in %s", c.what, c.values[0], first.ID, c.values[1], r.ID))
		}
	}
	return list
}

// settings are the keys of a run's profile.
func settings(r bundle.Run) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	_ = json.Unmarshal(r.Profile, &m) // a run without a profile has no settings
	return m
}

// canonical leaves out spaces and sorts keys.
func canonical(text json.RawMessage) json.RawMessage {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return text
	}
	out, err := json.Marshal(v)
	if err != nil {
		return text
	}
	return out
}

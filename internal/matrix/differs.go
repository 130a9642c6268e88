package matrix

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// mostDifferences are named; the rest is counted.
const mostDifferences = 6

// differs says in what two plans differ.
func differs(was, is Plan) (list []string, err error) {
	before, after := map[string]Cell{}, map[string]Cell{}
	for _, c := range was.Cells {
		before[c.Name()] = c
	}
	for _, c := range is.Cells {
		if _, both := before[c.Name()]; !both {
			list = append(list, "cell "+c.Name()+" was not in it")
		}
		after[c.Name()] = c
	}
	was.Cells, is.Cells, was.Expected, is.Expected = nil, nil, 0, 0
	changes, err := changed("", was, is)
	if err != nil {
		return nil, err
	}
	list = append(list, changes...)
	for _, name := range slices.Sorted(maps.Keys(before)) {
		x, y := before[name], after[name]
		if y.Name() != name {
			list = append(list, "cell "+name+" is no longer in it")
			continue
		}
		x.Bends, x.Expected, y.Bends, y.Expected = nil, 0, nil, 0 // they follow from the rest
		if changes, err = changed(name, x, y); err != nil {
			return nil, err
		}
		list = append(list, changes...)
	}
	if n := len(list); n > mostDifferences {
		list = append(list[:mostDifferences], fmt.Sprintf("and %d more", n-mostDifferences))
	}
	return list, nil
}

// changed are the values that differ, by their path.
func changed(path string, was, is any) (list []string, err error) {
	before, after := map[string]string{}, map[string]string{}
	if err := errors.Join(leaves(path, was, before), leaves(path, is, after)); err != nil {
		return nil, err
	}
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if x, y := or(before, path), or(after, path); x != y {
			list = append(list, fmt.Sprintf("%s was %s, is %s", path, x, y))
		}
	}
	return list, nil
}

func or(m map[string]string, path string) string {
	if text, ok := m[path]; ok {
		return text
	}
	return "absent"
}

// leaves collects the values of v by their path.
func leaves(path string, v any, found map[string]string) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return err
	}
	walk(path, tree, found)
	return nil
}

func walk(path string, v any, found map[string]string) {
	below := func(key string) string {
		if path == "" {
			return key
		}
		return path + "." + key
	}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			walk(below(k), x, found)
		}
	case []any:
		for i, x := range v {
			walk(below(strconv.Itoa(i+1)), x, found)
		}
	case nil:
	default:
		found[path] = fmt.Sprint(v)
	}
}

package matrix

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// mostDifferences are named; the rest is counted.
const mostDifferences = 6

// differs says in what two plans differ.
func differs(was, is Plan) (list []string, err error) {
	before, err := leaves(was)
	if err != nil {
		return nil, err
	}
	after, err := leaves(is)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		if x, y := or(before, path), or(after, path); x != y {
			list = append(list, fmt.Sprintf("%s was %s, is %s", path, x, y))
		}
	}
	if n := len(list); n > mostDifferences {
		list = append(list[:mostDifferences], fmt.Sprintf("and %d more", n-mostDifferences))
	}
	return list, nil
}

func or(m map[string]string, path string) string {
	if text, ok := m[path]; ok {
		return text
	}
	return "absent"
}

// leaves are the values of a plan by their path; a cell's path has its name.
func leaves(p Plan) (map[string]string, error) {
	found := map[string]string{}
	cells := p.Cells
	p.Cells, p.Expected = nil, 0
	if err := leavesOf("", p, found); err != nil {
		return nil, err
	}
	for _, c := range cells {
		c.Bends, c.Expected = nil, 0 // they follow from the rest
		if err := leavesOf(c.Name(), c, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func leavesOf(path string, v any, found map[string]string) error {
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

package upgrade

import "strings"

// placeholders lists the {name}s in a text for people.
func placeholders(text string) []string {
	var names []string
	for {
		_, rest, ok := strings.Cut(text, "{")
		if !ok {
			return names
		}
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			return names
		}
		names = append(names, name)
		text = after
	}
}

// fill replaces the {name}s in a text by values, so that prose cannot
// disagree with what was set.
func fill(text string, settings []Setting) string {
	pairs := make([]string, 0, 2*len(settings))
	for _, s := range settings {
		pairs = append(pairs, "{"+s.Name+"}", s.Value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

package upgrade

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// exampleSeed is the seed of the plans shown where nobody asked for one.
const exampleSeed = 1

// Explain writes what the upgrade is, its numbers with their origins, and the
// plan of seed 1 at speed 1 as text.
func (u Upgrade) Explain(w io.Writer) error {
	text, err := u.Text()
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

// Text returns what Explain writes.
func (u Upgrade) Text() (string, error) {
	p, err := u.Plan(exampleSeed, 1)
	if err != nil {
		return "", err
	}
	const width = 80
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n\n", u.Name, u.Title)
	b.WriteString(wrap(fill(u.Summary, p.Settings), width) + "\n")
	b.WriteString(wrap(fmt.Sprintf("Documented support of handoffs: %s. %s", u.SCH, u.Documented), width) + "\n")
	b.WriteString(wrap(fill(u.Prose, u.written()), width) + "\n")
	b.WriteString("Parameters\n" + u.table() + "\n")
	fmt.Fprintf(&b, "Timeline%s\n%s", u.drawn(), p.Text())
	return b.String(), nil
}

// Brief is the summary with the values of the parameters filled in.
func (u Upgrade) Brief() string { return fill(u.Summary, u.written()) }

// drawn says which plan is shown when the seed matters.
func (u Upgrade) drawn() string {
	for _, p := range u.Parameters {
		if v, err := parseValue(p.Kind, p.Value); err == nil && v.form != fixed {
			return fmt.Sprintf(" (as drawn by seed %d)", exampleSeed)
		}
	}
	return ""
}

// written are the values as the file or Set spells them, ranges included.
func (u Upgrade) written() []Setting {
	var settings []Setting
	for _, p := range u.Parameters {
		settings = append(settings, Setting{Name: p.Name, Value: p.Value})
	}
	return settings
}

// table lists the parameters, and under them the sources by number.
func (u Upgrade) table() string {
	sources := u.sources()
	rows := [][]string{{"name", "value", "known", "origin", "meaning"}}
	for _, p := range u.Parameters {
		origin := fmt.Sprintf("%s [%d]", p.Origin, 1+slices.Index(sources, p.Source))
		rows = append(rows, []string{p.Name, p.Value, p.Known, origin, p.Help})
	}
	text := columns(rows) + "\n"
	for i, source := range sources {
		text += fmt.Sprintf("  [%d] %s\n", i+1, source)
	}
	return text
}

// sources lists the sources of the parameters, each once.
func (u Upgrade) sources() []string {
	var sources []string
	for _, p := range u.Parameters {
		if !slices.Contains(sources, p.Source) {
			sources = append(sources, p.Source)
		}
	}
	return sources
}

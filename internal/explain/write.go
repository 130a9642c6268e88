package explain

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"schload/internal/compare"
	"schload/internal/markdown"
)

// Schema names the layout of JSON.
const Schema = "schload.explain/1"

// width is that of a terminal's line.
const width = 100

// Text writes findings for a terminal.
func Text(w io.Writer, s compare.Summary, list []Finding) error {
	var b strings.Builder
	fmt.Fprintf(&b, "run %s, upgrade %s, stage %s: %s\n", plain(s.RunID), plain(s.Upgrade.Name), s.Stage, plural(len(list), "finding"))
	for _, f := range list {
		b.WriteByte('\n')
		wrap(&b, "", head(f))
		for _, line := range f.Evidence {
			wrap(&b, "  - ", plain(line))
		}
		for _, part := range parts(f) {
			wrap(&b, "  ", part.name+": "+plain(part.text))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// head is the line above a finding: arm on: title [id, problem, likely].
func head(f Finding) string {
	text := f.Title + " [" + f.ID + ", " + string(f.Severity) + ", " + string(f.Confidence) + "]"
	if f.Arm != "" {
		text = "arm " + f.Arm + ": " + text
	}
	return plain(text)
}

type part struct{ name, text string }

func parts(f Finding) (list []part) {
	for _, p := range []part{{"cause", f.Cause}, {"fix", f.Fix}, {"source", f.Source}} {
		if p.text != "" {
			list = append(list, p)
		}
	}
	return list
}

// wrap writes words in lines of the terminal's width, the first after lead and
// the others as far in.
func wrap(b *strings.Builder, lead, text string) {
	at := utf8.RuneCountInString(lead)
	indent, first := strings.Repeat(" ", max(at, 4)), true
	b.WriteString(lead)
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case first:
		case at+1+n > width:
			b.WriteString("\n" + indent)
			at = len(indent)
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at, first = at+n, false
	}
	b.WriteByte('\n')
}

// plain takes control characters out: evidence may quote what a server said,
// and a terminal obeys them.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

// Markdown writes findings for a pull request or a ticket.
func Markdown(w io.Writer, s compare.Summary, list []Finding) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### What explains %s\n", markdown.Escape(s.Upgrade.Name+": "+s.RunID))
	for _, f := range list {
		fmt.Fprintf(&b, "\n**%s**\n\n", markdown.Escape(head(f)))
		for _, line := range f.Evidence {
			b.WriteString("- " + markdown.Escape(line) + "\n")
		}
		for _, p := range parts(f) {
			b.WriteString("\n" + strings.ToUpper(p.name[:1]) + p.name[1:] + ": " + markdown.Escape(p.text) + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// JSON writes findings for programs.
func JSON(w io.Writer, s compare.Summary, list []Finding) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(struct {
		Schema   string    `json:"schema"`
		RunID    string    `json:"run_id"`
		Upgrade  string    `json:"upgrade"`
		Stage    string    `json:"stage"`
		Findings []Finding `json:"findings"`
	}{Schema, s.RunID, s.Upgrade.Name, s.Stage, list})
}

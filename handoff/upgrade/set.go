package upgrade

import (
	"fmt"
	"slices"
	"strings"

	"schload/internal/spelling"
	"schload/internal/yamlfile"
)

// Set returns a copy with parameters set, each assignment spelled name=value
// (moving_time=5s, moving_close_slack=0.7s..4.1s, dns_offset={4.4s, 9.7s}).
// Of two assignments to one name the later holds.
//
// A value that the parameter's own source vouches for keeps the origin; any
// other becomes an assumption, because nobody has seen a server do it.
func (u Upgrade) Set(assignments []string) (Upgrade, error) {
	u.Parameters = slices.Clone(u.Parameters)
	for _, assignment := range assignments {
		if err := u.set(assignment); err != nil {
			return Upgrade{}, err
		}
	}
	return u, nil
}

func (u Upgrade) set(assignment string) error {
	name, text, ok := strings.Cut(assignment, "=")
	name = strings.TrimSpace(name)
	if !ok {
		return fmt.Errorf("setting %q of upgrade %s: want name=value", yamlfile.Clip(assignment), u.Name)
	}
	i := slices.IndexFunc(u.Parameters, func(p Parameter) bool { return p.Name == name })
	if i < 0 {
		legal := "it has none"
		if len(u.Parameters) > 0 {
			legal = "it has " + strings.Join(u.names(), ", ")
		}
		return fmt.Errorf("unknown parameter %q of upgrade %s%s: %s", yamlfile.Clip(name), u.Name, spelling.Hint(name, u.names()), legal)
	}
	changed, err := u.Parameters[i].with(text)
	if err != nil {
		return fmt.Errorf("parameter %s=%s of upgrade %s: %w", name, yamlfile.Clip(strings.TrimSpace(text)), u.Name, err)
	}
	u.Parameters[i] = changed
	return nil
}

// with returns the parameter with another value. It starts from what the file
// says, so that setting twice is the same as setting once.
func (p Parameter) with(text string) (Parameter, error) {
	if p.Written != nil {
		p = *p.Written
	}
	written := p
	v, err := parseValue(p.Kind, text)
	if err != nil {
		return p, err
	}
	if !p.vouches(p.Value, v) && !p.vouches(p.Known, v) {
		p.Source = fmt.Sprintf("set for this run in place of %s (%s: %s)", p.Value, p.Origin, p.Source)
		p.Origin = Assumption
	}
	p.Value = v.String()
	p.Written = &written
	return p, nil
}

// vouches reports whether a value is among what the source gives as text.
func (p Parameter) vouches(text string, v value) bool {
	known, err := parseValue(p.Kind, text)
	return err == nil && known.covers(v)
}

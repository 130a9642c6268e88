package profiles

import (
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"schload/internal/compare"
	"schload/internal/spelling"
	"schload/internal/yamlfile"
)

// SLO is a service level objective as a profile spells it: [ARM.]METRIC, one
// of < <= > >=, and a limit.
//
//	slo:
//	  - maintenance.failed_ratio < 0.001
//	  - on.maintenance.p99 < 250ms
type SLO struct{ compare.SLO }

// MarshalYAML writes the objective as text.
func (s SLO) MarshalYAML() (any, error) { return s.Text, nil }

// UnmarshalYAML reads the objective's text.
func (s *SLO) UnmarshalYAML(node ast.Node) error {
	parsed, err := compare.ParseSLO(scalar(node))
	if err != nil {
		return &yamlfile.Error{Line: node.GetToken().Position.Line, Err: err}
	}
	s.SLO = parsed
	return nil
}

// scalar is the text of a node; a mapping or list has none that could be meant.
func scalar(node ast.Node) string {
	if s, ok := node.(*ast.StringNode); ok {
		return s.Value
	}
	return node.String()
}

// SetSLO replaces the objectives.
func (p *Profile) SetSLO(texts []string) error {
	p.SLO = nil
	var wrong []error
	for _, text := range texts {
		parsed, err := compare.ParseSLO(text)
		p.SLO, wrong = append(p.SLO, SLO{parsed}), append(wrong, err)
	}
	return errors.Join(wrong...)
}

// Objectives are the texts of the profile's objectives.
func (p Profile) Objectives() (texts []string) {
	for _, s := range p.SLO {
		texts = append(texts, s.Text)
	}
	return texts
}

// checkSLO checks that there will be what the objectives bound.
func (p Profile) checkSLO() error {
	var wrong []error
	names := []string{"on", "off"} // of a profile that names none
	if len(p.Arms) > 0 {
		names = nil
		for _, a := range p.Arms {
			names = append(names, a.Name)
		}
	}
	for _, s := range p.SLO {
		if s.Arm != "" && !slices.Contains(names, s.Arm) {
			wrong = append(wrong, fmt.Errorf("slo %q: no arm %q%s: the arms are %q", s.Text, s.Arm, spelling.Hint(s.Arm, names), names))
		}
		if p.Saturates() {
			wrong = append(wrong, fmt.Errorf("slo %q with saturate: a run that looks for the ceiling is held against nothing; leave it out", s.Text))
		}
	}
	return errors.Join(wrong...)
}

package calibrate

import (
	"time"

	"schload/internal/bundle"
)

// Schema names the layout of a Certificate as JSON.
const Schema = "schload.certificate/1"

// Verdict is what became of a check.
type Verdict string

// The verdicts, from good to bad.
const (
	Pass  Verdict = "PASS"
	Noisy Verdict = "NOISY" // the machine was too busy: nothing can be said of the instrument
	Fail  Verdict = "FAIL"
)

// Certificate says what the instrument found on a machine where it was known
// what there was to find.
type Certificate struct {
	Schema      string             `json:"schema"`
	Verdict     Verdict            `json:"verdict"` // the worst of the lines
	Date        time.Time          `json:"date"`
	Seed        uint64             `json:"seed"`
	Versions    bundle.Versions    `json:"versions"`
	Environment bundle.Environment `json:"environment"`
	Took        bundle.Seconds     `json:"took_s"`
	Lines       []Line             `json:"lines"`
	Facts       []Fact             `json:"machine"`
}

// Line is one check.
type Line struct {
	Name     string         `json:"name"`
	Done     string         `json:"done"`     // what was done
	Expected string         `json:"expected"` // what was known beforehand, with the tolerance
	Found    string         `json:"found"`
	Verdict  Verdict        `json:"verdict"`
	Reasons  []string       `json:"reasons,omitempty"`  // of a verdict that is not Pass
	Warnings []string       `json:"warnings,omitempty"` // what one should know of the machine
	Took     bundle.Seconds `json:"took_s"`
}

// Fact is something measured of the machine, without a verdict.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Passed is how many lines are Pass.
func (c Certificate) Passed() (n int) {
	for _, l := range c.Lines {
		if l.Verdict == Pass {
			n++
		}
	}
	return n
}

// worst returns the worst verdict of the lines.
func worst(lines []Line) Verdict {
	v := Pass
	for _, l := range lines {
		if l.Verdict == Fail || l.Verdict == Noisy && v == Pass {
			v = l.Verdict
		}
	}
	return v
}

package explain

// Severity says what a finding asks for.
type Severity string

// The severities, the gravest first.
const (
	Invalid  Severity = "invalid"  // the numbers prove nothing
	Problem  Severity = "problem"  // something can be done about it
	Expected Severity = "expected" // documented; handoffs do not prevent it
	Note     Severity = "note"     // worth knowing, harmed no operation
	Fine     Severity = "fine"     // nothing to explain
)

var severities = []Severity{Invalid, Problem, Expected, Note, Fine}

// Confidence says how the cause is known.
type Confidence string

// The confidences.
const (
	Certain Confidence = "certain" // counted or read from the bundle
	Likely  Confidence = "likely"  // inferred: the evidence fits, and others might
)

// Finding is one diagnosis. All text is plain; it may hold what a server said.
type Finding struct {
	ID         string     `json:"id"` // a key of docs/EXPLAIN.md
	Title      string     `json:"title"`
	Arm        string     `json:"arm,omitempty"` // empty: the run
	Severity   Severity   `json:"severity"`
	Confidence Confidence `json:"confidence"`
	Evidence   []string   `json:"evidence"`
	Cause      string     `json:"cause,omitempty"`
	Fix        string     `json:"fix,omitempty"`
	Source     string     `json:"source,omitempty"` // where the cause is documented
}

// The documents findings refer to.
const (
	vendor   = "Redis support article on smart client handoffs, "
	findings = "docs/FINDINGS.md, "
	method   = "docs/METHODOLOGY.md, "
)

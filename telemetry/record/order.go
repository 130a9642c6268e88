package record

import (
	"cmp"
	"slices"
	"strings"
)

// Compare orders keys by arm, pool, round, phase, operation and outcome.
func (k Key) Compare(o Key) int {
	return cmp.Or(
		strings.Compare(k.Arm, o.Arm),
		strings.Compare(k.Pool, o.Pool),
		cmp.Compare(k.Round, o.Round),
		cmp.Compare(k.Phase, o.Phase),
		strings.Compare(k.Operation, o.Operation),
		strings.Compare(k.Outcome, o.Outcome),
	)
}

func (c Count) compare(o Count) int {
	return compareNamed(c.Name, o.Name, c.Arm, o.Arm, c.Attrs, o.Attrs)
}
func (l Level) compare(o Level) int {
	return compareNamed(l.Name, o.Name, l.Arm, o.Arm, l.Attrs, o.Attrs)
}

func (d Distribution) compare(o Distribution) int {
	return compareNamed(d.Name, o.Name, d.Arm, o.Arm, d.Attrs, o.Attrs)
}

func compareNamed(name, otherName, arm, otherArm string, attrs, others []Attr) int {
	return cmp.Or(
		strings.Compare(name, otherName),
		strings.Compare(arm, otherArm),
		slices.CompareFunc(attrs, others, Attr.compare),
	)
}

func (a Attr) compare(o Attr) int {
	return cmp.Or(strings.Compare(a.Key, o.Key), strings.Compare(a.Value, o.Value))
}

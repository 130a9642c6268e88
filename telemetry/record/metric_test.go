package record

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"schload/workload"
)

// The list is sorted, names are unique and spelled as OpenTelemetry wants
// them, and each metric says what it is.
func TestMetrics(t *testing.T) {
	name := regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$`)
	attribute := regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$`)
	// UCUM: seconds, bytes, or an annotation in the singular, also a second.
	unit := regexp.MustCompile(`^(s|By|\{[a-z]+\}(/s)?)$`)
	kinds := []string{Counter, UpDownCounter, Gauge, Histogram}
	for i, m := range Metrics {
		if i > 0 && Metrics[i-1].Name >= m.Name {
			t.Errorf("%s is not after %s: sorted and unique", m.Name, Metrics[i-1].Name)
		}
		if !name.MatchString(m.Name) {
			t.Errorf("%s: not a name of lower-case words with dots", m.Name)
		}
		if !unit.MatchString(m.Unit) {
			t.Errorf("%s: unit %q is not s, By, {thing} or {thing}/s", m.Name, m.Unit)
		}
		if !slices.Contains(kinds, m.Kind) {
			t.Errorf("%s: kind %q", m.Name, m.Kind)
		}
		if m.Kind == Histogram && m.Unit != "s" {
			t.Errorf("%s: unit %q of a histogram, want s", m.Name, m.Unit)
		}
		if m.Description == "" || strings.HasSuffix(m.Description, ".") {
			t.Errorf("%s: description %q, want a phrase without a full stop", m.Name, m.Description)
		}
		if !slices.IsSorted(m.Attributes) || len(slices.Compact(slices.Clone(m.Attributes))) != len(m.Attributes) {
			t.Errorf("%s: attributes %v are not sorted and unique", m.Name, m.Attributes)
		}
		for _, a := range m.Attributes {
			if !attribute.MatchString(a) {
				t.Errorf("%s: attribute %q", m.Name, a)
			}
		}
	}
}

// What the recorder writes is in the list, with the attributes it lists.
func TestMetricsCoverInterval(t *testing.T) {
	r := oneArm(Config{})
	s := r.Sink("on", "main")
	s.Due(0, 2)
	s.Done(sample(0, 0, 0, time.Second, workload.OK), 1)
	s.Missed(0, workload.Ended, 1)
	i := r.Collect(time.Second)
	check := func(name string, attrs []Attr, kinds ...string) {
		at := slices.IndexFunc(Metrics, func(m Metric) bool { return m.Name == name })
		if at < 0 {
			t.Errorf("%s is not among Metrics", name)
			return
		}
		var keys []string
		for _, a := range attrs {
			keys = append(keys, a.Key)
		}
		if m := Metrics[at]; !slices.Equal(keys, m.Attributes) || !slices.Contains(kinds, m.Kind) {
			t.Errorf("%s has attributes %v, listed as a %s with %v", name, keys, m.Kind, m.Attributes)
		}
	}
	for _, c := range i.Counts {
		check(c.Name, c.Attrs, Counter)
	}
	for _, l := range i.Levels {
		check(l.Name, l.Attrs, Gauge, UpDownCounter)
	}
	if len(i.Counts) == 0 || len(i.Levels) == 0 {
		t.Error("the interval is empty: nothing was checked")
	}
}

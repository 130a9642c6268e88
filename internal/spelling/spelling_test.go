package spelling

import "testing"

func TestHint(t *testing.T) {
	known := []string{"rate", "workers", "arrival", "endpoint-rebind", "on"}
	for written, want := range map[string]string{
		"wrokers":        " (did you mean workers?)",
		"rates":          " (did you mean rate?)",
		"endpoint_rebnd": " (did you mean endpoint-rebind?)",
		"zzz":            "",
		"":               "",
	} {
		if got := Hint(written, known); got != want {
			t.Errorf("Hint(%q) = %q, want %q", written, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"ab", "ba", 1}, {"kitten", "sitting", 3}, {"abc", "abc", 0}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance(c.b, c.a); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}

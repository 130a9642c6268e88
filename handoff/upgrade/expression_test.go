package upgrade

import (
	"strings"
	"testing"
	"time"
)

func TestExpression(t *testing.T) {
	values := map[string]time.Duration{"a": time.Second, "b_2": 10 * time.Second}
	tests := []struct {
		text  string
		value time.Duration
		spelt string
	}{
		{"a", time.Second, "a"},
		{"0s", 0, "0s"},
		{"a+b_2", 11 * time.Second, "a + b_2"},
		{"  a -\tb_2 ", -9 * time.Second, "a - b_2"},
		{"b_2 - a - a + 1.5s", 9500 * time.Millisecond, "b_2 - a - a + 1.5s"},
		{"1m30s", 90 * time.Second, "1m30s"},
		{"500us + 500µs", time.Millisecond, "500µs + 500µs"},
	}
	for _, test := range tests {
		e, err := parseExpression(test.text)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		if got := e.value(values); got != test.value {
			t.Errorf("%q = %v, want %v", test.text, got, test.value)
		}
		if got := e.String(); got != test.spelt {
			t.Errorf("%q is spelt %q, want %q", test.text, got, test.spelt)
		}
	}
}

func TestExpressionErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", `want a parameter or a duration at "", column 1`},
		{"a +", `want a parameter or a duration at "", column 4`},
		{"-a", `want a parameter or a duration at "-a", column 1`},
		{"a b", `want + or - at "b", column 3`},
		{"a + 5", `want a parameter or a duration from 0s to 24h0m0s, got "5"`},
		{"A", `want a parameter or a duration from 0s to 24h0m0s, got "A"`},
		{"25h", `want a parameter or a duration from 0s to 24h0m0s, got "25h"`},
		{"a" + strings.Repeat("+a", 16), "want at most 16 terms"},
	}
	for _, test := range tests {
		if _, err := parseExpression(test.text); err == nil || err.Error() != test.want {
			t.Errorf("%q = %v, want %s", test.text, err, test.want)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"dns_offset", "dns_ttl", "moving_time"}
	for written, want := range map[string]string{
		"dns_ofset":                      "dns_offset",
		"moving_tiem":                    "moving_time",
		"dns_tll":                        "dns_ttl",
		"speed":                          "",
		"":                               "",
		strings.Repeat("moving_time", 9): "",
	} {
		if want != "" {
			want = " (did you mean " + want + "?)"
		}
		if got := suggest(written, known); got != want {
			t.Errorf("suggest(%q) = %q, want %q", written, got, want)
		}
	}
}

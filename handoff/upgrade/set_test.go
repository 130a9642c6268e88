package upgrade_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"schload/handoff/upgrade"
)

func parameter(t *testing.T, u upgrade.Upgrade, name string) upgrade.Parameter {
	t.Helper()
	for _, p := range u.Parameters {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no parameter %s", name)
	return upgrade.Parameter{}
}

// A value that the source vouches for keeps the origin; any other is ours.
func TestSetOrigin(t *testing.T) {
	tests := []struct {
		assignment string
		name       string
		value      string
		origin     upgrade.Origin
	}{
		{"moving_time=15s", "moving_time", "15s", upgrade.Measured},
		{"moving_time=15000ms", "moving_time", "15s", upgrade.Measured},
		{" moving_time = 5s ", "moving_time", "5s", upgrade.Assumption},
		{"dns_offset=4.4s", "dns_offset", "4.4s", upgrade.Measured},
		{"dns_offset={4.4s,18.7s}", "dns_offset", "{4.4s, 18.7s}", upgrade.Measured},
		{"dns_offset={4.4s,5s}", "dns_offset", "{4.4s, 5s}", upgrade.Assumption},
		{"dns_offset=4.4s..18.7s", "dns_offset", "4.4s..18.7s", upgrade.Assumption},
		{"dns_offset=9.7s..9.7s", "dns_offset", "9.7s..9.7s", upgrade.Measured},
		{"moving_close_slack=0.7s..4.1s", "moving_close_slack", "700ms..4.1s", upgrade.Measured},
		{"moving_close_slack={1s, 3s}", "moving_close_slack", "{1s, 3s}", upgrade.Measured},
		{"moving_close_slack=0s..4.1s", "moving_close_slack", "0s..4.1s", upgrade.Assumption},
		{"settle=2s", "settle", "2s", upgrade.Assumption},
	}
	for _, test := range tests {
		u := set(t, load(t, "endpoint-rebind"), test.assignment)
		p := parameter(t, u, test.name)
		if p.Value != test.value || p.Origin != test.origin {
			t.Errorf("Set(%s) = %s (%s), want %s (%s)", test.assignment, p.Value, p.Origin, test.value, test.origin)
		}
		if p.Written == nil || p.Written.Written != nil {
			t.Errorf("Set(%s): Written = %v, want what the file says", test.assignment, p.Written)
		}
	}
}

// Setting twice is the same as setting once: a profile's value leaves no trace
// behind that of the command line.
func TestSetTwice(t *testing.T) {
	u := load(t, "endpoint-rebind")
	once := set(t, u, "moving_time=7s")
	twice := set(t, set(t, u, "moving_time=5s", "moving_time=6s"), "moving_time=7s")
	if diff := cmp.Diff(once, twice); diff != "" {
		t.Errorf("set twice (-once +twice):\n%s", diff)
	}
	back := parameter(t, set(t, once, "moving_time=15s"), "moving_time")
	if back.Origin != upgrade.Measured {
		t.Errorf("set back to the file's value: origin %s, want measured", back.Origin)
	}
	if diff := cmp.Diff(load(t, "endpoint-rebind"), u); diff != "" {
		t.Errorf("Set changed its receiver (-before +after):\n%s", diff)
	}
}

func TestSetErrors(t *testing.T) {
	const legal = ": it has op_to_moving, moving_time, moving_close_slack, rebind_offset, dns_offset, dns_ttl, settle"
	const want = ": want a duration such as 5s, a range such as 1s..5s or a choice such as {1s, 5s}"
	tests := []struct{ assignment, err string }{
		{"moving_time", `setting "moving_time" of upgrade endpoint-rebind: want name=value`},
		{"dns_ofset=4.4s", `unknown parameter "dns_ofset" of upgrade endpoint-rebind (did you mean dns_offset?)` + legal},
		{"speed=5", `unknown parameter "speed" of upgrade endpoint-rebind` + legal},
		{"dns_offset=soon", "parameter dns_offset=soon of upgrade endpoint-rebind" + want},
		{"dns_offset=5", "parameter dns_offset=5 of upgrade endpoint-rebind" + want},
		{"dns_offset=", "parameter dns_offset= of upgrade endpoint-rebind" + want},
		{"dns_offset={}", "parameter dns_offset={} of upgrade endpoint-rebind" + want},
		{"dns_offset={1s, }", "parameter dns_offset={1s, } of upgrade endpoint-rebind" + want},
		{"dns_offset=-1s", "parameter dns_offset=-1s of upgrade endpoint-rebind: want a duration from 0s to 24h0m0s"},
		{"dns_offset=25h", "parameter dns_offset=25h of upgrade endpoint-rebind: want a duration from 0s to 24h0m0s"},
		{"dns_offset=5s..1s", "parameter dns_offset=5s..1s of upgrade endpoint-rebind: want a range that ascends, such as 1s..5s"},
	}
	for _, test := range tests {
		_, err := load(t, "endpoint-rebind").Set([]string{test.assignment})
		if err == nil || err.Error() != test.err {
			t.Errorf("Set(%s) =\n%v, want\n%s", test.assignment, err, test.err)
		}
	}
	if _, err := load(t, "none").Set([]string{"x=1"}); err == nil || err.Error() != `unknown parameter "x" of upgrade none: it has quiet_time` {
		t.Errorf("Set on none = %v", err)
	}
}

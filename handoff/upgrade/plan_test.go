package upgrade_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"schload/handoff/notice"
	"schload/handoff/upgrade"
)

// The default is the pair measured in one run: the record moves 3 s after the
// close, and for so long the name leads to a port that refuses.
func TestEndpointRebindDefault(t *testing.T) {
	p := plan(t, load(t, "endpoint-rebind"), 1, 1)
	got := map[string]time.Duration{}
	for _, a := range p.Actions {
		got[string(a.Act)+" "+string(a.Node)] = a.At
		if a.Act == upgrade.Notify && (a.Notice != notice.Moving || a.Seconds != 15 || a.To != upgrade.New) {
			t.Errorf("notify = %+v, want MOVING of 15 s to new", a)
		}
		if a.Origin != upgrade.Measured {
			t.Errorf("%s %s rests on %s, want measured", a.Act, a.Node, a.Origin)
		}
	}
	want := map[string]time.Duration{
		"listen new": 6 * time.Second,
		"notify old": 6 * time.Second,
		"bind new":   14600 * time.Millisecond,
		"refuse old": 21700 * time.Millisecond,
		"close old":  21700 * time.Millisecond,
		"dns new":    24700 * time.Millisecond,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("instants (-want +got):\n%s", diff)
	}
	refused := []upgrade.Span{{From: 21700 * time.Millisecond, To: 24700 * time.Millisecond}}
	if diff := cmp.Diff(refused, p.Refused()); diff != "" {
		t.Errorf("Refused (-want +got):\n%s", diff)
	}
	if p.TTL != 5*time.Second || p.Length != 25700*time.Millisecond {
		t.Errorf("TTL %v, length %v, want 5s, 25.7s", p.TTL, p.Length)
	}
}

// With the record moving early, the name never leads to a port that refuses.
func TestEndpointRebindEarlyRecord(t *testing.T) {
	for _, offset := range []string{"4.4s", "9.7s"} {
		p := plan(t, set(t, load(t, "endpoint-rebind"), "dns_offset="+offset), 1, 1)
		if got := p.Refused(); len(got) != 0 {
			t.Errorf("dns_offset=%s: Refused = %v, want none", offset, got)
		}
	}
}

// At every speed: the order of steps is that of speed 1, announced times are
// whole seconds of at least 1, and no proxy closes before its announced time.
func TestSpeedKeepsOrder(t *testing.T) {
	for _, name := range upgrade.Names() {
		u := load(t, name)
		want := order(plan(t, u, 1, 1))
		for _, speed := range []float64{0.1, 0.5, 0.9, 1.1, 2, 3, 4.9, 5, 7, 9.99, 10, 10.5, 20, 31, 50, 100, 1000} {
			p := plan(t, u, 1, speed)
			if got := order(p); got != want {
				t.Errorf("%s at speed %v: order\n%s, want\n%s", name, speed, got, want)
			}
			checkWindows(t, p)
		}
	}
}

func order(p upgrade.Plan) string {
	var words []string
	for _, a := range p.Actions {
		words = append(words, string(a.Act)+" "+a.Detail)
	}
	return strings.Join(words, "; ")
}

// checkWindows checks the laws of announced times on a plan.
func checkWindows(t *testing.T, p upgrade.Plan) {
	t.Helper()
	until := time.Duration(0)
	for i, a := range p.Actions {
		if i > 0 && a.At < p.Actions[i-1].At {
			t.Errorf("%s at speed %v: %s at %v comes after %v", p.Upgrade.Name, p.Speed, a.Act, a.At, p.Actions[i-1].At)
		}
		if a.End() > p.Length {
			t.Errorf("%s at speed %v: %s ends at %v, after the plan (%v)", p.Upgrade.Name, p.Speed, a.Act, a.End(), p.Length)
		}
		if a.Act == upgrade.Notify && a.Notice.Opens() && a.Notice != notice.SMigrating {
			if a.Seconds < 1 {
				t.Errorf("%s at speed %v: announces %d s, want at least 1", p.Upgrade.Name, p.Speed, a.Seconds)
			}
			until = a.At + time.Duration(a.Seconds)*time.Second
		}
		if (a.Act == upgrade.Close || a.Act == upgrade.Stall) && a.At < until {
			t.Errorf("%s at speed %v: %s at %v, before the announced %v", p.Upgrade.Name, p.Speed, a.Act, a.At, until)
		}
	}
}

// Where announced times divide evenly, speed is plain division.
func TestSpeedDivides(t *testing.T) {
	one, five := plan(t, load(t, "endpoint-rebind"), 1, 1), plan(t, load(t, "endpoint-rebind"), 1, 5)
	for i, a := range one.Actions {
		if got := five.Actions[i].At; got != a.At/5 {
			t.Errorf("%s at speed 5: %v, want %v", a.Act, got, a.At/5)
		}
	}
	if five.Length != one.Length/5 || five.TTL != time.Second {
		t.Errorf("length %v, TTL %v, want %v, 1s", five.Length, five.TTL, one.Length/5)
	}
}

// Where they do not, the window bends: 15 s at speed 10 is announced as 2 s,
// what follows the window keeps its distance to it, divided by 10.
func TestSpeedBends(t *testing.T) {
	p := plan(t, load(t, "endpoint-rebind"), 1, 10)
	got := map[upgrade.Act]time.Duration{}
	for _, a := range p.Actions {
		got[a.Act] = a.At
	}
	want := map[upgrade.Act]time.Duration{
		upgrade.Listen: 600 * time.Millisecond,
		upgrade.Notify: 600 * time.Millisecond,
		upgrade.Bind:   1746667 * time.Microsecond, // 0.6 s + 8.6/15 of 2 s
		upgrade.Refuse: 2670 * time.Millisecond,
		upgrade.Close:  2670 * time.Millisecond,
		upgrade.DNS:    2970 * time.Millisecond,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("instants (-want +got):\n%s", diff)
	}
}

func TestSpeedBounds(t *testing.T) {
	for _, speed := range []float64{0, -1, 0.001, 1001} {
		if _, err := load(t, "none").Plan(1, speed); err == nil {
			t.Errorf("Plan at speed %v = nil error, want one", speed)
		}
	}
}

// A plan is a function of its seed, and a parameter that is set leaves what
// the others draw as it was.
func TestDraws(t *testing.T) {
	u := set(t, load(t, "endpoint-rebind"), "moving_close_slack=0.7s..4.1s", "dns_offset={4.4s, 9.7s, 18.7s}")
	fixed := set(t, u, "moving_close_slack=1s")
	seen := map[string]map[string]bool{}
	for seed := range uint64(200) {
		p := plan(t, u, seed, 1)
		if !reflect.DeepEqual(p, plan(t, u, seed, 1)) {
			t.Fatalf("seed %d drew two plans", seed)
		}
		other := plan(t, fixed, seed, 1)
		for i, s := range p.Settings {
			if s.Name != "moving_close_slack" && other.Settings[i] != s {
				t.Errorf("seed %d: setting the slack changed %s from %v to %v", seed, s.Name, s, other.Settings[i])
			}
			if seen[s.Name] == nil {
				seen[s.Name] = map[string]bool{}
			}
			seen[s.Name][s.Value] = true
		}
	}
	if got := len(seen["dns_offset"]); got != 3 {
		t.Errorf("200 seeds drew %d values of dns_offset, want all 3", got)
	}
	if got := len(seen["moving_time"]); got != 1 {
		t.Errorf("200 seeds drew %d values of moving_time, want 1", got)
	}
	least, most := 5*time.Second, time.Duration(0)
	for text := range seen["moving_close_slack"] {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		least, most = min(least, d), max(most, d)
	}
	// Of 200 uniform draws none misses both outer tenths but once in 1e9 runs;
	// the seeds are fixed, so this cannot flicker.
	if least < 700*time.Millisecond || least > 1040*time.Millisecond || most > 4100*time.Millisecond || most < 3760*time.Millisecond {
		t.Errorf("slack was drawn from %v to %v, want close to 0.7s to 4.1s and within", least, most)
	}
}

// An action is as weak as the weakest number behind it.
func TestWeakestOrigin(t *testing.T) {
	u := set(t, load(t, "endpoint-rebind"), "rebind_offset=1s")
	for _, a := range plan(t, u, 1, 1).Actions {
		want := upgrade.Measured
		if a.Act == upgrade.Bind {
			want = upgrade.Assumption
		}
		if a.Origin != want {
			t.Errorf("%s: origin %s, want %s", a.Act, a.Origin, want)
		}
	}
}

// Every action of the catalog says where its numbers come from.
func TestEveryActionHasOrigin(t *testing.T) {
	for _, name := range upgrade.Names() {
		for _, a := range plan(t, load(t, name), 1, 1).Actions {
			if a.Origin == "" || a.Detail == "" {
				t.Errorf("%s: %s at %v has origin %q and detail %q, want both", name, a.Act, a.At, a.Origin, a.Detail)
			}
		}
	}
}

// Only upgrades that hand off say MOVING, and controls say nothing.
func TestNoticesOfCatalog(t *testing.T) {
	failover := []notice.Kind{notice.FailingOver, notice.FailedOver}
	migration := []notice.Kind{notice.Migrating, notice.Migrated}
	moving := []notice.Kind{notice.Moving}
	slots := []notice.Kind{notice.SMigrating, notice.SMigrated}
	want := map[string][]notice.Kind{
		"endpoint-rebind":              moving,
		"failover":                     failover,
		"in-place":                     failover,
		"maintenance-mode":             slices.Concat(migration, moving, moving), // as numbered in the run that was published
		"maintenance-mode-multi-proxy": migration,
		"network-failure":              nil,
		"node-failure":                 nil,
		"none":                         nil,
		"oss-reshard":                  slices.Repeat(slots, 10),
		"oss-slot-add":                 slots,
		"oss-slot-remove":              slots,
		"oss-slot-remove-add":          slots,
		"oss-slot-shuffle":             slots,
		"privatelink":                  slices.Concat(failover, migration),
		"proxy-restart":                nil,
		"redis-cloud":                  slices.Concat(migration, moving, failover),
		"rolling-extra-node":           slices.Concat(migration, moving, migration, moving, migration),
		"rolling-replace-node":         slices.Concat(failover, moving, failover, moving, failover),
		"shard-migration":              migration,
		"version-upgrade":              slices.Concat(failover, failover),
		"version-upgrade-unreplicated": failover,
		"widening":                     nil,
	}
	for _, name := range upgrade.Names() {
		var got []notice.Kind
		for _, a := range plan(t, load(t, name), 1, 1).Actions {
			if a.Act == upgrade.Notify {
				got = append(got, a.Notice)
			}
		}
		if !slices.Equal(got, want[name]) {
			t.Errorf("%s sends %v, want %v", name, got, want[name])
		}
	}
}

func TestPlanErrorsAfterSet(t *testing.T) {
	line := regexp.MustCompile(`\.yaml:\d+:`) // edits of the catalog move them
	tests := []struct{ upgrade, assignment, want string }{
		{"endpoint-rebind", "moving_time=0s", "endpoint-rebind.yaml:N: step 2 (notify MOVING): seconds: moving_time is 0s: an announced time is longer than 0s"},
		{"shard-migration", "migrate_duration=1s", "shard-migration.yaml:N: step 3 (slow): for: migrate_duration - announce_time is -1s: want 0s or more"},
		{"failover", "failover_stall=5s", "failover.yaml:N: step 4 (notify FAILED_OVER): at 4s: shards 21: commands are stalled until 8s: want it then or later"},
	}
	for _, test := range tests {
		_, err := set(t, load(t, test.upgrade), test.assignment).Plan(1, 1)
		if err == nil {
			t.Errorf("%s with %s = nil error, want %s", test.upgrade, test.assignment, test.want)
			continue
		}
		if got := line.ReplaceAllString(err.Error(), ".yaml:N:"); got != test.want {
			t.Errorf("%s with %s =\n%s, want\n%s", test.upgrade, test.assignment, got, test.want)
		}
	}
}

// An announced time that is no whole second is announced as the nearest one,
// and its window becomes as long.
func TestAnnouncedTimeIsWhole(t *testing.T) {
	p := plan(t, set(t, load(t, "endpoint-rebind"), "moving_time=1400ms", "rebind_offset=0s", "dns_offset=0s"), 1, 1)
	for _, a := range p.Actions {
		if a.Act == upgrade.Notify && a.Seconds != 1 {
			t.Errorf("announced %d s, want 1", a.Seconds)
		}
		if a.Act == upgrade.Close && a.At != 7700*time.Millisecond {
			t.Errorf("close at %v, want 6s + 1s + 0.7s", a.At)
		}
	}
}

package upgrade_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"schload/handoff/upgrade"
)

// load is Load for names that must exist.
func load(t *testing.T, name string) upgrade.Upgrade {
	t.Helper()
	u, err := upgrade.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// plan is Plan for upgrades that must have one.
func plan(t *testing.T, u upgrade.Upgrade, seed uint64, speed float64) upgrade.Plan {
	t.Helper()
	p, err := u.Plan(seed, speed)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func set(t *testing.T, u upgrade.Upgrade, assignments ...string) upgrade.Upgrade {
	t.Helper()
	u, err := u.Set(assignments)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestNames(t *testing.T) {
	want := []string{"endpoint-rebind", "failover", "in-place", "maintenance-mode", "maintenance-mode-multi-proxy", "network-failure", "node-failure", "none",
		"oss-reshard", "oss-slot-add", "oss-slot-remove", "oss-slot-remove-add", "oss-slot-shuffle", "privatelink",
		"proxy-restart", "redis-cloud", "rolling-extra-node", "rolling-replace-node", "shard-migration", "version-upgrade",
		"version-upgrade-unreplicated", "widening"}
	if got := upgrade.Names(); !slices.Equal(got, want) {
		t.Errorf("Names = %v, want %v", got, want)
	}
	for _, name := range upgrade.Names() {
		if got := load(t, name).Name; got != name {
			t.Errorf("Load(%s).Name = %s, want the file's name", name, got)
		}
	}
}

func TestLoadUnknown(t *testing.T) {
	catalog := ": the catalog has " + strings.Join(upgrade.Names(), ", ") + "; or give a file's path ending in .yaml"
	for name, want := range map[string]string{
		"endpoint-rebnd": `unknown upgrade "endpoint-rebnd" (did you mean endpoint-rebind?)` + catalog,
		"rolling-extra":  `unknown upgrade "rolling-extra" (did you mean rolling-extra-node?)` + catalog,
		"decommission":   `unknown upgrade "decommission"` + catalog,
		"":               `unknown upgrade ""` + catalog,
	} {
		if _, err := upgrade.Load(name); err == nil || err.Error() != want {
			t.Errorf("Load(%q) = %v, want %s", name, err, want)
		}
	}
}

func TestExplain(t *testing.T) {
	for _, name := range upgrade.Names() {
		var b bytes.Buffer
		if err := load(t, name).Explain(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", "explain", name+".txt"), b.String())
	}
}

// What was set shows in prose, table and timeline, and what is drawn is named.
func TestExplainSettings(t *testing.T) {
	u := set(t, load(t, "endpoint-rebind"), "dns_offset={4.4s, 9.7s}", "moving_close_slack=0.7s..4.1s", "moving_time=5s")
	text, err := u.Text()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "explain", "endpoint-rebind-set.txt"), text)
}

func TestPlans(t *testing.T) {
	for _, name := range upgrade.Names() {
		var b strings.Builder
		for _, speed := range []float64{1, 5} {
			transcript(&b, plan(t, load(t, name), 1, speed))
		}
		golden(t, filepath.Join("testdata", "plan", name+".txt"), b.String())
	}
}

// transcript writes every field of a plan that a stage may use.
func transcript(b *strings.Builder, p upgrade.Plan) {
	fmt.Fprintf(b, "%s seed=%d speed=%v ttl=%v length=%v\n", p.Upgrade.Name, p.Seed, p.Speed, p.TTL, p.Length)
	for _, a := range p.Actions {
		fmt.Fprintf(b, "%v %s", a.At, a.Act)
		if a.Act == upgrade.Notify {
			fmt.Fprintf(b, " %v", a.Notice)
		}
		for _, field := range []struct {
			name  string
			value any
			zero  bool
		}{
			{"node", a.Node, a.Node == ""},
			{"to", a.To, a.To == ""},
			{"seconds", a.Seconds, a.Seconds == 0},
			{"shards", a.Shards, len(a.Shards) == 0},
			{"slots", a.Slots, a.Slots == ""},
			{"for", a.For, a.For == 0},
			{"delay", a.Delay, a.Delay == 0},
		} {
			if !field.zero {
				fmt.Fprintf(b, " %s=%v", field.name, field.value)
			}
		}
		fmt.Fprintf(b, " (%s) %s\n", a.Origin, a.Detail)
	}
	b.WriteString("\n")
}

// docs/UPGRADES.md is the catalog as text, never edited by hand.
func TestDocument(t *testing.T) {
	text, err := upgrade.CatalogMarkdown()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("..", "..", "docs", "UPGRADES.md"), text)
}

func TestAssumptions(t *testing.T) {
	got := load(t, "failover").Assumptions()
	if want := "failover_stall = 500ms is an assumption: ours, the length of a failover's stall is not published"; !slices.Contains(got, want) {
		t.Errorf("Assumptions = %q, want among them %q", got, want)
	}
	for _, sentence := range got {
		if strings.HasPrefix(sentence, "announce_time") {
			t.Errorf("Assumptions has %q, which is measured", sentence)
		}
	}
	u := set(t, load(t, "endpoint-rebind"), "moving_time=5s")
	want := "moving_time = 5s is an assumption: set for this run in place of 15s (measured: captured frame, StackExchange.Redis maintenance notification tests, Redis Software 8.0.22)"
	if got := u.Assumptions(); !slices.Contains(got, want) {
		t.Errorf("Assumptions = %q, want among them %q", got, want)
	}
}

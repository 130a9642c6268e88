package profiles

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"schload/handoff"
	"schload/workload"
)

// Every embedded profile loads, is complete, and offers something.
func TestEmbeddedProfiles(t *testing.T) {
	for _, name := range Names() {
		p, err := Load(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.Name != name || p.Summary == "" {
			t.Errorf("%s: name %q, summary %q", name, p.Name, p.Summary)
		}
		pools, err := p.WithDefaults().Workload()
		if err != nil || len(pools) == 0 {
			t.Errorf("%s: pools %v, %v", name, pools, err)
		}
	}
}

func TestDefaults(t *testing.T) {
	p := Profile{}.WithDefaults()
	if p.Upgrade != "endpoint-rebind" || p.Stage != "sim" || p.Rounds != 1 || p.Speed != 1 {
		t.Errorf("defaults: %+v", p)
	}
	if p.Workers() != 16 || p.Pools[0].Rate != "1000" {
		t.Errorf("pool defaults: %+v", p.Pools)
	}
	if p := (Profile{Target: "redis://localhost"}).WithDefaults(); p.Stage != "none" || p.Upgrade != "none" {
		t.Errorf("a target means stage none and no upgrade, got %s, %s", p.Stage, p.Upgrade)
	}
}

// What is wrong with a profile is said with its place and what to do.
func TestBadProfiles(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "summary: x\nwrokers: 3\n", `bad.yaml:2: unknown key "wrokers" (did you mean workers?)`},
		{"unknown pool key", "pools:\n  - name: a\n    raet: 5\n", `bad.yaml:3: unknown key "raet" (did you mean rate?)`},
		{"no unit", "baseline: 5\n", `bad.yaml:1: duration "5": write a number with a unit`},
		{"unknown arm", "arms: [on, of]\n", `bad.yaml:1: unknown arm "of"`},
		{"unknown arm option", "arms:\n  - {base: on, raed_timeout: 1s}\n", `unknown option "raed_timeout" (did you mean read_timeout?)`},
		{"arm twice", "arms: [on, on]\n", `arm "on" is there twice`},
		{"bool arm", "arms: [true]\n", `in quotes`},
		{"arm without mode", "arms:\n  - {name: a, read_timeout: 1s}\n", `arm without mode`},
		{"unknown upgrade", "upgrade: endpoint-rebnd\n", `endpoint-rebind`},
		{"unknown parameter", "upgrade: endpoint-rebind\nset: {dns_ofset: 1s}\n", `dns_offset`},
		{"unknown stage", "stage: cloud\n", `unknown stage "cloud": choose one of sim, manual, command, fault-injector, none`},
		{"manual without target", "stage: manual\n", `stage manual without target`},
		{"command without command", "stage: command\ntarget: redis://x\n", `stage command without upgrade-command`},
		{"command with none", "target: redis://x\nupgrade_command: make\n", `upgrade-command with stage none: nothing would run it`},
		{"parameters with manual", "stage: manual\ntarget: redis://x\nupgrade: endpoint-rebind\nset: {dns_offset: 4s}\n", `set dns_offset with stage manual`},
		{"speed with manual", "stage: manual\ntarget: redis://x\nspeed: 2\n", `speed 2 with stage manual`},
		{"shards with manual", "stage: manual\ntarget: redis://x\nshards: [\"redis://y\"]\n", `shards with stage manual`},
		{"cluster upgrade of an endpoint", "stage: manual\ntarget: redis://x\nupgrade: oss-reshard\n", `add --cluster`},
		{"longest of the simulator", "max_maintenance: 5m\n", `max-maintenance with stage sim`},
		{"longest too long", "stage: manual\ntarget: redis://x\nmax_maintenance: 1000h\n", `max-maintenance 1000h0m0s: want`},
		{"unnamed on the simulator", "upgrade: unnamed\n", `unknown upgrade "unnamed"`},
		{"target with sim", "stage: sim\ntarget: redis://x\n", `the simulator is its own target`},
		{"none without target", "stage: none\n", `stage none without target`},
		{"cluster with sim", "stage: sim\ncluster: true\n", `the upgrade says what the simulator is`},
		{"tls with sim", "tls: {ca_file: a}\n", `the simulator speaks in the clear`},
		{"unknown tls key", "tls: {ca_fle: a}\n", `unknown key "ca_fle" (did you mean ca_file?)`},
		{"upgrade with none", "stage: none\ntarget: redis://x\nupgrade: failover\n", `nothing would play it`},
		{"impossible speed", "speed: -1\n", `speed -1: want more than 0`},
		{"impossible rounds", "rounds: -2\n", `rounds -2: want 1 to`},
		{"impossible objective", "objective: 1\n", `objective 1: want more than 0, less than 1`},
		{"impossible rate", "pools: [{rate: fast}]\n", `fast`},
		{"impossible workers", "pools: [{workers: -1}]\n", `workers -1`},
		{"unknown command", "pools: [{mix: GTE=1}]\n", `GTE`},
		{"size and range", "pools: [{values: {size: 1, max: 2}}]\n", `not both`},
		{"unknown kind", "pools: [{kind: pubsb}]\n", `unknown kind "pubsb" (did you mean pubsub?)`},
		{"mix of messages", "pools: [{kind: queue, mix: GET=1}]\n", `pools of kind queue send messages and nothing else`},
		{"receivers of commands", "pools: [{receivers: 2}]\n", `receivers 2: pools of kind commands deliver no messages`},
		{"messages for bare connections", "arms: [raw]\npools: [{kind: stream}]\n", `arm "raw": bare connections receive no messages`},
		{"pool twice", "pools: [{name: a}, {name: a}]\n", `pool "a" is there twice`},
		{"transactions in a pipeline", "pools: [{pipeline: 2, mix: MULTI}]\n", `pipeline 2 with MULTI: a transaction is several round trips`},
		{"lists of bare connections", "arms: [raw]\npools: [{mix: \"GET,MGET,LRANGE\"}]\n", `arm "raw", pool "main": bare connections know no lists, scripts and transactions, and so not MGET, LRANGE`},
		{"too large for the simulator", "pools: [{values: {size: 1048576}}]\n", `9.8 GiB, and the simulator keeps them in memory`},
		{"too large for workers", "pools: [{workers: 1100, values: {size: 1048576}, keys: {space: 10}}]\n", `more than 1024 MiB of values at once`},
		{"impossible batch", "pools: [{mix: MGET, keys: {batch: -1}}]\n", `key batch -1`},
		{"unknown kind", "pools: [{kind: canry}]\n", `unknown kind "canry" (did you mean canary?)`},
		{"canaries alone", "pools: [{kind: canary}]\n", `canaries alone load nothing`},
		{"busy canary", "pools: [{}, {kind: canary, workers: 3}]\n", `workers 3 of a canary: want 1`},
		{"canary in a pipeline", "pools: [{}, {kind: canary, pipeline: 3}]\n", `pipeline 3 of a canary`},
		{"not YAML", "arms: [on\n", `bad.yaml:`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("bad", "bad.yaml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant an error with %q", err, c.want)
			}
		})
	}
}

// A canary has a connection of its own, and asks little.
func TestCanaryDefaults(t *testing.T) {
	p, err := Parse("x", "x.yaml", []byte("pools: [{workers: 5}, {kind: canary}]\n"))
	if err != nil {
		t.Fatal(err)
	}
	p = p.WithDefaults()
	pools, err := p.Workload()
	if err != nil {
		t.Fatal(err)
	}
	c := pools[1]
	if c.Kind != workload.KindCanary || c.Name != "canary" || c.Workers != 1 || c.Mix.String() != "PING=1" || c.Schedule.Rate.String() != "10" {
		t.Errorf("%+v", c)
	}
	if p.Workers() != 5 {
		t.Errorf("%d workers, want those of the other pool", p.Workers())
	}
}

func TestLoadFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte("baseline: 3s\narms: [off, {name: tight, base: off-noretry, read_timeout: 300ms}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "mine" || time.Duration(p.Baseline) != 3*time.Second || len(p.Arms) != 2 {
		t.Errorf("got %+v", p)
	}
	if a := p.Arms[1]; a.Name != "tight" || a.MaxRetries != -1 || a.ReadTimeout != 300*time.Millisecond {
		t.Errorf("arm %+v", a)
	}
	if _, err := Load("nowhere.yaml"); err == nil {
		t.Error("a missing file loaded")
	}
	if _, err := Load("defualt"); err == nil || !strings.Contains(err.Error(), "did you mean default?") {
		t.Errorf("got %v", err)
	}
}

// What a bundle keeps is what was resolved, in the words of profiles.
func TestJSON(t *testing.T) {
	p := Profile{Name: "x", Baseline: Duration(3 * time.Second), Pools: []Pool{{Name: "a", Workers: 2}}}
	data, err := p.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	want := map[string]any{"name": "x", "baseline": "3s", "pools": []any{map[string]any{"name": "a", "workers": 2.0}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A profile carries what a cluster behind TLS needs.
func TestCluster(t *testing.T) {
	p, err := Parse("x", "x.yaml", []byte("target: rediss://:geheim@a:1,b:2\ncluster: true\ntls: {ca_file: ca, cert_file: cert, key_file: key}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (handoff.TLS{CAFile: "ca", CertFile: "cert", KeyFile: "key"}); !p.Cluster || p.TLS != want {
		t.Errorf("cluster %v, tls %+v", p.Cluster, p.TLS)
	}
	if diff := cmp.Diff([]string{"geheim"}, p.Secrets()); diff != "" {
		t.Error(diff)
	}
}

func TestSecrets(t *testing.T) {
	p := Profile{Target: "redis://u:geheim@h", Shards: []string{"redis://:zwei@h", "redis://h"}}
	if diff := cmp.Diff([]string{"geheim", "zwei"}, p.Secrets()); diff != "" {
		t.Error(diff)
	}
}

// The same seed makes the same operations for every arm; another pool has its own.
func TestSeeds(t *testing.T) {
	p := Profile{Seed: 7, Pools: []Pool{{Name: "a"}, {Name: "b"}}}.WithDefaults()
	pools, err := p.Workload()
	if err != nil {
		t.Fatal(err)
	}
	if pools[0].Seed != 7 || pools[1].Seed != 8 || pools[0].Schedule.Seed != 7 {
		t.Errorf("seeds %d, %d, schedule %d", pools[0].Seed, pools[1].Seed, pools[0].Schedule.Seed)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range Names() {
		text, _ := Source(name)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse("fuzz", "fuzz.yaml", text)
		if err != nil {
			return
		}
		if _, err := p.JSON(); err != nil {
			t.Errorf("a profile that parses cannot be written: %v", err)
		}
	})
}

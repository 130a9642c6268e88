package handoff

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// Arms differ in what they are named for and in nothing else.
func TestPresets(t *testing.T) {
	plain := Arm{Mode: On}.Resolve(8)
	for _, p := range Presets() {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
		parsed, err := ParseArm(p.Name)
		if err != nil || parsed != p.Arm {
			t.Errorf("ParseArm(%q) = %+v, %v", p.Name, parsed, err)
		}
		if p.Isolates == "" {
			t.Errorf("%s: nothing said about what it isolates", p.Name)
		}
		a := p.Resolve(8)
		if p.Mode == Raw {
			continue // it has no pool, see TestBareRefused
		}
		if a.PoolSize != plain.PoolSize || a.PoolTimeout != plain.PoolTimeout || a.DialTimeout != plain.DialTimeout ||
			a.DialRetries != plain.DialRetries || a.PipelinePoolSize != plain.PipelinePoolSize {
			t.Errorf("%s: pool or dials differ from %+v: %+v", p.Name, plain, a)
		}
	}
	if plain.PoolSize != 16 || (Arm{Mode: On}).Resolve(2).PoolSize != 10 {
		t.Errorf("pool sizes %d for 8 workers, %d for 2", plain.PoolSize, (Arm{Mode: On}).Resolve(2).PoolSize)
	}
}

func TestParseArm(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Arm
	}{
		{"on+read_timeout=300ms", Arm{Name: "on+read_timeout=300ms", Mode: On, ReadTimeout: 300 * time.Millisecond}},
		{"off-noretry+pool_size=40+name=small", Arm{Name: "small", Mode: Off, MaxRetries: -1, PoolSize: 40}},
		{"on-none+endpoint_type=external-fqdn", Arm{Name: "on-none+endpoint_type=external-fqdn", Mode: On, EndpointType: ExternalFQDN}},
	} {
		if got, err := ParseArm(tt.text); err != nil || got != tt.want {
			t.Errorf("ParseArm(%q) = %+v, %v; want %+v", tt.text, got, err, tt.want)
		}
	}
	for text, want := range map[string]string{
		"onn":                          `unknown arm "onn" (did you mean on?)`,
		"off-noretyr":                  "did you mean off-noretry?",
		"something":                    `unknown arm "something"; known are on, off, auto, on-noretry`,
		"on+read_timout=1s":            `unknown option "read_timout" (did you mean read_timeout?)`,
		"on+read_timeout=fast":         `read_timeout "fast": want a duration`,
		"on+max_retries=many":          `max_retries "many": want a whole number`,
		"on+read_timeout":              `option "read_timeout": want option=value`,
		"on+protocol=2":                "protocol 2 with mode on: notices need RESP3",
		"on+mode=maybe":                `mode "maybe": want on, off, auto or raw`,
		"on+endpoint_type=public":      `endpoint_type "public"`,
		"on+handoff_timeout=5s":        "handoff_timeout 5s: want more than dial_timeout 5s",
		"off+conn_max_lifetime=-1s":    "conn_max_lifetime -1s",
		"on+name=a b":                  "name: want 1 to 100",
		"on+relaxed_timeout=1us":       "relaxed_timeout 1µs: want at least 1ms",
		"on+max_retries=-2+protocol=4": "max_retries -2",
	} {
		if _, err := ParseArm(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseArm(%q): %v, want %q", text, err, want)
		}
	}
	if _, err := ParseArm("on+max_retries=-2+protocol=4"); err == nil || len(strings.Split(err.Error(), "\n")) != 2 {
		t.Errorf("%v: want both faults", err)
	}
}

// Tight means that relaxing changes nothing, whatever the read timeout is.
func TestTight(t *testing.T) {
	a, err := ParseArm("on-tight+read_timeout=700ms")
	if err != nil {
		t.Fatal(err)
	}
	if r := a.Resolve(1); r.RelaxedTimeout != 700*time.Millisecond {
		t.Errorf("relaxed timeout %v, want the read timeout", r.RelaxedTimeout)
	}
}

// An arm in JSON has the names of profiles and durations as text.
func TestArmJSON(t *testing.T) {
	for _, p := range Presets() {
		for _, arm := range []Arm{p.Arm, p.Resolve(8)} {
			data, err := json.Marshal(struct{ Arm Arm }{arm})
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ Arm Arm }
			if err := json.Unmarshal(data, &got); err != nil || got.Arm != arm {
				t.Errorf("%s\nread as %+v, %v\nwant    %+v", data, got.Arm, err, arm)
			}
		}
	}
	data, _ := json.Marshal(Presets()[5].Arm)
	if got, want := string(data), `{"mode":"off","name":"off-relaxed","read_timeout":"10s","write_timeout":"10s"}`; got != want {
		t.Errorf("JSON %s, want %s", got, want)
	}
	var a Arm
	if err := json.Unmarshal([]byte(`{"mode":"on","red_timeout":"1s"}`), &a); err == nil || !strings.Contains(err.Error(), "did you mean read_timeout") {
		t.Errorf("unknown field: %v", err)
	}
}

// A profile embeds an arm as it is written.
func TestArmYAML(t *testing.T) {
	var got struct{ Arms []Arm }
	err := yaml.UnmarshalWithOptions([]byte("arms:\n- {name: slow, mode: off, read_timeout: 10s, max_retries: -1}\n"), &got, yaml.Strict())
	want := []Arm{{Name: "slow", Mode: Off, ReadTimeout: 10 * time.Second, MaxRetries: -1}}
	if diff := cmp.Diff(want, got.Arms); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	text, err := yaml.Marshal(want[0])
	if err != nil || string(text) != "name: slow\nmode: \"off\"\nmax_retries: -1\nread_timeout: 10s\n" {
		t.Errorf("%v\n%s", err, text)
	}
}

// The names of options are those of profiles: one table, one set of tags.
func TestOptionNames(t *testing.T) {
	var tags, names []string
	for field := range reflect.TypeFor[Arm]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		tags = append(tags, name)
	}
	for _, o := range options {
		names = append(names, o.name)
	}
	if diff := cmp.Diff(tags, names); diff != "" {
		t.Errorf("yaml tags and options differ:\n%s", diff)
	}
}

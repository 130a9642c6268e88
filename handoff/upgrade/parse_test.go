package upgrade_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"schload/handoff/upgrade"
)

// Each file of testdata/bad has one thing wrong with it; beside it stands what
// is said about it. Files named plan-* are sound to read and refused when a
// plan is drawn.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/bad: %d files, %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			u, err := upgrade.Parse(name, data)
			if strings.HasPrefix(name, "plan-") {
				if err != nil {
					t.Fatalf("Parse: %v, want the plan to be refused", err)
				}
				_, err = u.Plan(1, 1)
			} else if placed := (*upgrade.Error)(nil); !errors.As(err, &placed) || placed.File != name {
				t.Errorf("Parse = %v, want an *Error that names the file", err)
			}
			if err == nil {
				t.Fatal("no error, want one")
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".txt", err.Error()+"\n")
		})
	}
}

// The bad files are variants of a file with nothing wrong.
func TestSoundFile(t *testing.T) {
	data, err := os.ReadFile("testdata/sound.yaml")
	if err != nil {
		t.Fatal(err)
	}
	u, err := upgrade.Parse("sound.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	p := plan(t, u, 1, 1)
	if len(p.Actions) != 4 {
		t.Errorf("%d actions, want 4", len(p.Actions))
	}
}

func TestParseBoundsFile(t *testing.T) {
	_, err := upgrade.Parse("big.yaml", make([]byte, 1<<20))
	if want := "big.yaml: want a file of at most 524288 bytes, got 1048576"; err == nil || err.Error() != want {
		t.Errorf("Parse = %v, want %s", err, want)
	}
}

// Values come through as written: YAML's own ideas of numbers do not apply.
func TestParseValues(t *testing.T) {
	const head = `name: sample
title: Sample
summary: One sentence.
sch_support: none
documented: Nothing.
prose: |
  One.

  Two.
settle: a
parameters:
`
	const cited = "    origin: assumption\n    source: ours\n    help: a value\n"
	data := head +
		"  - name: a\n    value: {4.4s, 9.7s}\n" + cited +
		"  - name: b\n    value: \"{4.4s, 9.7s}\"\n" + cited +
		"  - name: c\n    value: 0.70\n" + cited +
		"  - name: d\n    value: 007\n" + cited +
		"  - name: e\n    value: '27'\n    kind: text\n" + cited +
		"  - name: f\n    value: true\n" + cited +
		"  - name: g\n    value: 0.7s..4.1s\n" + cited +
		"  - name: h\n    value: {1, 2}\n" + cited
	u, err := upgrade.Parse("sample.yaml", []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		value string
		kind  upgrade.Kind
	}{
		{"{4.4s, 9.7s}", upgrade.Duration},
		{"{4.4s, 9.7s}", upgrade.Duration},
		{"0.70", upgrade.Number},
		{"007", upgrade.Integer},
		{"27", upgrade.Text},
		{"true", upgrade.Text},
		{"0.7s..4.1s", upgrade.Duration},
		{"{1, 2}", upgrade.Integer},
	}
	for i, p := range u.Parameters {
		if p.Value != want[i].value || p.Kind != want[i].kind {
			t.Errorf("%s = %q (%s), want %q (%s)", p.Name, p.Value, p.Kind, want[i].value, want[i].kind)
		}
	}
	if got := u.Parameters[1].Line; got != 17 {
		t.Errorf("the second parameter is in line %d, want 17", got)
	}
	if u.Prose != "One.\n\nTwo." {
		t.Errorf("prose = %q, want two paragraphs", u.Prose)
	}
}

// A step may write a number out when it cites its origin, which then counts
// like that of a parameter.
func TestStepOrigin(t *testing.T) {
	data, err := os.ReadFile("testdata/sound.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), "  - at: wait\n    act: listen",
		"  - at: wait - 200ms\n    origin: assumption\n    source: ours\n    act: listen", 1)
	u, err := upgrade.Parse("sound.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range plan(t, u, 1, 1).Actions {
		want := upgrade.Measured
		if a.Act == upgrade.Listen {
			want = upgrade.Assumption
		}
		if a.Origin != want {
			t.Errorf("%s: origin %s, want %s", a.Act, a.Origin, want)
		}
	}
	if got, want := u.Assumptions(), []string{"step 1 (listen new) is an assumption: ours"}; !slices.Equal(got, want) {
		t.Errorf("Assumptions = %q, want %q", got, want)
	}
}

func TestParseBoundsEntries(t *testing.T) {
	data, err := os.ReadFile("testdata/sound.yaml")
	if err != nil {
		t.Fatal(err)
	}
	many := string(data) + strings.Repeat("  - at: wait\n    act: close\n    node: old\n", 256)
	_, err = upgrade.Parse("many.yaml", []byte(many))
	if want := "many.yaml: want at most 256 parameters and as many steps, got 3 and 260"; err == nil || err.Error() != want {
		t.Errorf("Parse = %v, want %s", err, want)
	}
}

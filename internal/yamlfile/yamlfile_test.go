package yamlfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	var v struct {
		Rate    int    `yaml:"rate"`
		Name    string `yaml:"name"`
		Workers []int  `yaml:"workers"`
	}
	if err := Decode("f.yaml", []byte("rate: 3\nname: x\nworkers: [1, 2]\n"), &v, nil); err != nil || v.Rate != 3 || len(v.Workers) != 2 {
		t.Errorf("got %+v, %v", v, err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":  {"name: x\nraet: 3\n", `f.yaml:2: unknown key "raet" (did you mean rate?)`},
		"wrong type":   {"rate: [1]\n", "f.yaml:1: "},
		"a fraction":   {"name: x\nrate: 1.9\n", "f.yaml:2: want a whole number, got 1.9"},
		"in a list":    {"workers: [1, 2.5]\n", "f.yaml:1: want a whole number, got 2.5"},
		"not YAML":     {"rate: [1\n", "f.yaml:1: "},
		"tag alone":    {"workers: !!seq\n", "f.yaml"},
		"too much":     {strings.Repeat("#", largest+1), "want a file of at most"},
		"one line too": {"rate: \"\n\n", "f.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Decode("f.yaml", []byte(c.text), &v, []string{"rate", "name", "workers"})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q", err, c.want)
			}
		})
	}
}

func TestClip(t *testing.T) {
	if got := Clip(strings.Repeat("é", 100)); len(got) > 70 || !strings.HasSuffix(got, "…") {
		t.Errorf("Clip gave %q", got)
	}
}

// No more is read than it takes to refuse the file.
func TestRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(file, []byte("name: x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if text, err := Read(file); err != nil || string(text) != "name: x\n" {
		t.Errorf("got %q, %v", text, err)
	}
	if err := os.Truncate(file, 1<<40); err != nil { // it takes no room
		t.Skip("no file of this size here: ", err)
	}
	if _, err := Read(file); err == nil || !strings.Contains(err.Error(), file+": want a file of at most") {
		t.Errorf("a terabyte: %v", err)
	}
}

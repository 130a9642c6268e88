package bundle

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"redis://app:geheim@h:6379/0":           "redis://app:xxxxx@h:6379/0",
		"redis://:geheim@h:6379":                "redis://:xxxxx@h:6379",
		"rediss://app:ge@h/e:im@h:6379 refused": "rediss://app:xxxxx@h:6379 refused",
		"dial redis://h:6379: user@x":           "dial redis://h:6379: user@x",
		"http://h/?token=geheim&x=1":            "http://h/?token=xxxxx&x=1",
		"redis://app@h:6379":                    "redis://app@h:6379",
		"127.0.0.1:6379":                        "127.0.0.1:6379",
		"":                                      "",
	} {
		if got := Redact(text); got != want {
			t.Errorf("Redact(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestRedactArgs(t *testing.T) {
	got := RedactArgs([]string{"schload", "run", "--password", "geheim", "--target=redis://u:geheim@h", "--api-password=geheim",
		"--rate", "100", "--pass", "-v", "--otlp-header", "Authorization=Bearer geheim", "--author", "me"})
	want := []string{"schload", "run", "--password", "xxxxx", "--target=redis://u:xxxxx@h", "--api-password=xxxxx",
		"--rate", "100", "--pass", "-v", "--otlp-header", "xxxxx", "--author", "me"}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Law: no password reaches a file, by whatever field it came.
func TestNoSecretInAnyFile(t *testing.T) {
	const secret = `ge"hei\m`
	quoted, _ := json.Marshal(secret)
	doc := json.RawMessage(`{"target":"redis://u:geheim@h:1","auth":{"user":"u","password":` + string(quoted) +
		`},"token":5551234,"note":` + string(quoted) + `,"list":["redis://:geheim@h"]}`)
	run := testRun()
	run.Secrets = []string{secret}
	run.Command = []string{"schload", "--target", "redis://u:geheim@h:1", "--password", secret, "--api-token=geheim", secret}
	run.Profile = doc
	run.Upgrade.Plan = doc
	run.Upgrade.Parameters = []Parameter{{Name: "url", Value: "redis://u:geheim@h:1", Note: secret}}
	run.Arms[0].Settings = doc
	run.Pools[0].Settings = doc
	w := create(t, run)
	w.Mark(mark.Mark{Kind: mark.Dial, Name: "dial_other", Detail: "dial redis://u:geheim@h:1: WRONGPASS " + secret})
	if err := w.Interval(record.Interval{To: time.Second}); err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(Final{InvalidReasons: []string{"dial redis://u:geheim@h:1", secret}}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(w.Dir(), "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("found files %q (error %v), want run.json, metrics and marks", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"geheim", "hei", "5551234"} {
			if bytes.Contains(text, []byte(word)) {
				t.Errorf("%s holds the secret %q:\n%s", filepath.Base(file), word, text)
			}
		}
	}
	if run.Command[4] != secret || !strings.Contains(string(run.Arms[0].Settings), "geheim") {
		t.Error("Create changed its caller's run")
	}
}

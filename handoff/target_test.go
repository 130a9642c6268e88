package handoff

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParseTarget(t *testing.T) {
	for _, tt := range []struct {
		text, addr, shown, user, password string
		db                                int
		tls                               bool
	}{
		{text: "redis://localhost", addr: "localhost:6379", shown: "redis://localhost:6379/0"},
		{text: "redis://db.example:12000/3", addr: "db.example:12000", db: 3, shown: "redis://db.example:12000/3"},
		{text: "rediss://me:s%40fe@db.example:12000", addr: "db.example:12000", user: "me", password: "s@fe", tls: true, shown: "rediss://me:***@db.example:12000/0"},
		{text: "redis://:hush@[::1]:7000/1", addr: "[::1]:7000", password: "hush", db: 1, shown: "redis://:***@[::1]:7000/1"},
		{text: "rediss://me:hush@a:7000,b:7001,[::1]/0", addr: "a:7000", user: "me", password: "hush", tls: true, shown: "rediss://me:***@a:7000,b:7001,[::1]:6379/0"},
		{text: "redis://me@db.example", addr: "db.example:6379", user: "me", shown: "redis://me@db.example:6379/0"},
	} {
		target, err := ParseTarget(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		user, password := target.Credentials()
		if target.Addr() != tt.addr || target.DB() != tt.db || target.TLS() != tt.tls || user != tt.user || password != tt.password {
			t.Errorf("%s: %s db %d tls %v user %q password %q", tt.text, target.Addr(), target.DB(), target.TLS(), user, password)
		}
		if target.String() != tt.shown {
			t.Errorf("%s shown as %s, want %s", tt.text, target, tt.shown)
		}
	}
}

func TestParseTargetErrors(t *testing.T) {
	for text, want := range map[string]string{
		"localhost:6379":            "scheme",
		"http://localhost":          `scheme "http"`,
		"redis://":                  "no host",
		"redis://h:0":               `port "0"`,
		"redis://h:70000":           `port "70000"`,
		"redis://h/first":           `database "first"`,
		"redis://h?read_timeout=1s": "belong to the arm",
		"redis://me:hu%zzsh@h":      "not a URL",
		"redis://me:hush@h,":        "address 2 of 2: want host:port",
		"redis://h:1,g:0":           "address 2 of 2: want host:port",
		"redis://h,a b:1":           "address 2 of 2: want host:port",
		"redis://me:hush@h:port":    "not a URL",
	} {
		_, err := ParseTarget(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hu") {
			t.Errorf("%s: %v, want %q and no password", text, err, want)
		}
	}
}

// A target has one address, or those of some nodes, in order.
func TestTargetAddrs(t *testing.T) {
	for text, want := range map[string]string{"redis://h": "h:6379", "redis://:a,b@h:1,g,[::1]:3/0": "h:1 g:6379 [::1]:3"} {
		if got := strings.Join(mustTarget(t, text).Addrs(), " "); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// However a target is printed, its password is not.
func TestTargetKeepsSecret(t *testing.T) {
	target := mustTarget(t, "redis://me:hush@db.example")
	type outer struct {
		Target Target
		hidden Target
	}
	o := outer{target, target}
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("opening", "target", target)
	texts := []string{string(data), log.String(), (&TargetError{Target: target, Missing: "x", Fix: "y"}).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		texts = append(texts, fmt.Sprintf(verb, o), fmt.Sprintf(verb, &o), fmt.Sprintf(verb, target), fmt.Sprintf(verb, Config{Target: target}))
	}
	for _, text := range texts {
		if strings.Contains(text, "hush") {
			t.Errorf("password in %s", text)
		}
	}
}

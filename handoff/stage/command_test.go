//go:build unix

package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"schload/handoff/upgrade"
	"schload/telemetry/mark"
)

// play runs a command and returns what its marks say, a line each.
func play(t *testing.T, ctx context.Context, c Command) ([]string, error) {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh here")
	}
	var mu sync.Mutex
	var lines []string
	c.Base, c.Say = time.Now(), func(string) {}
	if c.Marks == nil {
		c.Marks = func(m mark.Mark) {
			mu.Lock()
			defer mu.Unlock()
			if m.Kind != mark.Step || m.Source != "stage" {
				t.Errorf("mark %+v", m)
			}
			lines = append(lines, strings.TrimSpace(m.Name+" "+m.Detail))
		}
	}
	if err := c.Begin(ctx, 7); err != nil {
		return nil, err
	}
	err := c.Play(ctx, upgrade.Plan{})
	mu.Lock()
	defer mu.Unlock()
	return lines, err
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("marks\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestCommand(t *testing.T) {
	got, err := play(t, t.Context(), Command{Env: []string{"SCHLOAD_TARGET=h:1"},
		Line: `echo "round $SCHLOAD_ROUND of $SCHLOAD_TARGET"; echo; printf 'to stderr, unfinished' >&2`})
	if err != nil {
		t.Error(err)
	}
	wantLines(t, got, "start", "output round 7 of h:1", "output to stderr, unfinished", "end exit code 0")
}

func TestCommandFails(t *testing.T) {
	got, err := play(t, t.Context(), Command{Line: "echo no such node; exit 3"})
	if err == nil || err.Error() != "the command failed: exit code 3; it last said: no such node" {
		t.Errorf("got %v", err)
	}
	wantLines(t, got, "start", "output no such node", "end exit code 3")
	if _, err = play(t, t.Context(), Command{Line: "kill -9 $$"}); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Errorf("got %v", err)
	}
}

// What a command prints is bounded, in length and in number.
func TestCommandThatPrintsMuch(t *testing.T) {
	got, err := play(t, t.Context(), Command{Line: `head -c 100000 /dev/zero | tr '\0' x; echo; i=0; while [ $i -lt 1200 ]; do echo $i; i=$((i+1)); done`})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got); n != mostMarks+3 {
		t.Fatalf("%d marks", n)
	}
	if long := got[1]; len(long) > longestLine+20 {
		t.Errorf("a line of %d bytes is kept", len(long))
	}
	wantLines(t, got[len(got)-2:], "output 201 more lines are not kept", "end exit code 0")
}

// gone says whether a process has ended, be it that nobody waited for it.
func gone(t *testing.T, file string) bool {
	t.Helper()
	pid, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%s/status", strings.TrimSpace(string(pid))))
	return err != nil || strings.Contains(string(status), "State:\tZ")
}

// Law: nothing of the group is left, however the command ends: asked to, killed
// since it does not listen, or by itself with others left behind.
func TestNothingOfTheGroupIsLeft(t *testing.T) {
	for name, tt := range map[string]struct {
		line      string
		interrupt bool
		end       string
	}{
		"listens":   {"sleep 100 & echo $! >%s; echo ready; wait", true, "end signal: terminated"},
		"does not":  {"trap '' TERM; sleep 100 & echo $! >%s; echo ready; while :; do wait; done", true, "end signal: killed"},
		"by itself": {"sleep 100 & echo $! >%s; echo ready", false, "end exit code 0"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "child")
			ctx, cancel := context.WithCancelCause(t.Context())
			interrupt := errors.New("interrupted")
			var end string
			c := Command{Line: fmt.Sprintf(tt.line, file), Grace: 200 * time.Millisecond, Marks: func(m mark.Mark) {
				end = m.Name + " " + m.Detail
				if m.Detail == "ready" && tt.interrupt {
					cancel(interrupt)
				}
			}}
			_, err := play(t, ctx, c)
			if tt.interrupt != errors.Is(err, interrupt) || !tt.interrupt && err != nil {
				t.Errorf("got %v", err)
			}
			if end != tt.end {
				t.Errorf("last mark %q, want %q", end, tt.end)
			}
			if !gone(t, file) {
				t.Error("a process of the group is left")
			}
		})
	}
}

func TestCommandThatTakesTooLong(t *testing.T) {
	_, err := play(t, t.Context(), Command{Line: "sleep 100", Longest: 50 * time.Millisecond, Grace: 100 * time.Millisecond})
	if err == nil || err.Error() != "the command went on after 50ms and was ended" {
		t.Errorf("got %v", err)
	}
}

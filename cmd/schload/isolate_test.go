//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"schload/handoff"
	"schload/internal/bundle"
	"schload/internal/race"
	"schload/profiles"
)

// startIsolated starts a run with a process for each arm and waits until it is
// in its baseline; pids are those of the arms' processes.
func startIsolated(t *testing.T, dir string) (cmd *exec.Cmd, watch *watcher, stdout *bytes.Buffer, pids []int) {
	t.Helper()
	if race.Enabled {
		t.Skip("go-redis 9.23 itself races while it hands a connection over")
	}
	cmd = exec.Command(os.Args[0])
	cmd.Args = []string{"schload", "run", "--isolate", "--upgrade", "none", "--stage", "sim", "--warmup", "300ms", "--baseline", "30s", "--rate", "200", "--workers", "4", "--out", "a"}
	cmd.Dir = dir
	watch, stdout = &watcher{word: "baseline", seen: make(chan struct{})}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = stdout, watch
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	select {
	case <-watch.seen:
	case <-time.After(30 * time.Second):
		t.Fatal("it never came to its baseline")
	}
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		for field := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(field)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	if len(pids) != 2 {
		t.Fatalf("%d processes of arms, want 2", len(pids))
	}
	slices.Sort(pids)
	return cmd, watch, stdout, pids
}

// gone waits until processes have ended.
func gone(t *testing.T, pids []int, within time.Duration) {
	t.Helper()
	deadline := time.Now().Add(within)
	for _, pid := range pids {
		for syscall.Kill(pid, 0) == nil {
			if state, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); strings.Contains(string(state), ") Z ") {
				break // it has ended, and its parent does not ask
			}
			if time.Now().After(deadline) {
				t.Fatalf("process %d is still there", pid)
			}
			<-time.After(20 * time.Millisecond)
		}
	}
}

// The process of an arm that is killed ends the run, which is invalid and says
// why; what was recorded is in a bundle that can be read.
func TestIsolatedArmKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, watch, stdout, pids := startIsolated(t, dir)
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code says it
	const reason = "it ended before its time (signal: killed)"
	if code := cmd.ProcessState.ExitCode(); code != codeInvalid || !strings.Contains(watch.text.String(), reason) || !strings.Contains(stdout.String(), "INVALID") {
		t.Errorf("exit code %d, want %d and to hear that %s\n%s", code, codeInvalid, reason, watch.text.String())
	}
	gone(t, pids, 0)
	_, s, err := summarize([]string{filepath.Join(dir, "a")})
	if err != nil {
		t.Fatal(err)
	}
	if s[0].Valid || s[0].Complete || len(s[0].Arms) != 2 {
		t.Errorf("valid %v, complete %v, %d arms", s[0].Valid, s[0].Complete, len(s[0].Arms))
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// When the run itself is killed, the processes of its arms end by themselves,
// and what all recorded can be merged.
func TestIsolatedRunKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, _, _, pids := startIsolated(t, dir)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	gone(t, pids, 30*time.Second)
	parts, err := filepath.Glob(filepath.Join(dir, ".a.processes-*", "*"))
	if err != nil || len(parts) != 3 {
		t.Fatalf("parts %v (%v), want 3", parts, err)
	}
	for _, part := range parts {
		b, err := bundle.Open(part)
		if err != nil {
			t.Fatal(err)
		}
		if arm := b.Run.Isolated.Process == bundle.ArmProcess; arm != (b.Run.Final != nil) {
			t.Errorf("%s: finished %v: want the arms' bundles finished", part, b.Run.Final != nil)
		}
	}
	var stdout, stderr bytes.Buffer
	if code := Main(t.Context(), append([]string{"merge", "--out", filepath.Join(dir, "m")}, parts...), &stdout, &stderr); code != 0 {
		t.Errorf("merge: exit code %d\n%s", code, stderr.String())
	}
	if !strings.Contains(stdout.String(), "INCOMPLETE") {
		t.Errorf("not said to be incomplete:\n%s", stdout.String())
	}
}

// A profile comes to the process of an arm as it was.
func TestProfilePassed(t *testing.T) {
	for _, name := range profiles.Names() {
		p, err := profiles.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Arms) == 0 {
			for _, arm := range []string{"on", "off-noretry+read_timeout=300ms+relaxed_timeout=-1ns+pool_size=7", "off-relaxed"} {
				a, err := handoff.ParseArm(arm)
				if err != nil {
					t.Fatal(err)
				}
				p.Arms = append(p.Arms, profiles.Arm{Arm: a})
			}
		}
		p = p.WithDefaults()
		text, err := p.YAML()
		if err != nil {
			t.Fatal(err)
		}
		got, err := profiles.Parse("", "passed", text)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
			continue
		}
		if got = got.WithDefaults(); got.Hash() != p.Hash() || !reflect.DeepEqual(got.Arms, p.Arms) {
			t.Errorf("%s: the profile changed:\n%s", name, text)
		}
	}
}

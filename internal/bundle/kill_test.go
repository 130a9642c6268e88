package bundle

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"schload/telemetry/mark"
	"schload/telemetry/record"
)

// childDir makes the test binary a process that writes a bundle until it is
// killed.
const childDir = "SCHLOAD_TEST_BUNDLE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Println("error:", writeForever(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func writeForever(dir string) error {
	w, err := Create(dir, testRun())
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		w.Mark(numberedMark(n))
		if err := w.Interval(numberedInterval(n)); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

func numberedInterval(n int) record.Interval {
	iv := goldenInterval()
	iv.From, iv.To = time.Duration(n)*time.Second, time.Duration(n+1)*time.Second
	iv.Counts[0].Value = uint64(n)
	return iv
}

func numberedMark(n int) mark.Mark {
	return mark.Mark{At: time.Duration(n), Kind: mark.Step, Name: "tick"}
}

// Law: after SIGKILL every interval whose write had returned is readable, and
// what is readable is the beginning of what was written.
func TestKilledRun(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []int{0, 3, 50, 200} {
		dir := filepath.Join(t.TempDir(), "bundle")
		child := exec.Command(exe)
		child.Env = append(os.Environ(), childDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		last := -1 // the last interval the child said it had written
		for lines := bufio.NewScanner(out); lines.Scan(); {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("child says %q", lines.Text())
			}
			if last = n; n == after {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		child.Wait() // it was killed: the error says so
		checkKilled(t, dir, last)
	}
}

func checkKilled(t *testing.T, dir string, last int) {
	t.Helper()
	b := open(t, dir)
	if b.Complete() {
		t.Error("a killed run reads as complete")
	}
	got := intervals(t, b)
	if len(got) < last+1 {
		t.Errorf("%d intervals are readable, the child had written %d", len(got), last+1)
	}
	for n, iv := range got {
		if diff := gocmp.Diff(numberedInterval(n), iv); diff != "" {
			t.Fatalf("interval %d differs:\n%s", n, diff)
		}
	}
	n := 0
	for m, err := range b.Marks() {
		if err != nil {
			t.Fatal(err)
		}
		if m != numberedMark(n) {
			t.Fatalf("mark %d is %+v", n, m)
		}
		n++
	}
}

// Law: wherever a file was cut, what ends in a newline is read and nothing
// else.
func TestTornLine(t *testing.T) {
	w := create(t, testRun())
	for n := range 3 {
		w.Mark(numberedMark(n))
		iv := record.Interval{From: time.Duration(n), To: time.Duration(n + 1)} // short lines: every byte is tried
		if err := w.Interval(iv); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{metricsFile, marksFile} {
		path := filepath.Join(w.Dir(), name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for cut := len(whole); cut >= 0; cut-- {
			if err := os.Truncate(path, int64(cut)); err != nil {
				t.Fatal(err)
			}
			want, torn := 0, cut > 0 && whole[cut-1] != '\n'
			for _, c := range whole[:cut] {
				if c == '\n' {
					want++
				}
			}
			b := open(t, w.Dir())
			if got := count(t, b, name); got != want {
				t.Fatalf("%s cut after %d bytes: %d lines read, want %d", name, cut, got, want)
			}
			if got := len(b.Warnings) - 1; got != btoi(torn) { // one warning is about the missing end
				t.Fatalf("%s cut after %d bytes: warnings %q", name, cut, b.Warnings)
			}
		}
		if err := os.WriteFile(path, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A file that was cut off between two lines is whole by its looks.
func TestCutBetweenLines(t *testing.T) {
	w := create(t, testRun())
	for n := range 3 {
		w.Mark(numberedMark(n))
	}
	for n := range 2 {
		if err := w.Interval(record.Interval{From: time.Duration(n), To: time.Duration(n + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(Final{Valid: true}); err != nil {
		t.Fatal(err)
	}
	b := open(t, w.Dir())
	if got := b.Run.Final.Lines; got == nil || *got != (Lines{Intervals: 2, Marks: 3}) || len(b.Damage) > 0 {
		t.Fatalf("run.json tells of lines %+v, damage %q", got, b.Damage)
	}
	for name, lines := range map[string]int{metricsFile: 2, marksFile: 3} {
		path := filepath.Join(w.Dir(), name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		parts := bytes.SplitAfter(whole, newline)
		for text, holds := range map[string]int{
			"": 0, string(bytes.Join(parts[:lines-1], nil)): lines - 1, string(whole) + string(parts[0]): lines + 1,
			string(whole[:len(whole)-1]):                                      lines - 1,
			"\n" + string(bytes.ReplaceAll(whole, newline, []byte("\n\n\n"))): lines, // nothing is lost with empty lines
		} {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("%s holds %d whole lines, the run wrote %d: ", name, holds, lines)
			switch got := strings.Join(open(t, w.Dir()).Damage, "\n"); {
			case holds == lines && got != "":
				t.Errorf("%s with empty lines: damage %q", name, got)
			case holds != lines && !strings.HasPrefix(got, want):
				t.Errorf("%d lines: damage %q, want %q", holds, got, want)
			}
		}
		if err := os.WriteFile(path, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func count(t *testing.T, b *Bundle, name string) int {
	t.Helper()
	n := 0
	if name == metricsFile {
		return len(intervals(t, b))
	}
	for _, err := range b.Marks() {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

const readme = "../../README.md"

// The README begins with exactly two commands: the main job and the tests.
func TestReadmeBeginsWithTwoCommands(t *testing.T) {
	blocks := codeBlocks(t)
	if len(blocks) == 0 {
		t.Fatal("README.md: no sh block")
	}
	var commands []string
	for _, line := range blocks[0] {
		command, _, _ := strings.Cut(line, "#")
		commands = append(commands, strings.TrimSpace(command))
	}
	if got, want := strings.Join(commands, "\n"), "go run ./cmd/schload run\nmake test"; got != want {
		t.Errorf("the first block has\n%s\nwant\n%s", got, want)
	}
	if text := read(t); strings.Count(text, "\n") >= 150 {
		t.Errorf("README.md has %d lines, want under 150", strings.Count(text, "\n"))
	}
}

// Every schload command in the README is one this binary understands, down to
// its flags and their values.
func TestReadmeCommandsAreUnderstood(t *testing.T) {
	found := 0
	for _, line := range commandLines(t) {
		found++
		root := newRoot()
		command, args, err := root.Find(strings.Fields(line))
		if err == nil {
			err = understand(command, args)
		}
		if err != nil {
			t.Errorf("schload %s: %v", line, err)
		}
	}
	if found < 10 {
		t.Errorf("found %d commands in README.md: the pattern is broken", found)
	}
}

// understand parses the flags, and for a run loads and checks the profile.
func understand(command *cobra.Command, args []string) error {
	if err := command.ParseFlags(args); err != nil {
		return err
	}
	args = command.Flags().Args()
	if len(args) == 1 && args[0] == "mine.yaml" {
		return nil // the reader's own
	}
	if err := command.ValidateArgs(args); err != nil || command.Name() != "run" {
		return err
	}
	_, err := flagsOf(command).profile(command, args)
	return err
}

// flagsOf makes the flags that command was given those of a run that is not started.
func flagsOf(command *cobra.Command) *runFlags {
	f := &runFlags{}
	fresh := &cobra.Command{}
	f.register(fresh.Flags())
	for _, arg := range []string{"upgrade", "stage", "target", "shards", "arms", "rate", "set", "rounds", "baseline", "control", "upgrade-command", "max-maintenance", "budget", "width"} {
		from := command.Flags().Lookup(arg)
		if !from.Changed {
			continue
		}
		if err := fresh.Flags().Set(arg, strings.Trim(from.Value.String(), "[]")); err != nil {
			panic(err)
		}
	}
	return f
}

// The README's main job does what the README says, and prints what it shows.
func TestReadmeMainJob(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 40 s")
	}
	cmd := exec.Command("go", "run", "./cmd/schload", "run", "--out", t.TempDir()+"/bundle")
	cmd.Dir = "../.."
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, stderr.String(), stdout.String())
	}
	if strings.Contains(stdout.String(), "INVALID") {
		t.Errorf("the run is invalid:\n%s", stdout.String())
	}
	shown := labels(sample(t))
	if len(shown) < 30 {
		t.Fatalf("README.md shows %d rows: the pattern is broken", len(shown))
	}
	printed := labels(stdout.String())
	for _, row := range shown {
		// Failures have many classes; which ones come depends on the instant.
		if !strings.HasPrefix(row, "    ") && !slices.Contains(printed, row) {
			t.Errorf("README.md shows a row %q that the run did not print", row)
		}
	}
}

// labels returns the table's row labels: what stands left of two blanks and a number.
func labels(text string) []string {
	row := regexp.MustCompile(`(?m)^( *[a-z][^\n]*?) {2,}[\d~-]`)
	var labels []string
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		labels = append(labels, m[1])
	}
	return labels
}

// sample is the output the README shows: its only block without a language.
func sample(t *testing.T) string {
	t.Helper()
	m := regexp.MustCompile("(?s)\n```\n(run .*?)\n```\n").FindStringSubmatch(read(t))
	if m == nil {
		t.Fatal("README.md: no block with the output")
	}
	return m[1]
}

// commandLines returns every command of the README without its program and comment.
func commandLines(t *testing.T) []string {
	t.Helper()
	pattern := regexp.MustCompile("go run ./cmd/schload ([^#`\n]*)")
	var lines []string
	for _, m := range pattern.FindAllStringSubmatch(read(t), -1) {
		command, _, _ := strings.Cut(m[1], ">")
		lines = append(lines, strings.TrimSpace(command))
	}
	return lines
}

// codeBlocks returns the lines of every sh block.
func codeBlocks(t *testing.T) [][]string {
	t.Helper()
	var blocks [][]string
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(read(t), -1) {
		blocks = append(blocks, strings.Split(strings.TrimSpace(m[1]), "\n"))
	}
	return blocks
}

func read(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Command go-redis runs go-redis' own end-to-end suite of maintenance
// notifications, unchanged, against schload sim, and prints a table of its
// tests. It fails when fewer pass than -want.
//
// Every top-level test runs in a process of its own against a simulator of its
// own, a few at a time: the suite sleeps for minutes.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed resolver_test.go.txt
var files embed.FS

var (
	root     = flag.String("root", "../../..", "the schload module")
	binary   = flag.String("schload", "", "the binary (default: bin/schload of the root)")
	only     = flag.String("run", "", "run only top-level tests that match this regular expression")
	parallel = flag.Int("parallel", 4, "top-level tests at a time")
	limit    = flag.Duration("limit", 20*time.Minute, "for each top-level test")
	want     = flag.Int("want", 0, "fail when fewer pass")
	keep     = flag.String("logs", "", "directory for the output of each test (default: none is kept)")
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	began := time.Now()
	results, err := run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "go-redis suite:", err)
		os.Exit(1)
	}
	passed := report(os.Stdout, results, time.Since(began))
	if passed < *want {
		fmt.Fprintf(os.Stderr, "go-redis suite: %d tests passed, want %d or more\n", passed, *want)
		os.Exit(1)
	}
}

// result is how a test, or a subtest, ended.
type result struct {
	name, outcome string
	took          time.Duration
}

func run(ctx context.Context) ([]result, error) {
	dir, err := os.MkdirTemp("", "go-redis-e2e-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	suite, err := build(ctx, dir)
	if err != nil {
		return nil, err
	}
	names, err := list(ctx, suite)
	if err != nil {
		return nil, err
	}
	slices.Reverse(names) // the longest are at the end
	results := each(names, func(name string) []result {
		fmt.Fprintf(os.Stderr, "%s  %s\n", time.Now().Format(time.TimeOnly), name)
		some, err := one(ctx, suite, dir, name)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			some = append(some, result{name, "broken", 0})
		}
		return some
	})
	slices.SortFunc(results, func(a, b result) int { return cmp.Compare(a.name, b.name) })
	return results, nil
}

// each does something for every name, in their order, a few at a time.
func each(names []string, do func(string) []result) []result {
	var (
		mu      sync.Mutex
		results []result
		wg      sync.WaitGroup
		todo    = make(chan string)
	)
	for range max(1, *parallel) {
		wg.Go(func() {
			for name := range todo {
				some := do(name)
				mu.Lock()
				results = append(results, some...)
				mu.Unlock()
			}
		})
	}
	for _, name := range names {
		todo <- name
	}
	close(todo)
	wg.Wait()
	return results
}

// build copies the module, whose place is read-only, adds the resolver, and
// compiles the suite.
func build(ctx context.Context, dir string) (string, error) {
	out, err := output(ctx, *root, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/redis/go-redis/v9")
	if err != nil {
		return "", err
	}
	copied := filepath.Join(dir, "module")
	if err := os.CopyFS(copied, os.DirFS(strings.TrimSpace(string(out)))); err != nil {
		return "", err
	}
	resolver, err := files.ReadFile("resolver_test.go.txt")
	if err != nil {
		return "", err
	}
	e2e := filepath.Join(copied, "maintnotifications", "e2e")
	if err := os.Chmod(e2e, 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(e2e, "resolver_test.go"), resolver, 0o644); err != nil {
		return "", err
	}
	suite := filepath.Join(dir, "e2e.test")
	_, err = output(ctx, e2e, "go", "test", "-c", "-o", suite, ".")
	return suite, err
}

// list names the top-level tests.
func list(ctx context.Context, suite string) ([]string, error) {
	match, err := regexp.Compile(*only)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, suite, "-test.list", ".")
	cmd.Env = append(os.Environ(), "E2E_SCENARIO_TESTS=true")
	out, err := cmd.Output()
	var names []string
	for line := range strings.Lines(string(out)) {
		if name := strings.TrimSpace(line); strings.HasPrefix(name, "Test") && match.MatchString(name) {
			names = append(names, name)
		}
	}
	return names, err
}

func output(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var fault bytes.Buffer
	cmd.Stderr = &fault
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, fault.Bytes())
	}
	return out, err
}

// one runs a top-level test against a simulator of its own.
func one(ctx context.Context, suite, dir, name string) ([]result, error) {
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	sim, err := start(ctx, log(name+".sim"))
	if err != nil {
		return nil, err
	}
	defer sim.stop()
	endpoints := filepath.Join(dir, name+".json")
	if err := os.WriteFile(endpoints, sim.endpoints(), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, suite, "-test.v=test2json", "-test.run", "^"+name+"$", "-test.timeout", limit.String())
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "E2E_SCENARIO_TESTS=true", "REDIS_ENDPOINTS_CONFIG_PATH="+endpoints,
		"FAULT_INJECTION_API_URL="+sim.faults, "SCHLOAD_DNS="+sim.dns)
	text := log(name)
	defer text.Close()
	var raw bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&raw, text), text
	cmd.Run() // the events say how it ended
	return events(ctx, &raw)
}

// log is a file for output, or nowhere.
func log(name string) io.WriteCloser {
	if *keep != "" {
		if f, err := os.Create(filepath.Join(*keep, name+".log")); err == nil {
			return f
		}
	}
	return nowhere{io.Discard}
}

type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// events reads how tests ended from the output of a test binary.
func events(ctx context.Context, raw io.Reader) ([]result, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "go", "tool", "test2json", "-t")
	cmd.Stdin = raw
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var results []result
	began := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		var e struct {
			Action, Test string
			Elapsed      float64
		}
		if json.Unmarshal([]byte(line), &e) != nil || e.Test == "" {
			continue
		}
		switch e.Action {
		case "run":
			began[e.Test] = true
		case "pass", "fail", "skip":
			delete(began, e.Test)
			results = append(results, result{e.Test, e.Action, time.Duration(e.Elapsed * float64(time.Second))})
		}
	}
	for name := range began {
		results = append(results, result{name, "cut off", *limit})
	}
	return results, nil
}

// simulator is a running schload sim.
type simulator struct {
	cmd                   *exec.Cmd
	database, dns, faults string
	drained               chan struct{}
}

func start(ctx context.Context, text io.WriteCloser) (*simulator, error) {
	path := cmp.Or(*binary, filepath.Join(*root, "bin", "schload"))
	cmd := exec.CommandContext(ctx, path, "sim", "--port", "0", "--fault-injector", "127.0.0.1:0", "--suite", "go-redis")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &simulator{cmd: cmd, drained: make(chan struct{})}
	lines := bufio.NewScanner(out)
	for s.faults == "" && lines.Scan() {
		fmt.Fprintln(text, lines.Text())
		word, rest, _ := strings.Cut(lines.Text(), " ")
		value, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		switch word {
		case "database":
			s.database = value
		case "DNS":
			s.dns = value
		case "faults":
			s.faults = value
		}
	}
	go func() {
		defer close(s.drained)
		defer text.Close()
		for lines.Scan() {
			fmt.Fprintln(text, lines.Text())
		}
	}()
	if s.faults == "" {
		s.stop()
		return nil, errors.New("the simulator did not say where its fault injector is")
	}
	return s, nil
}

func (s *simulator) stop() {
	s.cmd.Process.Signal(os.Interrupt)
	<-s.drained
	s.cmd.Wait()
}

// endpoints is the file from which the suite takes templates for its
// databases.
func (s *simulator) endpoints() []byte {
	one := map[string]any{"bdb_id": 1, "username": "default", "password": "", "tls": false, "endpoints": []string{s.database}}
	text, _ := json.MarshalIndent(map[string]any{"standalone": one}, "", "  ")
	return text
}

// report prints the table and returns how many passed.
func report(w io.Writer, results []result, took time.Duration) (passed int) {
	count := map[string]int{}
	for _, r := range results {
		count[r.outcome]++
		fmt.Fprintf(w, "%-8s %7.1fs  %s\n", r.outcome, r.took.Seconds(), r.name)
	}
	fmt.Fprintf(w, "\n%d passed, %d failed, %d skipped, %d cut off or broken, in %v\n",
		count["pass"], count["fail"], count["skip"], count["cut off"]+count["broken"], took.Round(time.Second))
	return count["pass"]
}

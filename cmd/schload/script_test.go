package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"schload/internal/compare"
	"schload/internal/race"
	"schload/internal/recount"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"schload": main})
}

// The built command, as a user calls it: each script is a session.
func TestScripts(t *testing.T) {
	if race.Enabled {
		t.Skip("go-redis 9.23 itself races while it hands a connection over")
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   cmdExits,
			"signal":  cmdSignal,
			"summary": cmdSummary,
			"busy":    cmdBusy,
			"ports":   cmdPorts,
			"redis":   cmdRedis,
			"secure":  cmdSecure,
			"nowhere": cmdNowhere,
			"losses":  cmdLosses,
			"recount": cmdRecount,
			"cluster": cmdCluster,
			"during":  cmdDuring,
			"lead":    cmdLead,
			"pairs":   cmdPairs,
		},
		Condition: func(name string) (bool, error) { // e2e: see there
			if name != "e2e" {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			return os.Getenv("E2E") != "", nil
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// cmdExits runs a command and wants an exit code: exits 2 schload run --nope.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// cmdSignal runs a command, sends it INT or KILL once stderr has a word, and
// wants an exit code (-1 for a killed one): signal INT baseline 130 schload run.
func cmdSignal(ts *testscript.TestScript, neg bool, args []string) {
	sig := map[string]syscall.Signal{"INT": syscall.SIGINT, "KILL": syscall.SIGKILL}[args[0]]
	want, err := strconv.Atoi(args[2])
	ts.Check(err)
	cmd, watch := startUntil(ts, args[1], args[3:])
	ts.Check(cmd.Process.Signal(sig))
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("after the signal: exit code %d, want %d\n%s", got, want, watch.text.String())
	}
}

// cmdDuring runs a command, has another one do something once stderr has a
// word, and wants both to succeed: during baseline 'redis-cli ping' schload run.
func cmdDuring(ts *testscript.TestScript, neg bool, args []string) {
	cmd, watch := startUntil(ts, args[0], args[2:])
	act := strings.Fields(args[1])
	out, acted := exec.Command(act[0], act[1:]...).CombinedOutput()
	if err := cmd.Wait(); err != nil {
		ts.Fatalf("%v\n%s", err, watch.text.String())
	}
	if acted != nil || strings.HasPrefix(string(out), "ERR") {
		ts.Fatalf("%s: %s (%v)", args[1], out, acted)
	}
}

// startUntil starts a command and waits until its stderr has a word.
func startUntil(ts *testscript.TestScript, word string, args []string) (*exec.Cmd, *watcher) {
	cmd := exec.Command(lookPath(ts, args[0]), args[1:]...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
	watch := &watcher{word: word, seen: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = ts.Stdout(), watch
	ts.Check(cmd.Start())
	select {
	case <-watch.seen:
	case <-time.After(30 * time.Second):
		cmd.Process.Kill()
		ts.Fatalf("stderr never said %q", word)
	}
	return cmd, watch
}

func lookPath(ts *testscript.TestScript, name string) string {
	for dir := range strings.SplitSeq(ts.Getenv("PATH"), string(os.PathListSeparator)) {
		if _, err := os.Stat(dir + "/" + name); err == nil {
			return dir + "/" + name
		}
	}
	ts.Fatalf("%s is not in PATH", name)
	return ""
}

// watcher collects what is written and says when a word has come.
type watcher struct {
	word string
	text strings.Builder
	seen chan struct{}
	done bool
}

func (w *watcher) Write(p []byte) (int, error) {
	w.text.Write(p)
	if !w.done && strings.Contains(w.text.String(), w.word) {
		w.done = true
		close(w.seen)
	}
	return len(p), nil
}

// cmdSummary holds a bundle's summary.json against a claim about one arm:
// summary DIR on failed==0.
func cmdSummary(ts *testscript.TestScript, neg bool, args []string) {
	var s compare.Summary
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0]+"/summary.json")), &s))
	a, ok := s.Arm(args[1])
	if !ok {
		ts.Fatalf("no arm %q in %s", args[1], args[0])
	}
	for _, claim := range args[2:] {
		if err := check(a, claim); err != nil {
			ts.Fatalf("%s, arm %s: %v", args[0], args[1], err)
		}
	}
}

func check(a compare.Arm, claim string) error {
	o := a.Operations
	if o.Due != o.OK+o.Failed+o.Missed {
		return fmt.Errorf("due %d is not ok %d + failed %d + missed %d", o.Due, o.OK, o.Failed, o.Missed)
	}
	values := map[string]float64{
		"due": float64(o.Due), "ok": float64(o.OK), "failed": float64(o.Failed), "missed": float64(o.Missed),
		"outages": float64(a.Outage.Windows), "longest": time.Duration(a.Outage.Longest).Seconds(),
		"opted_in": float64(a.SCH.OptedIn), "connections": float64(a.SCH.Connections),
		"moving": float64(a.Notices["MOVING"]), "succeeded": float64(a.Handoffs.Succeeded),
		"closed_by_server": float64(a.Connections.ClosedByServer),
		"in_maintenance":   float64(a.Phases.Maintenance.Operations.Due), "crossed": float64(a.WrongReplies + a.CrossedReplies),
		"checked": float64(a.Integrity.Checked()), "lost": float64(a.Integrity.LostAcknowledgedWrites), "stale": float64(a.Integrity.StaleReads), "duplicate": float64(a.Integrity.DuplicateApplications),
		"moved": float64(a.Redirects.Moved), "ask": float64(a.Redirects.Ask), "slot_map_reads": float64(a.SlotMapReads),
	}
	for _, op := range []string{"==", ">", "<"} {
		name, number, ok := strings.Cut(claim, op)
		if !ok {
			continue
		}
		want, err := strconv.ParseFloat(number, 64)
		got, known := values[name]
		if err != nil || !known {
			return fmt.Errorf("claim %q is not understood", claim)
		}
		if op == "==" && got == want || op == ">" && got > want || op == "<" && got < want {
			return nil
		}
		return fmt.Errorf("%s is %g, want %s", name, got, claim)
	}
	return fmt.Errorf("claim %q is not understood", claim)
}

// cmdBusy occupies a port of 127.0.0.1 for the rest of the script and puts it
// into an environment variable: busy PORT.
func cmdBusy(ts *testscript.TestScript, neg bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
}

// cmdPorts puts free ports into environment variables: ports A B.
func cmdPorts(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		ts.Setenv(name, freePort(ts))
	}
}

// cmdRedis starts a real redis-server for the rest of the script and puts its
// port into an environment variable: redis PORT [ARG...].
func cmdRedis(ts *testscript.TestScript, neg bool, args []string) {
	port := freePort(ts)
	startRedis(ts, ts.Getenv("WORK"), port, args[1:]...)
	ts.Setenv(args[0], port)
}

// startRedis starts a real redis-server in a directory and waits until it
// listens.
func startRedis(ts *testscript.TestScript, dir, port string, args ...string) {
	cmd := exec.Command("redis-server", append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"}, args...)...) // later ones beat earlier ones
	cmd.Dir = dir
	ts.Check(cmd.Start())
	ts.Defer(func() { cmd.Process.Kill(); cmd.Wait() })
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	ts.Fatalf("redis-server does not listen on port %s", port)
}

// cmdSecure is cmdRedis of a server that speaks TLS and nothing else, wants a
// client certificate, and knows the user app alone; see secured. The
// certificates are in the script's directory: secure PORT.
func cmdSecure(ts *testscript.TestScript, neg bool, args []string) {
	port, dir := freePort(ts), ts.Getenv("WORK")
	startRedis(ts, dir, port, append([]string{"--port", "0", "--tls-port", port, "--user", "default", "off"}, secured(writeCertificates(ts, dir))...)...)
	ts.Setenv(args[0], port)
}

// cmdNowhere wants a text in no file of a directory: nowhere geheim DIR.
func cmdNowhere(ts *testscript.TestScript, neg bool, args []string) {
	files := 0
	ts.Check(filepath.WalkDir(ts.MkAbs(args[1]), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(args[0])) {
			ts.Fatalf("%s has the text %q", path, args[0])
		}
		return err
	}))
	if files == 0 {
		ts.Fatalf("%s has no files", args[1])
	}
}

// lost is the evidence of an acknowledged write that was lost: command, key, the
// token that was expected and what was found.
var lost = regexp.MustCompile(`^[A-Z]+ schload:ledger:\S+: expected token \d+\b.*, found (token \d+|nothing)`)

// cmdLosses wants the acknowledged writes that a bundle's arms lost to sum up to
// a number, and a mark of each, with key and token: losses DIR 25.
func cmdLosses(ts *testscript.TestScript, neg bool, args []string) {
	var s struct {
		Arms []struct {
			Name      string
			Integrity struct {
				Lost int `json:"lost_acknowledged_writes"`
			}
		}
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0]+"/summary.json")), &s))
	marks := map[string]int{}
	for line := range strings.Lines(ts.ReadFile(args[0] + "/marks.jsonl")) {
		var m struct{ Name, Arm, Detail string }
		ts.Check(json.Unmarshal([]byte(line), &m))
		if m.Name != "lost_acknowledged_write" {
			continue
		}
		marks[m.Arm]++
		if !lost.MatchString(m.Detail) {
			ts.Fatalf("a mark of a lost write does not name key and token: %s", m.Detail)
		}
	}
	sum := 0
	for _, a := range s.Arms {
		sum += a.Integrity.Lost
		if marks[a.Name] != a.Integrity.Lost {
			ts.Fatalf("arm %s lost %d acknowledged writes, and has %d marks of them", a.Name, a.Integrity.Lost, marks[a.Name])
		}
	}
	if want, err := strconv.Atoi(args[1]); err != nil || sum != want {
		ts.Fatalf("%d acknowledged writes were lost in all arms, want %s", sum, args[1])
	}
}

// cmdRecount derives the figures of bundles a second time from their other
// files: recount DIR...
func cmdRecount(ts *testscript.TestScript, neg bool, args []string) {
	for _, dir := range args {
		differences, err := recount.Differences(ts.MkAbs(dir))
		ts.Check(err)
		if len(differences) > 0 {
			ts.Fatalf("%s/summary.json does not follow from the other files:\n%s", dir, strings.Join(differences, "\n"))
		}
	}
}

func freePort(ts *testscript.TestScript) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// cmdPairs wants a bundle's arms to have so many rounds each, and differences
// of pairs of them: pairs DIR 2.
func cmdPairs(ts *testscript.TestScript, neg bool, args []string) {
	var s compare.Summary
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0]+"/summary.json")), &s))
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	for _, a := range s.Arms {
		if len(a.Rounds) != want {
			ts.Fatalf("arm %s has %d rounds, want %d", a.Name, len(a.Rounds), want)
		}
	}
	if len(s.Arms) != 2 || len(s.Differences) == 0 != s.Harness.Saturated || !s.Complete { // a busy machine compares nothing
		ts.Fatalf("%d arms, %d differences, complete %v", len(s.Arms), len(s.Differences), s.Complete)
	}
}

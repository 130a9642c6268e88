package main

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdLead runs a command and does something each time its stderr says a word
// that it had not said before, and wants an exit code:
//
//	lead 0 'Start the upgrade' 'POST /start 200' 'is over' USR2 -- schload run ...
//
// What is done is nothing, a signal, or a request to the address stderr has
// named and the status that must answer it.
func cmdLead(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	dashes := slices.Index(args, "--")
	t := &transcript{more: make(chan struct{}, 1)}
	cmd := exec.Command(lookPath(ts, args[dashes+1]), args[dashes+2:]...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = ts.Stdout(), io.MultiWriter(t, ts.Stderr())
	ts.Check(cmd.Start())
	for steps := args[1:dashes]; len(steps) > 0; steps = steps[2:] {
		if !t.await(steps[0]) {
			cmd.Process.Kill()
			ts.Fatalf("stderr never said %q\n%s", steps[0], t)
		}
		if err := act(cmd, t, strings.Fields(steps[1])); err != "" {
			cmd.Process.Kill()
			ts.Fatalf("%s: %s\n%s", steps[1], err, t)
		}
	}
	cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit code %d, want %d\n%s", got, want, t)
	}
}

var address = regexp.MustCompile(`http://[0-9.:]+`)

// act sends a signal or a request and returns what was wrong, if anything.
func act(cmd *exec.Cmd, t *transcript, words []string) string {
	if len(words) == 0 {
		return ""
	}
	signals := map[string]syscall.Signal{"INT": syscall.SIGINT, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2}
	if s, ok := signals[words[0]]; ok {
		if err := cmd.Process.Signal(s); err != nil {
			return err.Error()
		}
		return ""
	}
	request, err := http.NewRequest(words[0], address.FindString(t.String())+words[1], nil)
	if err != nil {
		return err.Error()
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if strconv.Itoa(answer.StatusCode) != words[2] || len(text) == 0 {
		return answer.Status + ": " + string(text)
	}
	return ""
}

// transcript is what a command has said so far, and how much of it was read.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
	read int
	more chan struct{}
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case t.more <- struct{}{}:
	default:
	}
	return t.text.Write(p)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// await waits until a word comes that was not read yet. The empty one is there.
func (t *transcript) await(word string) bool {
	for late := time.After(30 * time.Second); ; {
		if at := strings.Index(t.String()[t.read:], word); at >= 0 {
			t.read += at + len(word)
			return true
		}
		select {
		case <-t.more:
		case <-late:
			return false
		}
	}
}

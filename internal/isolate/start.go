package isolate

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"sync"
)

// Start starts a process for an arm. What it says on its standard error goes to
// stderr, each line with the arm's name. A signal to the group of this process,
// such as that of Ctrl-C, does not reach it: it is led.
func Start(arm, executable string, args []string, stderr io.Writer) (Child, error) {
	cmd := exec.Command(executable)
	cmd.Args = args
	lines := &named{out: stderr, name: arm}
	cmd.Stderr = lines
	ownGroup(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return Child{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return Child{}, err
	}
	if err := cmd.Start(); err != nil {
		return Child{}, fmt.Errorf("the process of arm %s cannot be started: %w", arm, err)
	}
	wait := sync.OnceValue(func() error {
		err := cmd.Wait()
		lines.flush()
		return err
	})
	return Child{Arm: arm, In: in, Out: out, Wait: wait, Kill: func() { _ = cmd.Process.Kill() }}, nil // one that has ended is not killed
}

// named writes whole lines with a name before them.
type named struct {
	mu   sync.Mutex
	out  io.Writer
	name string
	rest []byte
}

func (n *named) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rest = append(n.rest, p...)
	for {
		line, rest, whole := bytes.Cut(n.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		fmt.Fprintf(n.out, "arm %s: %s\n", n.name, line)
		n.rest = rest
	}
}

// flush writes a line without an end.
func (n *named) flush() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.rest) > 0 {
		fmt.Fprintf(n.out, "arm %s: %s\n", n.name, n.rest)
		n.rest = nil
	}
}

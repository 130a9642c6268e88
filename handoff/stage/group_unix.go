//go:build unix

package stage

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// group is the process group that a command leads.
type group struct{ cmd *exec.Cmd }

// ownGroup gives a command that has not begun a group of its own: signals to
// the harness do not reach it, and those to the group reach all it has started.
func ownGroup(cmd *exec.Cmd) group {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return group{cmd}
}

func (g group) signal(s syscall.Signal) error { return syscall.Kill(-g.cmd.Process.Pid, s) }

// term asks all members to end.
func (g group) term() error {
	if err := g.signal(syscall.SIGTERM); errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	} else if err != nil {
		return err
	}
	return nil
}

// end sees to it that no member is left once the leader has ended: those that
// do not end by themselves within grace are killed.
func (g group) end(grace time.Duration) {
	if g.term() != nil {
		return
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(grace); ; {
		select {
		case <-tick.C:
			if g.signal(0) != nil {
				return
			}
		case <-late:
			g.signal(syscall.SIGKILL)
			return
		}
	}
}

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
type group struct {
	cmd  *exec.Cmd
	told time.Time // when its members were first asked to end
}

// ownGroup gives a command that has not begun a group of its own: signals to
// the harness do not reach it, and those to the group reach all it has started.
func ownGroup(cmd *exec.Cmd) *group {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return &group{cmd: cmd}
}

func (g *group) signal(s syscall.Signal) error { return syscall.Kill(-g.cmd.Process.Pid, s) }

// term asks all members to end.
func (g *group) term() error {
	g.told = time.Now()
	err := g.signal(syscall.SIGTERM)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// end sees to it that no member is left once the leader has ended. Those that
// have not ended within grace of being asked to are killed.
func (g *group) end(grace time.Duration) {
	if g.told.IsZero() && g.term() != nil {
		return
	}
	if g.empty(grace - time.Since(g.told)) {
		return
	}
	g.signal(syscall.SIGKILL)
	g.empty(time.Second) // it takes effect at once, but not in this instant
}

// empty waits until no member is left, for so long at most. A member that has
// ended counts until somebody has waited for it, which is init's to do.
func (g *group) empty(within time.Duration) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(within); ; {
		if g.signal(0) != nil {
			return true
		}
		select {
		case <-tick.C:
		case <-late:
			return false
		}
	}
}

//go:build !unix

package stage

import (
	"os/exec"
	"time"
)

// group stands for a process group where the system has none: its leader.
type group struct{ cmd *exec.Cmd }

func ownGroup(cmd *exec.Cmd) *group { return &group{cmd} }

func (g *group) term() error { return g.cmd.Process.Kill() }

func (g *group) end(time.Duration) {}

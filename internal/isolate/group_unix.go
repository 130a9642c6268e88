//go:build unix

package isolate

import (
	"os/exec"
	"os/signal"
	"syscall"
)

func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// Outlive has this process outlive its lead for as long as it takes to finish
// its bundle: without it the first word to a lead that is gone would end it.
func Outlive() { signal.Ignore(syscall.SIGPIPE) }

//go:build unix

package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// heed takes SIGUSR1 for the start and SIGUSR2 for the end until deaf is called;
// the process outlives those that come later. SIGTTIN would stop a process that
// reads its terminal from the background: it goes on without.
func (o *operator) heed() (start, end []string, deaf func()) {
	signal.Ignore(syscall.SIGTTIN)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for {
			select {
			case s := <-signals:
				if s == syscall.SIGUSR1 {
					o.tell(o.manual.Start)
				} else {
					o.tell(o.manual.End)
				}
			case <-o.gone:
				return
			}
		}
	}()
	pid := os.Getpid()
	return []string{fmt.Sprintf("kill -USR1 %d", pid)}, []string{fmt.Sprintf("kill -USR2 %d", pid)},
		func() { signal.Ignore(syscall.SIGUSR1, syscall.SIGUSR2) }
}

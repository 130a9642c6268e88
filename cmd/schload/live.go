package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"schload/internal/report"
)

// liveView shows progress on stderr: repainted on a terminal, plain lines
// elsewhere.
// It may be used by several goroutines.
type liveView struct {
	mu     sync.Mutex
	out    io.Writer
	screen *report.Screen        // nil: plain lines
	tell   func(report.Progress) // is told instead of out; nil: nobody
}

func newLiveView(out io.Writer) *liveView {
	v := &liveView{out: out}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		width, _, _ := term.GetSize(int(f.Fd())) // 0 means the default
		v.screen = &report.Screen{W: f, Width: width}
	}
	return v
}

func (v *liveView) show(p report.Progress) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.tell != nil {
		v.tell(p)
		return
	}
	// What cannot be shown is no reason to stop measuring.
	if v.screen != nil {
		_ = v.screen.Paint(p)
		return
	}
	_ = report.Plain(v.out, p)
}

// say prints a line that stays, above what is repainted.
func (v *liveView) say(line string) {
	v.end()
	v.mu.Lock()
	defer v.mu.Unlock()
	fmt.Fprintln(v.out, line)
}

// typed makes up for the echo of a line that was typed.
func (v *liveView) typed() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.screen != nil {
		v.screen.Typed()
	}
}

func (v *liveView) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.screen != nil {
		_ = v.screen.Clear()
	}
}

package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"schload/internal/report"
)

// liveView shows progress on stderr: repainted on a terminal, plain lines
// elsewhere.
type liveView struct {
	out    io.Writer
	screen *report.Screen // nil: plain lines
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
	// What cannot be shown is no reason to stop measuring.
	if v.screen != nil {
		_ = v.screen.Paint(p)
		return
	}
	_ = report.Plain(v.out, p)
}

func (v *liveView) end() {
	if v.screen != nil {
		_ = v.screen.Clear()
	}
}

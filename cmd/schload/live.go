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
	out     io.Writer
	painter *report.Painter // nil: plain lines
}

func newLiveView(out io.Writer) *liveView {
	v := &liveView{out: out}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		v.painter = report.NewPainter(f)
	}
	return v
}

func (v *liveView) show(p report.Progress) {
	if v.painter != nil {
		v.painter.Paint(p)
		return
	}
	report.Plain(v.out, p)
}

func (v *liveView) end() {
	if v.painter != nil {
		v.painter.End()
	}
}

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/term"

	"schload/internal/bundle"
	"schload/internal/matrix"
	"schload/internal/report"
)

// matrixFormats are those of a matrix.
var matrixFormats = map[string]func(io.Writer, *matrix.Matrix) error{
	"text":     report.MatrixText,
	"markdown": report.MatrixMarkdown,
	"html":     report.MatrixHTML,
	"json":     func(w io.Writer, m *matrix.Matrix) error { return m.JSON(w) },
	"csv":      func(w io.Writer, m *matrix.Matrix) error { return m.CSV(w) },
}

// matrixFiles are what stands beside matrix.json, by format.
var matrixFiles = map[string]string{"csv": "matrix.csv", "markdown": "matrix.md", "html": "matrix.html"}

// keepTables leaves the table in the matrix's directory.
func keepTables(m *matrix.Matrix) error {
	for format, file := range matrixFiles {
		err := bundle.WriteWhole(filepath.Join(m.Dir, file), func(w io.Writer) error { return matrixFormats[format](w, m) })
		if err != nil {
			return fmt.Errorf("%s of the matrix: %w", file, err)
		}
	}
	return nil
}

// matrixView shows on stderr how a matrix stands: repainted on a terminal, one
// line for each cell elsewhere. It may be used by several goroutines.
type matrixView struct {
	mu     sync.Mutex
	out    io.Writer
	screen *report.Screen // nil: lines
}

func newMatrixView(out io.Writer) *matrixView {
	v := &matrixView{out: out}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		width, _, _ := term.GetSize(int(f.Fd())) // 0 means the default
		v.screen = &report.Screen{W: f, Width: width}
	}
	return v
}

func (v *matrixView) show(b matrix.Board) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.screen != nil {
		_ = v.screen.Show(report.MatrixBoard(b)) // what cannot be shown is no reason to stop measuring
	}
}

// say prints a line that stays, above what is repainted.
func (v *matrixView) say(line string) {
	v.end()
	v.mu.Lock()
	defer v.mu.Unlock()
	fmt.Fprintln(v.out, line)
}

func (v *matrixView) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.screen != nil {
		_ = v.screen.Clear()
	}
}

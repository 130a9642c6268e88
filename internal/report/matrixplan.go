package report

import (
	"fmt"
	"io"
	"time"

	"schload/internal/matrix"
)

// MatrixPlan writes what a matrix would play, how fast, and how long it would
// take.
func MatrixPlan(w io.Writer, p matrix.Plan) error {
	t := &table{head: []string{"SCH support", "speed", "expected"}, text: 0}
	var bends []string
	for _, c := range p.Cells {
		t.add(c.Profile+": "+c.Upgrade, c.SCHSupport, brevity(c.Speed), clock(c.Expected.Duration()))
		for _, text := range c.Bends {
			bends = append(bends, c.Upgrade+" at speed "+brevity(c.Speed)+": "+text)
		}
	}
	text := t.String()
	for _, line := range bends {
		text += line + "\n"
	}
	text += fmt.Sprintf("%s, %d at a time: about %v\n", plural(uint64(len(p.Cells)), "cell"), p.Parallel, p.Expected.Duration().Round(time.Second))
	_, err := io.WriteString(w, text)
	return err
}

// MatrixBoard is the state of a matrix on a few lines, for a terminal.
func MatrixBoard(b matrix.Board) string {
	text := fmt.Sprintf("%d of %d cells", b.Done, b.Cells)
	if b.Kept > 0 {
		text += fmt.Sprintf(" (%d kept)", b.Kept)
	}
	text += "  " + clock(b.Elapsed) + ", about " + clock(b.Left) + " left\n"
	t := &table{head: []string{"round", "phase", "elapsed", "left"}}
	for _, x := range b.Running {
		t.add("  "+x.Cell, fmt.Sprintf("%d of %d", x.Round, x.Rounds), x.Phase, clock(x.Elapsed), clock(max(time.Duration(0), x.Total-x.Elapsed)))
	}
	if len(t.rows) == 0 {
		return text
	}
	return text + t.String()
}

package matrix

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Progress is how far one cell is.
type Progress struct {
	Cell           string
	Phase          string
	Round, Rounds  int
	Elapsed, Total time.Duration
}

// Board is how a matrix stands while it is played.
type Board struct {
	Cells, Done, Kept int // Done of Cells are over, Kept of them were before
	Elapsed, Left     time.Duration
	Running           []Progress // in the order of the table
}

func (p *Player) board() Board {
	b := Board{Cells: len(p.m.Plan.Cells), Kept: p.kept, Elapsed: time.Since(p.began)}
	b.Done = b.Cells - len(p.waiting) - len(p.running)
	for _, i := range slices.Sorted(maps.Keys(p.running)) {
		b.Running = append(b.Running, *p.running[i])
	}
	b.Left = p.left()
	return b
}

// left is how long the rest will take.
func (p *Player) left() time.Duration {
	var running, waiting []time.Duration
	for _, x := range p.running {
		running = append(running, max(0, x.Total-x.Elapsed))
	}
	for _, i := range p.waiting {
		waiting = append(waiting, p.m.Plan.Cells[i].Expected.Duration())
	}
	return makespan(p.m.Plan.Parallel, running, waiting)
}

// sentence says what became of a cell and what is left.
func (p *Player) sentence(i int) string {
	b, r := p.board(), p.m.Rows[i]
	text := fmt.Sprintf("%d of %d  %s  %s", b.Done, b.Cells, p.m.Plan.Spelled(p.m.Plan.Cells[i]), r.State)
	if len(r.Reasons) > 0 {
		text += " (" + strings.Join(r.Reasons, "; ") + ")"
	}
	if len(r.Saturated) > 0 {
		text += ", the harness was the bottleneck"
	}
	if b.Done < b.Cells {
		text += fmt.Sprintf(", about %v left", b.Left.Round(time.Second))
	}
	return text
}

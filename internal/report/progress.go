package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Progress is the state of a run at one instant, as Plain and Screen show it.
type Progress struct {
	Saturates      bool   // the run looks for a ceiling
	Phase          string // warmup, baseline, maintenance or recovery
	Round, Rounds  int
	Elapsed, Total time.Duration // since the run's base; Total 0: unknown
	Arms           []ArmProgress
}

// ArmProgress is that of one arm. Rate and P99 are those of the last interval,
// the rest counts from the beginning.
type ArmProgress struct {
	Name   string
	Rate   float64 // successes per second
	P99    time.Duration
	Failed uint64
	Missed uint64
	Out    bool   // an outage is going on
	Rests  bool   // it is another arm's turn
	Nodes  []Node // in an order that stays: old nodes first, then new ones
	Notice string // the kind of the last notice, "" before the first
	Since  time.Duration
}

// Node is one end of an arm's connections.
type Node struct {
	Address     string // host:port
	Connections int
}

// Plain writes one line, for a log or a pipe.
func Plain(w io.Writer, p Progress) error {
	parts := []string{headline(p)}
	for _, a := range p.Arms {
		if a.Rests {
			parts = append(parts, fmt.Sprintf("%s: rests, %s failed, %s missed", a.Name, count(a.Failed), count(a.Missed)))
			continue
		}
		parts = append(parts, fmt.Sprintf("%s: %s/s, p99 %s, %s failed, %s missed%s, %s, last notice %s",
			a.Name, three(a.Rate), span(a.P99), count(a.Failed), count(a.Missed), out(a, ", OUT"), nodes(a), notice(a)))
	}
	_, err := io.WriteString(w, strings.Join(parts, " | ")+"\n")
	return err
}

func headline(p Progress) string {
	text := clock(p.Elapsed)
	if p.Total > 0 {
		text += " of " + clock(p.Total)
	}
	if p.Saturates {
		text += "  " + SaturationWord
	}
	text += "  " + p.Phase
	switch {
	case p.Round == 0 || p.Rounds == 1:
	case p.Rounds == 0: // the run decides when there are enough
		text += fmt.Sprintf(" %d", p.Round)
	default:
		text += fmt.Sprintf(" %d of %d", p.Round, p.Rounds)
	}
	return text
}

// clock spells whole seconds: 1:05.
func clock(d time.Duration) string {
	s := int(d / time.Second)
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

func out(a ArmProgress, text string) string {
	if a.Out {
		return text
	}
	return ""
}

func nodes(a ArmProgress) string {
	var parts []string
	for _, n := range a.Nodes {
		parts = append(parts, fmt.Sprintf("%s %d", n.Address, n.Connections))
	}
	if len(parts) == 0 {
		return "no connections"
	}
	return strings.Join(parts, ", ")
}

func notice(a ArmProgress) string {
	if a.Notice == "" {
		return "none"
	}
	return fmt.Sprintf("%s %s ago", a.Notice, clock(a.Since))
}

// Screen repaints a few lines of a terminal in place. One goroutine paints.
type Screen struct {
	W     io.Writer
	Width int // of the terminal; longer lines are cut. Default 80.

	painted int // lines on the screen
}

// Paint shows p in place of what was painted before.
func (s *Screen) Paint(p Progress) error { return s.Show(board(p)) }

// Show shows lines in place of what was painted before, with one write so that
// nothing flickers.
func (s *Screen) Show(text string) error {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var b strings.Builder
	if s.painted > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.painted) // up
	}
	for _, line := range lines {
		b.WriteString("\r" + s.cut(line) + "\x1b[K\n") // and clear the rest of the line
	}
	b.WriteString("\x1b[J") // and what is below
	s.painted = len(lines)
	_, err := io.WriteString(s.W, b.String())
	return err
}

// Typed says that a line was typed at the terminal, whose echo has moved the
// cursor down. What was typed is painted over.
func (s *Screen) Typed() {
	if s.painted > 0 {
		s.painted++
	}
}

// Clear takes the lines off the screen, for a message or at the end.
func (s *Screen) Clear() error {
	if s.painted == 0 {
		return nil
	}
	_, err := fmt.Fprintf(s.W, "\x1b[%dA\r\x1b[J", s.painted)
	s.painted = 0
	return err
}

func (s *Screen) cut(line string) string {
	width := s.Width
	if width <= 0 {
		width = 80
	}
	if utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:width-1]) + "…"
}

// board is the picture of a terminal: a headline and a line per arm.
func board(p Progress) string {
	t := &table{head: []string{"ok/s", "p99", "failed", "missed", "", "last notice", "connections"}, text: 3}
	for _, a := range p.Arms {
		if a.Rests {
			t.add(a.Name, "rests", "", count(a.Failed), count(a.Missed), "", "", "")
			continue
		}
		t.add(a.Name, three(a.Rate), span(a.P99), count(a.Failed), count(a.Missed), out(a, "OUT"), notice(a), nodes(a))
	}
	return headline(p) + "\n" + t.String()
}

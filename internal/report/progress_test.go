package report

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func progress() Progress {
	return Progress{
		Phase: "maintenance", Round: 1, Rounds: 2, Elapsed: 65 * time.Second, Total: 3 * time.Minute,
		Arms: []ArmProgress{
			{Name: "on", Rate: 998, P99: 2310 * time.Microsecond, Nodes: []Node{{"127.0.0.2:6379", 4}, {"127.0.0.3:6379", 12}},
				Notice: "MOVING", Since: 2 * time.Second},
			{Name: "off", Rate: 0, P99: 1800 * time.Millisecond, Failed: 1037, Missed: 12, Out: true},
		},
	}
}

func TestPlain(t *testing.T) {
	var b bytes.Buffer
	if err := Plain(&b, progress()); err != nil {
		t.Fatal(err)
	}
	if err := Plain(&b, Progress{Phase: "warmup"}); err != nil {
		t.Fatal(err)
	}
	golden(t, "plain", b.String())
}

func TestScreen(t *testing.T) {
	var b bytes.Buffer
	s := &Screen{W: &b, Width: 100}
	if err := s.Paint(progress()); err != nil {
		t.Fatal(err)
	}
	golden(t, "screen", strings.ReplaceAll(b.String(), "\x1b", "ESC"))
}

// Law: what a terminal shows after a repaint is the last picture alone, though
// pictures differ in height and width.
func TestScreenRepaints(t *testing.T) {
	var out bytes.Buffer
	s := &Screen{W: &out, Width: 200}
	small := Progress{Phase: "warmup", Arms: progress().Arms[:1]}
	for _, p := range []Progress{small, progress(), small} {
		if err := s.Paint(p); err != nil {
			t.Fatal(err)
		}
		if got := terminal(out.String()); got != board(p) {
			t.Errorf("the screen shows\n%swant\n%s", got, board(p))
		}
	}
	if err := s.Clear(); err != nil {
		t.Fatal(err)
	}
	if got := terminal(out.String()); got != "" {
		t.Errorf("the screen shows %q after Clear", got)
	}
	out.Reset()
	if err := s.Clear(); err != nil || out.Len() > 0 {
		t.Errorf("a clear screen was cleared again with %q (error %v)", out.String(), err)
	}
}

// terminal is what stands on a screen after output: the four sequences Screen
// uses, on a screen of unlimited size.
func terminal(output string) string {
	lines, at, column := [][]rune{nil}, 0, 0
	for len(output) > 0 {
		switch {
		case strings.HasPrefix(output, "\x1b[K"):
			lines[at], output = lines[at][:column], output[3:]
		case strings.HasPrefix(output, "\x1b[J"):
			lines[at], lines, output = lines[at][:column], lines[:at+1], output[3:]
		case strings.HasPrefix(output, "\x1b["):
			end := strings.IndexByte(output, 'A')
			for _, digit := range output[2:end] {
				at -= int(digit - '0')
			}
			output = output[end+1:]
		case output[0] == '\r':
			column, output = 0, output[1:]
		case output[0] == '\n':
			if at++; at == len(lines) {
				lines = append(lines, nil)
			}
			column, output = 0, output[1:]
		default:
			r := []rune(output)[0]
			lines[at] = append(lines[at][:column], append([]rune{r}, lines[at][min(column+1, len(lines[at])):]...)...)
			column, output = column+1, output[len(string(r)):]
		}
	}
	var b strings.Builder
	for i, line := range lines {
		if b.WriteString(string(line)); i < len(lines)-1 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// Law: a line that was typed below the picture is gone with the next one.
func TestScreenIsTypedOn(t *testing.T) {
	var out bytes.Buffer
	s := &Screen{W: &out, Width: 200}
	s.Typed() // before there is a picture
	for range 2 {
		if err := s.Paint(progress()); err != nil {
			t.Fatal(err)
		}
		if got := terminal(out.String()); got != board(progress()) {
			t.Errorf("the screen shows\n%s", got)
		}
		out.WriteString("node 2 is done\n")
		s.Typed()
	}
}

func TestScreenCutsLines(t *testing.T) {
	var b bytes.Buffer
	s := &Screen{W: &b}
	if err := s.Paint(progress()); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(terminal(b.String()), "\n") {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("a line of %d characters on a terminal of 80: %q", n, line)
		}
	}
	if !strings.Contains(b.String(), "…") {
		t.Error("nothing says that a line was cut")
	}
}

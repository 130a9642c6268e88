package chart

import (
	"strings"
	"testing"
	"time"
)

func TestBarsThatMeetAreOneOutline(t *testing.T) {
	got := Bars([]Bar{{0, 0.1, 0, 0.5}, {0.1, 0.2, 0, 1}, {0.5, 0.6, 0, 0.25}}, 100)
	if want := "M0 100V50H100V0H200V100zM500 100V75H600V100z"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestHeatMapJoinsNeighbours(t *testing.T) {
	shapes := HeatMap([]Heat{
		{0, 0.1, 3, 100}, {0.1, 0.2, 3, 100}, {0.1, 0.2, 4, 1}, {0.3, 0.4, 3, 100}, {0.4, 0.5, 3, 0},
	}, 100, Rows{-0.1, 0.1}, 200)
	if len(shapes) != 2 {
		t.Fatalf("%d shapes, want one for each class in use", len(shapes))
	}
	if s := shapes[0]; s.Class != "heat0" || s.Path != "M100 4h100" {
		t.Errorf("the least: %+v", s)
	}
	if s := shapes[1]; s.Class != "heat6" || s.Path != "M0 3h200M300 3h100" || s.Transform != "translate(0 210) scale(1 -20)" {
		t.Errorf("the most: %+v", s)
	}
}

func TestLogAxis(t *testing.T) {
	l := NewLog(130*time.Microsecond, 3*time.Second)
	if l != (Log{100 * time.Microsecond, 5 * time.Second}) {
		t.Errorf("axis %v", l)
	}
	if got := labels(l.Ticks()); got != "100 µs, 1 ms, 10 ms, 100 ms, 1 s" {
		t.Errorf("ticks %s", got)
	}
	if l.At(100*time.Microsecond) != 0 || l.At(time.Hour) != 1 || l.At(0) != 0 {
		t.Error("what lies outside is not at the edge")
	}
	if got := labels(NewLog(100*time.Microsecond, 400*time.Microsecond).Ticks()); got != "100 µs, 200 µs, 500 µs" {
		t.Errorf("ticks of a short axis: %s", got)
	}
	if l := NewLog(time.Hour, 2*time.Hour); l.To <= l.From {
		t.Errorf("beyond the range: %v", l)
	}
}

func TestLinearAxis(t *testing.T) {
	for largest, want := range map[float64]string{
		0: "0, 1", 1: "0, 0.5, 1", 7: "0, 5, 10", 16: "0, 10, 20", 999: "0, 500, 1k", 1234: "0, 500, 1k, 1.5k", 12000: "0, 5k, 10k, 15k",
	} {
		if got := labels(NewLinear(largest).Ticks()); got != want {
			t.Errorf("up to %v: %s, want %s", largest, got, want)
		}
	}
}

func TestTimeAxis(t *testing.T) {
	for to, want := range map[time.Duration]string{
		5 * time.Second:   "0 s, 1 s, 2 s, 3 s, 4 s, 5 s",
		40 * time.Second:  "0 s, 5 s, 10 s, 15 s, 20 s, 25 s, 30 s, 35 s, 40 s",
		time.Hour:         "0 s, 10:00, 20:00, 30:00, 40:00, 50:00, 1:00:00",
		500 * time.Second: "0 s, 60 s, 2:00, 3:00, 4:00, 5:00, 6:00, 7:00, 8:00",
	} {
		if got := labels(Time{0, to}.Ticks()); got != want {
			t.Errorf("up to %v: %s, want %s", to, got, want)
		}
	}
}

func labels(ticks []Tick) string {
	var all []string
	for _, t := range ticks {
		all = append(all, t.Text)
	}
	return strings.Join(all, ", ")
}

func TestFigureEscapes(t *testing.T) {
	evil := `</script><b onclick="x">`
	html, err := Figure{
		ID: "f", Group: evil, Title: evil, Note: evil, Legend: []Key{{evil, evil, true}},
		Panels: []Panel{{Title: evil, Label: evil, Height: 10, X: []Tick{{Text: evil}}, Shades: []Shade{{0, 1, evil, evil}}, Shapes: []Shape{{evil, evil, evil}}}},
		Data:   Data{At: []Place{0.5}, Names: []string{evil}, Series: []Series{{evil, []string{evil}}}},
		Table:  Table{[]string{evil}, [][]string{{evil}}},
	}.HTML()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(html), "<b") || strings.Count(string(html), "</script>") != 1 {
		t.Errorf("markup came through:\n%s", html)
	}
}

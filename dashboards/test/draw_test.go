package test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"schload/dashboards"
	"schload/dashboards/test/draw"
)

// The preview draws every panel of every board, as XML that can be read, and
// the same each time.
func TestPreviewDrawsEveryPanel(t *testing.T) {
	s := serve(t)
	story(t, s)
	tell(t, s, second)
	s.from = first.began
	for file, board := range dashboards.Boards() {
		v := s.open(t, board)
		var one, two bytes.Buffer
		if err := errors.Join(draw.Board(t.Context(), &one, v, "a test"), draw.Board(t.Context(), &two, v, "a test")); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if !bytes.Equal(one.Bytes(), two.Bytes()) {
			t.Errorf("%s is drawn differently the second time", file)
		}
		if strings.Contains(one.String(), "No data") {
			t.Errorf("%s: a panel is empty", file)
		}
		written := texts(t, one.Bytes())
		for _, p := range board.Panels {
			title := v.Expand(p.Title)
			if p.Repeat != "" {
				title = v.With(p.Repeat, "off").Expand(p.Title)
			}
			if !written[title] {
				t.Errorf("%s: panel %q is not drawn", file, title)
			}
		}
	}
}

// texts lists what is written in a picture.
func texts(t *testing.T, picture []byte) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	decoder := xml.NewDecoder(bytes.NewReader(picture))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(xml.CharData); ok {
			out[string(text)] = true
		}
	}
}

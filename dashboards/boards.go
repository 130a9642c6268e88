package dashboards

import (
	"bytes"
	"encoding/json"
)

// JSON returns the board as Grafana reads it: the same bytes each time.
func (b Board) JSON() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(b)
	return out.Bytes(), err
}

// Boards lists all boards by the name of their file.
func Boards() map[string]Board {
	return map[string]Board{"handoffs.json": Handoffs(), "matrix.json": Matrix(), "explorer.json": Explorer()}
}

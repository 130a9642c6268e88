package bundle

import (
	"bytes"
	"encoding/json"
)

// marshal is json.Marshal without the escapes meant for HTML, which make
// command lines and details hard to read.
func marshal(v any) ([]byte, error) {
	text, err := encode(v, "")
	return bytes.TrimSuffix(text, []byte("\n")), err
}

// marshalIndent is marshal for files that people open.
func marshalIndent(v any) ([]byte, error) { return encode(v, "  ") }

func encode(v any, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	err := e.Encode(v)
	return b.Bytes(), err
}

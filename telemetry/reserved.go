package telemetry

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"schload/telemetry/record"
)

// ReservedAttribute says whether a key is one that schload states itself, in
// the resource or on points, or that begins with a name that belongs to the
// standards it follows. An attribute of one's own under such a key would make
// two series one, or one two.
func ReservedAttribute(key string) bool {
	for _, prefix := range []string{"schload.", "service.", "db.", "redis.", "otel.", "telemetry.", "__"} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	if key == "job" || key == "instance" || key == "le" || key == "error.type" {
		return true
	}
	for _, m := range record.Metrics {
		if slices.Contains(m.Attributes, key) {
			return true
		}
	}
	return false
}

// checkHeaders refuses what no request can carry. Values may be secrets and
// are not repeated.
func checkHeaders(headers map[string]string) error {
	for key, value := range headers {
		if key == "" || strings.ContainsAny(key, " :\t\r\n\"(),/;<=>?@[\\]{}") {
			return fmt.Errorf("telemetry header %q: not a name that a header can have", key)
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return fmt.Errorf("telemetry header %s: its value has a line break", http.CanonicalHeaderKey(key))
		}
	}
	return nil
}

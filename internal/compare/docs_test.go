package compare

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"schload/internal/bundle"
	"schload/telemetry/mark"
)

// Law: docs/BUNDLE.md names every key of every file.
func TestBundleDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/BUNDLE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []reflect.Type{reflect.TypeFor[bundle.Run](), reflect.TypeFor[mark.Mark](), reflect.TypeFor[Summary]()} {
		for _, key := range keysOf(of) {
			if !strings.Contains(string(text), "`"+key+"`") {
				t.Errorf("docs/BUNDLE.md does not name `%s` of %v", key, of)
			}
		}
	}
}

// keysOf returns the JSON keys of a type and of the types below it.
func keysOf(of reflect.Type) (keys []string) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice:
		return keysOf(of.Elem())
	case reflect.Struct:
	default:
		return nil
	}
	if of.Implements(reflect.TypeFor[json.Marshaler]()) {
		return nil
	}
	for i := range of.NumField() {
		f := of.Field(i)
		if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "-" {
			keys = append(append(keys, key), keysOf(f.Type)...)
		}
	}
	return keys
}

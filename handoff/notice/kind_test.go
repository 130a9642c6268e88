package notice_test

import (
	"encoding/json"
	"testing"

	"schload/handoff/notice"
)

func TestKindNames(t *testing.T) {
	for i := range notice.Kinds {
		kind := notice.Kind(i)
		data, err := json.Marshal(map[string]notice.Kind{"kind": kind})
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]notice.Kind
		if err := json.Unmarshal(data, &back); err != nil || back["kind"] != kind {
			t.Errorf("%s came back as %v, %v, want %v", data, back["kind"], err, kind)
		}
		if parsed, err := notice.ParseKind(kind.String()); err != nil || parsed != kind {
			t.Errorf("ParseKind(%v) = %v, %v, want it back", kind, parsed, err)
		}
	}
	if _, err := notice.ParseKind("moved"); err == nil {
		t.Error(`ParseKind("moved") = nil error, want one`)
	}
	if got := notice.Kind(notice.Kinds).String(); got != "kind(7)" {
		t.Errorf("String of an unknown kind = %q, want kind(7)", got)
	}
	if _, err := notice.Kind(notice.Kinds).MarshalText(); err == nil {
		t.Error("MarshalText of an unknown kind = nil error, want one")
	}
}

// A kind opens a window, or closes one, and the two sides agree.
func TestKindWindows(t *testing.T) {
	for i := range notice.Kinds {
		kind := notice.Kind(i)
		if kind.Opens() == kind.Closes() {
			t.Errorf("%v: Opens = %v, Closes = %v, want one of them", kind, kind.Opens(), kind.Closes())
		}
		closer, ok := kind.Closer()
		if ok != (kind.Opens() && kind != notice.Moving) {
			t.Errorf("%v: Closer = %v, %v", kind, closer, ok)
		}
		if opener, _ := closer.Opener(); ok && opener != kind {
			t.Errorf("%v: Closer %v has Opener %v, want it back", kind, closer, opener)
		}
	}
}

package record

import "testing"

// A phase survives its text; what is no phase is refused by name.
func TestPhaseText(t *testing.T) {
	for p := range Phase(Phases) {
		text, err := p.MarshalText()
		var back Phase
		if err != nil || back.UnmarshalText(text) != nil || back != p {
			t.Errorf("phase %d became %q became %d", p, text, back)
		}
	}
	var p Phase
	if err := p.UnmarshalText([]byte("steady")); err == nil || err.Error() != `unknown phase "steady"` {
		t.Errorf("error %v, want one that names steady", err)
	}
	if got := Phase(9).String(); got != "phase(9)" {
		t.Errorf("phase 9 is %q", got)
	}
}

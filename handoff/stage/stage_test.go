package stage

import (
	"context"
	"testing"

	"schload/handoff/upgrade"
)

func TestNoneRefusesActions(t *testing.T) {
	plan := upgrade.Plan{Actions: []upgrade.Action{{Act: upgrade.Close}}}
	if err := (None{}).Play(context.Background(), plan); err == nil {
		t.Error("a plan with actions was accepted and would have been reported as played")
	}
	if err := (None{}).Play(context.Background(), upgrade.Plan{}); err != nil {
		t.Errorf("empty plan: %v", err)
	}
}

func TestCheckName(t *testing.T) {
	for name, ok := range map[string]bool{"sim": true, "none": true, "": false, "simm": false} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
	}
}

package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"schload/internal/bundle"
)

// handoffsOwn are the settings of an arm that are about handoffs, as profiles
// and bundles spell them.
var handoffsOwn = []string{"name", "mode", "protocol", "endpoint_type", "relaxed_timeout", "post_handoff_relaxed", "handoff_timeout"}

// unlike says in what else than handoffs an arm differs from the one it is held
// against: the promise is then not all that is compared.
func (t trial) unlike() string {
	a, b := options(t.settings[0]), options(t.settings[1])
	both := maps.Clone(a)
	maps.Copy(both, b)
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(both)) {
		if !slices.Contains(handoffsOwn, key) && !bytes.Equal(a[key], b[key]) {
			parts = append(parts, key)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("%s and %s differ in more than handoffs: %s", t.arm.Name, t.ref.Name, strings.Join(parts, ", "))
}

// options are the settings of an arm; none where the run says nothing of them.
func options(a bundle.Arm) map[string]json.RawMessage {
	m := map[string]json.RawMessage{}
	_ = json.Unmarshal(a.Settings, &m)
	return m
}

func armOf(run bundle.Run, name string) bundle.Arm {
	for _, a := range run.Arms {
		if a.Name == name {
			return a
		}
	}
	return bundle.Arm{Name: name}
}

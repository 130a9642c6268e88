package stage

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Action is what a fault injector is asked for.
type Action struct {
	Type       string         `json:"type"`
	Parameters map[string]any `json:"parameters"`
}

// String spells the action as ParseAction reads it.
func (a Action) String() string {
	parts := []string{a.Type}
	for _, key := range slices.Sorted(maps.Keys(a.Parameters)) {
		text, err := json.Marshal(a.Parameters[key])
		if err != nil { // nothing that was parsed has values without a JSON form
			text = []byte("?")
		}
		parts = append(parts, key+"="+string(text))
	}
	return strings.Join(parts, " ")
}

// actions are the action types that fault injectors share, by the upgrade that
// they are. Upgrades that are absent have none that does the same.
var actions = map[string]string{
	"endpoint-rebind": "bind",
	"failover":        "failover",
	"shard-migration": "migrate",
	"proxy-restart":   "dmc_restart",
	"network-failure": "network_failure",
	"version-upgrade": "upgrade",
	"oss-reshard":     "reshard",
}

// PlayUpgrade is an action of schload's own simulator: it plays any upgrade of
// the catalog.
const PlayUpgrade = "play_upgrade"

// Plays returns the action that is the upgrade of that name, on the database
// with that number. Of a simulator everything can be asked.
func Plays(upgrade string, database int, simulated bool) (Action, error) {
	parameters := map[string]any{"bdb_id": database}
	if kind, ok := actions[upgrade]; ok {
		return Action{kind, parameters}, nil
	}
	if !simulated {
		return Action{}, fmt.Errorf("upgrade %s: fault injectors have no action for it: want one of %s, or say which action it is (--action, in a profile action)",
			upgrade, strings.Join(slices.Sorted(maps.Keys(actions)), ", "))
	}
	parameters["upgrade"] = upgrade
	return Action{PlayUpgrade, parameters}, nil
}

var actionType = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// ParseAction reads a type and its parameters, TYPE KEY=VALUE KEY=VALUE, with
// spaces between them. Values are JSON where they can be, and else texts.
func ParseAction(text string) (Action, error) {
	a := Action{Parameters: map[string]any{}}
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return a, errors.New("action is empty: want TYPE KEY=VALUE, such as maintenance_mode node_id=2 enabled=true")
	}
	if a.Type = fields[0]; !actionType.MatchString(a.Type) {
		return a, fmt.Errorf("action type %.80q: want 1 to 64 letters, digits, hyphens, underscores or dots, such as failover", a.Type)
	}
	for _, field := range fields[1:] {
		key, value, ok := strings.Cut(field, "=")
		if !ok || key == "" {
			return a, fmt.Errorf("action %s: parameter %.80q: want KEY=VALUE, such as node_id=2", a.Type, field)
		}
		if _, twice := a.Parameters[key]; twice {
			return a, fmt.Errorf("action %s: parameter %s is there twice", a.Type, key)
		}
		var parsed any
		if json.Unmarshal([]byte(value), &parsed) != nil {
			parsed = value
		}
		a.Parameters[key] = parsed
	}
	return a, nil
}

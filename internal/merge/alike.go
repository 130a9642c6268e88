package merge

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"schload/internal/bundle"
)

// ErrUnlike says that bundles are not those of workers of one run.
var ErrUnlike = errors.New("the bundles are not those of workers of one run")

// seedStep is how far the seeds of neighbouring workers of one run lie apart.
const seedStep = 1_000_003

// free are the keys of a profile in which workers of one run may differ: what
// is checked elsewhere, and what says nothing of the load.
var free = []string{"seed", "name", "summary", "tls", "pools"}

// unlike lists in what a worker differs from the first.
func unlike(first, w *worker) (list []string) {
	a, b := first.Run, w.Run
	differ := func(what string, x, y any) {
		if s, t := spell(x), spell(y); s != t {
			list = append(list, fmt.Sprintf("%s: %s in %s, %s in %s", what, short(s), first.name, short(t), w.name))
		}
	}
	if a.Worker != nil || b.Worker != nil || a.Isolated != nil || b.Isolated != nil {
		differ("run_id", a.ID, b.ID)
	}
	differ("schema", a.Schema, b.Schema)
	differ("upgrade", a.Upgrade.Name, b.Upgrade.Name)
	differ("stage", a.Stage, b.Stage)
	differ("cluster", a.Cluster, b.Cluster)
	differ("rounds", a.Rounds, b.Rounds)
	differ("speed", a.Speed, b.Speed)
	differ("late_after_s", a.LateAfter, b.LateAfter)
	differ("outage_after_s", a.OutageAfter, b.OutageAfter)
	differ("objective", a.Objective, b.Objective)
	differ("slot_ranges", a.SlotRanges, b.SlotRanges)
	differ("saturation", a.Saturation, b.Saturation)
	differ("injections", a.Injections, b.Injections)
	differ("schload", a.Versions.Schload, b.Versions.Schload)
	differ("go-redis", a.Versions.GoRedis, b.Versions.GoRedis)
	differ("seed (of the first worker)", family(a), family(b))
	differ("isolated", isolatedArms(a), isolatedArms(b))
	if a.Isolated == nil || b.Isolated == nil {
		differ("arms", a.Arms, b.Arms)
	}
	differ("pools", pools(a), pools(b))
	x, y := settings(a), settings(b)
	both := maps.Clone(x)
	maps.Copy(both, y)
	for _, key := range slices.Sorted(maps.Keys(both)) {
		if !slices.Contains(free, key) {
			differ("profile "+key, x[key], y[key])
		}
	}
	if overlap := together(a, b); !overlap {
		list = append(list, fmt.Sprintf("time: %s and %s did not run at the same time", first.name, w.name))
	}
	return list
}

// isolatedArms are those that had a process each, nil if they shared one.
func isolatedArms(r bundle.Run) []string {
	if r.Isolated == nil {
		return nil
	}
	return r.Isolated.Arms
}

// family is the seed from which all workers of one run have theirs.
func family(r bundle.Run) uint64 {
	if r.Worker == nil {
		return r.Seed
	}
	return r.Seed - uint64(r.Worker.Index)*seedStep
}

// together says whether two runs overlapped, as far as that is known.
func together(a, b bundle.Run) bool {
	ended := func(x, y bundle.Run) bool { return x.Final != nil && !x.Final.Ended.After(y.Started) }
	return !ended(a, b) && !ended(b, a)
}

// pools are a run's without the part of their keys' prefix that sets workers apart.
func pools(r bundle.Run) any {
	list := slices.Clone(r.Pools)
	if r.Worker != nil {
		own := fmt.Sprintf("w%d:", r.Worker.Index)
		for i := range list {
			var v any
			if json.Unmarshal(list[i].Settings, &v) == nil {
				list[i].Settings, _ = json.Marshal(withoutPrefix(v, own))
			}
		}
	}
	return list
}

func withoutPrefix(v any, own string) any {
	switch v := v.(type) {
	case map[string]any:
		for key, x := range v {
			if text, ok := x.(string); ok && key == "prefix" {
				v[key] = strings.TrimSuffix(text, own)
			} else {
				v[key] = withoutPrefix(x, own)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutPrefix(v[i], own)
		}
	}
	return v
}

// settings are the keys of a run's profile.
func settings(r bundle.Run) map[string]any {
	m := map[string]any{}
	_ = json.Unmarshal(r.Profile, &m) // a run without a profile has no settings
	return m
}

// spell writes a value so that equal ones read alike: keys sorted, no spaces.
func spell(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	var plain any
	if json.Unmarshal(text, &plain) == nil {
		text, _ = json.Marshal(plain)
	}
	return string(text)
}

// short leaves of a long value what fits into a line.
func short(s string) string {
	const most = 120
	if s == "null" {
		return "unset"
	}
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

package profiles

import (
	"strings"
	"testing"

	"schload/handoff"
)

// A saturating run is a closed loop of pipelines with one arm and no upgrade,
// however it is asked for.
func TestSaturate(t *testing.T) {
	for _, c := range []struct {
		text              string
		workers, pipeline int
	}{
		{"saturate: true\n", 16, 64},
		{"saturate: pipelines\n", 16, 64},
		{"saturate: autopipeline\n", 256, 1},
		{"saturate: pipelines\npools: [{workers: 4, pipeline: 128}]\n", 4, 128},
	} {
		p, err := Parse("s", "s.yaml", []byte(c.text))
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		p = p.WithDefaults()
		pools, err := p.Workload()
		if err != nil {
			t.Fatal(err)
		}
		if got := pools[0]; got.Workers != c.workers || got.Pipeline != c.pipeline || got.Schedule.Arrival.String() != "closed" {
			t.Errorf("%q: %d workers, pipelines of %d, arrival %v", c.text, got.Workers, got.Pipeline, got.Schedule.Arrival)
		}
		if share, _ := p.Ledger(); share != 0 || p.Upgrade != "none" || len(p.Arms) != 1 || p.Arms[0].Mode != handoff.Off || p.Stage != "sim" {
			t.Errorf("%q: ledger %v, upgrade %s, arms %v, stage %s", c.text, share, p.Upgrade, p.Arms, p.Stage)
		}
	}
}

func TestSaturateRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"saturate: pipelins\n":                                              `saturate "pipelins" (did you mean pipelines?): want one of pipelines, autopipeline`,
		"saturate: true\nupgrade: failover\n":                               `upgrade "failover" with saturate: a target at its ceiling says nothing about handoffs`,
		"saturate: true\narms: [on, off]\n":                                 `2 arms with saturate: they would share what the target carries`,
		"saturate: autopipeline\narms: [raw]\n":                             `arm raw with saturate autopipeline: bare connections gather nothing`,
		"saturate: true\npools: [{rate: 1000}]\n":                           `rate 1000 with saturate: the rate is what is looked for`,
		"saturate: true\npools: [{arrival: constant, rate: 1000}]\n":        `arrival constant with saturate: the loop is closed`,
		"saturate: true\npools: [{think: 1ms}]\n":                           `think with saturate`,
		"saturate: autopipeline\npools: [{pipeline: 8}]\n":                  `pipeline 8 with saturate autopipeline: the library makes the pipelines`,
		"saturate: true\nstage: manual\ntarget: redis://x\nupgrade: none\n": `stage manual with saturate`,
	} {
		if _, err := Parse("s", "s.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v\nwant %q", text, err, want)
		}
	}
}

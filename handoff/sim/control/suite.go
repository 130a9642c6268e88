package control

import (
	"fmt"
	"strings"

	"schload/handoff/sim"
	"schload/internal/spelling"
)

// Suite is what the tests of one client need of the simulator beyond what the
// protocol says: where they contradict each other, or the default.
type Suite struct {
	Name string

	// Why is one sentence for each deviation.
	Why []string

	// ByName says that the suite's client can be led to the cluster's name
	// server; otherwise it is given an address of the endpoint's own.
	ByName bool

	// Support replaces how databases answer opt-ins.
	Support sim.Support

	// Settings are parameters of upgrades, by the upgrade's name. Parameters
	// that an upgrade lacks are an error when it is played.
	Settings map[string][]string
}

// suites are the known ones. docs/SIMULATOR.md tells what each asserts.
var suites = []Suite{
	{
		Name: "go-redis",
		Why: []string{
			"first sequence 1: a test looks for the completion by the sequence that follows the opener's",
			"completions are not repeated: a test wants no more of them than of openers, on all connections, those made by handoffs included",
			"the record moves 1 s after MOVING, earlier than was ever measured: a test counts connections, and who dials the old node is told again and dials again",
		},
		ByName:  true,
		Support: sim.Support{FirstSeq: 1, ForgetCompletion: true},
		Settings: map[string][]string{
			"endpoint-rebind":  {"dns_offset=1s"},
			"maintenance-mode": {"dns_offset=1s"},
		},
	},
	{
		Name: "node-redis",
		Why: []string{
			"completions are not repeated: a test counts exactly one MIGRATED, and its client connects again in between",
			"an open MOVING is not repeated: the client would take it for another",
		},
		Support: sim.Support{ForgetCompletion: true, ForgetMoving: true},
	},
	{
		Name:    "redis-py",
		Why:     []string{"open MIGRATING and FAILING_OVER are repeated: a test wants a connection that is made meanwhile to hear of them"},
		Support: sim.Support{RepeatOpeners: true},
	},
	{
		Name:    "lettuce",
		Why:     []string{"first sequence 1: the tests take 0 for no sequence"},
		Support: sim.Support{FirstSeq: 1},
	},
	{
		Name: "jedis",
		Why:  []string{"the old proxy closes 0.7 s after the announced time, the earliest measured: a test pings until one second after it"},
		Settings: map[string][]string{
			"endpoint-rebind":  {"moving_close_slack=0.7s"},
			"maintenance-mode": {"moving_close_slack=0.7s"},
		},
	},
}

// Suites are the names of the known suites.
func Suites() []string {
	var names []string
	for _, s := range suites {
		names = append(names, s.Name)
	}
	return names
}

// LoadSuite finds a suite by its name; the empty name is nobody's.
func LoadSuite(name string) (Suite, error) {
	if name == "" {
		return Suite{}, nil
	}
	for _, s := range suites {
		if s.Name == name {
			return s, nil
		}
	}
	return Suite{}, fmt.Errorf("unknown suite %q%s: want one of %s", name, spelling.Hint(name, Suites()), strings.Join(Suites(), ", "))
}

// configure is the simulator's configuration of a database.
func (p *Plane) configure(spec Spec) sim.Config {
	return sim.Config{
		Port: spec.Port, Password: spec.Password, Support: p.config.Suite.Support, Entrance: !p.config.ByName, OSSCluster: spec.OSSCluster,
		ShardCount: spec.ShardsCount, Unreplicated: !spec.Replication, Policy: spec.ProxyPolicy, Security: spec.security(),
	}
}

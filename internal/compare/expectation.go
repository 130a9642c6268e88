package compare

import (
	"fmt"
	"slices"
	"strings"

	"schload/internal/bundle"
	"schload/workload"
)

// The levels of documented support of handoffs, as upgrades spell them.
const (
	LevelFull    = "full"
	LevelPartial = "partial"
	LevelRelaxed = "relaxed"
	LevelNone    = "none"
)

// The verdicts on a promise, beside NoEvidence.
const (
	AsDocumented = "as documented"
	BetterThan   = "better than documented"
	WorseThan    = "worse than documented"
	NoPromise    = "no promise"
)

// Expectation is what became of the vendor's promise for an upgrade: one arm
// held against the arm without handoffs, by the rule of the promise's level.
// docs/METHODOLOGY.md has the rules.
type Expectation struct {
	Arm          string   `json:"arm"`
	Against      string   `json:"against"`
	Pools        []string `json:"pools,omitempty"` // that it is about, where the arm has others, too
	Upgrade      string   `json:"upgrade"`
	Level        string   `json:"level"`                   // full, partial, relaxed or none
	Documented   string   `json:"documented"`              // the promise, in prose
	Verdict      string   `json:"verdict"`                 // as documented, better than documented, worse than documented, no evidence, no promise
	Reasons      []string `json:"reasons"`                 // the evidence, the most decisive first
	RoundsNeeded int      `json:"rounds_needed,omitempty"` // estimate, where NoEvidence would take more
}

// uncovered is the promise for pools that block or subscribe.
const uncovered = "Blocking operations, such as pub/sub, are not supported by smart client handoffs and reconnect normally."

// trials are all arms that are held against the promise of the upgrade; none
// where the run is no evidence.
func (s *Summary) trials(run bundle.Run, sums *sums) (list []trial) {
	ref, ok := s.reference()
	if !ok || !s.Valid || s.Harness.Saturated || s.Saturating() || len(s.Injections) > 0 {
		return nil
	}
	for _, of := range scopes(run) {
		judged := s.Differences
		if of.part {
			judged = s.differencesOf(of, sums)
		}
		for _, a := range s.Arms {
			if a.Name == ref.Name || a.Raw() {
				continue
			}
			list = append(list, trial{
				summary: s, arm: a, ref: ref, scope: of, differences: judged,
				on: sums.toll(a, of), off: sums.toll(ref, of), settings: [2]bundle.Arm{armOf(run, a.Name), armOf(run, ref.Name)},
			})
		}
	}
	return list
}

// expectations are the verdicts of trials.
func expectations(trials []trial, u Upgrade) (list []Expectation) {
	for _, t := range trials {
		list = append(list, t.expectation(u))
	}
	return list
}

// scope is pools that one promise covers.
type scope struct {
	pools   []bundle.Pool
	covered bool // by handoffs
	part    bool // the run has other pools, too
}

// scopes parts the pools that handoffs cover from those that they do not.
func scopes(run bundle.Run) (list []scope) {
	in, out := scope{covered: true}, scope{}
	for _, p := range run.Pools {
		if covers(p) {
			in.pools = append(in.pools, p)
		} else {
			out.pools = append(out.pools, p)
		}
	}
	in.part, out.part = len(out.pools) > 0, len(in.pools) > 0
	for _, x := range []scope{in, out} {
		if len(x.pools) > 0 {
			list = append(list, x)
		}
	}
	return list
}

// covers says whether the documentation promises anything for a pool: not for
// those that block or subscribe.
func covers(p bundle.Pool) bool {
	var kind workload.Kind
	if p.Kind == "" || kind.UnmarshalText([]byte(p.Kind)) != nil {
		return true
	}
	return kind == workload.KindCommands || kind == workload.KindCanary
}

func (o scope) has(pool string) bool {
	return slices.ContainsFunc(o.pools, func(p bundle.Pool) bool { return p.Name == pool })
}

func (o scope) names() (names []string) {
	for _, p := range o.pools {
		names = append(names, p.Name)
	}
	return names
}

// expectation gives the verdict.
func (t trial) expectation(u Upgrade) Expectation {
	x := Expectation{Arm: t.arm.Name, Against: t.ref.Name, Upgrade: u.Name, Level: u.SCHSupport, Documented: u.Documented, Reasons: []string{}}
	if t.scope.part {
		x.Pools = t.scope.names()
	}
	if !t.scope.covered {
		x.Level, x.Documented = LevelNone, uncovered
	}
	if text := t.nothingPromised(x.Level); text != "" {
		x.Verdict, x.Reasons = NoPromise, append(x.Reasons, text)
		return x
	}
	if text := t.nothingHappened(); text != "" {
		x.Verdict, x.Reasons = NoEvidence, append(x.Reasons, text)
		return x
	}
	claims := rules[x.Level](t)
	x.Verdict = conclude(claims)
	slices.SortStableFunc(claims, func(a, b claim) int { return b.finding.weight() - a.finding.weight() })
	for _, c := range claims {
		x.Reasons = append(x.Reasons, c.reason)
		if x.Verdict == NoEvidence {
			x.RoundsNeeded = max(x.RoundsNeeded, c.rounds)
		}
	}
	x.Reasons = append(x.Reasons, t.caveats(x.Verdict, u)...)
	return x
}

// nothingPromised says why the documentation promises the arm nothing, "" where
// it does.
func (t trial) nothingPromised(level string) string {
	sch := t.arm.SCH
	switch {
	case rules[level] == nil:
		return "nothing is known of what the documentation promises for this upgrade"
	case sch.Requested == "off":
		return "the arm's handoffs are off"
	case sch.Connections > 0 && sch.OptedIn == 0:
		return fmt.Sprintf("none of the arm's %s connections opted in: its handoffs are off", bundle.Count(sch.Connections))
	}
	return ""
}

// nothingHappened says why the run shows nothing of an upgrade.
func (t trial) nothingHappened() string {
	switch {
	case t.on.during.Due == 0 || t.off.during.Due == 0:
		return "no operation fell due in a maintenance or after it"
	case t.summary.PhaseSource == sourceNone:
		return "no upgrade was seen"
	case !t.summary.Complete && t.rounds() == 0 && t.summary.PhaseSource != sourceData:
		return "the run was cut off before a round was over"
	}
	return ""
}

// caveats are what weakens a verdict without changing it.
func (t trial) caveats(verdict string, u Upgrade) (list []string) {
	if told := total(t.arm.Notices); told == 0 && u.SCHSupport != LevelNone && t.scope.covered {
		list = append(list, "no notice reached the arm: is it switched on at the server?")
	}
	if verdict == NoEvidence {
		return list
	}
	if text := t.unlike(); text != "" {
		list = append(list, text)
	}
	if n := t.rounds(); n == 1 {
		list = append(list, "one round: this is what happened in it, and no rule yet")
	}
	if names := assumed(u.Assumptions); (t.summary.Stage == "sim" || u.Simulated) && len(names) > 0 {
		list = append(list, "it rests on assumptions of the choreography: "+strings.Join(names, ", "))
	}
	return list
}

// assumed are the subjects of an upgrade's assumptions, which say more.
func assumed(sentences []string) (names []string) {
	for _, text := range sentences {
		name, _, _ := strings.Cut(text, " is ")
		names = append(names, name)
	}
	return names
}

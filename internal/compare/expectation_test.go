package compare

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"schload/internal/bundle"
)

// took is a toll of 10 000 operations before and 10 000 during an upgrade.
func took(failed, late, timedOut uint64) toll {
	t := toll{rounds: []Round{{Round: 1, Due: 20_000, HarmedRatio: float64(failed+late) / 20_000}}}
	t.before.Due, t.during.Due = 10_000, 10_000
	t.during.Failed, t.during.Late = failed, late
	t.during.errors = map[string]uint64{"read_timeout": timedOut, "eof": failed - timedOut}
	return t
}

// between is what rounds say of a metric, its interval included.
func between(metric, verdict string, low, high float64) Difference {
	return Difference{Metric: metric, Arm: "on", Against: "off", Rounds: 8, Low: &low, High: &high, Verdict: verdict}
}

func unsure(metric string, rounds int) Difference {
	return Difference{Metric: metric, Arm: "on", Against: "off", Rounds: 3, Verdict: NoEvidence, RoundsNeeded: rounds}
}

// Every rule, with the least that makes it say what it says and the most that
// does not.
func TestRules(t *testing.T) {
	crossed := took(3, 0, 0)
	crossed.during.errors = map[string]uint64{"crossed_reply": 1, "eof": 2}
	noisy := took(60, 0, 0)
	noisy.before.Failed = 50
	noisier := took(200, 0, 0)
	noisier.before.Failed = 50
	for _, test := range []struct {
		name, level string
		on, off     toll
		closed      [2]uint64 // connections that the server closed
		rounds      []Difference
		want        string
		needed      int
	}{
		{"the promise", "full", took(0, 5, 0), took(300, 200, 0), [2]uint64{0, 16}, nil, AsDocumented, 0},
		{"nothing to prevent", "full", took(0, 9, 0), took(0, 9, 0), [2]uint64{}, nil, AsDocumented, 0},
		{"ten failures", "full", took(10, 0, 0), took(300, 0, 0), [2]uint64{}, nil, WorseThan, 0},
		{"nine may be a hiccup", "full", took(9, 0, 0), took(300, 0, 0), [2]uint64{}, nil, NoEvidence, 6},
		{"one may be a hiccup", "full", took(1, 0, 0), took(300, 0, 0), [2]uint64{}, []Difference{between(Primary, VerdictBetter, -0.02, -0.01)}, NoEvidence, 80},
		{"a reply to another command is none", "full", crossed, took(300, 0, 0), [2]uint64{}, nil, WorseThan, 0},
		{"as many as in the baseline", "full", noisy, took(300, 0, 0), [2]uint64{}, nil, NoEvidence, 6},
		{"more than in the baseline", "full", noisier, took(300, 0, 0), [2]uint64{}, nil, WorseThan, 0},
		{"late without failure, once", "full", took(0, 400, 0), took(0, 900, 0), [2]uint64{}, nil, NoEvidence, 6},
		{"late without failure, over rounds", "full", took(0, 400, 0), took(0, 900, 0), [2]uint64{}, []Difference{between(Primary, VerdictBetter, -0.05, -0.02)}, AsDocumented, 0},
		{"more late than the other failed", "full", took(0, 400, 0), took(100, 0, 0), [2]uint64{}, []Difference{unsure(Primary, 12)}, NoEvidence, 12},
		{"harmed more", "full", took(0, 900, 0), took(0, 400, 0), [2]uint64{}, []Difference{between(Primary, VerdictWorse, 0.02, 0.03)}, WorseThan, 0},

		{"once", "partial", took(300, 0, 0), took(310, 0, 0), [2]uint64{8, 8}, nil, NoEvidence, 6},
		{"alike over rounds", "partial", took(300, 0, 0), took(310, 0, 0), [2]uint64{8, 8}, []Difference{between(Primary, NoEvidence, -0.001, 0.0015)}, AsDocumented, 0},
		{"perhaps harmed more", "partial", took(300, 0, 0), took(310, 0, 0), [2]uint64{8, 8}, []Difference{between(Primary, NoEvidence, -0.001, 0.0016)}, NoEvidence, 9},
		{"timeouts prevented", "partial", took(0, 90, 0), took(40, 60, 40), [2]uint64{8, 8}, nil, AsDocumented, 0},
		{"timeouts not prevented", "partial", took(40, 60, 40), took(40, 60, 40), [2]uint64{8, 8}, []Difference{between(Primary, NotSeen, 0, 0), unsure("timeouts", 11)}, NoEvidence, 11},
		{"more timeouts", "partial", took(40, 60, 40), took(0, 90, 0), [2]uint64{8, 8}, nil, WorseThan, 0},
		{"no disconnect", "partial", took(0, 0, 0), took(100, 0, 0), [2]uint64{0, 8}, nil, BetterThan, 0},
		{"harmed more", "partial", took(400, 0, 0), took(300, 0, 0), [2]uint64{8, 8}, []Difference{between(Primary, VerdictWorse, 0.01, 0.02)}, WorseThan, 0},

		{"no timeout to prevent", "relaxed", took(0, 40, 0), took(0, 40, 0), [2]uint64{}, []Difference{between(Primary, NotSeen, 0, 0)}, NoEvidence, 0},
		{"timeouts prevented", "relaxed", took(0, 40, 0), took(40, 41, 40), [2]uint64{}, nil, AsDocumented, 0},
		{"fewer over rounds", "relaxed", took(20, 40, 20), took(60, 40, 60), [2]uint64{}, []Difference{between(Primary, VerdictBetter, -0.02, -0.01), between("timeouts", VerdictBetter, -5, -3)}, AsDocumented, 0},
		{"more over rounds", "relaxed", took(60, 40, 60), took(20, 40, 20), [2]uint64{}, []Difference{between("timeouts", VerdictWorse, 3, 5)}, WorseThan, 0},
		{"connections kept", "relaxed", took(0, 40, 0), took(40, 41, 40), [2]uint64{0, 8}, nil, BetterThan, 0},

		{"nobody harmed", "none", took(0, 9, 0), took(9, 0, 0), [2]uint64{}, nil, AsDocumented, 0},
		{"once", "none", took(300, 0, 0), took(300, 0, 0), [2]uint64{8, 8}, nil, NoEvidence, 6},
		{"none against many, once", "none", took(0, 0, 0), took(300, 0, 0), [2]uint64{8, 8}, nil, NoEvidence, 6},
		{"equal in every round", "none", took(300, 0, 0), took(300, 0, 0), [2]uint64{8, 8}, []Difference{between(Primary, NotSeen, 0, 0)}, AsDocumented, 0},
		{"alike", "none", took(300, 0, 0), took(310, 0, 0), [2]uint64{8, 8}, []Difference{between(Primary, NoEvidence, -0.0015, 0.0015)}, AsDocumented, 0},
		{"perhaps less", "none", took(300, 0, 0), took(310, 0, 0), [2]uint64{8, 8}, []Difference{between(Primary, NoEvidence, -0.0016, 0.0015)}, NoEvidence, 9},
		{"less", "none", took(30, 0, 0), took(310, 0, 0), [2]uint64{8, 8}, []Difference{between(Primary, VerdictBetter, -0.02, -0.01)}, BetterThan, 0},
		{"more", "none", took(310, 0, 0), took(30, 0, 0), [2]uint64{8, 8}, []Difference{between(Primary, VerdictWorse, 0.01, 0.02)}, WorseThan, 0},
	} {
		t.Run(test.level+"/"+test.name, func(t *testing.T) {
			x := judgeOf(test.on, test.off, test.closed, test.rounds).expectation(Upgrade{Name: "any", SCHSupport: test.level})
			if x.Verdict != test.want || x.RoundsNeeded != test.needed {
				t.Errorf("%s, %d rounds needed; want %s, %d\n%s", x.Verdict, x.RoundsNeeded, test.want, test.needed, strings.Join(x.Reasons, "\n"))
			}
			if len(x.Reasons) == 0 || x.Arm != "on" || x.Against != "off" || x.Level != test.level {
				t.Errorf("%+v", x)
			}
		})
	}
}

// judgeOf is a trial of arms with these tolls, over eight rounds where the
// rounds say anything and over one otherwise.
func judgeOf(on, off toll, closed [2]uint64, rounds []Difference) trial {
	n := 1
	if len(rounds) > 0 {
		n = 8
	}
	s := &Summary{Valid: true, Complete: true, PhaseSource: sourceStage, Stage: "sim"}
	arm := func(name string, closed uint64) Arm {
		a := Arm{Name: name, SCH: SCH{Requested: name, Connections: 8}, Rounds: make([]Round, n), Connections: Connections{ClosedByServer: closed}}
		if name == "on" {
			a.SCH.OptedIn, a.Notices = 8, map[string]uint64{"MOVING": 8}
		}
		return a
	}
	return trial{summary: s, arm: arm("on", closed[0]), ref: arm("off", closed[1]), scope: scope{covered: true}, differences: rounds, on: on, off: off}
}

// Redirects are the part of an arm that tries nothing again, and count as any
// other failure of one that does.
func TestUnfollowedRedirects(t *testing.T) {
	for _, test := range []struct {
		retries         string
		redirected, eof uint64
		want            string
	}{
		{"-1", 76, 0, NoEvidence},
		{"-1", 76, 9, NoEvidence},
		{"-1", 76, 10, WorseThan},
		{"-1", 0, 10, WorseThan},
		{"3", 76, 0, WorseThan},
		{"", 76, 0, WorseThan},
	} {
		on := took(test.redirected+test.eof, 0, 0)
		on.during.errors = map[string]uint64{"redirect": test.redirected, "eof": test.eof}
		trial := judgeOf(on, took(300, 0, 0), [2]uint64{}, nil)
		if test.retries != "" {
			trial.settings[0].Settings = []byte(`{"max_retries": ` + test.retries + `}`)
		}
		x := trial.expectation(Upgrade{Name: "any", SCHSupport: LevelFull})
		says := strings.Contains(strings.Join(x.Reasons, "\n"), "76 of them redirects that the arm does not follow")
		if x.Verdict != test.want || says != (test.want == NoEvidence) {
			t.Errorf("%+v: %s, %q", test, x.Verdict, x.Reasons)
		}
	}
}

// What receivers go through is held against the arm without handoffs, too,
// though nothing is promised for them.
func TestReceivers(t *testing.T) {
	for _, test := range []struct {
		name    string
		on, off Delivery
		harm    [2]uint64
		rounds  []Difference
		want    string
	}{
		{"both reconnect", Delivery{Resubscribed: 2}, Delivery{Resubscribed: 2, ReceiverErrors: map[string]uint64{"eof": 2, "dial_refused": 40}}, [2]uint64{9, 200}, nil, AsDocumented},
		{"nobody has to", Delivery{}, Delivery{}, [2]uint64{0, 0}, nil, AsDocumented},
		{"kept", Delivery{}, Delivery{ReceiverRetries: 1}, [2]uint64{0, 0}, nil, BetterThan},
		{"cut off by handoffs", Delivery{ReceiverErrors: map[string]uint64{"read_timeout": 10}}, Delivery{}, [2]uint64{0, 0}, nil, WorseThan},
		{"perhaps a hiccup", Delivery{ReceiverErrors: map[string]uint64{"read_timeout": 9}}, Delivery{}, [2]uint64{0, 0}, nil, NoEvidence},
		{"losses in one round", Delivery{Resubscribed: 2}, Delivery{Resubscribed: 2}, [2]uint64{10, 10}, nil, NoEvidence},
		{"more losses", Delivery{Resubscribed: 2}, Delivery{Resubscribed: 2}, [2]uint64{90, 10}, []Difference{between(Primary, VerdictWorse, 0.01, 0.02)}, WorseThan},
		{"fewer losses are those of senders", Delivery{Resubscribed: 2}, Delivery{Resubscribed: 2}, [2]uint64{10, 90}, []Difference{between(Primary, VerdictBetter, -0.02, -0.01)}, AsDocumented},
	} {
		t.Run(test.name, func(t *testing.T) {
			trial := judgeOf(took(0, 0, 0), took(0, 0, 0), [2]uint64{}, test.rounds)
			trial.scope = scope{pools: []bundle.Pool{{Name: "news", Kind: "pubsub", Receivers: 2}}, part: true}
			trial.on.during.lost, trial.off.during.lost = test.harm[0], test.harm[1]
			trial.arm.Pools, trial.ref.Pools = []Pool{{Name: "news", Delivery: test.on}}, []Pool{{Name: "news", Delivery: test.off}}
			x := trial.expectation(Upgrade{Name: "any", SCHSupport: "full", Documented: "much"})
			if x.Verdict != test.want || x.Level != LevelNone || x.Documented != uncovered || !slices.Equal(x.Pools, []string{"news"}) {
				t.Errorf("%+v, want %s", x, test.want)
			}
		})
	}
}

// Nothing is promised to whoever did not opt in, and nothing shown where
// nothing happened; an arm that differs in more than handoffs says so, and so
// does a verdict that rests on assumptions or on one round.
func TestWhatHasNoVerdict(t *testing.T) {
	promise := Upgrade{Name: "any", SCHSupport: "full", Assumptions: []string{"settle = 1s is an assumption: ours", "step 3 (close old) is a test expectation: a mock"}}
	fine := func() trial { return judgeOf(took(0, 5, 0), took(300, 200, 0), [2]uint64{}, nil) }
	for name, test := range map[string]struct {
		change  func(*trial, *Upgrade)
		verdict string
		says    string
	}{
		"off":                 {func(t *trial, _ *Upgrade) { t.arm.SCH.Requested = "off" }, NoPromise, "the arm's handoffs are off"},
		"refused":             {func(t *trial, _ *Upgrade) { t.arm.SCH.Requested, t.arm.SCH.OptedIn = "auto", 0 }, NoPromise, "none of the arm's 8 connections opted in"},
		"unknown":             {func(_ *trial, u *Upgrade) { u.SCHSupport = "" }, NoPromise, "nothing is known"},
		"no event":            {func(t *trial, _ *Upgrade) { t.on.during = share{} }, NoEvidence, "no operation fell due"},
		"nothing":             {func(t *trial, _ *Upgrade) { t.summary.PhaseSource = sourceNone }, NoEvidence, "no upgrade was seen"},
		"cut off":             {func(t *trial, _ *Upgrade) { t.summary.Complete = false }, NoEvidence, "cut off before a round was over"},
		"untold":              {func(t *trial, _ *Upgrade) { t.arm.Notices = nil }, AsDocumented, "no notice reached the arm"},
		"unharmed and untold": {func(t *trial, _ *Upgrade) { t.arm.Notices, t.off = nil, took(0, 5, 0) }, NoEvidence, "and nothing was announced"},
		"assumptions":         {func(*trial, *Upgrade) {}, AsDocumented, "it rests on assumptions of the choreography: settle = 1s, step 3 (close old)"},
		"one round":           {func(*trial, *Upgrade) {}, AsDocumented, "one round"},
		"unlike": {func(t *trial, _ *Upgrade) {
			t.settings = [2]bundle.Arm{{Settings: json.RawMessage(`{"mode":"on","name":"on","max_retries":-1,"pool_size":32}`)}, {Settings: json.RawMessage(`{"mode":"off","name":"off","max_retries":3,"pool_size":32}`)}}
		}, AsDocumented, "on and off differ in more than handoffs: max_retries"},
	} {
		t.Run(name, func(t *testing.T) {
			trial, u := fine(), promise
			test.change(&trial, &u)
			x := trial.expectation(u)
			if x.Verdict != test.verdict || !strings.Contains(strings.Join(x.Reasons, "\n"), test.says) {
				t.Errorf("%s, %q; want %s and %q", x.Verdict, x.Reasons, test.verdict, test.says)
			}
		})
	}
}

// There is no verdict on a promise where the run is no evidence.
func TestNoExpectationWithoutEvidence(t *testing.T) {
	for name, change := range map[string]func(*Summary){
		"fine":      func(*Summary) {},
		"invalid":   func(s *Summary) { s.Valid = false },
		"saturated": func(s *Summary) { s.Harness.Saturated = true },
		"ceiling":   func(s *Summary) { s.Mode = ModeSaturation },
		"injected":  func(s *Summary) { s.Injections = []string{"stale_read=1"} },
		"no off":    func(s *Summary) { s.Arms = s.Arms[:1] },
	} {
		s := Summary{Valid: true, Complete: true, Arms: []Arm{{Name: "on", SCH: SCH{Requested: "on"}}, {Name: "off", SCH: SCH{Requested: "off"}}, {Name: "raw", SCH: SCH{Requested: Raw}}}}
		change(&s)
		got := expectations(s.trials(bundle.Run{Pools: []bundle.Pool{{Name: "main"}, {Name: "news", Kind: "pubsub"}}}, &sums{}), s.Upgrade)
		want := 0
		if name == "fine" {
			want = 2
		}
		if len(got) != want {
			t.Errorf("%s: %+v, want %d", name, got, want)
		}
	}
}

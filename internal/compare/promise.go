package compare

import (
	"fmt"
	"math"

	"schload/internal/bundle"
	"schload/internal/compare/paired"
	"schload/workload"
)

// What a count must come to before it is taken for a fact of the event, and how
// like two arms must be to be called alike. docs/METHODOLOGY.md explains both.
const (
	countable  = 10    // fewer operations than that are what one hiccup does
	chanceful  = 6     // standard deviations of chance that the baseline's share explains
	alikeShare = 0.1   // of the harm of the arm without handoffs
	alikeLeast = 0.001 // of the operations due
)

// trial is one arm held against the one without handoffs.
type trial struct {
	summary     *Summary
	arm, ref    Arm
	scope       scope
	differences []Difference // of the scope's pools
	on, off     toll
	settings    [2]bundle.Arm // of arm and ref
}

// sameEvent says whether both arms met the same events: what befell one of them
// alone is then a fact of the event. Where they took turns each met its own.
func (t trial) sameEvent() bool { return t.summary.Order != bundle.OrderSequential }

// finding is what became of one part of a promise.
type finding int

const (
	held     finding = iota
	exceeded         // more than was promised
	open             // the run does not tell
	violated
)

// weight orders findings by how much they decide.
func (f finding) weight() int { return int(f) }

// claim is one part of a promise, and the evidence.
type claim struct {
	finding finding
	reason  string
	rounds  int // where open, how many would tell; 0 if nobody knows
}

// rules are the parts of a promise, by its level.
var rules = map[string]func(trial) []claim{
	LevelFull: func(t trial) []claim { return []claim{t.nothingFails(), t.spares()} },
	LevelPartial: func(t trial) []claim {
		return []claim{t.fewerTimeouts(false), t.notWorse(), t.disconnects()}
	},
	LevelRelaxed: func(t trial) []claim { return []claim{t.fewerTimeouts(true), t.notWorse(), t.disconnects()} },
	LevelNone: func(t trial) []claim {
		if !t.scope.covered {
			return []claim{t.interrupted(), t.reaches()}
		}
		return []claim{t.sameLosses()}
	},
}

// conclude makes a verdict of the parts: a violated one decides, then one that
// is open, then one that was exceeded.
func conclude(claims []claim) string {
	worst := map[finding]bool{}
	for _, c := range claims {
		worst[c.finding] = true
	}
	switch {
	case worst[violated]:
		return WorseThan
	case worst[open]:
		return NoEvidence
	case worst[exceeded]:
		return BetterThan
	}
	return AsDocumented
}

func (t trial) rounds() int { return len(t.summary.whole(t.arm)) }

// difference is what the rounds say of a metric.
func (t trial) difference(metric string) (Difference, bool) {
	for _, d := range t.differences {
		if d.Arm == t.arm.Name && d.Metric == metric {
			return d, true
		}
	}
	return Difference{}, false
}

// needed is how many rounds would tell of a metric.
func (t trial) needed(metric string) int {
	if d, ok := t.difference(metric); ok && d.RoundsNeeded > 0 {
		return d.RoundsNeeded
	}
	return max(paired.Fewest(level), t.rounds()+1)
}

// caused says how much of what was lost the baseline does not explain, and
// whether that is enough to be no hiccup.
func (t toll) caused() (beyond float64, sure bool) {
	return t.explained(t.before.losses(), t.during.losses())
}

// explained is caused of a part of what was lost.
func (t toll) explained(before, during uint64) (beyond float64, sure bool) {
	usual := 0.0
	if n := t.before.of(); n > 0 {
		usual = float64(before) / float64(n) * float64(t.during.of())
	}
	beyond = float64(during) - usual
	return beyond, beyond >= countable && beyond > chanceful*math.Sqrt(usual)
}

// losses is "on: 0 of 30 750 operations failed or were missed ...".
func (t trial) losses() string {
	return fmt.Sprintf("%s: %s of %s operations failed or were missed%s", t.arm.Name, bundle.Count(t.on.during.losses()), bundle.Count(t.on.during.of()), since)
}

// since says what a count of a promise covers.
const since = " from the beginning of the maintenance on"

// both is "failed, missed or late ...: on 0, off 3 817".
func (t trial) both(what string, on, off uint64) string {
	return fmt.Sprintf("%s: %s %s, %s %s", what, t.arm.Name, bundle.Count(on), t.ref.Name, bundle.Count(off))
}

// harms is both of all harm.
func (t trial) harms() string {
	return t.both(fmt.Sprintf("failed, missed or late, of %s%s", bundle.Count(t.on.during.of()), since), t.on.during.harm(), t.off.during.harm())
}

// nothingFails is the promise that no operation fails because of the upgrade.
func (t trial) nothingFails() claim {
	text := t.losses()
	n, sent := t.on.during.losses(), t.unfollowed(t.on.during)
	_, sure := t.on.explained(t.on.before.losses()-t.unfollowed(t.on.before), n-sent)
	_, redirected := t.on.caused()
	switch {
	case t.on.during.crossed() > 0:
		return claim{finding: violated, reason: fmt.Sprintf("%s, %s of them because the client gave a wrong or another command's reply", text, bundle.Count(t.on.during.crossed()))}
	case n == 0:
		return claim{finding: held, reason: text}
	case sure:
		return claim{finding: violated, reason: text}
	case redirected && sent > 0:
		return claim{finding: open, reason: fmt.Sprintf("%s, %s of them redirects that the arm does not follow (max_retries -1): the promise is to clients of a cluster, which do", text, bundle.Count(sent))}
	case t.on.before.losses() > 0:
		return claim{finding: open, reason: fmt.Sprintf("%s, and %s of %s in the baseline: it need not be the maintenance", text, bundle.Count(t.on.before.losses()), bundle.Count(t.on.before.of()))}
	}
	rounds := int(math.Ceil(countable * float64(max(1, t.rounds())) / float64(n)))
	return claim{finding: open, reason: fmt.Sprintf("%s: fewer than %d may be a hiccup", text, countable), rounds: max(rounds, t.rounds()+1)}
}

// unfollowed are the operations that another node was to answer, of an arm that
// tries nothing again and so follows no redirect. It was told where the slot is;
// that is an error of its own choice.
func (t trial) unfollowed(s share) uint64 {
	if string(options(t.settings[0])["max_retries"]) != "-1" {
		return 0
	}
	return s.errors[workload.Redirect.String()]
}

// spares is the promise that the arm is harmed less than the one without
// handoffs, if that is harmed at all.
func (t trial) spares() claim {
	on, off := t.on.during.harm(), t.off.during.harm()
	text := t.harms()
	_, lost := t.off.caused()
	d, ok := t.difference(Primary)
	switch {
	case ok && d.Verdict == VerdictBetter:
		return claim{finding: held, reason: text + overRoundsOf(d)}
	case ok && d.Verdict == VerdictWorse:
		return claim{finding: violated, reason: text + overRoundsOf(d)}
	case t.sameEvent() && lost && t.on.during.losses() == 0 && on < off:
		return claim{finding: held, reason: fmt.Sprintf("%s; %s failures and misses against none in the same event", text, bundle.Count(t.off.during.losses()))}
	case off < countable && on < countable && total(t.arm.Notices) == 0:
		return claim{finding: open, reason: text + ": there was next to no harm to prevent, and nothing was announced"}
	case off < countable && on < countable:
		return claim{finding: held, reason: text + ": there was next to no harm to prevent"}
	}
	return claim{finding: open, reason: text + ": which of the two is harmed less, only rounds tell", rounds: t.needed(Primary)}
}

// overRoundsOf is the evidence of a difference.
func overRoundsOf(d Difference) string {
	if d.Low == nil || d.High == nil {
		return fmt.Sprintf("; %s over %d rounds: %s", d.Metric, d.Rounds, d.Verdict)
	}
	return fmt.Sprintf("; difference of the %s over %d rounds %.4g, 95 %% interval %.4g to %.4g, corrected p %.2g: %s", d.Metric, d.Rounds, d.Estimate, *d.Low, *d.High, d.PAdjusted, d.Verdict)
}

// fewerTimeouts is the promise that timeouts are fewer. Where it is the whole
// promise, an event without timeouts has not put it to the test.
func (t trial) fewerTimeouts(whole bool) claim {
	on, off := timeouts(t.on.during.errors), timeouts(t.off.during.errors)
	text := t.both("operations that timed out"+since, on, off)
	d, ok := t.difference("timeouts")
	switch {
	case ok && d.Verdict == VerdictBetter:
		return claim{finding: held, reason: text + overRoundsOf(d)}
	case ok && d.Verdict == VerdictWorse:
		return claim{finding: violated, reason: text + overRoundsOf(d)}
	case t.sameEvent() && on == 0 && off >= countable:
		return claim{finding: held, reason: text}
	case t.sameEvent() && off == 0 && on >= countable:
		return claim{finding: violated, reason: text}
	case on == 0 && off == 0 && whole:
		return claim{finding: open, reason: text + ": there was none to prevent; shorter timeouts put the promise to the test (profile tight-timeouts)"}
	case on == 0 && off == 0:
		return claim{finding: held, reason: text + ": there was none to prevent"}
	}
	return claim{finding: open, reason: text + ": whether they are fewer, only rounds tell", rounds: t.needed("timeouts")}
}

// disconnects is what is documented of connections: that they end as without
// handoffs.
func (t trial) disconnects() claim {
	on, off := t.arm.Connections.ClosedByServer, t.ref.Connections.ClosedByServer
	text := t.both("connections that the server closed", on, off)
	if on == 0 && off > 0 {
		return claim{finding: exceeded, reason: text + ": that they are kept is not promised"}
	}
	return claim{finding: held, reason: text}
}

// interrupted is what is documented of receivers: that they reconnect as
// without handoffs. How often one tries until it is let in again says nothing,
// so that the counts are not compared.
func (t trial) interrupted() claim {
	on, off := t.arm.interruptions(t.scope), t.ref.interruptions(t.scope)
	text := t.both("interruptions of receivers (errors, tries of their own, new subscriptions)", on, off)
	switch {
	case on == 0 && off > 0:
		return claim{finding: exceeded, reason: text + ": that they go on is not promised"}
	case t.sameEvent() && on >= countable && off == 0:
		return claim{finding: violated, reason: text + ": without handoffs they go on"}
	case on > 0 && off == 0:
		return claim{finding: open, reason: fmt.Sprintf("%s: %s", text, t.mayBe(on)), rounds: t.rounds() + 1}
	}
	return claim{finding: held, reason: text}
}

// mayBe is why so many things that befell one arm alone need not be its doing.
func (t trial) mayBe(n uint64) string {
	if n >= countable {
		return "the arms met an event each, and it may be the event's"
	}
	return fmt.Sprintf("fewer than %d may be a hiccup", countable)
}

// interruptions are how often receivers did not simply go on.
func (a Arm) interruptions(of scope) (n uint64) {
	for _, p := range a.Pools {
		if of.has(p.Name) {
			n += total(p.Delivery.ReceiverErrors) + p.Delivery.ReceiverRetries + p.Delivery.Resubscribed
		}
	}
	return n
}

// reaches is that messages come through as they do without handoffs, or better:
// whoever sends them has a share in it, and is covered.
func (t trial) reaches() claim {
	text := t.both(fmt.Sprintf("failed, missed, late or never delivered, of %s operations and deliveries%s", bundle.Count(t.on.during.of()), since), t.on.during.harm(), t.off.during.harm()) +
		"; " + t.both("messages lost", t.on.during.lost, t.off.during.lost)
	d, ok := t.difference(Primary)
	switch limit := t.alike(); {
	case ok && d.Verdict == VerdictWorse:
		return claim{finding: violated, reason: text + overRoundsOf(d)}
	case ok && (d.Verdict == VerdictBetter || d.Verdict == NotSeen), t.on.during.harm() < countable:
		return claim{finding: held, reason: text}
	case ok && d.High != nil && *d.High <= limit:
		return claim{finding: held, reason: fmt.Sprintf("%s; at most %.4g more, which is within the limit of %.4g", text, *d.High, limit)}
	}
	return claim{finding: open, reason: text + ": whether they are more, only rounds tell", rounds: t.needed(Primary)}
}

// notWorse is the promise that whoever turns handoffs on is not harmed more.
func (t trial) notWorse() claim {
	text := t.harms()
	d, ok := t.difference(Primary)
	limit := t.alike()
	_, lost := t.off.caused()
	switch {
	case ok && d.Verdict == VerdictWorse:
		return claim{finding: violated, reason: text + overRoundsOf(d)}
	case ok && (d.Verdict == VerdictBetter || d.Verdict == NotSeen):
		return claim{finding: held, reason: text + overRoundsOf(d)}
	case ok && d.High != nil && *d.High <= limit:
		return claim{finding: held, reason: fmt.Sprintf("%s; at most %.4g more of the operations due, which is within the limit of %.4g", text, *d.High, limit)}
	case t.on.during.harm() < countable, t.sameEvent() && lost && t.on.during.losses() == 0 && t.on.during.harm() < t.off.during.harm():
		return claim{finding: held, reason: text}
	}
	return claim{finding: open, reason: text + ": whether it is harmed more, only rounds tell", rounds: t.needed(Primary)}
}

// sameLosses is what is to be expected where nothing is promised: the arm is
// harmed as the one without handoffs.
func (t trial) sameLosses() claim {
	text := t.harms()
	d, ok := t.difference(Primary)
	limit := t.alike()
	switch {
	case ok && d.Verdict == VerdictWorse:
		return claim{finding: violated, reason: text + overRoundsOf(d)}
	case ok && d.Verdict == VerdictBetter:
		return claim{finding: exceeded, reason: text + overRoundsOf(d)}
	case ok && d.Verdict == NotSeen, t.on.during.harm() < countable && t.off.during.harm() < countable:
		return claim{finding: held, reason: text}
	case ok && d.High != nil && *d.High <= limit && *d.Low >= -limit:
		return claim{finding: held, reason: fmt.Sprintf("%s; they differ by %.4g to %.4g of the operations due, which is within the limit of %.4g", text, *d.Low, *d.High, limit)}
	}
	return claim{finding: open, reason: text + ": whether they are alike, only rounds tell", rounds: t.needed(Primary)}
}

// alike is by how large a share of the operations due two arms may differ that
// are called alike.
func (t trial) alike() float64 {
	sum, n := 0.0, 0
	for _, r := range t.off.rounds {
		sum, n = sum+r.HarmedRatio, n+1
	}
	if n == 0 {
		return alikeLeast
	}
	return max(alikeLeast, alikeShare*sum/float64(n))
}

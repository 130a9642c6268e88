package recount

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// group is pools that one promise covers.
type group struct {
	names   []string
	covered bool
	whole   bool // there are no others
}

// groups parts the pools by what handoffs cover: commands and the canary.
func (b *bundle) groups() (all []group) {
	in, out := group{covered: true}, group{}
	for _, p := range b.run.Pools {
		if p.Kind == "" || p.Kind == "commands" || p.Kind == "canary" {
			in.names = append(in.names, p.Name)
		} else {
			out.names = append(out.names, p.Name)
		}
	}
	in.whole, out.whole = len(out.names) == 0, len(in.names) == 0
	for _, g := range []group{in, out} {
		if len(g.names) > 0 {
			all = append(all, g)
		}
	}
	return all
}

// loss is what some pools of an arm lost in a part of the run.
type loss struct {
	due, bad, late, timeouts, undelivered, crossed uint64 // due: messages included; bad: failed and missed
	failed, missed                                 uint64
	redirected                                     uint64 // of the failed, where no redirect is followed
}

func (l loss) lost() uint64 { return l.bad + l.undelivered }
func (l loss) harm() uint64 { return l.lost() + l.late }

// loss adds up, of one round or, where that is 0, of all.
func (b *bundle) loss(arm string, g group, round int, in part) (l loss) {
	here := func(p sample) bool {
		return in(p.phase()) && slices.Contains(g.names, p.attrs["pool"]) && (round == 0 || p.attrs["schload.round"] == strconv.Itoa(round))
	}
	t := tally{errors: map[string]uint64{}, reasons: map[string]uint64{}}
	for _, name := range []string{"schload.operations", "schload.operations.due", "schload.operations.missed", "schload.operations.late"} {
		for _, p := range b.each(arm, name) {
			if here(p) {
				t.add(p.point)
			}
		}
	}
	l = loss{due: t.due, bad: t.failed + t.missed, failed: t.failed, missed: t.missed, late: t.late}
	for class, n := range t.errors {
		if strings.HasSuffix(class, "_timeout") {
			l.timeouts += n
		}
		if class == "wrong_reply" || class == "crossed_reply" {
			l.crossed += n
		}
		if class == "redirect" && b.triesOnce(arm) {
			l.redirected += n
		}
	}
	for _, q := range b.run.Pools {
		for _, p := range b.each(arm, "schload.messages") {
			if p.attrs["pool"] != q.Name || !here(p) {
				continue
			}
			to := q.Receivers
			if q.Kind == "queue" || q.Kind == "consumer-group" {
				to = 1
			}
			switch p.attrs["result"] {
			case "lost":
				l.undelivered += p.count
			case "published", "indeterminate":
				l.due += p.count * to
			}
		}
	}
	return l
}

// triesOnce says whether an arm has no retries.
func (b *bundle) triesOnce(arm string) bool {
	for _, a := range b.run.Arms {
		if a.Name == arm {
			return fmt.Sprint(a.Settings["max_retries"]) == "-1"
		}
	}
	return false
}

// heeding is the loss without redirects that were not followed.
func (l loss) heeding() loss {
	l.bad -= l.redirected
	return l
}

// lossRounds are an arm's rounds as a promise sees them.
func (b *bundle) lossRounds(arm string, g group) list {
	if g.whole {
		return b.turnsOf(arm)
	}
	l := list{}
	for _, n := range b.turns(arm) {
		x := b.loss(arm, g, n, measured)
		l = append(l, object{"due": x.due, "failed": x.failed + x.undelivered, "missed": x.missed, "late": x.late,
			"timeouts": x.timeouts, "harmed_ratio": part9(x.harm(), x.due)})
	}
	return l
}

func happening(phase string) bool { return phase == "maintenance" || phase == "recovery" }

// expectations are the verdicts on the promise.
func (b *bundle) expectations() list {
	ref, ok := b.reference()
	l := list{}
	for _, g := range b.groups() {
		all := judge(b.pairsOf(func(arm string) list { return b.cut(arm, b.lossRounds(arm, g)) }))
		for k, a := range b.run.Arms {
			if ok && a.Name != ref && a.Requested != "raw" {
				l = append(l, b.expectation(k, ref, g, all))
			}
		}
	}
	return l
}

// cut leaves the last round out where the run was cut off, if the arm began it.
func (b *bundle) cut(arm string, l list) list {
	mine, any := b.turns(arm), b.turns("")
	if n := len(l); n > 0 && mine[n-1] == any[len(any)-1] && (b.run.Final == nil || b.run.Final.Interrupted) {
		return l[:n-1]
	}
	return l
}

// dispute is one arm held against another.
type dispute struct {
	*bundle
	arm, ref string
	group    group
	all      []*paired
	on, off  loss // of the events
	calm     [2]loss
	reasons  sentences
	needed   int
	verdicts []string
}

func (b *bundle) expectation(k int, ref string, g group, all []*paired) object {
	arm, u := b.run.Arms[k].Name, b.run.Upgrade
	level, documented := u.SCHSupport, u.Documented
	if !g.covered {
		level, documented = "none", "Blocking operations, such as pub/sub, are not supported by smart client handoffs and reconnect normally."
	}
	o := object{"arm": arm, "against": ref, "upgrade": u.Name, "level": level, "documented": documented, "rounds_needed": nil}
	if !g.whole {
		names := list{}
		for _, n := range g.names {
			names = append(names, n)
		}
		o["pools"] = names
	}
	d := &dispute{bundle: b, arm: arm, ref: ref, group: g, all: all, on: b.loss(arm, g, 0, happening), off: b.loss(ref, g, 0, happening),
		calm: [2]loss{b.loss(arm, g, 0, only("baseline")), b.loss(ref, g, 0, only("baseline"))}}
	switch s := b.sch(k); {
	case !slices.Contains([]string{"full", "partial", "relaxed", "none"}, level), s.requested == "off", s.connections > 0 && s.optedIn == 0:
		o["verdict"], o["reasons"] = "no promise", sentences{text}
		return o
	case d.on.due == 0 || d.off.due == 0 || b.source == "none",
		(b.run.Final == nil || b.run.Final.Interrupted) && d.played() == 0 && b.source != "data":
		o["verdict"], o["reasons"] = "no evidence", sentences{text}
		return o
	}
	d.rule(level)
	o["verdict"] = d.verdict()
	if d.verdict() == "no evidence" && d.needed > 0 {
		o["rounds_needed"] = uint64(d.needed)
	}
	d.caveats(k)
	o["reasons"] = d.reasons
	return o
}

func (d *dispute) rule(level string) {
	switch {
	case level == "full":
		d.unfailing()
		d.less()
	case level == "none" && d.group.covered:
		d.alike()
	case level == "none":
		d.interruptions()
		d.noWorse()
	default:
		d.timeouts(level == "relaxed")
		d.noWorse()
		d.closes()
	}
}

// says one part of the promise; rounds would tell where it is open.
func (d *dispute) says(verdict, pattern string, rounds int) {
	d.verdicts = append(d.verdicts, verdict)
	d.reasons = append(d.reasons, pattern+`[^\n]*`)
	if verdict == "open" {
		d.needed = max(d.needed, rounds)
	}
}

func (d *dispute) verdict() string {
	for _, v := range []struct{ part, all string }{{"worse", "worse than documented"}, {"open", "no evidence"}, {"better", "better than documented"}} {
		if slices.Contains(d.verdicts, v.part) {
			return v.all
		}
	}
	return "as documented"
}

// of finds the paired differences of a metric.
func (d *dispute) of(metric string) *paired {
	for _, p := range d.all {
		if p.arm == d.arm && p.metric == metric {
			return p
		}
	}
	return &paired{}
}

// rounds that would tell: six tell something, more where the differences say so.
func (d *dispute) more(metric string) int {
	p := d.of(metric)
	if len(p.values) > 0 {
		if n, ok := p.needed(d.all).(uint64); ok {
			return int(n)
		}
	}
	return max(6, d.played()+1)
}

func (d *dispute) played() int { return len(d.compared(d.arm)) }

// between is the interval of a metric's difference.
func (d *dispute) between(metric string) (low, high float64, ok bool) {
	p := d.of(metric)
	if len(p.values) == 0 {
		return 0, 0, false
	}
	k := outermost(len(p.values))
	if k < 0 {
		return 0, 0, false
	}
	w := walsh(p.values)
	return nine(w[k]), nine(w[len(w)-1-k]), true
}

// beyond says whether losses are ten more than the baseline explains, and six
// standard deviations.
func beyond(calm, l loss) bool {
	usual := 0.0
	if calm.due > 0 {
		usual = float64(calm.lost()) / float64(calm.due) * float64(l.due)
	}
	more := float64(l.lost()) - usual
	return more >= 10 && more > 6*math.Sqrt(usual)
}

func (d *dispute) unfailing() {
	n, pattern := d.on.lost(), literally("%s: %s of %s operations failed or were missed", d.arm, grouped(d.on.lost()), grouped(d.on.due))
	rounds := 0
	if d.calm[0].lost() == 0 {
		rounds = max(int(math.Ceil(10*float64(max(1, d.played()))/float64(max(1, n)))), d.played()+1)
	}
	switch {
	case d.on.crossed > 0 || n > 0 && beyond(d.calm[0].heeding(), d.on.heeding()):
		d.says("worse", pattern, 0)
	case d.on.redirected > 0 && beyond(d.calm[0], d.on):
		d.says("open", pattern, 0)
	case n > 0:
		d.says("open", pattern, rounds)
	default:
		d.says("kept", pattern, 0)
	}
}

func (d *dispute) figures(what string, on, off uint64) string {
	return literally("%s", what) + text + literally("%s %s, %s %s", d.arm, grouped(on), d.ref, grouped(off))
}

func (d *dispute) harms() string { return d.figures("failed, missed", d.on.harm(), d.off.harm()) }

func (d *dispute) less() {
	told := total(d.counter(d.arm, "redis.client.maintenance.notifications", "redis.client.connection.notification")) > 0
	switch v := d.of("harmed_ratio").verdict; {
	case v == "worse":
		d.says("worse", d.harms(), 0)
	case v == "better",
		!d.byTurns() && d.on.lost() == 0 && beyond(d.calm[1], d.off) && d.on.harm() < d.off.harm(),
		d.on.harm() < 10 && d.off.harm() < 10 && told:
		d.says("kept", d.harms(), 0)
	case d.on.harm() < 10 && d.off.harm() < 10:
		d.says("open", d.harms(), 0)
	default:
		d.says("open", d.harms(), d.more("harmed_ratio"))
	}
}

func (d *dispute) timeouts(whole bool) {
	on, off := d.on.timeouts, d.off.timeouts
	pattern := d.figures("operations that timed out", on, off)
	switch v := d.of("timeouts").verdict; {
	case v == "better", v != "worse" && !d.byTurns() && on == 0 && off >= 10, v != "worse" && on+off == 0 && !whole:
		d.says("kept", pattern, 0)
	case v == "worse", !d.byTurns() && off == 0 && on >= 10:
		d.says("worse", pattern, 0)
	case on+off == 0:
		d.says("open", pattern, 0)
	default:
		d.says("open", pattern, d.more("timeouts"))
	}
}

// limit is a tenth of the harm of the arm without handoffs, one in a thousand
// at least.
func (d *dispute) limit() float64 {
	sum := 0.0
	l := d.lossRounds(d.ref, d.group)
	for _, r := range l {
		sum += float64(r.(object)["harmed_ratio"].(share))
	}
	if len(l) == 0 {
		return 0.001
	}
	return max(0.001, 0.1*sum/float64(len(l)))
}

func (d *dispute) noWorse() {
	pattern := d.harms()
	v := d.of("harmed_ratio").verdict
	_, high, ok := d.between("harmed_ratio")
	switch {
	case v == "worse":
		d.says("worse", pattern, 0)
	case v == "better", v == "no difference seen", ok && high <= d.limit(), d.on.harm() < 10,
		!d.byTurns() && d.group.covered && d.on.lost() == 0 && beyond(d.calm[1], d.off) && d.on.harm() < d.off.harm():
		d.says("kept", pattern, 0)
	default:
		d.says("open", pattern, d.more("harmed_ratio"))
	}
}

func (d *dispute) alike() {
	v := d.of("harmed_ratio").verdict
	low, high, ok := d.between("harmed_ratio")
	switch {
	case v == "worse" || v == "better":
		d.says(v, d.harms(), 0)
	case v == "no difference seen", d.on.harm() < 10 && d.off.harm() < 10, ok && high <= d.limit() && low >= -d.limit():
		d.says("kept", d.harms(), 0)
	default:
		d.says("open", d.harms(), d.more("harmed_ratio"))
	}
}

func (d *dispute) closes() {
	closed := func(arm string) uint64 { return d.counter(arm, "schload.connection.closes", "by")["server"] }
	on, off := closed(d.arm), closed(d.ref)
	verdict := "kept"
	if on == 0 && off > 0 {
		verdict = "better"
	}
	d.says(verdict, d.figures("connections that the server closed", on, off), 0)
}

func (d *dispute) interruptions() {
	count := func(arm string) (n uint64) {
		for _, pool := range d.group.names {
			n += total(d.received(arm, pool, "schload.receiver.errors", "outcome")) + total(d.received(arm, pool, "schload.receiver.retries", "")) +
				d.received(arm, pool, "schload.receiver.subscriptions", "result")["again"]
		}
		return n
	}
	on, off := count(d.arm), count(d.ref)
	pattern := d.figures("interruptions of receivers", on, off)
	switch {
	case !d.byTurns() && off == 0 && on >= 10:
		d.says("worse", pattern, 0)
	case off == 0 && on > 0:
		d.says("open", pattern, d.played()+1)
	case on == 0 && off > 0:
		d.says("better", pattern, 0)
	default:
		d.says("kept", pattern, 0)
	}
}

// caveats are what a verdict rests on.
func (d *dispute) caveats(k int) {
	add := func(when bool, pattern string) {
		if when {
			d.reasons = append(d.reasons, pattern)
		}
	}
	told := total(d.counter(d.arm, "redis.client.maintenance.notifications", "redis.client.connection.notification"))
	add(told == 0 && d.run.Upgrade.SCHSupport != "none" && d.group.covered, "no notice reached the arm"+text)
	if d.verdict() == "no evidence" {
		return
	}
	a, b := d.run.Arms[k].Settings, map[string]any{}
	for _, x := range d.run.Arms {
		if x.Name == d.ref {
			b = x.Settings
		}
	}
	differ := false
	both := maps.Clone(a)
	if both == nil {
		both = object{}
	}
	maps.Copy(both, b)
	for key := range both {
		own := slices.Contains(strings.Fields("name mode protocol endpoint_type relaxed_timeout post_handoff_relaxed handoff_timeout"), key)
		differ = differ || !own && !reflect.DeepEqual(a[key], b[key])
	}
	add(differ, literally("%s and %s differ in more than handoffs", d.arm, d.ref)+text)
	add(d.played() == 1, "one round"+text)
	add((d.run.Stage == "sim" || d.run.Upgrade.Simulated) && len(d.run.Upgrade.Assumptions) > 0, "it rests on assumptions"+text)
}

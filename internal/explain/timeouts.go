package explain

import (
	"fmt"
	"slices"
	"time"
)

// timeoutSlack is how far an instant may be from where a deadline puts it: the
// client's own time between arming it and closing the connection.
const timeoutSlack = 250 * time.Millisecond

// lull is how long after a notice read by others a connection's timeout still
// belongs to what was announced.
const lull = 60 * time.Second

// timeouts sorts the connections whose command got no reply in time by why the
// relaxed timeout did not help, each reason one finding.
func timeouts(c Case) []Finding {
	failed, out := c.errors(timeoutClasses...), c.timedOutConnections()
	switch {
	case !c.on():
		return c.timeoutsOff(failed, out)
	case c.notices() == 0:
		return nil // nothingAnnounced says it
	}
	by := map[*reason][]*connection{}
	for _, one := range out {
		why := c.why(one)
		by[why] = append(by[why], one)
	}
	var list []Finding
	for _, why := range reasons {
		if len(by[why]) > 0 {
			list = append(list, c.timedOut(why, by[why], failed))
		}
	}
	return list
}

// timeoutClasses are the outcomes of an operation that got no reply in time.
var timeoutClasses = []string{"read_timeout", "write_timeout"}

// timedOutConnections returns those that were closed because a command got no
// reply in time, in that order.
func (c Case) timedOutConnections() (out []*connection) {
	for _, one := range c.order {
		if one.timedOut() {
			out = append(out, one)
		}
	}
	slices.SortStableFunc(out, byEnd)
	return out
}

// reason is why a command timed out although its arm relaxes timeouts.
type reason struct {
	id, title, cause, fix, source string
	confidence                    Confidence
}

var (
	relaxationOff = &reason{"relaxation-off", "Timeouts: the relaxed timeout relaxes nothing",
		"The relaxed timeout is no longer than the read timeout. It replaces it during announced maintenance, so a stall times out as ever, or sooner.",
		"Set RelaxedTimeout (relaxed_timeout) well above the read timeout and above the longest stall; go-redis' default is 10 s.",
		vendor + "Timeouts still occurring", Certain}
	relaxedTooShort = &reason{"relaxed-too-short", "Timeouts: the stall was longer than the relaxed timeout",
		"The connection had its relaxed timeout when the command was sent, and waited it out in full.",
		"Increase RelaxedTimeout (relaxed_timeout) above the longest stall.",
		vendor + "Timeouts still occurring", Certain}
	relaxedCutOff = &reason{"relaxed-cuts-receivers", "Relaxed timeouts cut receivers off that were to block for longer",
		"The relaxed timeout replaces the time that the library otherwise grants a command that blocks: go-redis 9.23 ends it although the server has only nothing to say.",
		"Block for less than RelaxedTimeout (relaxed_timeout), or set that above the longest block; take a timeout of a command that blocks for an empty reply.",
		method + "Messages; go-redis arms a command's deadline with the relaxed timeout", Likely}
	tooLate = &reason{"notice-with-stall", "Timeouts: the notice came too late for the first command",
		"The command was under way, its deadline set from the read timeout, when its connection read the notice: relaxing helps only commands sent later. go-redis reads notices with the reply to a command, so the first command of each connection meets the stall unrelaxed where the notice comes with it or shortly before it.",
		"Raise the read timeout above a short stall, and do not force aggressive socket timeouts. At Redis Software a longer state_machine_smart_client_handoffs_delay_ms announces earlier. Keep retries on.",
		vendor + "Timeouts still occurring; go-redis arms the deadline before it reads pushes", Likely}
	untold = &reason{"timeout-untold", "Timeouts on connections that had not read the notice",
		"Others of the arm had read it. go-redis reads a connection when a command uses it; this one was idle, or was dialled after the notice had gone out.",
		"Raise the read timeout above a short stall; keep retries on; do not keep many more connections than the load needs.",
		method + "What the handoffs did; go-redis reads pushes on use", Likely}
	windowOver = &reason{"window-over", "Timeouts after the relaxed window was over",
		"The connection had read a notice, and its relaxed timeouts had ended before the command was sent: the closing notice came before the server had recovered, or the time after the handoff ran out.",
		"Increase PostHandoffRelaxedDuration (post_handoff_relaxed) for stalls after a move, or the read timeout.",
		vendor + "Timeouts still occurring", Likely}
	unheralded = &reason{"timeout-unannounced", "Timeouts that no notice announced",
		"No connection of the arm had read a notice in the minute before: timeouts are relaxed only during announced maintenance.",
		"Against unannounced stalls only the read timeout and retries help.",
		vendor + "Timeouts still occurring; SCH not triggering", Likely}
)

var reasons = []*reason{relaxationOff, relaxedTooShort, relaxedCutOff, tooLate, untold, windowOver, unheralded}

// why says why a connection's command timed out.
//
// Subtle: when it was sent is not in the bundle. The deadline that passed says
// it: relaxed, it was sent that long before the end, else the read timeout
// before. A window younger than the read timeout thus began after the command.
func (c Case) why(one *connection) *reason {
	read, relaxed := time.Duration(c.settings.ReadTimeout), time.Duration(c.settings.RelaxedTimeout)
	since, open := one.relaxedAt(one.ended, c.settings.PostHandoffRelaxed)
	last, told := one.lastNotice(one.ended)
	switch {
	case open && relaxed <= read:
		return relaxationOff
	case open && since <= one.ended-relaxed+timeoutSlack && c.onlyReceiversTimedOut():
		return relaxedCutOff
	case open && since <= one.ended-relaxed+timeoutSlack:
		return relaxedTooShort
	case told && last.At >= one.ended-read-timeoutSlack:
		return tooLate
	case open && since >= one.ended-read-timeoutSlack:
		return tooLate
	case told || one.joined >= 0:
		return windowOver
	case c.others(one.ended):
		return untold
	}
	return unheralded
}

// onlyReceiversTimedOut says that commands that block timed out, and no others.
func (c Case) onlyReceiversTimedOut() bool {
	if c.errors(timeoutClasses...) > 0 {
		return false
	}
	for _, p := range c.Arm.Pools {
		if p.Delivery.ReceiverErrors["read_timeout"] > 0 {
			return true
		}
	}
	return false
}

// others says whether any connection of the arm read a notice not long before.
func (c Case) others(before time.Duration) bool {
	i, _ := slices.BinarySearch(c.heard, before-lull)
	return i < len(c.heard) && c.heard[i] <= before
}

func (c Case) timedOut(why *reason, list []*connection, failed uint64) Finding {
	f := Finding{ID: why.id, Title: why.title, Severity: Problem, Confidence: why.confidence, Cause: why.cause, Fix: why.fix, Source: why.source}
	f.Evidence = []string{
		fmt.Sprintf("%s closed for want of a reply: %s", plural(len(list), "connection"), named(list, endedAt)),
		fmt.Sprintf("read timeout %s, relaxed timeout %s", time.Duration(c.settings.ReadTimeout), time.Duration(c.settings.RelaxedTimeout)),
	}
	if c.assumed {
		f.Confidence = Likely
		f.Evidence = append(f.Evidence, "the bundle does not say how timeouts were set: these are the defaults of go-redis")
	}
	if m, ok := list[0].lastNotice(list[0].ended); ok {
		f.Evidence = append(f.Evidence, fmt.Sprintf("connection %d had read %s %s before it timed out, at %s", list[0].number, m.Name, length(list[0].ended-m.At), instant(m.At)))
	}
	if text := c.stalled(list[0].ended); text != "" {
		f.Evidence = append(f.Evidence, text)
	}
	if failed > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s of the arm failed by a timeout, for any reason", plural(failed, "operation")))
	} else {
		f.Severity = Note
		f.Evidence = append(f.Evidence, fmt.Sprintf("no operation failed: retries hid it (%s)", plural(c.Arm.AttemptsHidden, "hidden attempt")))
	}
	return f
}

// stalled says when the stage last stalled commands before that instant.
func (c Case) stalled(before time.Duration) (text string) {
	for _, m := range c.steps {
		if (m.Name == "stall" || m.Name == "delay") && m.At <= before {
			text = fmt.Sprintf("the %s step came at %s: %s", m.Name, instant(m.At), m.Detail)
		}
	}
	return text
}

// timeoutsOff is of an arm that relaxes nothing.
func (c Case) timeoutsOff(failed uint64, out []*connection) []Finding {
	if failed == 0 {
		return nil
	}
	f := Finding{ID: "timeouts-unrelaxed", Title: "Timeouts of a client that relaxes none", Severity: Problem, Confidence: Certain,
		Evidence: []string{fmt.Sprintf("%s failed by a timeout; the read timeout is %s", plural(failed, "operation"), time.Duration(c.settings.ReadTimeout))},
		Cause:    "The server stalled for longer than the read timeout, and a client without handoffs is not told to wait.",
		Fix:      "Switch handoffs on, which relax timeouts during announced maintenance; or raise the read timeout above the stall.",
		Source:   vendor + "Timeouts during upgrades; Timeouts still occurring"}
	if len(out) > 0 {
		f.Evidence = append(f.Evidence, named(out, endedAt))
	}
	if text := c.stalled(1 << 62); text != "" {
		f.Evidence = append(f.Evidence, text)
	}
	return []Finding{f}
}

// stallWaited: nothing failed, but for a while nothing came back either.
func stallWaited(c Case) []Finding {
	disconnected := slices.ContainsFunc(c.order, (*connection).byServer) || len(c.vain()) > 0
	if c.Arm.Outage.Windows == 0 || c.Arm.Operations.Failed > 0 || disconnected || len(c.timedOutConnections()) > 0 {
		return nil
	}
	f := Finding{ID: "stall-waited", Title: "The server stalled, and commands waited for it", Severity: Expected, Confidence: Likely,
		Evidence: []string{c.felt(), "no command failed, no connection was closed, no dial failed"},
		Cause:    "While a shard fails over or hands over, its commands queue at the proxy. Relaxed timeouts keep them from failing; nothing makes the stall shorter, and commands that are due meanwhile wait, too.",
		Fix:      "Give the application's own deadlines room for such a stall. Where that cannot be, look for what makes it long: large shards, a replica that lags.",
		Source:   vendor + "SCH Support (timeout errors are reduced, brief latency remains)"}
	if n := c.Arm.Attribution.Saved.ByRelaxedTimeouts; n > 0 {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s succeeded only because of relaxed timeouts: longer than the read timeout of %s", plural(n, "operation"), time.Duration(c.settings.ReadTimeout)))
		f.Confidence = Certain
	}
	if text := c.stalled(1 << 62); text != "" {
		f.Evidence = append(f.Evidence, text)
	}
	return []Finding{f}
}

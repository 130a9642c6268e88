package workload

import (
	"fmt"
	"strconv"
	"time"

	"schload/workload/ledger"
)

// leaseSlack is how far from its expiry a key may be gone or still there: the
// simulator's own store lets time pass a second at a time, and servers' clocks
// differ from those of their replicas.
const leaseSlack = 1500 * time.Millisecond

// leaseDoubt is how long nothing is said of a key after a write whose end nobody
// saw, or that was sent twice: it may take effect within that time. No client's
// timeouts and retries last as long.
const leaseDoubt = time.Minute

// mostLeases bounds the keys of a pool that expire: what is known of each takes
// about a hundred bytes, beside its name.
const mostLeases = 1 << 20

// lease is what is known of a key that expires. Only one worker writes it, so
// that its expiry lies between two instants: LeaseSeconds after the last
// renewal was begun, and as long after its reply was there.
//
// This is the one place where replies are judged by time. Values are left to
// the ledger; all that is asked here is whether there is one when there has to
// be, and none when there must not.
type lease struct {
	known    bool
	kept     bool // it has no expiry (PERSIST)
	from, to time.Time
	doubt    time.Time // nothing is known before
}

// leased is an operation on such a key, in a slot.
type leased struct {
	*lease
	issued time.Time
}

// takeLease makes an operation one on a lease of the worker.
func (m *maker) takeLease(s *slot, op *Operation, from *source) {
	n := from.below(uint64(len(m.leases)))
	op.Key = m.leaseKeys[n]
	s.leased = leased{&m.leases[n], time.Now()}
	reply := &s.entry.reply
	*reply = ledger.Reply{Keep: len(op.Key) + headerRoom, Value: reply.Value[:0]}
	op.Reply = reply
}

// judgeLeases holds the replies of a batch against what is known of its leases.
// One that cannot be true is no success.
func (m *maker) judgeLeases(ops []Operation, outcomes []Outcome) {
	now := time.Now()
	for i := range ops {
		s, out := &m.slots[i], &outcomes[i]
		if s.lease == nil {
			continue
		}
		if wrong := s.judge(&ops[i], *out, now); wrong != "" {
			out.Class, out.Effect = WrongReply, Indeterminate
			if !renews(ops[i].Command) {
				out.Effect = NotApplied
			}
			m.wrong(&ops[i], wrong)
		}
	}
}

// renews reports whether a command changes when a key expires.
func renews(command string) bool {
	return command == "SETEX" || command == "GETEX" || command == "PERSIST"
}

// judge returns what is wrong with a reply, "" for nothing, and follows the
// key's expiry.
func (l *leased) judge(op *Operation, out Outcome, now time.Time) (wrong string) {
	switch {
	case renews(op.Command) && (out.Effect == Indeterminate || out.Attempts > 1):
		l.known, l.doubt = false, now.Add(leaseDoubt)
		return ""
	case out.Class != OK || now.Before(l.doubt):
		return ""
	case op.Command == "SETEX":
		l.renew(now)
		return ""
	case !l.known:
		return ""
	}
	shown := l.shows(op)
	if wrong = l.contradicts(shown, now); wrong != "" {
		l.known = false // told once
		return wrong
	}
	switch {
	case op.Command == "GETEX" && shown == leaseThere:
		l.renew(now)
	case shown == leaseExpired:
		l.kept = true
	}
	return ""
}

func (l *leased) renew(now time.Time) {
	const life = LeaseSeconds * time.Second
	l.known, l.kept, l.from, l.to = true, false, l.issued.Add(life), now.Add(life)
}

// What a reply shows of a key.
type leaseSight uint8

const (
	leaseUnsure  leaseSight = iota // it is gone, or has no expiry
	leaseGone                      // it is gone
	leaseThere                     // it is there
	leaseRunning                   // it is there and expires
	leaseKept                      // it is there and does not expire
	leaseExpired                   // it was there and expired, and does not any more: PERSIST
)

func (l *leased) shows(op *Operation) leaseSight {
	reply := op.Reply
	switch op.Command {
	case "GETEX":
		if reply.Nil {
			return leaseGone
		}
		return leaseThere
	case "PERSIST":
		if string(reply.Value) == "1" {
			return leaseExpired
		}
		return leaseUnsure
	}
	switch left, _ := strconv.Atoi(string(reply.Value)); left { // TTL, PTTL
	case -2:
		return leaseGone
	case -1:
		return leaseKept
	}
	return leaseRunning
}

// contradicts says why what a reply shows cannot be.
func (l *leased) contradicts(shown leaseSight, now time.Time) string {
	there := shown != leaseGone && shown != leaseUnsure
	early := l.from.Add(-leaseSlack).Sub(now)
	switch {
	case l.kept && shown == leaseGone:
		return "it is gone, and was to stay"
	case l.kept && (shown == leaseRunning || shown == leaseExpired):
		return "it has an expiry, which was taken from it"
	case l.kept:
	case !there && early > 0:
		return fmt.Sprintf("it is gone, or does not expire, %v before it may", (early + leaseSlack).Round(time.Millisecond))
	case there && l.issued.After(l.to.Add(leaseSlack)):
		return fmt.Sprintf("it is there %v after it expired", l.issued.Sub(l.to).Round(time.Millisecond))
	case shown == leaseKept:
		return "it does not expire, though it has to"
	}
	return ""
}

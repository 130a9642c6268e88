package handoff

import (
	"fmt"
	"maps"
	"slices"
)

// Proof is what an arm's connections prove about it. A run whose arm is not
// Valid compares something else than it says.
type Proof struct {
	Arm       string `json:"arm"`
	Requested string `json:"requested"` // on, off, auto or raw
	Effective string `json:"effective"` // on, off or mixed, by the connections used; unknown when none was; NoneRaw
	Valid     bool   `json:"valid"`

	Connections  uint64            `json:"connections"`       // dialled
	Used         uint64            `json:"used"`              // of these, carried an operation, those that are crossed left out
	Sent         uint64            `json:"sent"`              // opt-ins sent
	OptedIn      uint64            `json:"opted_in"`          // of these, accepted by the server over RESP3
	Crossed      uint64            `json:"crossed,omitempty"` // of those used, not to be proved because the client crossed the handshake with an operation
	Refused      uint64            `json:"refused"`           // opt-ins answered with an error
	RefusedText  string            `json:"refused_text,omitempty"`
	Protocols    map[int]uint64    `json:"protocols,omitempty"`      // of those used, by RESP version; 0 unknown
	EndpointType map[string]uint64 `json:"endpoint_types,omitempty"` // of the opt-ins sent
	Server       string            `json:"server,omitempty"`         // name and version, the last that was told

	Reasons []string `json:"reasons,omitempty"` // why it is not valid, or valid and yet not what one might think
}

// proofs sums up handshakes.
type proofs struct {
	connections, sent, optedIn, refused uint64
	used, usedOptedIn, usedUnreadable   uint64
	crossed                             uint64

	refusedText, server, helloError string
	protocols                       map[int]uint64
	endpoints                       map[string]uint64
	last                            Handshake
}

func (p *proofs) add(h Handshake) {
	if p.protocols == nil {
		p.protocols, p.endpoints = make(map[int]uint64), make(map[string]uint64)
	}
	p.last = h
	p.connections++
	count(&p.sent, h.OptIn)
	count(&p.optedIn, h.OptedIn())
	count(&p.refused, refusedOptIn(h) && !h.Crossed)
	p.refusedText = firstOf(p.refusedText, refusal(h))
	p.helloError = firstOf(p.helloError, h.HelloError)
	p.server = firstOf(h.Server, p.server)
	if h.OptIn {
		p.endpoints[h.EndpointType]++
	}
	switch {
	case h.Crossed:
		p.crossed++
	case h.Used, h.Unreadable:
		p.used++
		count(&p.usedOptedIn, h.OptedIn())
		count(&p.usedUnreadable, h.Unreadable)
		p.protocols[h.Protocol]++
	}
}

func count(n *uint64, when bool) {
	if when {
		*n++
	}
}

func refusal(h Handshake) string {
	if refusedOptIn(h) && !h.Crossed {
		return h.OptInReply
	}
	return ""
}

// clone returns a copy that can be added to.
func (p proofs) clone() proofs {
	p.protocols, p.endpoints = maps.Clone(p.protocols), maps.Clone(p.endpoints)
	return p
}

// proof judges the arm by all connections so far.
func (o *observer) proof(a Arm) Proof {
	o.mu.Lock()
	sum := o.proofs.clone()
	live := slices.Collect(maps.Values(o.live))
	o.mu.Unlock()
	for _, c := range live {
		sum.add(c.worked(c.proof()))
	}
	return judge(a, sum)
}

// lastHandshake returns the newest connection's.
func (o *observer) lastHandshake() Handshake {
	o.mu.Lock()
	newest, h := (*connection)(nil), o.proofs.last
	for _, c := range o.live {
		if newest == nil || c.number > newest.number {
			newest = c
		}
	}
	o.mu.Unlock()
	if newest != nil {
		return newest.proof()
	}
	return h
}

func judge(a Arm, sum proofs) Proof {
	p := Proof{
		Arm: a.Name, Requested: a.Mode, Effective: effective(sum), Valid: true,
		Connections: sum.connections, Used: sum.used, OptedIn: sum.optedIn, Crossed: sum.crossed, Sent: sum.sent,
		Refused: sum.refused, RefusedText: sum.refusedText,
		Protocols: sum.protocols, EndpointType: sum.endpoints, Server: sum.server,
	}
	invalid := func(format string, args ...any) {
		p.Valid = false
		p.Reasons = append(p.Reasons, fmt.Sprintf(format, args...))
	}
	note := func(format string, args ...any) { p.Reasons = append(p.Reasons, fmt.Sprintf(format, args...)) }
	if sum.used == 0 {
		invalid("no connection carried an operation: nothing is proved")
		return p
	}
	if sum.usedUnreadable > 0 {
		invalid("%d of %d connections spoke something else than RESP during their handshake", sum.usedUnreadable, sum.used)
	}
	if sum.crossed > 0 {
		note("of %d of %d connections nobody can tell whether they opted in: the client let operations into the handshake that follows a handoff (a defect of go-redis, docs/FINDINGS.md)",
			sum.crossed, sum.crossed+sum.used)
	}
	switch a.Mode {
	case On:
		judgeOn(sum, invalid, note)
	case Off:
		judgeOff(a, sum, invalid, note)
	case Auto:
		judgeAuto(sum, note)
	case Raw:
		judgeRaw(&p, invalid)
	}
	return p
}

func effective(sum proofs) string {
	switch {
	case sum.used == 0:
		return "unknown"
	case sum.usedOptedIn == sum.used:
		return On
	case sum.usedOptedIn == 0:
		return Off
	}
	return "mixed"
}

type say func(format string, args ...any)

func judgeOn(sum proofs, invalid, note say) {
	if without := sum.used - sum.usedOptedIn; without > 0 {
		invalid("%d of %d connections carried operations without having opted in over RESP3 (%s); %s",
			without, sum.used, why(sum), optInFix)
		return
	}
	if sum.refused > 0 {
		note("%d opt-ins were refused (%s): those connections were given up; check that every node of the database has maintenance notifications switched on",
			sum.refused, sum.refusedText)
	}
}

func judgeOff(a Arm, sum proofs, invalid, note say) {
	if sum.sent > 0 {
		invalid("%d connections sent CLIENT MAINT_NOTIFICATIONS although the arm is off", sum.sent)
	}
	if other := sum.used - sum.protocols[a.Protocol]; other > 0 {
		note("%d of %d connections speak another protocol than RESP%d (%s): arms with RESP3 differ in more than the opt-in",
			other, sum.used, a.Protocol, firstOf(sum.helloError, "as HELLO was answered"))
	}
}

func judgeAuto(sum proofs, note say) {
	switch {
	case sum.usedOptedIn == sum.used:
	case sum.usedOptedIn == 0:
		note("fell back to no handoffs: %s; %s", why(sum), optInFix)
	default:
		note("handoffs on %d of %d connections only: the client fell back after a refusal (%s)", sum.usedOptedIn, sum.used, why(sum))
	}
}

// why names the missing prerequisite.
func why(sum proofs) string {
	switch {
	case sum.refusedText != "":
		return "the server replied: " + sum.refusedText
	case sum.helloError != "":
		return "RESP2 only, HELLO was answered: " + sum.helloError
	case sum.protocols[2] > 0:
		return "RESP2 was negotiated"
	}
	return "the opt-in was not sent or not answered"
}

package handoff

import (
	"slices"
	"strings"
)

// handshake is what the bytes of one connection say about it: which protocol
// was asked for and granted, and whether the opt-in was sent and accepted. It
// is read from the connection itself because nothing above it can be trusted:
// a client that silently went without notices looks like one that has them.
type handshake struct {
	requests requestScanner
	replies  replyScanner
	awaited  []step // the commands whose replies are still to come, in order
	later    int    // commands seen after the first that is no handshake
	early    bool   // an operation was sent before an opt-in was answered
	mixed    bool   // a command was sent that nobody wrote
	proved   Handshake
}

// Handshake is what one connection negotiated.
type Handshake struct {
	Hello        bool   `json:"hello"`                   // HELLO was sent
	HelloError   string `json:"hello_error,omitempty"`   // its error reply
	Protocol     int    `json:"protocol"`                // RESP version of the connection: 3 by HELLO's reply, else 2; 0 while unanswered
	Server       string `json:"server,omitempty"`        // name and version by HELLO's reply
	OptIn        bool   `json:"opt_in"`                  // CLIENT MAINT_NOTIFICATIONS ON was sent
	EndpointType string `json:"endpoint_type,omitempty"` // its argument
	OptInReply   string `json:"opt_in_reply,omitempty"`  // OK, or the error text
	AuthError    string `json:"auth_error,omitempty"`    // error reply to AUTH or HELLO about credentials
	Used         bool   `json:"used"`                    // an operation was sent
	Subscriber   bool   `json:"subscriber,omitempty"`    // channels were subscribed to
	Unreadable   bool   `json:"unreadable,omitempty"`    // the bytes were not understood: nothing is proved
	Crossed      bool   `json:"crossed,omitempty"`       // by the client itself: it let an operation into the handshake of a connection in handoff
}

// OptedIn reports whether the server accepted the opt-in on a connection that
// can carry notices.
func (h Handshake) OptedIn() bool { return h.OptInReply == "OK" && h.Protocol == 3 }

type step uint8

const (
	anyStep step = iota
	helloStep
	authStep
	optInStep
)

// patience is the number of commands read after the handshake seems over while
// its opt-in is unanswered or was not sent.
//
// Subtle: go-redis can let an operation slip into a handshake of a connection
// in handoff (go-redis 9.17 to 9.23: the connection is taken for idle between
// two handshake commands). The opt-in then follows the operation, and reading
// no further would call a sound connection unproved. TestProofInterleaved.
const patience = 64

// sent reads what is about to be written. It must be called before the write:
// the reply may be read before the write returns. It reports whether the
// handshake is over and nothing more needs to be read.
func (h *handshake) sent(p []byte) (over bool) {
	h.requests.feed(p, h.command)
	return h.over()
}

// received reads what was read.
func (h *handshake) received(p []byte) (over bool) {
	h.replies.feed(p, h.answered)
	return h.over()
}

func (h *handshake) over() bool {
	if h.requests.broken || h.replies.broken {
		h.proved.Unreadable = true
		return true
	}
	return h.proved.Used && (h.proved.OptInReply != "" || h.later > patience)
}

// crossed reports whether the handshake proves nothing because an operation met
// it. go-redis 9.17 to 9.23 lets that happen to connections in handoff: two
// goroutines then write to one socket, and no order of bytes can be relied on.
// (The library opts in on each of them, first of all, or gives it up.)
func (h *handshake) crossed() bool {
	return h.proved.Unreadable || !h.proved.OptedIn() && (h.mixed || h.early)
}

func (h *handshake) command(args []string) {
	s := anyStep
	switch name := strings.ToLower(args[0]); {
	case name == "hello":
		s, h.proved.Hello = helloStep, true
	case name == "auth":
		s = authStep
	case name == "client" && len(args) > 2 && isWord(args[1], "maint_notifications") && isWord(args[2], "on"):
		s, h.proved.OptIn = optInStep, true
		if len(args) > 4 && isWord(args[3], "moving-endpoint-type") {
			h.proved.EndpointType = args[4]
		}
	case name == "client", name == "select", name == "readonly":
	case name == "subscribe", name == "ssubscribe":
		// What follows are messages, which answer nothing, and nobody else sends
		// on a subscriber's connection: the handshake is over.
		h.proved.Used, h.proved.Subscriber = true, true
		h.early = h.early || h.proved.OptInReply == ""
		h.later = patience
	default:
		h.proved.Used = true
		h.early = h.early || h.proved.OptInReply == ""
		h.mixed = h.mixed || kinds[strings.ToUpper(name)] == nil && name != "cluster" && name != "command"
		if h.proved.Protocol == 0 && !h.proved.Hello {
			h.proved.Protocol = 2
		}
	}
	if h.proved.Used {
		h.later++
	}
	h.awaited = append(h.awaited, s)
}

func (h *handshake) answered(r reply) {
	if r.kind == '>' {
		return // a push answers nothing
	}
	if len(h.awaited) == 0 {
		h.replies.broken = true
		return
	}
	s := h.awaited[0]
	h.awaited = slices.Delete(h.awaited, 0, 1)
	switch s {
	case helloStep:
		h.helloAnswered(r)
	case authStep:
		h.proved.AuthError = ""
		if r.kind == '-' {
			h.proved.AuthError = r.text
		}
	case optInStep:
		h.proved.OptInReply = r.text
	}
}

func (h *handshake) helloAnswered(r reply) {
	h.proved.Protocol = 2
	if r.kind == '-' || r.kind == '!' {
		h.proved.HelloError = r.text
		if isAuthError(r.text) {
			h.proved.AuthError = r.text
		}
		return
	}
	var name, version string
	for pair := range slices.Chunk(r.flat, 2) {
		if len(pair) < 2 {
			break
		}
		switch pair[0] {
		case "proto":
			if pair[1] == "3" {
				h.proved.Protocol = 3
			}
		case "server":
			name = pair[1]
		case "version":
			version = pair[1]
		}
	}
	h.proved.Server = strings.TrimSpace(name + " " + version)
}

func isAuthError(text string) bool {
	word, _, _ := strings.Cut(text, " ")
	return word == "NOAUTH" || word == "WRONGPASS" || word == "NOPERM"
}

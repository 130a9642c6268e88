package handoff

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const (
	helloText = "*5\r\n$5\r\nhello\r\n$1\r\n3\r\n$4\r\nauth\r\n$2\r\nme\r\n$4\r\nhush\r\n"
	optInText = "*5\r\n$6\r\nCLIENT\r\n$19\r\nMAINT_NOTIFICATIONS\r\n$2\r\nON\r\n$20\r\nmoving-endpoint-type\r\n$11\r\ninternal-ip\r\n"
	helloOK   = "%3\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nmodules\r\n*2\r\n*1\r\n+a\r\n%1\r\n+b\r\n#t\r\n$5\r\nproto\r\n:3\r\n"
)

// What a handshake says does not depend on how its bytes are cut.
func TestHandshakeInPieces(t *testing.T) {
	sent := helloText + optInText + "*1\r\n$4\r\nping\r\n"
	received := helloOK + ">3\r\n$8\r\nMIGRATED\r\n:1\r\n$6\r\n[\"27\"]\r\n+OK\r\n"
	want := Handshake{Hello: true, Protocol: 3, Server: "redis", OptIn: true, EndpointType: "internal-ip", OptInReply: "OK", Used: true}
	for size := 1; size <= len(sent); size++ {
		var h handshake
		over := false
		for chunk := range slices.Chunk([]byte(sent), size) {
			h.sent(chunk)
		}
		for chunk := range slices.Chunk([]byte(received), size) {
			over = h.received(chunk)
		}
		if h.proved != want || !over {
			t.Fatalf("in pieces of %d: %+v, over %v; want %+v", size, h.proved, over, want)
		}
	}
}

// Nothing of a password stays in the scanner, whichever way it is sent.
func TestHandshakeKeepsNoSecret(t *testing.T) {
	for _, sent := range []string{
		helloText,
		"*2\r\n$4\r\nauth\r\n$4\r\nhush\r\n",
		"*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$4\r\nhush\r\n",
	} {
		var h handshake
		for _, b := range []byte(sent) {
			h.sent([]byte{b})
			if text := fmt.Sprintf("%s %q %q %+v", h.requests.args, h.requests.line, h.requests.text[:cap(h.requests.text)], h.proved); strings.Contains(text, "hush") {
				t.Fatalf("after %q the scanner holds %s", sent, text)
			}
		}
	}
}

// What is no RESP ends the reading at once and is said.
func TestHandshakeUnreadable(t *testing.T) {
	for _, tt := range []struct{ sent, received string }{
		{"GET / HTTP/1.1\r\n", ""},
		{"\x16\x03\x01", "\x15\x03\x01\x00\x02\x02\x16\n"},
		{helloText, "HTTP/1.1 400 Bad Request\r\n"},
		{helloText, "%x\r\n"},
		{helloText, "\r\n"},
		{helloText, "+OK\r\n+OK\r\n"}, // a reply to nothing
		{"*1\r\n$-1\r\n", ""},
		{"*1\r\n:1\r\n", ""},
	} {
		var h handshake
		over := h.sent([]byte(tt.sent))
		over = h.received([]byte(tt.received)) || over
		if !over || !h.proved.Unreadable {
			t.Errorf("%q, %q: over %v, %+v", tt.sent, tt.received, over, h.proved)
		}
	}
}

// The scanners never panic, keep what they keep bounded, and agree with
// themselves however the bytes are cut.
func FuzzHandshake(f *testing.F) {
	f.Add([]byte(helloText+optInText), []byte(helloOK+"+OK\r\n"), 3)
	f.Add([]byte("*1\r\n$4\r\nping\r\n"), []byte("$-1\r\n|1\r\n"), 1)
	f.Add([]byte("*2\r\n$0\r\n\r\n$1\r\n3\r\n"), []byte("*-1\r\n%0\r\n"), 2)
	f.Fuzz(func(t *testing.T, sent, received []byte, size int) {
		var whole, pieces handshake
		whole.sent(sent)
		whole.received(received)
		for chunk := range slices.Chunk(sent, max(1, size%64)) {
			pieces.sent(chunk)
		}
		for chunk := range slices.Chunk(received, max(1, size%64)) {
			pieces.received(chunk)
		}
		if whole.proved != pieces.proved {
			t.Errorf("whole %+v, pieces %+v", whole.proved, pieces.proved)
		}
		for _, text := range []string{whole.proved.HelloError, whole.proved.OptInReply, whole.proved.AuthError, whole.proved.EndpointType} {
			if len(text) > kept {
				t.Errorf("kept %d bytes", len(text))
			}
		}
	})
}

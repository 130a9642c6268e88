package handoff

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An arm is what its connections negotiated, whatever it is called.
func TestProof(t *testing.T) {
	const unknown = "-ERR unknown subcommand 'maint_notifications'. Try CLIENT HELP."
	for _, tt := range []struct {
		name, arm string
		server    func(*server)
		want      Proof
		reason    string
	}{
		{name: "on accepted", arm: "on",
			want: Proof{Requested: On, Effective: On, Valid: true, OptedIn: 3, Sent: 3, Protocols: map[int]uint64{3: 3}}},
		{name: "off sends nothing", arm: "off",
			want: Proof{Requested: Off, Effective: Off, Valid: true, Protocols: map[int]uint64{3: 3}}},
		{name: "auto accepted", arm: "auto",
			want: Proof{Requested: Auto, Effective: On, Valid: true, OptedIn: 3, Sent: 3, Protocols: map[int]uint64{3: 3}}},
		{name: "auto falls back", arm: "auto", server: func(s *server) { s.optIn = unknown }, reason: "fell back",
			want: Proof{Requested: Auto, Effective: Off, Valid: true, Sent: 1, Refused: 1, Protocols: map[int]uint64{3: 3}}},
		{name: "auto over RESP2", arm: "auto", server: func(s *server) { s.helloError = "ERR unknown command 'HELLO'" }, reason: "RESP2 only",
			want: Proof{Requested: Auto, Effective: Off, Valid: true, Protocols: map[int]uint64{2: 3}}},
		{name: "resp2", arm: "off-resp2",
			want: Proof{Requested: Off, Effective: Off, Valid: true, Protocols: map[int]uint64{2: 3}}},
		{name: "off over RESP2", arm: "off", server: func(s *server) { s.helloError = "ERR unknown command 'HELLO'" }, reason: "another protocol",
			want: Proof{Requested: Off, Effective: Off, Valid: true, Protocols: map[int]uint64{2: 3}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				if tt.server != nil {
					tt.server(w.main)
				}
				c := w.open(w.config(tt.arm))
				if err := c.Warm(t.Context(), 3); err != nil {
					t.Fatal(err)
				}
				p := c.Proof()
				if p.Valid != tt.want.Valid || p.Requested != tt.want.Requested || p.Effective != tt.want.Effective ||
					p.OptedIn != tt.want.OptedIn || p.Sent != tt.want.Sent || p.Refused != tt.want.Refused {
					t.Errorf("proof %+v, want %+v", p, tt.want)
				}
				for version, n := range tt.want.Protocols {
					if p.Protocols[version] != n {
						t.Errorf("RESP%d on %d connections, want %d", version, p.Protocols[version], n)
					}
				}
				if got := w.main.optInCount(); got != int(tt.want.Sent) {
					t.Errorf("the server got %d opt-ins, the proof says %d", got, tt.want.Sent)
				}
				if reasons := strings.Join(p.Reasons, "\n"); (tt.reason == "") != (reasons == "") || !strings.Contains(reasons, tt.reason) {
					t.Errorf("reasons %q, want %q", reasons, tt.reason)
				}
			})
		})
	}
}

// The judgement by what connections said, also where no client of today gets
// to: an arm that is not what it claims is not valid, and the reason names what
// was missing.
func TestJudge(t *testing.T) {
	accepted := Handshake{Hello: true, Protocol: 3, OptIn: true, OptInReply: "OK", Used: true}
	refused := Handshake{Hello: true, Protocol: 3, OptIn: true, OptInReply: "ERR maintenance notifications are disabled on this server", Used: true}
	silent := Handshake{Hello: true, Protocol: 3, Used: true}
	resp2 := Handshake{Protocol: 2, OptIn: true, OptInReply: "OK", Used: true}
	garbled := Handshake{Unreadable: true}
	crossed := Handshake{Hello: true, Protocol: 3, OptIn: true, OptInReply: "another key's value", Used: true, Crossed: true}
	unused := Handshake{Hello: true, Protocol: 3, OptIn: true, OptInReply: "ERR no"}
	for _, tt := range []struct {
		mode      string
		conns     []Handshake
		valid     bool
		effective string
		reason    string
	}{
		{On, []Handshake{accepted, accepted}, true, On, ""},
		{On, []Handshake{accepted, unused}, true, On, "1 opt-ins were refused (ERR no)"},
		{On, []Handshake{accepted, refused}, false, "mixed", "1 of 2 connections carried operations without having opted in over RESP3 (the server replied: ERR maintenance"},
		{On, []Handshake{silent}, false, Off, "the opt-in was not sent or not answered"},
		{On, []Handshake{resp2}, false, Off, "RESP2 was negotiated"},
		{On, []Handshake{garbled}, false, Off, "spoke something else than RESP"},
		{On, nil, false, "unknown", "nothing is proved"},
		{On, []Handshake{accepted, crossed}, true, On, "of 1 of 2 connections nobody can tell whether they opted in"},
		{On, []Handshake{crossed}, false, "unknown", "nothing is proved"},
		{Off, []Handshake{silent, silent}, true, Off, ""},
		{Off, []Handshake{silent, accepted}, false, "mixed", "1 connections sent CLIENT MAINT_NOTIFICATIONS although the arm is off"},
		{Off, []Handshake{silent, unused}, false, Off, "although the arm is off"},
		{Auto, []Handshake{accepted}, true, On, ""},
		{Auto, []Handshake{silent, refused}, true, Off, "fell back to no handoffs: the server replied: ERR maintenance"},
		{Auto, []Handshake{accepted, silent, unused}, true, "mixed", "handoffs on 1 of 2 connections only"},
	} {
		var sum proofs
		for _, h := range tt.conns {
			sum.add(h)
		}
		p := judge(Arm{Mode: tt.mode}.Resolve(1), sum)
		reasons := strings.Join(p.Reasons, "\n")
		if p.Valid != tt.valid || p.Effective != tt.effective || !strings.Contains(reasons, tt.reason) || (tt.reason == "") != (reasons == "") {
			t.Errorf("%s with %+v:\nvalid %v, effective %s, %q\nwant %v, %s, %q",
				tt.mode, tt.conns, p.Valid, p.Effective, reasons, tt.valid, tt.effective, tt.reason)
		}
	}
}

// What is wrong with a target is said in one line: which target, what is
// missing, what to do; and never the password.
func TestOpenErrors(t *testing.T) {
	for _, tt := range []struct {
		name, arm, target string
		server            func(*server)
		problem           Problem
		text              string
	}{
		{name: "refused", target: "redis://127.0.0.9:6379", problem: Unreachable, text: "nobody listens"},
		{name: "name", target: "redis://nowhere.example:6379", problem: Unreachable, text: "name nowhere.example"},
		{name: "opt-in", server: func(s *server) { s.optIn = "-ERR unknown subcommand 'maint_notifications'. Try CLIENT HELP." },
			problem: NoOptIn, text: "client_maint_notifications"},
		{name: "no HELLO", server: func(s *server) { s.helloError = "ERR unknown command 'HELLO'" }, problem: NoRESP3, text: "RESP3"},
		{name: "password missing", server: func(s *server) { s.password = "hush" }, problem: BadAuth, text: "NOAUTH"},
		{name: "password missing, off", arm: "off", server: func(s *server) { s.password = "hush" }, problem: BadAuth, text: "NOAUTH"},
		{name: "password wrong", target: "redis://me:guess@" + mainAddr, server: func(s *server) { s.password = "hush" }, problem: BadAuth, text: "WRONGPASS"},
		{name: "silent", arm: "on+read_timeout=1s", server: func(s *server) {
			s.hook = func(*served, []string) (string, bool) { return "", true }
		}, problem: Unreachable, text: "no answer"},
		{name: "loading", server: func(s *server) {
			s.hook = func(_ *served, args []string) (string, bool) {
				return "-LOADING Redis is loading the dataset in memory\r\n", args[0] == "ping"
			}
		}, problem: BadReply, text: "LOADING"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				if tt.server != nil {
					tt.server(w.main)
				}
				config := w.config("on")
				if tt.arm != "" {
					config = w.config(tt.arm)
				}
				if tt.target != "" {
					config.Target = mustTarget(t, tt.target)
				}
				c, err := Open(t.Context(), config)
				if err == nil {
					_ = c.Close()
					t.Fatal("opened")
				}
				wrong, ok := errors.AsType[*TargetError](err)
				if !ok || wrong.Problem != tt.problem || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("error %v (problem %v), want problem %v with %q", err, wrong, tt.problem, tt.text)
				}
				if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "guess") || strings.Contains(err.Error(), "hush") {
					t.Errorf("not one line without password: %q", err)
				}
				time.Sleep(2 * time.Second) // the library probes an address it could not dial once a second
			})
		})
	}
}

// Whatever is wrong with a configuration is said at once, before anything is
// dialled.
func TestConfigErrors(t *testing.T) {
	_, err := Open(t.Context(), Config{Arm: Arm{Mode: On, PoolSize: 2, Protocol: 4}, Workers: 3, TLS: TLS{CAFile: "ca.pem"}})
	for _, want := range []string{"no target", "pool_size 2 for 3 workers", "protocol 4", "rediss://"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	secure := Config{Arm: Arm{Mode: On}, Target: mustTarget(t, "rediss://127.0.0.1"), TLS: TLS{CAFile: "no/such/file.pem"}}
	if _, err := Open(t.Context(), secure); err == nil || !strings.Contains(err.Error(), "ca_file") {
		t.Errorf("%v, want the CA file named", err)
	}
}

// More connections than the pool holds cannot be warmed.
func TestWarmTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("off+pool_size=4"))
		if err := c.Warm(t.Context(), 5); err == nil || !strings.Contains(err.Error(), "at most pool_size 4") {
			t.Errorf("%v, want the pool's size named", err)
		}
		if err := c.Warm(t.Context(), 4); err != nil || w.main.count() != 4 {
			t.Errorf("%v with %d connections, want 4", err, w.main.count())
		}
	})
}

// go-redis can slip an operation into the handshake of a connection in
// handoff; the opt-in that follows it still counts.
func TestProofInterleaved(t *testing.T) {
	var h handshake
	h.sent([]byte("*2\r\n$5\r\nhello\r\n$1\r\n3\r\n"))
	h.sent([]byte("*2\r\n$3\r\nget\r\n$1\r\nk\r\n")) // the operation
	h.received([]byte("%1\r\n+proto\r\n:3\r\n$1\r\nv\r\n"))
	if h.sent([]byte("*3\r\n$6\r\nclient\r\n$19\r\nmaint_notifications\r\n$2\r\non\r\n")) {
		t.Fatal("stopped reading before the opt-in was answered")
	}
	if over := h.received([]byte("+OK\r\n")); !over || !h.proved.OptedIn() || !h.proved.Used {
		t.Errorf("over %v, proved %+v; want opted in", over, h.proved)
	}
}

// What an operation did to a handshake is the client's doing on a connection
// that was dialled for a handoff, and on no other.
func TestProofCrossed(t *testing.T) {
	hello, optIn, get := "*2\r\n$5\r\nhello\r\n$1\r\n3\r\n", "*3\r\n$6\r\nclient\r\n$19\r\nmaint_notifications\r\n$2\r\non\r\n", "*2\r\n$3\r\nget\r\n$1\r\nk\r\n"
	subscribe := "*2\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n"
	for name, test := range map[string]struct {
		sent     []string
		received string
		crossed  bool
	}{
		"sound":                 {[]string{hello, optIn, get}, "%1\r\n+proto\r\n:3\r\n+OK\r\n$1\r\nv\r\n", false},
		"in between, but sound": {[]string{hello, get, optIn}, "%1\r\n+proto\r\n:3\r\n$1\r\nv\r\n+OK\r\n", false},
		"another's reply":       {[]string{hello, get, optIn}, "%1\r\n+proto\r\n:3\r\n+OK\r\n$1\r\nv\r\n", true},
		"mixed bytes":           {[]string{hello, "*3\r\n$6\r\nclie*2\r\n$3\r\nget\r\n$1\r\nk\r\n"}, "%1\r\n+proto\r\n:3\r\n", true},
		"before the opt-in":     {[]string{hello, get}, "%1\r\n+proto\r\n:3\r\n$1\r\nv\r\n", true},
		"subscribed before":     {[]string{hello, optIn, subscribe}, "%1\r\n+proto\r\n:3\r\n", true},
		"subscribed after":      {[]string{hello, optIn}, "%1\r\n+proto\r\n:3\r\n+OK\r\n", false},
		"opted in, then mixed":  {[]string{hello, optIn}, "%1\r\n+proto\r\n:3\r\n+OK\r\n$1\r\nv\r\n", true},
		"refused":               {[]string{hello, optIn}, "%1\r\n+proto\r\n:3\r\n-ERR no\r\n", false},
	} {
		for _, handoff := range []bool{true, false} {
			c := &connection{handoff: handoff}
			c.proving.Store(true)
			for _, text := range test.sent {
				c.sawWrite([]byte(text))
			}
			c.sawRead([]byte(test.received))
			if got := c.proof().Crossed; got != (test.crossed && handoff) {
				t.Errorf("%s, handoff %v: crossed %v: %+v", name, handoff, got, c.proof())
			}
		}
	}
}

// A client that never opts in is read for a while, then left alone.
func TestProofEnds(t *testing.T) {
	var h handshake
	for n := range patience + 1 {
		over := h.sent([]byte("*1\r\n$4\r\nping\r\n"))
		if over != (n == patience) {
			t.Fatalf("over %v after %d commands", over, n+1)
		}
		h.received([]byte("+PONG\r\n"))
	}
	if h.proved.OptIn || h.proved.Protocol != 2 {
		t.Errorf("proved %+v, want no opt-in and RESP2", h.proved)
	}
}

// Two arms in one process observe their own connections and nothing else.
func TestTwoArms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		on, off := w.open(w.config("on")), w.open(w.config("off"))
		next := w.listen(nextAddr)
		for _, c := range []*Client{on, off} {
			if err := c.Warm(t.Context(), 4); err != nil {
				t.Fatal(err)
			}
		}
		w.main.setDelay(time.Millisecond)
		next.setDelay(time.Millisecond)
		w.main.push(moving(1, 15*time.Second, nextAddr))
		burst(t, on, 4, 100*time.Millisecond)
		burst(t, off, 4, 100*time.Millisecond)
		if s := on.Observe(); s.Handoff.Succeeded != 4 || s.Nodes[nextAddr] != 4 || s.Notices.Kinds[0] != 4 {
			t.Errorf("on: %+v, want 4 connections moved", s)
		}
		if s := off.Observe(); s.Handoff.Started != 0 || s.Nodes[mainAddr] != 4 || s.Notices.Kinds[0] != 0 {
			t.Errorf("off: %+v, want 4 connections unmoved", s)
		}
		if next.count() != 4 || w.main.count() != 4 {
			t.Errorf("servers have %d and %d connections, want 4 and 4", next.count(), w.main.count())
		}
	})
}

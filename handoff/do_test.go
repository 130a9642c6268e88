package handoff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"schload/telemetry/mark"
	"schload/workload"
)

// Whatever a mix may name is executed, alone and in a pipeline, sent as
// package workload says and answered well.
func TestCommands(t *testing.T) {
	known := workload.Commands()
	slices.Sort(known)
	if got := Commands(); !slices.Equal(got, known) {
		t.Fatalf("commands %v, want %v", got, known)
	}
	want := map[string]string{
		"GET": "get k", "SET": "set k k|v", "DEL": "del k", "INCR": "incr k", "EXISTS": "exists k", "EXPIRE": "expire k 86400",
		"HSET": "hset k f k|v", "HGET": "hget k f", "LPUSH": "lpush k k|v", "RPOP": "rpop k", "SADD": "sadd k k|v",
		"ZADD": "zadd k 1 k|v", "PING": "ping", "ECHO": "echo k|v",

		"MGET": "mget k k2", "MSET": "mset k k|v k2 k2|v", "EVAL": "evalsha " + digest + " 1 k", "MULTI": "watch k; get k; multi; set k k|v; exec",
		"SETEX": "setex k 3 k|v", "GETEX": "getex k ex 3", "TTL": "ttl k", "PTTL": "pttl k", "PERSIST": "persist k",
		"GETRANGE": "getrange k 0 63", "HMGET": "hmget k f g", "HGETALL": "hgetall k", "LRANGE": "lrange k 0 9", "LTRIM": "ltrim k 0 99",
		"SREM": "srem k k|v", "SISMEMBER": "sismember k k|v", "ZINCRBY": "zincrby k 1 k|v", "ZSCORE": "zscore k k|v", "ZRANGE": "zrange k 0 9",
		"XADD": "xadd k maxlen ~ 1000 * f k|v", "XLEN": "xlen k",
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var sent []string
		w.main.hook = func(_ *served, args []string) (string, bool) {
			if args[0] != "hello" && args[0] != "client" {
				sent = append(sent, strings.Join(args, " "))
			}
			return "", false
		}
		c := w.open(w.config("on"))
		sent = nil
		var ops []workload.Operation
		for _, name := range known {
			op := workload.Operation{Command: name, Key: "k", Value: []byte("k|v")}
			if name == "MGET" || name == "MSET" {
				op.Keys, op.Values = []string{"k", "k2"}, [][]byte{[]byte("k|v"), []byte("k2|v")}
			}
			if name != "MULTI" {
				ops = append(ops, op)
			}
			if out := do(t, c, op)[0]; out != (workload.Outcome{Attempts: 1}) {
				t.Errorf("%s: %+v", name, out)
			}
			if got := strings.Join(sent, "; "); got != want[name] {
				t.Errorf("%s sent as %q, want %q", name, got, want[name])
			}
			sent = nil
		}
		for i, out := range do(t, c, ops...) {
			if out != (workload.Outcome{Attempts: 1}) {
				t.Errorf("%s in a pipeline: %+v", ops[i].Command, out)
			}
		}
		if len(sent) != len(ops) || sent[1] != want[known[1]] {
			t.Errorf("pipeline sent as %q", sent)
		}
	})
}

// A key that was never written is no failure.
func TestNilIsAnAnswer(t *testing.T) {
	for _, arm := range []string{"on", "off-resp2"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			c := w.open(w.config(arm))
			for _, name := range []string{"GET", "HGET", "RPOP"} {
				if out := do(t, c, workload.Operation{Command: name, Key: "absent"})[0]; out.Class != workload.OK {
					t.Errorf("%s, %s: %+v", arm, name, out)
				}
			}
		})
	}
}

func TestUnknownCommandPanics(t *testing.T) {
	defer func() {
		if text := fmt.Sprint(recover()); !strings.Contains(text, `"FLUSHALL"`) {
			t.Errorf("panic %q, want one that names the command", text)
		}
	}()
	newCommand().set(&workload.Operation{Command: "FLUSHALL"})
}

// A reply that cannot belong to its command is a failure with evidence,
// whatever the client says.
func TestWrongReplies(t *testing.T) {
	for _, tt := range []struct {
		command, reply string
		effect         workload.Effect
	}{
		{"GET", "+OK\r\n", workload.NotApplied},
		{"GET", "$7\r\nother|v\r\n", workload.NotApplied},
		{"GET", "*1\r\n+OK\r\n", workload.NotApplied},
		{"HGET", ":1\r\n", workload.NotApplied},
		{"SET", "$3\r\nk|v\r\n", workload.Indeterminate},
		{"SET", ":1\r\n", workload.Indeterminate},
		{"INCR", "+OK\r\n", workload.Indeterminate},
		{"PING", "+OK\r\n", workload.NotApplied},
		{"ECHO", "+PONG\r\n", workload.NotApplied},
		{"EXISTS", "%1\r\n+proto\r\n:3\r\n", workload.NotApplied},
	} {
		t.Run(tt.command+" "+tt.reply, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				c := w.open(w.config("off-noretry"))
				w.main.mu.Lock()
				w.main.hook = func(*served, []string) (string, bool) { return tt.reply, true }
				w.main.mu.Unlock()
				op := workload.Operation{Command: tt.command, Key: "k", Value: []byte("k|v")}
				if out := do(t, c, op)[0]; out.Class != workload.WrongReply || out.Effect != tt.effect {
					t.Errorf("outcome %+v, want a wrong reply with effect %v", out, tt.effect)
				}
				marks := w.marked(mark.WrongReply)
				if len(marks) != 1 || !strings.Contains(marks[0].Detail, tt.command+` "k"`) ||
					!strings.Contains(marks[0].Detail, "no MOVING so far") || marks[0].Conn != 1 || marks[0].Name != "wrong_reply" {
					t.Errorf("marks %+v", marks)
				}
				if s := c.Observe(); s.WrongReplies != 1 || s.CrossedReplies != 0 {
					t.Errorf("counted %d wrong and %d crossed", s.WrongReplies, s.CrossedReplies)
				}
			})
		})
	}
}

// The same reply while the client hands over is the client's own doing, and
// two seconds later it is not.
func TestCrossedReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		next := w.listen(nextAddr)
		c := w.open(w.config("on-noretry"))
		w.main.push(moving(1, 15*time.Second, nextAddr))
		wantNone(t, use(t, c, time.Second))
		next.mu.Lock()
		next.hook = func(_ *served, args []string) (string, bool) { return "+OK\r\n", args[0] == "get" }
		next.mu.Unlock()
		if out := do(t, c, get("k"))[0]; out.Class != workload.CrossedReply {
			t.Errorf("one second after: %+v, want a crossed reply", out)
		}
		time.Sleep(crossingTime)
		if out := do(t, c, get("k"))[0]; out.Class != workload.WrongReply {
			t.Errorf("three seconds after: %+v, want a wrong reply", out)
		}
		marks := w.marked(mark.WrongReply)
		if len(marks) != 2 || marks[0].Name != "crossed_reply" || !strings.Contains(marks[0].Detail, "1.001s after the last MOVING") ||
			!strings.Contains(marks[0].Detail, "dialled by a handoff") || marks[1].Name != "wrong_reply" {
			t.Errorf("marks %+v", marks)
		}
		if s := c.Observe(); s.WrongReplies != 1 || s.CrossedReplies != 1 {
			t.Errorf("counted %d wrong and %d crossed", s.WrongReplies, s.CrossedReplies)
		}
	})
}

// An operation that was tried twice may have been executed twice; one that
// failed for certain at its last try may have been executed by the first.
func TestEffectOfTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("off+max_retries=1+dial_retries=1"))
		w.main.closeAll(true)
		_ = w.main.listener.Close()
		if o := do(t, c, set("k"))[0]; o.Class != workload.DialRefused || o.Effect != workload.Indeterminate || o.Attempts != 2 {
			t.Errorf("outcome %+v, want a refused dial after a try that may have been executed", o)
		}
		if o := do(t, c, set("k"))[0]; o.Class != workload.DialRefused || o.Effect != workload.NotApplied || o.Attempts != 2 {
			t.Errorf("outcome %+v, want two refused dials and certainly no effect", o)
		}
		if o := do(t, c, get("k"))[0]; o.Effect != workload.NotApplied {
			t.Errorf("outcome %+v: a GET changes nothing", o)
		}
	})
}

// In a pipeline each command has its own outcome, except that the library
// fails the answered ones too when the connection breaks behind them: an
// application that reads its errors believes they failed, and so do we.
func TestPipelineOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		c := w.open(w.config("on-noretry"))
		w.main.mu.Lock()
		w.main.hook = func(s *served, args []string) (string, bool) {
			switch args[0] {
			case "incr":
				return "-ERR value is not an integer or out of range\r\n", true
			case "exists":
				_ = s.Close()
				return "", true
			}
			return "", false
		}
		w.main.mu.Unlock()
		op := func(name string) workload.Operation {
			return workload.Operation{Command: name, Key: "k", Value: []byte("k|v")}
		}
		out := do(t, c, op("SET"), op("INCR"), op("GET"), op("EXISTS"), op("SET"))
		want := []workload.Outcome{
			{Class: workload.EOF, Effect: workload.Indeterminate, Attempts: 1},
			{Class: workload.ServerError, Effect: workload.NotApplied, Attempts: 1},
			{Class: workload.EOF, Effect: workload.NotApplied, Attempts: 1},
			{Class: workload.EOF, Effect: workload.NotApplied, Attempts: 1},
			{Class: workload.EOF, Effect: workload.Indeterminate, Attempts: 1},
		}
		if !slices.Equal(out, want) {
			t.Errorf("outcomes %+v\nwant     %+v", out, want)
		}
	})
}

// Many workers at once, through a handoff: nothing is mixed up between them.
func TestManyWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.listen(nextAddr)
		config := w.config("on")
		config.Workers = 16
		c := w.open(config)
		if err := c.Warm(t.Context(), 16); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(500*time.Millisecond, func() { w.main.push(moving(1, 15*time.Second, nextAddr)) })
		done := make(chan error, 16)
		for i := range 16 {
			go func() { done <- echo(c, i, time.Second) }()
		}
		for range 16 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
}

func echo(c *Client, worker int, d time.Duration) error {
	var errs []error
	out := make([]workload.Outcome, 1)
	for n := 0; n < int(d/time.Millisecond); n++ {
		op := workload.Operation{Command: "ECHO", Value: fmt.Appendf(nil, "%d.%d", worker, n)}
		c.Do(context.Background(), []workload.Operation{op}, out)
		// The library can cross replies in a handoff; then it must be told.
		if out[0].Class != workload.OK && out[0].Class != workload.CrossedReply {
			errs = append(errs, fmt.Errorf("worker %d, echo %d: %+v", worker, n, out[0]))
		}
		time.Sleep(time.Millisecond + time.Duration(worker)*time.Microsecond)
	}
	return errors.Join(errs...)
}

var _ workload.Target = (*Client)(nil)
var _ io.Closer = (*Client)(nil)

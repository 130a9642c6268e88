package raw

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"schload/workload"
	"schload/workload/ledger"
)

// tape is a connection that takes everything and answers each write with what
// is next on it.
type tape struct {
	net.Conn // never touched
	answers  [][]byte
	left     []byte
	written  []byte
	keep     bool
	end      error
}

func (t *tape) Write(p []byte) (int, error) {
	if t.keep {
		t.written = append(t.written, p...)
	}
	if len(t.answers) > 0 {
		t.left = t.answers[0]
		if len(t.answers) > 1 {
			t.answers = t.answers[1:]
		}
	}
	return len(p), nil
}

func (t *tape) Read(p []byte) (int, error) {
	if len(t.left) == 0 {
		if t.end == nil {
			t.end = io.EOF
		}
		return 0, t.end
	}
	n := copy(p, t.left)
	t.left = t.left[n:]
	return n, nil
}

func (t *tape) Close() error                     { return nil }
func (t *tape) SetReadDeadline(time.Time) error  { return nil }
func (t *tape) SetWriteDeadline(time.Time) error { return nil }

func classify(err error) (workload.Class, workload.Effect) {
	switch _, refused := errors.AsType[ReplyError](err); {
	case refused:
		return workload.ServerError, workload.NotApplied
	case errors.Is(err, ErrUnreadable):
		return workload.WrongReply, workload.Indeterminate
	case errors.Is(err, io.EOF):
		return workload.EOF, workload.Indeterminate
	}
	return workload.Other, workload.Indeterminate
}

// over returns a lane on a tape.
func over(t testing.TB, tape *tape) workload.Target {
	t.Helper()
	c := New(Config{
		Dial:     func(context.Context) (net.Conn, error) { return tape, nil },
		Classify: classify, ReadTimeout: time.Second, WriteTimeout: time.Second,
	})
	return c.Fork()
}

func TestCommands(t *testing.T) {
	lists := []string{"EVAL", "HGETALL", "HMGET", "LRANGE", "MGET", "MSET", "MULTI", "ZRANGE"}
	want := slices.DeleteFunc(workload.Commands(), func(name string) bool { return slices.Contains(lists, name) })
	slices.Sort(want)
	if got := Commands(); !slices.Equal(got, want) {
		t.Errorf("commands %v, want %v", got, want)
	}
}

func TestReader(t *testing.T) {
	big := strings.Repeat("x", 3*firstBuffer)
	for text, want := range map[string]string{
		"+OK\r\n":                                "+OK",
		":12\r\n":                                ":12",
		"$3\r\na\nb\r\n":                         "$a\nb",
		"$0\r\n\r\n":                             "$",
		"$-1\r\n":                                "$ null",
		"*-1\r\n":                                "* null",
		"_\r\n":                                  "_ null",
		"-ERR no\r\n":                            "-ERR no",
		"!5\r\nERR a\r\n":                        "!ERR a",
		"$12288\r\n" + big + "\r\n":              "$" + big,
		"*2\r\n+a\r\n*1\r\n:1\r\n":               "*",
		"%1\r\n+a\r\n:1\r\n":                     "%",
		"|1\r\n+a\r\n:1\r\n+OK\r\n":              "+OK",
		">2\r\n+MOVING\r\n$2\r\nhm\r\n+PONG\r\n": "+PONG",
	} {
		for _, chunk := range []int{1, 7, len(text)} { // in whatever pieces it comes
			var r reader
			r.reset(&pieces{[]byte(text), chunk})
			x, err := r.reply()
			got := string(x.kind) + string(x.text)
			if x.null {
				got = string(x.kind) + " null"
			}
			if err != nil || got != want || r.begin != r.end {
				t.Errorf("%.40q in pieces of %d: got %.40q, %v, want %.40q and nothing left", text, chunk, got, err, want)
			}
		}
	}
	for _, text := range []string{"\r\n", "?x\r\n", "$x\r\n", "$-2\r\n", "$3\r\nabcde", "*x\r\n", "$99999999999\r\n",
		strings.Repeat("*1\r\n", 20) + ":1\r\n", "+" + strings.Repeat("x", longestLine+10)} {
		var r reader
		r.reset(&pieces{[]byte(text), len(text)})
		if _, err := r.reply(); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%.40q: %v, want unreadable", text, err)
		}
	}
}

// pieces reads a text some bytes at a time.
type pieces struct {
	text []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.text) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.text[:min(p.size, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("$3\r\nabc\r\n"), 1)
	f.Add([]byte(">1\r\n+a\r\n|1\r\n+a\r\n_\r\n*2\r\n:1\r\n-x\r\n"), 3)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		replies := func(size int) (out []string) {
			var r reader
			r.reset(&pieces{bytes.Clone(text), size})
			for {
				x, err := r.reply()
				if err != nil {
					return out
				}
				out = append(out, string(x.kind)+string(x.text))
			}
		}
		if whole, torn := replies(max(1, len(text))), replies(1+int(uint(size)%16)); !slices.Equal(whole, torn) {
			t.Errorf("whole %q, in pieces %q", whole, torn)
		}
	})
}

// After a reply out of step the rest of the pipeline is lost with the
// connection, and what writes may have been applied.
func TestOutOfStep(t *testing.T) {
	wrong := 0
	dials := 0
	c := New(Config{
		Dial: func(context.Context) (net.Conn, error) {
			dials++
			return &tape{answers: [][]byte{[]byte("+OK\r\n$3\r\nb|1\r\n+OK\r\n")}}, nil
		},
		Classify: classify, Wrong: func(net.Conn, *workload.Operation, string) { wrong++ },
	})
	l := c.Fork()
	ops := []workload.Operation{{Command: "SET", Key: "a", Value: []byte("a|1")}, {Command: "GET", Key: "a"}, {Command: "SET", Key: "a", Value: []byte("a|2")}}
	out := make([]workload.Outcome, 3)
	l.Do(t.Context(), ops, out)
	want := []workload.Outcome{
		{Attempts: 1}, {Class: workload.WrongReply, Effect: workload.NotApplied, Attempts: 1},
		{Class: workload.WrongReply, Effect: workload.Indeterminate, Attempts: 1},
	}
	if !slices.Equal(out, want) || wrong != 1 {
		t.Errorf("got %+v, %d marked, want %+v and 1", out, wrong, want)
	}
	l.Do(t.Context(), ops[:1], out[:1])
	if out[0].Class != workload.OK || dials != 2 {
		t.Errorf("afterwards %+v with %d dials, want ok on a second connection", out[0], dials)
	}
}

func TestClosed(t *testing.T) {
	c := New(Config{Dial: func(context.Context) (net.Conn, error) { return &tape{}, nil }, Classify: classify})
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	var out [1]workload.Outcome
	c.Do(t.Context(), []workload.Operation{{Command: "PING"}}, out[:])
	if out[0].Class != workload.Canceled || out[0].Effect != workload.NotApplied {
		t.Errorf("%+v, want canceled", out[0])
	}
}

func TestAllocations(t *testing.T) {
	ops := []workload.Operation{
		{Command: "GET", Key: "schload:string:42"}, {Command: "SET", Key: "schload:string:42", Value: bytes.Repeat([]byte("x"), 100)},
		{Command: "INCR", Key: "schload:counter:7"},
	}
	tape := &tape{answers: [][]byte{[]byte("$20\r\nschload:string:42|ab\r\n+OK\r\n:12345678\r\n")}}
	l := over(t, tape)
	out := make([]workload.Outcome, len(ops))
	if n := testing.AllocsPerRun(100, func() { l.Do(t.Context(), ops, out) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
	for i := range out {
		if out[i].Class != workload.OK {
			t.Errorf("%s: %+v", ops[i].Command, out[i])
		}
	}
}

// What the harness itself pays for a bare operation.
func BenchmarkDo(b *testing.B) {
	tape := &tape{answers: [][]byte{[]byte("$20\r\nschload:string:42|ab\r\n")}}
	l := over(b, tape)
	ops, out := []workload.Operation{{Command: "GET", Key: "schload:string:42"}}, make([]workload.Outcome, 1)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		l.Do(ctx, ops, out)
	}
}

// A ledger's operations bring back what was replied, and its SET what it
// replaced.
func TestLedgerReplies(t *testing.T) {
	conn := &tape{answers: [][]byte{[]byte("$3\r\na|1\r\n$-1\r\n:7\r\n-ERR no\r\n")}}
	c := New(Config{Dial: func(context.Context) (net.Conn, error) { return conn, nil }, Classify: classify})
	l := c.Fork()
	replies := make([]ledger.Reply, 4)
	ops := []workload.Operation{
		{Command: "SET", Key: "a", Value: []byte("a|2"), Form: workload.AuditedForm, Reply: &replies[0]}, {Command: "GET", Key: "a", Form: workload.AuditedForm, Reply: &replies[1]},
		{Command: "INCR", Key: "a", Form: workload.AuditedForm, Reply: &replies[2]}, {Command: "GET", Key: "a", Form: workload.AuditedForm, Reply: &replies[3]},
	}
	for i := range replies {
		replies[i].Keep = 100
	}
	out := make([]workload.Outcome, len(ops))
	l.Do(t.Context(), ops, out)
	if string(replies[0].Value) != "a|1" || !replies[1].Nil || string(replies[2].Value) != "7" || replies[3].Value != nil || replies[3].Nil {
		t.Errorf("brought back %+v", replies)
	}
	if out[0].Class != workload.OK || out[3].Class == workload.OK {
		t.Errorf("outcomes %+v", out)
	}
}

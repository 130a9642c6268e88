package resp

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// frames are one of each kind of reply; each is one frame.
var frames = []string{
	"+OK\r\n", "-ERR no\r\n", ":-12\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "(123456789012345678901234567890\r\n",
	"$0\r\n\r\n", "$-1\r\n", "$5\r\na\r\nbc\r\n", "=7\r\ntxt:abc\r\n", "!6\r\nERR no\r\n",
	"*0\r\n", "*-1\r\n", "~2\r\n:1\r\n:2\r\n", "*2\r\n$1\r\na\r\n*1\r\n_\r\n",
	"%2\r\n+a\r\n:1\r\n+b\r\n%1\r\n+c\r\n*0\r\n", ">3\r\n+message\r\n$1\r\nc\r\n$1\r\nm\r\n",
	"|1\r\n+ttl\r\n:3600\r\n*2\r\n:1\r\n:2\r\n", "|0\r\n+OK\r\n",
	"*2\r\n|1\r\n+a\r\n*1\r\n:1\r\n:1\r\n:2\r\n",
	"$?\r\n;4\r\nHell\r\n;1\r\no\r\n;0\r\n", "*?\r\n:1\r\n*1\r\n:2\r\n.\r\n", "*1\r\n%?\r\n+a\r\n:1\r\n.\r\n",
	"|?\r\n+a\r\n:1\r\n.\r\n+OK\r\n", "*?\r\n.\r\n",
	"*2\r\n$?\r\n;1\r\nx\r\n;0\r\n:1\r\n",
	">4\r\n$6\r\nMOVING\r\n:0\r\n:15\r\n_\r\n",
}

func readReplies(src io.Reader) (got []string, err error) {
	p := NewReplies(src)
	for {
		frame, err := p.Next()
		if err != nil {
			return got, err
		}
		got = append(got, string(frame))
	}
}

// Whatever the cuts of the stream, each frame comes out as it went in.
func TestReplies(t *testing.T) {
	in := strings.Join(frames, "")
	for how, src := range map[string]io.Reader{
		"whole":    strings.NewReader(in),
		"by byte":  iotest.OneByteReader(strings.NewReader(in)),
		"by halfs": iotest.HalfReader(strings.NewReader(in)),
	} {
		t.Run(how, func(t *testing.T) {
			got, err := readReplies(src)
			if diff := cmp.Diff(frames, got); diff != "" || err != io.EOF {
				t.Errorf("got %v, frames (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestRepliesRefuse(t *testing.T) {
	tests := map[string]struct {
		in  string
		err error
	}{
		"unknown type":   {"?\r\n", ErrProtocol},
		"no CR":          {"+OK\n", ErrProtocol},
		"long line":      {"+" + strings.Repeat("x", MaxLine+1), ErrProtocol},
		"bulk length":    {"$x\r\n", ErrProtocol},
		"long bulk":      {"$67108865\r\n", ErrProtocol},
		"negative":       {"*-2\r\n", ErrProtocol},
		"deep":           {strings.Repeat("*1\r\n", MaxDepth+1), ErrProtocol},
		"stray end":      {".\r\n", ErrProtocol},
		"end in counted": {"*1\r\n.\r\n", ErrProtocol},
		"bad end":        {"*?\r\n.x\n", ErrProtocol},
		"no chunk":       {"$?\r\n+OK\r\n", ErrProtocol},
		"null chunk":     {"$?\r\n;-1\r\n", ErrProtocol},
		"cut string":     {"$5\r\nab", io.ErrUnexpectedEOF},
		"cut array":      {"*2\r\n:1\r\n", io.ErrUnexpectedEOF},
		"cut attribute":  {"|1\r\n+a\r\n:1\r\n", io.ErrUnexpectedEOF},
	}
	for name, test := range tests {
		for how, src := range map[string]io.Reader{
			"whole": strings.NewReader(test.in), "by byte": iotest.OneByteReader(strings.NewReader(test.in)),
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				if got, err := readReplies(src); len(got) > 0 || !errors.Is(err, test.err) {
					t.Errorf("got %q, %v, want %v", got, err, test.err)
				}
			})
		}
	}
}

// A reply cannot grow without bound by adding elements: every head announces
// little, the sum is too much.
func TestRepliesBoundSum(t *testing.T) {
	chunk := "$1048576\r\n" + strings.Repeat("x", 1<<20) + "\r\n"
	src := io.MultiReader(strings.NewReader("*1000\r\n"), repeat(chunk, 100))
	if got, err := readReplies(src); len(got) > 0 || !errors.Is(err, ErrProtocol) {
		t.Errorf("got %d frames, %v, want a protocol error", len(got), err)
	}
}

func repeat(s string, n int) io.Reader {
	var readers []io.Reader
	for range n {
		readers = append(readers, strings.NewReader(s))
	}
	return io.MultiReader(readers...)
}

func TestRepliesReady(t *testing.T) {
	p := NewReplies(&chunks{parts: []string{"+OK\r\n+O", "K\r\n", "?"}})
	for i, want := range []bool{false, false} {
		if got := p.Ready(); got != want {
			t.Errorf("step %d: ready is %v, want %v", i, got, want)
		}
		if frame, err := p.Next(); err != nil || string(frame) != "+OK\r\n" {
			t.Errorf("step %d: got %q, %v", i, frame, err)
		}
	}
	if err := p.fill(); err != nil || !p.Ready() {
		t.Errorf("got %v, ready %v: bytes that are no reply must be ready to fail", err, p.Ready())
	}
}

func TestKinds(t *testing.T) {
	if !IsPush([]byte(">1\r\n")) || IsPush([]byte("*1\r\n")) || IsPush(nil) {
		t.Error("IsPush is wrong")
	}
	if !IsError([]byte("-E\r\n")) || !IsError([]byte("!1\r\nE\r\n")) || IsError([]byte("+E\r\n")) || IsError(nil) {
		t.Error("IsError is wrong")
	}
}

package resp

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// readAll cuts a whole stream: the arguments of each request, joined by "|".
func readAll(t *testing.T, src io.Reader) (requests []string, raw string, err error) {
	t.Helper()
	q := NewRequests(src)
	for {
		r, err := q.Next()
		if err != nil {
			return requests, raw, err
		}
		words := make([]string, len(r.Args))
		for i, arg := range r.Args {
			words[i] = string(arg)
		}
		requests = append(requests, strings.Join(words, "|"))
		raw += string(r.Raw)
	}
}

func TestRequests(t *testing.T) {
	tests := map[string]struct {
		in   string
		want []string
		err  error
	}{
		"array":           {"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", []string{"GET|k"}, io.EOF},
		"pipeline":        {"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n", []string{"PING", "PING"}, io.EOF},
		"binary":          {"*2\r\n$3\r\nSET\r\n$4\r\n\r\n*1\r\n", []string{"SET|\r\n*1"}, io.EOF},
		"empty argument":  {"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", []string{"GET|"}, io.EOF},
		"empty array":     {"*0\r\n*-1\r\n", []string{"", ""}, io.EOF},
		"inline":          {"PING\r\nGET  k\n\r\n", []string{"PING", "GET|k", ""}, io.EOF},
		"inline quotes":   {`SET k "a b\n\"c" 'it\'s' x"y"z ""` + "\r\n", []string{"SET|k|a b\n\"c|it's|xyz|"}, io.EOF},
		"unbalanced":      {"GET \"k\r\nPING\r\n", []string{"GET|k", "PING"}, io.EOF},
		"cut":             {"*2\r\n$3\r\nGET\r\n$1\r\n", nil, io.ErrUnexpectedEOF},
		"cut inline":      {"PIN", nil, io.ErrUnexpectedEOF},
		"no bulk":         {"*1\r\n:1\r\n", nil, ErrProtocol},
		"no length":       {"*x\r\n", nil, ErrProtocol},
		"no CR":           {"*1\n$4\r\nPING\r\n", nil, ErrProtocol},
		"null argument":   {"*1\r\n$-1\r\n", nil, ErrProtocol},
		"wrong length":    {"*1\r\n$3\r\nPING\r\n", nil, ErrProtocol},
		"many elements":   {"*1048577\r\n", nil, ErrProtocol},
		"long bulk":       {"*1\r\n$67108865\r\n", nil, ErrProtocol},
		"endless length":  {"*" + strings.Repeat("1", 40), nil, ErrProtocol},
		"overflow":        {"*1\r\n$99999999999999999999\r\n", nil, ErrProtocol},
		"negative":        {"*1\r\n$-2\r\n", nil, ErrProtocol},
		"endless inline":  {strings.Repeat("x", MaxLine+1), nil, ErrProtocol},
		"good before bad": {"PING\r\n*1\r\n?", []string{"PING"}, ErrProtocol},
	}
	for name, test := range tests {
		for how, src := range map[string]io.Reader{
			"whole":   strings.NewReader(test.in),
			"by byte": iotest.OneByteReader(strings.NewReader(test.in)),
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				got, raw, err := readAll(t, src)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
				if !errors.Is(err, test.err) {
					t.Errorf("got error %v, want %v", err, test.err)
				}
				if !strings.HasPrefix(test.in, raw) || err == io.EOF && raw != test.in {
					t.Errorf("raw frames %q are not the stream %q", raw, test.in)
				}
			})
		}
	}
}

// Requests of any size pass, and a large one does not keep its memory.
func TestRequestsGrow(t *testing.T) {
	large := string(AppendRequest(nil, "SET", "k", strings.Repeat("x", 3<<20)))
	small := string(AppendRequest(nil, "GET", "k"))
	q := NewRequests(iotest.HalfReader(strings.NewReader(small + large + small + small)))
	for i, want := range []string{small, large, small, small} {
		got, err := q.Next()
		if err != nil || string(got.Raw) != want {
			t.Fatalf("request %d: got %d bytes, %v, want %d", i, len(got.Raw), err, len(want))
		}
	}
	if _, err := q.Next(); err != io.EOF {
		t.Errorf("got %v, want EOF", err)
	}
	if len(q.b) > keepSize {
		t.Errorf("buffer kept %d bytes, want at most %d", len(q.b), keepSize)
	}
}

// Ready never reads, and is true exactly when Next need not.
func TestRequestsReady(t *testing.T) {
	src := &chunks{parts: []string{"PING\r\nPI", "NG\r\n", "*"}}
	q := NewRequests(src)
	steps := []struct {
		ready bool
		reads int
	}{{false, 1}, {false, 2}}
	for i, step := range steps {
		if got := q.Ready(); got != step.ready {
			t.Errorf("step %d: ready is %v, want %v", i, got, step.ready)
		}
		if _, err := q.Next(); err != nil {
			t.Fatal(err)
		}
		if src.reads != step.reads {
			t.Errorf("step %d: %d reads, want %d", i, src.reads, step.reads)
		}
	}
	if q.Fill() != nil || q.Ready() || q.Buffered() != 1 {
		t.Errorf("half a head is ready, or %d bytes are buffered, want 1", q.Buffered())
	}
	if _, err := q.Next(); err != io.ErrUnexpectedEOF {
		t.Errorf("got %v, want an unexpected EOF", err)
	}
}

// chunks returns one part per read.
type chunks struct {
	parts []string
	reads int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.parts) == 0 {
		return 0, io.EOF
	}
	c.reads++
	n := copy(p, c.parts[0])
	c.parts = c.parts[1:]
	return n, nil
}

// Cutting a pipeline into commands does not allocate.
func TestRequestsAllocate(t *testing.T) {
	src := strings.NewReader("")
	in := strings.Repeat(string(AppendRequest(nil, "SET", "key", "value")), 64)
	q := NewRequests(src)
	allocs := testing.AllocsPerRun(100, func() {
		src.Reset(in)
		for range 64 {
			if _, err := q.Next(); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs > 0 {
		t.Errorf("64 requests allocate %v times, want 0", allocs)
	}
}

func TestNoProgress(t *testing.T) {
	if _, err := NewRequests(iotest.ErrReader(nil)).Next(); err != io.ErrNoProgress {
		t.Errorf("got %v, want ErrNoProgress", err)
	}
}

package resp

import (
	"bytes"
	"strings"
	"testing"
	"testing/iotest"
)

// Law: cutting never panics, does not depend on how the stream was cut, and
// loses no byte; what was cut, encoded again, cuts to the same.
func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "PING\r\n", "*0\r\n*-1\r\n\r\n", `SET "a b" 'c\'d' "\n"` + "\r\n", "*1\r\n$-1\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, rawWhole, errWhole := readAll(t, bytes.NewReader(in))
		cut, rawCut, errCut := readAll(t, iotest.OneByteReader(bytes.NewReader(in)))
		if strings.Join(whole, "\n") != strings.Join(cut, "\n") || rawWhole != rawCut || errWhole.Error() != errCut.Error() {
			t.Fatalf("whole: %q %v\nby byte: %q %v", whole, errWhole, cut, errCut)
		}
		if !bytes.HasPrefix(in, []byte(rawWhole)) {
			t.Fatalf("raw frames %q are no prefix of the stream", rawWhole)
		}
		q := NewRequests(bytes.NewReader(in))
		for range whole {
			r, err := q.Next()
			if err != nil {
				t.Fatal(err)
			}
			again, err := NewRequests(bytes.NewReader(AppendRequest(nil, r.Args...))).Next()
			if err != nil || !equal(again.Args, r.Args) {
				t.Fatalf("encoded again: got %q, %v, want %q", again.Args, err, r.Args)
			}
		}
	})
}

func equal(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func FuzzReplies(f *testing.F) {
	for _, seed := range frames {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole, errWhole := readReplies(bytes.NewReader(in))
		cut, errCut := readReplies(iotest.OneByteReader(bytes.NewReader(in)))
		if strings.Join(whole, "\n") != strings.Join(cut, "\n") || errWhole.Error() != errCut.Error() {
			t.Fatalf("whole: %q %v\nby byte: %q %v", whole, errWhole, cut, errCut)
		}
		if raw := strings.Join(whole, ""); !strings.HasPrefix(string(in), raw) {
			t.Fatalf("frames %q are no prefix of the stream", raw)
		}
	})
}

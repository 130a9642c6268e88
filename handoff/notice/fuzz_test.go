package notice_test

import (
	"errors"
	"testing"

	"schload/handoff/notice"
)

// FuzzParse holds Parse to its laws: no panic; no more bytes than given; what
// parses re-encodes to an equal notice; what was incomplete stays incomplete
// or well-formed when more comes, which a prefix of the input stands for.
func FuzzParse(f *testing.F) {
	for _, c := range captured {
		f.Add([]byte(c.frame))
	}
	f.Add([]byte(">2\r\n+FAILING_OVER\r\n:1\r\n"))
	f.Add([]byte(">3\r\n+MIGRATING\r\n:1\r\n+1000\r\n"))
	f.Add([]byte(">5\r\n$10\r\nSMIGRATING\r\n:1\r\n$1\r\n1\r\n:2\r\n%1\r\n_\r\n#t\r\n"))
	f.Fuzz(func(t *testing.T, input []byte) {
		n, consumed, err := notice.Parse(input)
		if consumed < 0 || consumed > len(input) {
			t.Fatalf("Parse consumed %d of %d bytes", consumed, len(input))
		}
		if err != nil {
			return
		}
		again, consumed2, err := notice.Parse(n.Append(nil))
		if err != nil || !again.Equal(n) {
			t.Fatalf("re-encoded %q = %v, %v, want %v", n.Append(nil), again, err, n)
		}
		if want := len(n.Append(nil)); consumed2 != want {
			t.Fatalf("re-encoded frame took %d bytes, want %d", consumed2, want)
		}
		if _, short, err := notice.Parse(input[:consumed-1]); short != 0 || !errors.Is(err, notice.ErrIncomplete) {
			t.Fatalf("one byte less = %d, %v, want ErrIncomplete", short, err)
		}
	})
}
